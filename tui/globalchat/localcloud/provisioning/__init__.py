"""Turns the templates of a cloud assembly into a definition."""
