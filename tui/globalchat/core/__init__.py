"""Code that all other packages share; it imports none of them.

Errors and exit codes, files and locks, clocks and durations, text, the log, and what the network needs.
"""
