"""Turns the templates of a cloud assembly into the definition of what they describe."""
