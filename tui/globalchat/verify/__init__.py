"""Asks AWS and the local cloud the same questions, and compares the answers."""
