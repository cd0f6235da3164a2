"""What subscribers have heard, against a plain re-count of the same arrivals."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.load.audience import Audience, Heard
from globalchat.measure.load.mark import WARM_UP, Mark
from globalchat.measure.load.numbers import Numbers
from globalchat.measure.load.plan import Place

RUN = "0123abcd"
PLACES = (Place("oregon", "tech"), Place("sydney", "tech"), Place("oregon", "cars"), Place("sydney", "cars"))
TECH, CARS = PLACES[:2], PLACES[2:]


def a_mark(number: int, floor: int = 0, sent_at: int = 0) -> Mark:
    return Mark(RUN, number, floor, sent_at)


def missing_of(audience: Audience) -> int | None:
    return audience.missing


def hear(audience: Audience, numbers: Sequence[tuple[int, int]]) -> None:
    for number, floor in numbers:
        audience.hear(0, a_mark(number, floor), at=1)


def test_a_second_arrival_is_a_duplicate_and_is_not_timed() -> None:
    audience = Audience(RUN, PLACES, TECH)
    audience.hear(0, a_mark(0, sent_at=10), at=15)
    audience.hear(0, a_mark(0, sent_at=10), at=99)
    audience.hear(1, a_mark(0, sent_at=10), at=18)
    heard = audience.heard
    assert (heard.deliveries, heard.duplicates, heard.violations, heard.last_at) == (2, 1, 0, 18)
    assert heard.times["oregon", "oregon"].most == 5
    assert heard.times["oregon", "sydney"].most == 8


def test_late_is_what_a_later_publish_had_to_follow() -> None:
    audience = Audience(RUN, PLACES, TECH)
    hear(audience, [(8, 8), (0, 0)])  # 8 was published when 0 and 4 were accepted
    assert audience.heard.violations == 1
    hear(audience, [(12, 4)])  # its floor says nothing new
    hear(audience, [(4, 0)])
    assert audience.heard.violations == 2
    hear(audience, [(16, 8), (20, 8)])
    assert audience.heard.violations == 2


def test_what_nobody_answered_for_may_come_at_any_time() -> None:
    audience = Audience(RUN, PLACES, TECH)
    hear(audience, [(8, 8), (0, 0), (4, 0)])
    audience.expect(Numbers.of([0, 8]))
    assert audience.conclude().violations == 1


def test_messages_that_were_under_way_together_may_come_in_any_order() -> None:
    audience = Audience(RUN, PLACES, TECH)
    hear(audience, [(8, 0), (4, 0), (0, 0)])
    assert audience.heard.violations == 0


def test_the_order_is_that_of_one_region_and_channel() -> None:
    audience = Audience(RUN, PLACES, TECH)
    hear(audience, [(8, 8), (1, 1)])  # 1 is of the other region
    assert audience.heard.violations == 0


def test_a_number_beyond_the_run_is_forged_and_takes_no_memory() -> None:
    audience = Audience(RUN, PLACES, TECH, messages=8)
    hear(audience, [(7, 0), (8, 0), (10**12 - 1, 0)])
    assert (audience.heard.deliveries, audience.heard.foreign) == (1, 2)


def test_what_is_not_of_this_run_counts_for_nothing() -> None:
    audience = Audience(RUN, PLACES, TECH)
    audience.hear(0, None, at=1)
    audience.hear(0, Mark("ffffffff", 0, 0, 0), at=1)
    audience.hear(0, a_mark(WARM_UP), at=1)
    heard = audience.heard
    assert (heard.foreign, heard.warmed, heard.deliveries) == (2, 1, 0)


def test_missing_is_counted_down_by_what_was_accepted_and_still_comes() -> None:
    audience = Audience(RUN, PLACES, (*TECH, CARS[0]))
    audience.hear(0, a_mark(0), at=1)
    assert missing_of(audience) is None
    audience.expect(Numbers.of([0, 1, 2]))  # two of tech for two subscribers, one of cars for one
    assert audience.missing == 4
    audience.hear(0, a_mark(5), at=2)  # its publish had no answer: it is a delivery, but nobody waits for it
    assert audience.missing == 4
    for seat, number in ((0, 1), (1, 0), (1, 1), (2, 2)):
        audience.hear(seat, a_mark(number), at=3)
    assert audience.missing == 0
    assert audience.heard.deliveries == 6


ARRIVALS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 11), st.integers(0, 11), st.integers(0, 50)), max_size=60
)


@settings(deadline=None, max_examples=80)
@given(ARRIVALS, st.sets(st.integers(0, 11)), st.integers(0, 60))
def test_every_count_is_that_of_a_plain_re_count(
    arrivals: list[tuple[int, int, int, int]], accepted: set[int], known_after: int
) -> None:
    seats = (TECH[0], TECH[1], CARS[0])
    audience = Audience(RUN, PLACES, seats)
    seen: list[list[tuple[int, int]]] = [[] for _ in seats]
    deliveries = duplicates = violations = 0
    for position, (seat, number, any_floor, took) in enumerate(arrivals):
        floor = min(any_floor, number)  # of what follows it, a publisher cannot know
        if position == known_after:
            audience.expect(Numbers.of(accepted))
        audience.hear(seat, a_mark(number, floor, sent_at=position), at=position + took)
        before = [(n, f) for n, f in seen[seat] if n % 4 == number % 4]
        if number in (n for n, _ in before):
            duplicates += 1
            continue
        deliveries += 1
        if any(number < f for _, f in before):
            violations += 1
        seen[seat].append((number, floor))
    audience.expect(Numbers.of(accepted))
    heard = audience.heard
    assert (heard.deliveries, heard.duplicates, heard.violations) == (deliveries, duplicates, violations)
    assert sum(times.count for times in heard.times.values()) == deliveries
    missing = sum(
        PLACES[number % 4].channel == seats[seat].channel and number not in {n for n, _ in seen[seat]}
        for seat in range(len(seats))
        for number in accepted
    )
    assert audience.missing == missing


def test_merged_accounts_add_up() -> None:
    one, other = Audience(RUN, PLACES, TECH), Audience(RUN, PLACES, TECH)
    one.hear(0, a_mark(0), at=7)
    other.hear(0, a_mark(0), at=9)
    other.hear(0, a_mark(0), at=9)
    whole = Heard()
    for audience in (one, other):
        audience.heard.ended = 1
        audience.heard.lost = 2
        whole.merge(audience.heard)
    assert (whole.deliveries, whole.duplicates, whole.last_at, whole.ended, whole.lost) == (2, 1, 9, 2, 4)
    assert whole.times["oregon", "oregon"].count == 2
