"""The widgets, one a file. They show the model and report what people do; they decide nothing."""
