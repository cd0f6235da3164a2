"""Faults on demand: what is described in words, and what it does to relays, sockets and keys."""
