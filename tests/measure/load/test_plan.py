"""Which process does which part of a load test."""

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.load.plan import LoadPlan, RegionChannel, socket_groups

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
def test_every_subscriber_is_in_one_process_and_all_are_spread_evenly(plan: LoadPlan) -> None:
    processes = plan.split()
    subscribers = [place for process in processes for place in process]
    assert len(subscribers) == plan.subscribers
    for place in plan.places:
        assert subscribers.count(place) == plan.subscribers_of(place)
        own = [process.count(place) for process in processes]
        assert max(own) - min(own) <= 2
    per_process = [len(process) for process in processes]
    assert max(per_process) - min(per_process) <= 1
    per_place = [plan.subscribers_of(place) for place in plan.places]
    assert max(per_place) - min(per_place) <= 1


@settings(deadline=None, max_examples=100)
@given(plans())
def test_a_socket_is_of_one_region_and_not_too_full(plan: LoadPlan) -> None:
    for process in plan.split():
        groups = socket_groups(process, plan.per_socket)
        assert sorted(position for group in groups for position in group) == list(range(len(process)))
        for group in groups:
            assert 1 <= len(group) <= plan.per_socket
            assert len({process[position].region for position in group}) == 1


@settings(deadline=None, max_examples=100)
@given(plans())
def test_messages_deliveries_and_connections_add_up(plan: LoadPlan) -> None:
    numbers = sorted(number for place in plan.places for number in plan.numbers(place))
    assert numbers == list(range(plan.messages))
    assert (plan.messages - 1) / plan.rate < plan.seconds or plan.messages == 1
    assert plan.messages / plan.rate >= plan.seconds - 1e-6
    assert plan.connections % len(plan.places) == 0
    by_hand = sum(
        1
        for subscriber in (place for process in plan.split() for place in process)
        for number in range(plan.messages)
        if plan.places[number % len(plan.places)].channel == subscriber.channel
    )
    assert plan.deliveries == by_hand


def test_the_connections_carry_the_rate_and_stay_few() -> None:
    assert LoadPlan(1, 10.0, 100, 1, ("o", "s"), ("c",)).connections == 4
    assert LoadPlan(1, 0.01, 100, 1, ("o", "s"), ("c", "d")).connections == 4
    assert LoadPlan(1, 5000.0, 100, 1, ("o", "s"), ("c",)).connections == 500
    assert LoadPlan(1, 1.0, 100, 1, ("o", "s"), ("c",)).places == (
        RegionChannel("o", "c"),
        RegionChannel("s", "c"),
    )
