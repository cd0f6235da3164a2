"""Measures a deployment from outside: latency, load, and a smoke test. Imports client and core alone."""
