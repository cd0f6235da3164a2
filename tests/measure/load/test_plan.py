"""Who does which part of a run."""

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.load.plan import LoadPlan, Place, sockets

NAMES = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def plans(draw: st.DrawFn) -> LoadPlan:
    subscribers = draw(st.integers(1, 40))
    return LoadPlan(
        subscribers=subscribers,
        rate=draw(st.floats(0.1, 20)),
        size=100,
        seconds=draw(st.floats(0.1, 3)),
        regions=draw(NAMES),
        channels=draw(NAMES),
        processes=draw(st.integers(1, min(subscribers, 8))),
        per_socket=draw(st.integers(1, 7)),
    )


@settings(deadline=None, max_examples=100)
@given(plans())
def test_every_subscriber_has_one_seat_and_all_are_spread_evenly(plan: LoadPlan) -> None:
    shards = plan.shards()
    seats = [place for shard in shards for place in shard]
    assert len(seats) == plan.subscribers
    for place in plan.places:
        assert seats.count(place) == plan.seated(place)
        own = [shard.count(place) for shard in shards]
        assert max(own) - min(own) <= 2
    per_process = [len(shard) for shard in shards]
    assert max(per_process) - min(per_process) <= 1
    per_place = [plan.seated(place) for place in plan.places]
    assert max(per_place) - min(per_place) <= 1


@settings(deadline=None, max_examples=100)
@given(plans())
def test_a_socket_is_of_one_region_and_not_too_full(plan: LoadPlan) -> None:
    for shard in plan.shards():
        groups = sockets(shard, plan.per_socket)
        assert sorted(seat for group in groups for seat in group) == list(range(len(shard)))
        for group in groups:
            assert 1 <= len(group) <= plan.per_socket
            assert len({shard[seat].region for seat in group}) == 1


@settings(deadline=None, max_examples=100)
@given(plans())
def test_messages_deliveries_and_lanes_add_up(plan: LoadPlan) -> None:
    numbers = sorted(number for place in plan.places for number in plan.numbers(place))
    assert numbers == list(range(plan.messages))
    assert (plan.messages - 1) / plan.rate < plan.seconds or plan.messages == 1
    assert plan.messages / plan.rate >= plan.seconds - 1e-6
    assert plan.lanes % len(plan.places) == 0
    by_hand = sum(
        1
        for seat in (place for shard in plan.shards() for place in shard)
        for number in range(plan.messages)
        if plan.places[number % len(plan.places)].channel == seat.channel
    )
    assert plan.deliveries == by_hand


def test_the_lanes_carry_the_rate_and_stay_few() -> None:
    assert LoadPlan(1, 10.0, 100, 1, ("o", "s"), ("c",)).lanes == 4
    assert LoadPlan(1, 0.01, 100, 1, ("o", "s"), ("c", "d")).lanes == 4
    assert LoadPlan(1, 5000.0, 100, 1, ("o", "s"), ("c",)).lanes == 500
    assert LoadPlan(1, 1.0, 100, 1, ("o", "s"), ("c",)).places == (Place("o", "c"), Place("s", "c"))
