"""Diagnoses this machine and a deployment: small checks, each with its result and a remedy."""
