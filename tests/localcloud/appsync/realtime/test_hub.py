import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.model import (
    FilterRule,
    Invalidation,
    Publication,
    SubscriptionPlan,
)
from globalchat.localcloud.appsync.realtime.filters import FilterIndex, compile_filter, is_exact
from globalchat.localcloud.appsync.realtime.hub import MAX_PAYLOAD, Hub
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.realtime_fakes import FakeSocket, plan


def publication(name: str = "tech", **more: JSON) -> Publication:
    return Publication("publishFromBus", {"name": name, **more})


def test_a_publication_reaches_the_matching_subscriptions_only() -> None:
    hub, tech, cars = Hub(), FakeSocket(), FakeSocket()
    hub.add(tech, "1", plan("tech"))
    hub.add(cars, "1", plan("cars"))
    hub.publish(publication(message='"\\\n😀'))
    assert [json.loads(frame) for frame in tech.frames] == [
        {
            "id": "1",
            "type": "data",
            "payload": {"data": {"subscribe": {"name": "tech", "message": '"\\\n😀'}}},
        }
    ]
    assert cars.frames == []


def test_a_candidate_is_looked_at_by_its_whole_filter() -> None:
    hub, socket = Hub(), FakeSocket()
    both = [[FilterRule("name", "eq", "tech"), FilterRule("region", "ne", "us-west-2")]]
    hub.add(socket, "1", replace(plan("tech"), filter=both))
    hub.add(socket, "2", replace(plan("tech"), filter=[[FilterRule("name", "eq", True)]]))
    hub.publish(publication("tech", region="us-west-2"))
    hub.publish(Publication("publishFromBus", {"name": 1}))
    assert socket.frames == []
    hub.publish(publication("tech", region="ap-southeast-2"))
    assert len(socket.frames) == 1


def test_two_subscriptions_of_one_socket_get_one_frame_each() -> None:
    hub, socket = Hub(), FakeSocket()
    hub.add(socket, "a", plan("tech"))
    hub.add(socket, 'b"\\', plan("tech"))
    hub.publish(publication())
    assert [json.loads(frame)["id"] for frame in socket.frames] == ["a", 'b"\\']


def test_deferred_publications_go_out_alone_or_together_at_the_end_of_the_turn() -> None:
    turn: list[Callable[[], None]] = []
    hub, socket = Hub(defer=turn.append), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    hub.publish(publication(message="a"))
    assert socket.frames == []
    turn.pop()()
    assert socket.alone == [True]
    hub.publish(publication(message="b"))
    hub.publish(publication("cars"))
    hub.publish(publication(message="c"))
    assert len(turn) == 1
    turn.pop()()
    texts = [json.loads(frame)["payload"]["data"]["subscribe"]["message"] for frame in socket.frames]
    assert texts == ["a", "b", "c"]
    # What came for the same subscriptions alone is one write.
    assert socket.alone == [True, True]
    hub.add(FakeSocket(), "1", plan("cars"))
    for each in (publication(message="d"), publication("cars"), publication(message="e")):
        hub.publish(each)
    turn.pop()()
    assert socket.alone == [True, True, False, False]


def test_many_publications_reach_each_subscription_whole_and_in_order() -> None:
    turn: list[Callable[[], None]] = []
    hub = Hub(defer=turn.append, max_payload=400)
    # A filter that is not a single `eq`, so that each publication is tested; prefixes of several lengths.
    odd = plan("tech")
    assert odd.filter is not None
    some = replace(
        odd, filter=[[*odd.filter[0], FilterRule("message", "ne", "3" * 3)]], projection_key="some"
    )
    sockets = {name: FakeSocket() for name in ("a", "long-id", "some")}
    for name, socket in sockets.items():
        hub.add(socket, name, some if name == "some" else plan("tech"))
    sizes = (1, 2, 3, 80, 400, 300)
    for size in sizes:
        hub.publish(publication(message=str(size % 10) * size))
    turn.pop()()
    for name, socket in sockets.items():
        got = [json.loads(frame) for frame in socket.frames]
        assert {each["id"] for each in got} == {name}
        lengths = [len(each["payload"]["data"]["subscribe"]["message"]) for each in got]
        assert lengths == [size for size in sizes if size != 400 and (size != 3 or name != "some")]
    assert hub.metrics["PublishDataMessageSuccess"] == 5 + 5 + 4
    assert hub.metrics["PublishDataMessageClientError"] == 3


@pytest.mark.parametrize("change", ["add", "remove", "drop", "invalidate"])
def test_publications_before_a_change_are_delivered_before_it(change: str) -> None:
    turn: list[Callable[[], None]] = []
    hub, socket, other = Hub(defer=turn.append), FakeSocket(), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    hub.publish(publication())
    if change == "add":
        hub.add(other, "1", plan("tech"))
    elif change == "remove":
        hub.remove(socket, "1")
    elif change == "drop":
        hub.drop(socket)
    else:
        hub.invalidate(Invalidation("subscribe", {"name": "tech"}))
    assert len(socket.frames) == 1
    turn.pop()()
    assert len(socket.frames) == 1
    assert other.frames == []


class HeldBack:
    """A barrier that the test opens: `callbacks` are those of one turn each."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []

    def call_when_written(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def write_now(self) -> None:
        while self.callbacks:
            self.callbacks.pop(0)()


def test_what_is_not_on_disk_yet_is_held_back_in_its_order() -> None:
    turn: list[Callable[[], None]] = []
    barrier, socket = HeldBack(), FakeSocket()
    hub = Hub(defer=turn.append, barrier=barrier)
    hub.add(socket, "1", plan("tech"))
    for text in ("a", "b"):
        hub.publish(publication(message=text))
        turn.pop()()
    assert socket.frames == []
    barrier.callbacks.pop(0)()
    assert len(socket.frames) == 1
    hub.publish(publication(message="c"))
    hub.drop(socket)
    texts = [json.loads(frame)["payload"]["data"]["subscribe"]["message"] for frame in socket.frames]
    assert texts == ["a", "b", "c"]
    assert barrier.callbacks == []
    turn.pop()()
    assert len(socket.frames) == 3


def test_another_mutation_is_not_heard() -> None:
    hub, socket = Hub(), FakeSocket()
    hub.add(socket, "1", plan("tech", mutations=("other",)))
    hub.publish(publication())
    assert socket.frames == []


def test_without_a_filter_the_arguments_filter() -> None:
    hub, named, all_of_them, null = Hub(), FakeSocket(), FakeSocket(), FakeSocket()
    hub.add(named, "1", plan(None, arguments={"name": "tech"}))
    hub.add(all_of_them, "1", plan(None))
    hub.add(null, "1", plan(None, arguments={"name": None}))
    hub.publish(publication("tech"))
    hub.publish(publication("cars"))
    hub.publish(Publication("publishFromBus", {}))
    assert [len(socket.frames) for socket in (named, all_of_them, null)] == [1, 3, 1]


def test_a_publication_is_rendered_once_per_projection() -> None:
    rendered: list[str] = []

    def counting(key: str) -> SubscriptionPlan:
        made = plan("tech", projection=key)

        def project(value: object) -> dict[str, JSON]:
            rendered.append(key)
            return {"data": {"subscribe": key}}

        return SubscriptionPlan(
            made.field_name, made.mutations, {}, made.filter, made.invalidation_filter, project, key
        )

    hub, sockets = Hub(), [FakeSocket() for _ in range(6)]
    for number, socket in enumerate(sockets):
        hub.add(socket, "1", counting("even" if number % 2 == 0 else "odd"))
    hub.publish(publication())
    assert sorted(rendered) == ["even", "odd"]
    assert [json.loads(socket.frames[0])["payload"]["data"]["subscribe"] for socket in sockets] == [
        "even",
        "odd",
    ] * 3


def test_a_payload_beyond_the_quota_is_counted_and_not_delivered() -> None:
    hub, socket = Hub(), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    hub.publish(publication(message="x" * MAX_PAYLOAD))
    assert socket.frames == []
    assert hub.metrics["PublishDataMessageClientError"] == 1
    hub.publish(publication(message="x" * (MAX_PAYLOAD - 200)))
    assert len(socket.frames) == 1
    assert hub.metrics["PublishDataMessageSuccess"] == 1


def test_the_quota_of_a_payload_may_be_lowered() -> None:
    hub, socket = Hub(max_payload=200), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    hub.publish(publication(message="x" * 200))
    hub.publish(publication(message="x" * 100))
    assert len(socket.frames) == 1


def test_half_a_surrogate_pair_is_escaped() -> None:
    hub, socket = Hub(), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    hub.publish(publication(message="\ud83d"))
    assert json.loads(socket.frames[0].decode())["payload"]["data"]["subscribe"]["message"] == "\ud83d"


def test_removed_and_dropped_subscriptions_are_silent() -> None:
    hub, socket, other = Hub(), FakeSocket(), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    hub.add(socket, "2", plan("tech"))
    hub.add(other, "1", plan("tech"))
    hub.remove(socket, "1")
    hub.drop(other)
    hub.drop(other)
    hub.publish(publication())
    assert len(socket.frames) == 1
    assert json.loads(socket.frames[0])["id"] == "2"
    assert other.frames == []
    assert len(hub) == hub.metrics["ActiveSubscriptions"] == 1


def test_an_id_is_registered_once_per_socket() -> None:
    hub, socket = Hub(), FakeSocket()
    hub.add(socket, "1", plan("tech"))
    with pytest.raises(ValueError, match="registered already"):
        hub.add(socket, "1", plan("cars"))


def test_an_invalidation_ends_whole_sockets_and_names_the_matching_subscriptions() -> None:
    hub, hit, spared = Hub(), FakeSocket(), FakeSocket()
    hub.add(hit, "1", plan("tech"))
    hub.add(hit, "2", plan("cars"))
    hub.add(hit, "3", plan("tech"))
    hub.add(spared, "1", plan("cars"))
    hub.invalidate(Invalidation("subscribe", {"name": "tech"}))
    assert hit.ended == [("1", "3")]
    assert spared.ended == []
    hub.publish(publication("cars"))
    assert hit.frames == []
    assert len(spared.frames) == 1


def test_an_invalidation_needs_the_field_and_a_filter() -> None:
    hub, socket = Hub(), FakeSocket()
    hub.add(socket, "1", plan(None, arguments={"name": "tech"}))
    hub.add(socket, "2", plan("tech"))
    hub.invalidate(Invalidation("another", {"name": "tech"}))
    hub.invalidate(Invalidation("subscribe", {}))
    assert socket.ended == []


def test_others_are_not_looked_at() -> None:
    index: FilterIndex[int] = FilterIndex()
    for number in range(1000):
        index.add(number, [[FilterRule("name", "eq", f"channel {number}")]])
    index.add(-1, [[FilterRule("name", "beginsWith", "channel")]])
    assert sorted(index.candidates({"name": "channel 7"})) == [-1, 7]
    index.discard(7, [[FilterRule("name", "eq", "channel 7")]])
    assert sorted(index.candidates({"name": "channel 7"})) == [-1]


rules = st.builds(
    FilterRule,
    st.sampled_from(["a", "b", "a.b"]),
    st.sampled_from(["eq", "ne"]),
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([1.0, "x", "y"]),
)
filters = st.lists(st.lists(rules, min_size=1, max_size=3), min_size=1, max_size=3)
fields = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([1.0, "x", "y"]) | st.just([1])
published = st.dictionaries(st.sampled_from("ab"), fields | st.fixed_dictionaries({"b": fields}), max_size=2)


@settings(deadline=None, max_examples=150)
@given(st.lists(filters, max_size=8), published)
def test_the_index_never_misses_a_match(groups: list[list[list[FilterRule]]], value: dict[str, JSON]) -> None:
    index: FilterIndex[int] = FilterIndex()
    for number, group in enumerate(groups):
        index.add(number, group)
    candidates = list(index.candidates(value))
    assert len(candidates) == len(set(candidates))
    assert {n for n, group in enumerate(groups) if compile_filter(group)(value)} <= set(candidates)
    for number, group in enumerate(groups):
        if is_exact(group):
            assert (number in candidates) is compile_filter(group)(value)
        index.discard(number, group)
    assert list(index.candidates(value)) == []
