"""Subscriptions: planned, filtered, projected, fanned out to."""
