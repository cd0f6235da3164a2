import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.model import GraphQLRequest
from globalchat.localcloud.appsync.realtime.protocol import (
    GOING_AWAY,
    LEGAL_TRANSITIONS,
    NORMAL_CLOSURE,
    POLICY_VIOLATION,
    AddSubscription,
    CloseSocket,
    CountMetric,
    IllegalSocketTransition,
    RateLimit,
    RealtimeProtocol,
    RemoveSubscription,
    SendFrame,
    SocketAction,
    SocketLimits,
    SocketState,
    StartSubscription,
)
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.protocol_driver import START_DATA, handshake, ready, sent, start, subscribe
from tests.localcloud.helpers.realtime_fakes import FakeAuthenticator, plan


def test_a_start_is_authorised_planned_acknowledged() -> None:
    authenticator = FakeAuthenticator()
    core = RealtimeProtocol(authenticator)
    core.open(handshake(), 0.0)
    core.receive('{"type":"connection_init"}', 0.0)
    [action] = core.receive(start("a"), 0.0)
    assert isinstance(action, StartSubscription)
    assert action.id == "a"
    assert action.request == GraphQLRequest("subscription { subscribe }", {"name": "tech"})
    assert action.caller.mode == "API_KEY"
    assert authenticator.asked[-1] == ("POST", "/graphql", START_DATA.encode())
    assert core.subscriptions == frozenset()
    made = plan()
    assert core.started("a", made) == [
        AddSubscription("a", made),
        SendFrame(b'{"type":"start_ack","id":"a"}'),
        CountMetric("SubscribeSuccess"),
    ]
    assert core.subscriptions == {"a"}


def test_a_start_before_init_is_served() -> None:
    core = RealtimeProtocol(FakeAuthenticator())
    core.open(handshake(), 0.0)
    assert isinstance(core.receive(start(), 0.0)[0], StartSubscription)
    assert sent(core.receive('{"type":"connection_init"}', 0.0))[0] == {
        "type": "connection_ack",
        "payload": {"connectionTimeoutMs": 300000},
    }


def test_operation_name_and_missing_variables_are_read() -> None:
    data = json.dumps({"query": "q", "operationName": "X", "variables": None})
    [action] = ready().receive(start(data=data), 0.0)
    assert isinstance(action, StartSubscription)
    assert action.request == GraphQLRequest("q", {}, "X")


@pytest.mark.parametrize("headers", [{"x-api-key": "da2-bad"}, {}, None, "x", {"x-api-key": None}])
def test_each_start_needs_its_own_credentials(headers: JSON) -> None:
    assert sent(ready().receive(start("7", headers=headers), 0.0)) == [
        {
            "type": "error",
            "id": "7",
            "payload": {
                "errors": [
                    {
                        "errorType": "UnauthorizedException",
                        "message": "You are not authorized to make this call.",
                    }
                ]
            },
        }
    ]


ERRORS: list[JSON] = [
    {
        "path": ["subscribe"],
        "data": None,
        "errorType": "UnknownChannel",
        "errorInfo": {"channels": ["tech"]},
        "locations": None,
        "message": "There is no such channel.",
    },
    {"path": None, "locations": None, "message": "Validation error"},
]


def test_a_refused_start_gets_the_errors_with_its_id_as_type_and_message_alone() -> None:
    core = ready()
    core.receive(start("7"), 0.0)
    actions = core.refused("7", ERRORS)
    errors = [
        {"errorType": "UnknownChannel", "message": "There is no such channel."},
        {"message": "Validation error"},
    ]
    assert sent(actions) == [{"type": "error", "id": "7", "payload": {"errors": errors}}]
    assert CountMetric("SubscribeClientError") in actions
    assert isinstance(core.receive(start("7"), 0.0)[0], StartSubscription)


def test_a_query_is_refused_without_an_id() -> None:
    errors: list[JSON] = [
        {
            "errorType": "UnsupportedOperation",
            "message": "query not supported through the realtime channel",
        }
    ]
    core = ready()
    core.receive(start("7"), 0.0)
    assert sent(core.refused("7", errors)) == [{"type": "error", "payload": {"errors": errors}}]


UNKNOWN = {
    "type": "error",
    "payload": {
        "errors": [
            {
                "errorType": "UnsupportedOperation",
                "message": "unknown not supported through the realtime channel",
            }
        ]
    },
}


@pytest.mark.parametrize(
    "frame",
    [
        '{"id":"1","type":"start","payload":{}}',
        '{"id":"1","type":"start"}',
        '{"id":"1","type":"start","payload":{"data":{"query":"x"}}}',
        '{"id":"1","type":"start","payload":{"query":"x"}}',
        start(data="{"),
        start(data="[]"),
        start(data="{}"),
        start(data='{"query":3}'),
        start(name=""),
        start(name=None),
        start(name=3),
        '{"type":"connection_terminate"}',
        '{"type":["start"]}',
        "{}",
        "[]",
        "3",
        "",
        "{",
        "\x00",
        b"\xff\xfe",
        "[" * 100_000,
    ],
)
def test_a_start_without_a_subscription_is_unknown_and_the_socket_lives_on(frame: str | bytes) -> None:
    core = ready()
    assert sent(core.receive(frame, 0.0)) == [UNKNOWN]
    assert core.state is SocketState.READY
    assert isinstance(core.receive(start(), 0.0)[0], StartSubscription)


def test_the_subscription_beyond_the_quota_is_refused_with_an_object() -> None:
    core = ready(SocketLimits(subscriptions=2))
    subscribe(core, "1")
    core.receive(start("2"), 0.0)
    assert sent(core.receive(start("3"), 0.0)) == [
        {
            "type": "error",
            "id": "3",
            "payload": {
                "errors": {
                    "errorType": "MaxSubscriptionsReachedError",
                    "message": "Max number of 2 subscriptions reached",
                }
            },
        }
    ]
    core.receive('{"type":"stop","id":"1"}', 0.0)
    assert isinstance(core.receive(start("3"), 0.0)[0], StartSubscription)


def test_the_quota_is_200() -> None:
    core = ready()
    for number in range(200):
        core.receive(start(str(number)), 0.0)
    assert b"Max number of 200 subscriptions reached" in core.receive(start("x"), 0.0)[0].frame  # type: ignore[union-attr]


@pytest.mark.parametrize("live", [True, False])
def test_an_id_in_use_is_refused_and_the_first_stays(live: bool) -> None:
    core = ready()
    core.receive(start("1"), 0.0)
    if live:
        core.started("1", plan())
    [frame] = sent(core.receive(start("1"), 0.0))
    assert isinstance(frame, dict)
    assert frame["id"] == "1"
    assert "DuplicatedOperationError" in json.dumps(frame)
    if live:
        assert core.subscriptions == {"1"}
    else:
        assert isinstance(core.started("1", plan())[0], AddSubscription)


def test_throttling_is_reported_without_an_id() -> None:
    assert sent(ready(admit=False).receive(start("1"), 0.0)) == [
        {
            "type": "error",
            "payload": {"errors": [{"errorType": "LimitExceededError", "message": "Rate limit exceeded"}]},
        }
    ]


def test_stop_is_answered_with_complete() -> None:
    core = ready()
    subscribe(core)
    assert core.receive('{"type":"stop","id":"1"}', 0.0) == [
        RemoveSubscription("1"),
        SendFrame(b'{"type":"complete","id":"1"}'),
        CountMetric("UnsubscribeSuccess"),
    ]
    assert core.receive('{"type":"stop","id":"1"}', 0.0) == [CountMetric("UnsubscribeClientError")]
    assert isinstance(core.receive(start("1"), 0.0)[0], StartSubscription)


def test_a_start_that_was_stopped_meanwhile_never_listens() -> None:
    core = ready()
    core.receive(start("1"), 0.0)
    actions = core.receive('{"type":"stop","id":"1"}', 0.0)
    assert actions[0] == RemoveSubscription("1")
    assert core.started("1", plan()) == []
    assert core.refused("1", ERRORS) == []
    assert core.subscriptions == frozenset()


@pytest.mark.parametrize("frame", ['{"type":"stop"}', '{"type":"stop","id":3}', '{"type":"stop","id":"x"}'])
def test_a_stop_of_nothing_is_counted_only(frame: str) -> None:
    assert ready().receive(frame, 0.0) == [CountMetric("UnsubscribeClientError")]


def test_invalidation_completes_what_matched_then_closes_everything() -> None:
    core = ready()
    for name in "123":
        subscribe(core, name)
    assert core.invalidated(["1", "3"]) == [
        SendFrame(b'{"type":"complete","id":"1"}'),
        SendFrame(b'{"type":"complete","id":"3"}'),
        CloseSocket(NORMAL_CLOSURE),
    ]
    assert core.state is SocketState.CLOSED
    assert core.invalidated(["2"]) == core.shut_down() == core.started("2", plan()) == []


def test_invalidation_may_go_without_a_notice() -> None:
    core = ready()
    subscribe(core)
    assert core.invalidated(["1"], announce=False) == [CloseSocket(NORMAL_CLOSURE)]


@pytest.mark.parametrize("frame", ['{"type":"connection_init"}', start()])
def test_a_socket_that_asks_for_something_lives_on(frame: str) -> None:
    core = RealtimeProtocol(FakeAuthenticator(), limits=SocketLimits(first_frame=5, keep_alive=60))
    core.open(handshake(), 0.0)
    assert core.deadline == 5
    assert core.tick(4.9) == []
    core.receive(frame, 4.9)
    assert core.deadline is not None
    assert core.deadline > 5
    assert core.tick(5.0) == []
    assert core.state is not SocketState.CLOSED


@pytest.mark.parametrize("frame", ["garbage", '{"type":"stop","id":"1"}', start(headers={"x-api-key": "no"})])
def test_a_socket_without_an_authorised_frame_is_closed(frame: str) -> None:
    core = RealtimeProtocol(FakeAuthenticator(), limits=SocketLimits(first_frame=5))
    core.open(handshake(), 0.0)
    core.receive(frame, 1.0)
    assert core.deadline == 5
    assert core.tick(5.0) == [CloseSocket(POLICY_VIOLATION)]


def test_shutting_down_closes_once() -> None:
    core = ready()
    assert core.shut_down() == [CloseSocket(GOING_AWAY)]
    assert core.shut_down() == []


def test_a_lost_connection_is_the_end() -> None:
    core = ready()
    subscribe(core)
    core.lost()
    core.lost()
    assert core.state is SocketState.CLOSED
    assert core.subscriptions == frozenset()


def test_opening_twice_is_a_bug() -> None:
    with pytest.raises(IllegalSocketTransition):
        ready().open(handshake(), 0.0)


def test_every_state_has_its_followers_and_closed_has_none() -> None:
    assert set(LEGAL_TRANSITIONS) == set(SocketState)
    assert LEGAL_TRANSITIONS[SocketState.CLOSED] == frozenset()


frames = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=20),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "type", "payload", "data", "extensions", "authorization"]),
                inner,
                max_size=4,
            )
        ),
    ).map(json.dumps),
    st.builds(
        lambda kind, name: json.dumps({"type": kind, "id": name}),
        st.sampled_from(["connection_init", "start", "stop", "data"]),
        st.sampled_from(["1", "\ud800", None, 3]),
    ),
    st.builds(start, st.sampled_from(["1", "2", "\ud800"]), st.sampled_from([START_DATA, '"\ud800"', "{"])),
)
steps = st.lists(
    st.tuples(st.sampled_from(["frame", "tick", "started", "refused", "end"]), frames), max_size=20
)


@settings(deadline=None, max_examples=120)
@given(steps)
def test_garbage_never_raises_and_nothing_follows_the_close(script: list[tuple[str, str | bytes]]) -> None:
    core = RealtimeProtocol(FakeAuthenticator())
    core.open(handshake(), 0.0)
    done: list[SocketAction] = []
    for second, (step, frame) in enumerate(script):
        match step:
            case "frame":
                done += core.receive(frame, second)
            case "tick":
                done += core.tick(second * 60)
            case "started":
                done += core.started("1", plan())
            case "refused":
                done += core.refused("2", ERRORS)
            case _:
                done += core.invalidated(["1"])
        assert core.state is SocketState.CLOSED or core.deadline is not None
    for action in done:
        if isinstance(action, SendFrame):
            assert json.loads(action.frame.decode("utf-8"))["type"]
    assert not any(isinstance(action, CloseSocket) for action in done[:-1])


def test_a_burst_is_admitted_then_the_rate() -> None:
    limit = RateLimit(2)
    assert [limit.admit(10.0) for _ in range(3)] == [True, True, False]
    assert [limit.admit(10.5) for _ in range(2)] == [True, False]
    assert [limit.admit(99.0) for _ in range(3)] == [True, True, False]


def test_less_than_one_a_second_still_admits() -> None:
    limit = RateLimit(0.5)
    assert [limit.admit(now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)] == [True, False, True, False, True]


def test_none_admits_all() -> None:
    limit = RateLimit(None)
    assert all(limit.admit(0.0) for _ in range(10_000))
