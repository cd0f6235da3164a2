"""Benchmarks of the local cloud: `python -m bench`. Figures hold for the machine that printed them."""
