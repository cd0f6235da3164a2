"""Publishes many texts: so many in flight, at such a rate, each until it is accepted, refused or given up."""
