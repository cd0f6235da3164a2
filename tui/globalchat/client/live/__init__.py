"""Keeps a session live: connects, subscribes, waits and retries, moves to another region, and tells of it."""
