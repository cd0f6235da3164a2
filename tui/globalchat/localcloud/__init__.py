"""Both regions of the backend on loopback, booted from the templates that are deployed to AWS."""
