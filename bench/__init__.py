"""Benchmarks of globalchat: `python -m bench`. Figures hold for the machine that printed them."""
