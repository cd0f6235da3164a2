"""Publishes many texts, a window at a time, until each is accepted, refused or given up."""
