"""When to try again, for how long, and when not at all. Time and chance are given."""

from random import Random

import pytest

from globalchat.client.bulk.recovery import Recovery, Retry, is_hopeless, may_pass
from globalchat.core.errors import ProfileError, Refused, Unauthorized, Unreachable, UserError

AWAY = Unreachable("It is away.")
BUSY = Refused("It is busy.", error_type="LimitExceededError", retryable=True)


class Longest(Random):
    """Draws the upper bound each time."""

    def uniform(self, a: float, b: float) -> float:
        return b


def recovery(patience: float = 30.0, attempts: int | None = 3) -> Recovery:
    return Recovery(patience, Longest(), attempts_before_reached=attempts)


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
    assert (is_hopeless(error), may_pass(error)) == (hopeless, passing)


def test_waits_double_and_only_the_first_one_is_news() -> None:
    one = recovery(patience=1000.0, attempts=None)
    now, waits = 0.0, []
    for _ in range(9):
        retry = one.failed(AWAY, began=now, now=now)
        assert retry is not None
        waits.append(retry.delay)
        now += retry.delay

    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert one.failed(AWAY, began=now, now=now) != Retry(30.0, is_first=True)


def test_failures_in_flight_together_count_once() -> None:
    one = recovery()
    one.failed(AWAY, began=0.0, now=1.0)

    for now in (1.0, 1.1, 1.2, 1.3):
        assert one.failed(AWAY, began=0.5, now=now) is not None
    assert one.quiet_until == pytest.approx(1.8)


def test_a_region_that_never_answered_is_given_up_soon_but_not_one_that_did() -> None:
    never, once = recovery(), recovery()
    once.succeeded()

    for one, codes in ((never, [True, True, False]), (once, [True] * 3)):
        assert [one.failed(AWAY, began=now, now=now) is not None for now in (0.0, 1.0, 2.0)] == codes


def test_a_throttled_region_has_answered() -> None:
    one = recovery()

    assert all(one.failed(BUSY, began=now, now=now) for now in (0.0, 1.0, 2.0, 3.0))
    assert one.reached


def test_patience_ends_and_a_success_renews_it() -> None:
    one = recovery(patience=10.0)
    one.succeeded()
    assert one.failed(AWAY, began=100.0, now=100.0) is not None
    assert one.failed(AWAY, began=109.0, now=109.9) is not None
    assert one.quiet_until == pytest.approx(110.0), "the last try is made when patience ends"
    assert one.failed(AWAY, began=110.0, now=110.0) is None

    one.succeeded()
    assert one.failed(AWAY, began=200.0, now=200.0) == Retry(0.5, is_first=True)


def test_without_patience_nothing_is_tried_again() -> None:
    assert recovery(patience=0.0).failed(BUSY, began=1.0, now=1.0) is None


def test_what_the_backend_asks_for_is_waited_and_refused_if_too_long() -> None:
    one = recovery(patience=30.0)
    asked = Refused("busy", error_type="TooManyRequestsException", retryable=True, retry_after=20.0)
    assert one.failed(asked, began=0.0, now=0.0) == Retry(20.5, is_first=True)

    asked.retry_after = 40.0
    assert recovery(patience=30.0).failed(asked, began=0.0, now=0.0) is None
