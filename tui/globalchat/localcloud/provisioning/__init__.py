"""From templates to a deployment: resolve each stack, build each region, check what refers to what."""
