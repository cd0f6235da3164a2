"""The life of the local cloud's process: one per state folder, started, joined and ended by any command.

What commands need is in `launch` and `control`; neither loads the servers.
"""
