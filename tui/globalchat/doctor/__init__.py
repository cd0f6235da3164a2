"""Tells what is wrong with a deployment and this machine: small checks, each with its finding and remedy."""
