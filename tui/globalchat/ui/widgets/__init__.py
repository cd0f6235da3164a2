"""The widgets. They show values and post messages; the controller decides."""
