"""When to try again: the waits of one client and of a crowd, long outages, sleep."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.live.machine_sleep import SleepWatch
from globalchat.client.live.patience import Patience
from globalchat.client.options import SessionOptions
from globalchat.client.state import Phase

OPTIONS = SessionOptions()
SOME = settings(deadline=None, max_examples=60)


def spread(waits: list[float], span: float, bins: int = 5) -> list[int]:
    """How many waits fall into each part of the span."""
    counts = [0] * bins
    for wait in waits:
        counts[min(bins - 1, int(wait / span * bins))] += 1
    return counts


@SOME
@given(st.integers(0, 1 << 32), st.integers(1, 12))
def test_crowd_that_lost_one_server_comes_back_spread_over_the_whole_span(seed: int, attempts: int) -> None:
    """Also at the first try: 100 clients, each with its own randomness, in five equal parts of the span."""
    seeds = Random(seed)
    waits = []
    for _ in range(100):
        patience = Patience(OPTIONS, Random(seeds.random()))
        for _ in range(attempts):
            wait = patience.failed(0.0)
        waits.append(wait.delay)
    span = min(OPTIONS.backoff_cap, OPTIONS.backoff_base * 2 ** (attempts - 1))
    assert max(waits) <= span
    # 20 are expected in each part; beyond these bounds chance is below one in a million.
    assert all(2 <= count <= 45 for count in spread(waits, span))


@SOME
@given(st.integers(0, 1 << 32))
def test_crowd_that_a_revocation_threw_out_regroups_spread(seed: int) -> None:
    seeds = Random(seed)
    waits = [
        Patience(OPTIONS, Random(seeds.random())).failed(0.0, within=OPTIONS.regroup).delay
        for _ in range(100)
    ]
    assert all(2 <= count <= 45 for count in spread(waits, OPTIONS.regroup))


@SOME
@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40), st.integers(0, 1 << 32))
def test_outage_is_long_once_it_lasted_and_then_tries_are_rare(steps: list[float], seed: int) -> None:
    patience = Patience(OPTIONS, Random(seed))
    now = began = 1000.0
    for number, step in enumerate(steps, 1):
        wait = patience.failed(now)
        assert wait.attempt == patience.attempt == number
        if now - began >= OPTIONS.suspend_after:
            assert wait.phase is Phase.SUSPENDED
            assert OPTIONS.suspend_interval / 2 <= wait.delay <= OPTIONS.suspend_interval
        else:
            assert wait.phase is Phase.RETRYING
            assert 0 <= wait.delay <= OPTIONS.backoff_cap
        now += step


def test_live_time_ends_the_outage_and_a_long_one_forgets_the_failures() -> None:
    patience = Patience(OPTIONS, Random(1))
    patience.failed(0.0)
    assert patience.failed(500.0).phase is Phase.SUSPENDED
    patience.lasted(1.0)
    flapping = patience.failed(1000.0)
    assert (flapping.phase, flapping.attempt) == (Phase.RETRYING, 3)
    patience.lasted(OPTIONS.stable_after)
    assert patience.failed(2000.0).attempt == 1
    patience.reset()
    assert patience.failed(9000.0).phase is Phase.RETRYING


@SOME
@given(st.lists(st.tuples(st.integers(-100_000, 100_000), st.floats(0, 60)), max_size=30))
def test_sleep_is_what_the_wall_clock_ran_ahead_since_the_last_look(steps: list[tuple[int, float]]) -> None:
    wall, steady = [1_000_000_000], [50.0]
    watch = SleepWatch(clock=lambda: wall[0], monotonic=lambda: steady[0], threshold=5.0)
    for ahead, passed in steps:
        steady[0] += passed
        wall[0] += round(passed * 1000) + ahead
        slept = watch.slept_ms()
        if ahead > 5010:
            assert abs(slept - ahead) <= 2
        elif ahead < 4990:
            assert slept == 0
        assert watch.slept_ms() == 0
