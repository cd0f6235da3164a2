"""A steady rate: no drift, no bursts after a standstill."""

import pytest

from globalchat.client.bulk.pacer import Pacer


def test_without_a_rate_nothing_waits() -> None:
    pacer = Pacer(None)

    assert [pacer.take(now) for now in (0.0, 0.0, 5.0)] == [0.0, 0.0, 0.0]


def test_each_message_is_due_one_interval_after_the_one_before() -> None:
    pacer = Pacer(4.0)

    assert [pacer.take(10.0) for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]


def test_lateness_of_each_message_does_not_add_up() -> None:
    pacer = Pacer(10.0)
    now = 0.0
    for _ in range(1000):
        now += pacer.take(now) + 0.02  # every one is sent 20 ms late

    assert now == pytest.approx(99.9 + 0.02)


def test_a_short_standstill_is_made_up_for() -> None:
    pacer = Pacer(10.0)
    pacer.take(0.0)

    assert [pacer.take(0.5) for _ in range(6)] == pytest.approx([0, 0, 0, 0, 0, 0.1])


def test_a_long_standstill_ends_in_no_burst() -> None:
    pacer = Pacer(10.0, credit=0.2)
    pacer.take(0.0)

    waits = [pacer.take(100.0) for _ in range(10)]
    assert sum(wait == 0 for wait in waits) == 3
    assert waits[-1] == pytest.approx(0.7)
