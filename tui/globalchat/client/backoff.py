"""How long to wait before trying again."""

from random import Random


def full_jitter(attempt: int, *, base: float, cap: float, rng: Random) -> float:
    """Seconds to wait before `attempt` (from 1): anything up to `base` doubled per attempt, at most `cap`.

    Full jitter spreads clients that lost the same server over the whole span instead of bunching them.
    """
    ceiling = min(cap, base * 2.0 ** min(attempt - 1, 60))
    return rng.uniform(0.0, ceiling)


def half_jitter(span: float, *, rng: Random) -> float:
    """Seconds to wait between rare tries: between half of `span` and all of it."""
    return rng.uniform(span / 2, span)
