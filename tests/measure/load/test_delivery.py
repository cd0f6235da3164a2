"""Tags, sets of numbers, and what subscribers received, against a plain re-count of the same arrivals."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.load.delivery import (
    SHORTEST,
    WARM_UP,
    DeliveryStats,
    DeliveryTracker,
    NumberSet,
    PayloadTag,
)
from globalchat.measure.load.plan import RegionChannel

RUN = "0123abcd"
PLACES = (
    RegionChannel("oregon", "tech"),
    RegionChannel("sydney", "tech"),
    RegionChannel("oregon", "cars"),
    RegionChannel("sydney", "cars"),
)
TECH, CARS = PLACES[:2], PLACES[2:]


def a_tag(number: int, watermark: int = 0, sent_at: int = 0) -> PayloadTag:
    return PayloadTag(RUN, number, watermark, sent_at)


def missing_of(tracker: DeliveryTracker) -> int | None:
    return tracker.missing


def receive(tracker: DeliveryTracker, numbers: Sequence[tuple[int, int]]) -> None:
    for number, watermark in numbers:
        tracker.receive(0, a_tag(number, watermark), at=1)


def test_a_second_arrival_is_a_duplicate_and_is_not_timed() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH)
    tracker.receive(0, a_tag(0, sent_at=10), at=15)
    tracker.receive(0, a_tag(0, sent_at=10), at=99)
    tracker.receive(1, a_tag(0, sent_at=10), at=18)
    stats = tracker.stats
    assert (stats.deliveries, stats.duplicates, stats.order_violations, stats.last_at) == (2, 1, 0, 18)
    assert stats.times["oregon", "oregon"].maximum == 5
    assert stats.times["oregon", "sydney"].maximum == 8


def test_late_is_what_a_later_publish_had_to_follow() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH)
    receive(tracker, [(8, 8), (0, 0)])  # 8 was published when 0 and 4 were accepted
    assert tracker.stats.order_violations == 1
    receive(tracker, [(12, 4)])  # its watermark says nothing new
    receive(tracker, [(4, 0)])
    assert tracker.stats.order_violations == 2
    receive(tracker, [(16, 8), (20, 8)])
    assert tracker.stats.order_violations == 2


def test_what_was_never_answered_may_come_at_any_time() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH)
    receive(tracker, [(8, 8), (0, 0), (4, 0)])
    tracker.expect(NumberSet.of([0, 8]))
    assert tracker.finish().order_violations == 1


def test_messages_that_were_under_way_together_may_come_in_any_order() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH)
    receive(tracker, [(8, 0), (4, 0), (0, 0)])
    assert tracker.stats.order_violations == 0


def test_the_order_is_that_of_one_region_and_channel() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH)
    receive(tracker, [(8, 8), (1, 1)])  # 1 is of the other region
    assert tracker.stats.order_violations == 0


def test_a_number_beyond_the_run_is_forged_and_takes_no_memory() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH, messages=8)
    receive(tracker, [(7, 0), (8, 0), (10**12 - 1, 0)])
    assert (tracker.stats.deliveries, tracker.stats.foreign) == (1, 2)


def test_what_is_not_of_this_run_counts_for_nothing() -> None:
    tracker = DeliveryTracker(RUN, PLACES, TECH)
    tracker.receive(0, None, at=1)
    tracker.receive(0, PayloadTag("ffffffff", 0, 0, 0), at=1)
    tracker.receive(0, a_tag(WARM_UP), at=1)
    stats = tracker.stats
    assert (stats.foreign, stats.warm_ups, stats.deliveries) == (2, 1, 0)


def test_missing_is_counted_down_by_what_was_accepted_and_still_comes() -> None:
    tracker = DeliveryTracker(RUN, PLACES, (*TECH, CARS[0]))
    tracker.receive(0, a_tag(0), at=1)
    assert missing_of(tracker) is None
    tracker.expect(NumberSet.of([0, 1, 2]))  # two of tech for two subscribers, one of cars for one
    assert tracker.missing == 4
    tracker.receive(0, a_tag(5), at=2)  # its publish had no answer: it is a delivery, but not an expected one
    assert tracker.missing == 4
    for subscriber, number in ((0, 1), (1, 0), (1, 1), (2, 2)):
        tracker.receive(subscriber, a_tag(number), at=3)
    assert tracker.missing == 0
    assert tracker.stats.deliveries == 6


ARRIVALS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 11), st.integers(0, 11), st.integers(0, 50)), max_size=60
)


@settings(deadline=None, max_examples=80)
@given(ARRIVALS, st.sets(st.integers(0, 11)), st.integers(0, 60))
def test_every_count_is_that_of_a_plain_re_count(
    arrivals: list[tuple[int, int, int, int]], accepted: set[int], known_after: int
) -> None:
    subscribers = (TECH[0], TECH[1], CARS[0])
    tracker = DeliveryTracker(RUN, PLACES, subscribers)
    received: list[list[tuple[int, int]]] = [[] for _ in subscribers]
    deliveries = duplicates = violations = 0
    for position, (subscriber, number, any_watermark, took) in enumerate(arrivals):
        watermark = min(any_watermark, number)  # a publisher cannot know of what follows
        if position == known_after:
            tracker.expect(NumberSet.of(accepted))
        tracker.receive(subscriber, a_tag(number, watermark, sent_at=position), at=position + took)
        before = [(n, f) for n, f in received[subscriber] if n % 4 == number % 4]
        if number in (n for n, _ in before):
            duplicates += 1
            continue
        deliveries += 1
        if any(number < f for _, f in before):
            violations += 1
        received[subscriber].append((number, watermark))
    tracker.expect(NumberSet.of(accepted))
    stats = tracker.stats
    assert (stats.deliveries, stats.duplicates, stats.order_violations) == (
        deliveries,
        duplicates,
        violations,
    )
    assert sum(times.count for times in stats.times.values()) == deliveries
    missing = sum(
        PLACES[number % 4].channel == subscribers[subscriber].channel
        and number not in {n for n, _ in received[subscriber]}
        for subscriber in range(len(subscribers))
        for number in accepted
    )
    assert tracker.missing == missing


def test_merged_statistics_add_up() -> None:
    one, other = DeliveryTracker(RUN, PLACES, TECH), DeliveryTracker(RUN, PLACES, TECH)
    one.receive(0, a_tag(0), at=7)
    other.receive(0, a_tag(0), at=9)
    other.receive(0, a_tag(0), at=9)
    whole = DeliveryStats()
    for tracker in (one, other):
        tracker.stats.subscriptions_ended = 1
        tracker.stats.lost = 2
        whole.merge(tracker.stats)
    assert (whole.deliveries, whole.duplicates, whole.last_at, whole.subscriptions_ended, whole.lost) == (
        2,
        1,
        9,
        2,
        4,
    )
    assert whole.times["oregon", "oregon"].count == 2


TAGS = st.builds(
    PayloadTag,
    run=st.text("0123456789abcdef", min_size=8, max_size=8),
    number=st.one_of(st.just(WARM_UP), st.integers(0, 10**12 - 1)),
    watermark=st.integers(0, 10**12 - 1),
    sent_at=st.integers(0, 10**20 - 1),
)


@settings(deadline=None, max_examples=100)
@given(TAGS, st.integers(SHORTEST, 300))
def test_a_tag_comes_back_from_a_text_of_the_wanted_size(tag: PayloadTag, size: int) -> None:
    text = tag.text(size)
    assert len(text) == size
    assert PayloadTag.parse(text) == tag


@pytest.mark.parametrize("text", ["", "hello", "gcload 12345678 1 1", "gcload 1234567z 1 1 1 ", "x gcload"])
def test_other_texts_have_no_tag(text: str) -> None:
    assert PayloadTag.parse(text) is None


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 3000)), st.lists(st.integers(0, 3000)))
def test_numbers_are_a_set(given_numbers: list[int], others: list[int]) -> None:
    made, seen = NumberSet(), set[int]()
    for number in given_numbers:
        assert made.add(number) == (number not in seen)
        seen.add(number)
    assert list(made) == sorted(seen)
    assert len(made) == len(seen)
    assert all((number in made) == (number in seen) for number in others)
    assert made.count_missing_in(NumberSet.of(others)) == len(seen - set(others))
    assert list(NumberSet(made.pack())) == sorted(seen)
