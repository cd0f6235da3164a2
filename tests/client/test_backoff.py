"""How long one wait is: anything up to a ceiling that grows."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.backoff import full_jitter

SOME = settings(deadline=None, max_examples=100)


@SOME
@given(
    attempt=st.integers(1, 10_000),
    base=st.floats(0.001, 10),
    cap=st.floats(0.001, 100),
    seed=st.integers(0, 1 << 32),
)
def test_backoff_stays_between_nothing_and_the_ceiling(
    attempt: int, base: float, cap: float, seed: int
) -> None:
    wait = full_jitter(attempt, base=base, cap=cap, rng=Random(seed))
    assert 0 <= wait <= min(cap, base * 2.0 ** min(attempt - 1, 60))


def test_backoff_spreads_and_grows() -> None:
    rng = Random(1)
    first = [full_jitter(1, base=1, cap=60, rng=rng) for _ in range(500)]
    fifth = [full_jitter(5, base=1, cap=60, rng=rng) for _ in range(500)]
    assert min(first) < 0.05 < 0.95 < max(first) <= 1
    assert min(fifth) < 1 < 15 < max(fifth) <= 16
