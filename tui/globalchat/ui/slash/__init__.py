"""What is typed after a slash: the commands as data, a pure parser, completion."""
