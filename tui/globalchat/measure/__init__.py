"""Measures a deployment from outside: latency, load, and what is wrong with it. Knows the client alone."""
