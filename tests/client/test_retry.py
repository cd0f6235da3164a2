"""When to try again: one client and a crowd, long outages, bulks. Time and chance are given."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.options import SessionOptions
from globalchat.client.retry import (
    ReconnectPolicy,
    Retry,
    RetryPolicy,
    fails_every_message,
    full_jitter,
    is_retryable,
    outcome_unknown,
)
from globalchat.core.errors import ProfileError, Refused, Unauthorized, Unreachable, UserError

OPTIONS = SessionOptions()
SOME = settings(deadline=None, max_examples=60)
AWAY = Unreachable("It is away.")
BUSY = Refused("It is busy.", error_type="LimitExceededError", retryable=True)


class Longest(Random):
    """Draws the upper bound each time."""

    def uniform(self, a: float, b: float) -> float:
        return b


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


def spread(waits: list[float], span: float, bins: int = 5) -> list[int]:
    """Return how many waits fall into each part of the span."""
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
        policy = ReconnectPolicy(OPTIONS, Random(seeds.random()))
        for _ in range(attempts):
            wait = policy.fail(0.0)
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
        ReconnectPolicy(OPTIONS, Random(seeds.random())).fail(0.0, within=OPTIONS.regroup).delay
        for _ in range(100)
    ]
    assert all(2 <= count <= 45 for count in spread(waits, OPTIONS.regroup))


@SOME
@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40), st.integers(0, 1 << 32))
def test_outage_is_long_once_it_lasted_and_then_tries_are_rare(steps: list[float], seed: int) -> None:
    policy = ReconnectPolicy(OPTIONS, Random(seed))
    now = began = 1000.0
    for number, step in enumerate(steps, 1):
        wait = policy.fail(now)
        assert wait.attempt == policy.attempt == number
        if now - began >= OPTIONS.suspend_after:
            assert wait.is_long
            assert OPTIONS.suspend_interval / 2 <= wait.delay <= OPTIONS.suspend_interval
        else:
            assert not wait.is_long
            assert 0 <= wait.delay <= OPTIONS.backoff_cap
        now += step


def test_live_time_ends_the_outage_and_a_long_one_forgets_the_failures() -> None:
    policy = ReconnectPolicy(OPTIONS, Random(1))
    policy.fail(0.0)
    assert policy.fail(500.0).is_long
    policy.record_connection(1.0)
    flapping = policy.fail(1000.0)
    assert (flapping.is_long, flapping.attempt) == (False, 3)
    policy.record_connection(OPTIONS.stable_after)
    assert policy.fail(2000.0).attempt == 1
    policy.reset()
    assert not policy.fail(9000.0).is_long


def policy(give_up_after: float = 30.0, attempts: int | None = 3) -> RetryPolicy:
    """A bulk's policy."""
    return RetryPolicy(Longest(), give_up_after=give_up_after, attempts_before_reached=attempts)


@pytest.mark.parametrize(
    ("error", "hopeless", "passing"),
    [
        (AWAY, False, True),
        (BUSY, False, True),
        (Refused("x", error_type="EmptyMessage"), False, False),
        (Refused("x", error_type="UnknownChannel"), True, False),
        (Refused("x", error_type="BadSender"), True, False),
        (Unauthorized("x", error_type="UnauthorizedException"), True, False),
        (ProfileError("The profile is damaged."), True, False),
    ],
)
def test_what_may_pass_and_what_meets_every_message(error: UserError, hopeless: bool, passing: bool) -> None:
    assert (fails_every_message(error), is_retryable(error)) == (hopeless, passing)


def test_waits_double_and_only_the_first_one_is_news() -> None:
    one = policy(give_up_after=1000.0, attempts=None)
    now, waits = 0.0, []
    for _ in range(9):
        retry = one.fail(AWAY, started=now, now=now)
        assert retry is not None
        waits.append(retry.delay)
        now += retry.delay

    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert one.fail(AWAY, started=now, now=now) != Retry(30.0, 10, is_first=True)


def test_failures_in_flight_together_count_once() -> None:
    one = policy()
    one.fail(AWAY, started=0.0, now=1.0)

    for now in (1.0, 1.1, 1.2, 1.3):
        assert one.fail(AWAY, started=0.5, now=now) is not None
    assert one.quiet_until == pytest.approx(1.8)


def test_a_region_that_never_answered_is_given_up_soon_but_not_one_that_did() -> None:
    never, once = policy(), policy()
    once.succeed()

    for one, codes in ((never, [True, True, False]), (once, [True] * 3)):
        assert [one.fail(AWAY, started=now, now=now) is not None for now in (0.0, 1.0, 2.0)] == codes


def test_a_throttled_region_has_answered() -> None:
    one = policy()

    assert all(one.fail(BUSY, started=now, now=now) for now in (0.0, 1.0, 2.0, 3.0))
    assert one.reached


def test_giving_up_has_its_time_and_a_success_renews_it() -> None:
    one = policy(give_up_after=10.0)
    one.succeed()
    assert one.fail(AWAY, started=100.0, now=100.0) is not None
    assert one.fail(AWAY, started=109.0, now=109.9) is not None
    assert one.quiet_until == pytest.approx(110.0), "the last try is made at the end of the time"
    assert one.fail(AWAY, started=110.0, now=110.0) is None

    one.succeed()
    assert one.fail(AWAY, started=200.0, now=200.0) == Retry(0.5, 1, is_first=True)


def test_without_time_nothing_is_tried_again() -> None:
    assert policy(give_up_after=0.0).fail(BUSY, started=1.0, now=1.0) is None


def test_what_the_backend_asks_for_is_waited_and_refused_if_too_long() -> None:
    one = policy(give_up_after=30.0)
    asked = Refused("busy", error_type="TooManyRequestsException", retryable=True, retry_after=20.0)
    assert one.fail(asked, started=0.0, now=0.0) == Retry(20.5, 1, is_first=True, retry_after=20.0)

    asked.retry_after = 40.0
    assert policy(give_up_after=30.0).fail(asked, started=0.0, now=0.0) is None


def test_a_policy_that_is_reset_waits_like_a_new_one() -> None:
    one = RetryPolicy(Longest(), attempts=3)
    assert [one.fail(AWAY, started=0.0, now=0.0) for _ in range(3)][2] is None
    one.reset()
    assert one.fail(AWAY, started=0.0, now=0.0) == Retry(0.5, 1, is_first=True)


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (AWAY, True),
        (Unreachable("No route.", sent=False), False),
        (BUSY, False),
        (Refused("x", error_type="WAFForbiddenException", retryable=True), False),
        (Refused("x", error_type="InternalFailure", retryable=True), True),
        (Refused("x", error_type="EmptyMessage"), False),
        (ProfileError("The profile is damaged."), False),
    ],
)
def test_what_may_have_been_accepted_although_it_failed(error: UserError, unknown: bool) -> None:
    assert outcome_unknown(error) is unknown
