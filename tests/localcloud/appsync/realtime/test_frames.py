import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.realtime.frames import Handshake
from globalchat.localcloud.appsync.realtime.protocol import (
    NORMAL_CLOSURE,
    POLICY_VIOLATION,
    CloseSocket,
    CountMetric,
    RealtimeProtocol,
    SendFrame,
    SocketLimits,
    SocketState,
)
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.protocol_driver import GOOD, handshake, ready, sent, start, subscribe
from tests.localcloud.helpers.realtime_fakes import KEY, FakeAuthenticator

CONNECTION_REFUSED = {
    "type": "connection_error",
    "payload": {
        "errors": [
            {
                "errorType": "UnauthorizedException",
                "message": "You are not authorized to make this call.",
                "errorCode": 401,
            }
        ]
    },
}


def plain(headers: dict[str, str]) -> Handshake:
    return Handshake(subprotocols=("graphql-ws",), headers=headers)


def by_subprotocol(headers: JSON) -> Handshake:
    encoded = base64.urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")
    return Handshake(subprotocols=("graphql-ws", f"header-{encoded}"), headers={"x-api-key": "da2-bad"})


@pytest.mark.parametrize("offer", [handshake(GOOD), by_subprotocol(GOOD), plain({"x-api-key": KEY})])
def test_each_way_to_carry_credentials_is_taken(offer: Handshake) -> None:
    authenticator = FakeAuthenticator()
    core = RealtimeProtocol(authenticator)
    assert core.open(offer, 0.0) == []
    assert core.state is SocketState.OPEN
    assert authenticator.asked == [("POST", "/graphql/connect", b"{}")]


@pytest.mark.parametrize("text", ["~~~>>>???", "ÿþ ~?", "a?b>c~"])
def test_every_character_of_base64_survives_the_query_string(text: str) -> None:
    headers = {"x-api-key": KEY, "x-amz-date": text}
    encoded = base64.b64encode(json.dumps(headers, ensure_ascii=False).encode("utf-8")).decode()
    escaped = encoded.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    urlsafe = encoded.replace("+", "-").replace("/", "_").rstrip("=")
    for query in (encoded, escaped, urlsafe):
        core = RealtimeProtocol(FakeAuthenticator())
        offer = Handshake(query=f"payload=e30=&header={query}", subprotocols=("graphql-ws",))
        assert core.open(offer, 0.0) == []


def test_a_raw_plus_is_not_a_space() -> None:
    encoded = base64.b64encode(json.dumps({"x-api-key": KEY, "a": "~>>>~>>>~"}).encode()).decode()
    assert "+" in encoded
    core = RealtimeProtocol(FakeAuthenticator())
    assert core.open(Handshake(query=f"header={encoded}", subprotocols=("graphql-ws",)), 0.0) == []


@pytest.mark.parametrize(
    "offer",
    [
        handshake({"x-api-key": "da2-bad"}),
        handshake({}),
        handshake([1]),
        handshake({"x-api-key": 3}),
        by_subprotocol({"x-api-key": "da2-bad"}),
        plain({}),
        Handshake(query="header=%%%", subprotocols=("graphql-ws",)),
        Handshake(query="header=abc", subprotocols=("graphql-ws",)),
        Handshake(query="header=é", subprotocols=("graphql-ws",)),
        Handshake(subprotocols=("graphql-ws", "header-")),
    ],
)
def test_bad_credentials_are_reported_at_once_and_the_socket_closed_after_the_next_frame(
    offer: Handshake,
) -> None:
    core = RealtimeProtocol(FakeAuthenticator())
    actions = core.open(offer, 0.0)
    assert sent(actions) == [CONNECTION_REFUSED]
    assert CountMetric("ConnectClientError") in actions
    assert core.receive('{"type":"connection_init"}', 0.1) == [CloseSocket(POLICY_VIOLATION)]
    assert core.state is SocketState.CLOSED


def test_a_refused_client_that_sends_nothing_is_closed_after_a_grace() -> None:
    core = RealtimeProtocol(FakeAuthenticator(), limits=SocketLimits(refusal_grace=2.0))
    core.open(handshake({}), 10.0)
    assert core.deadline == 12.0
    assert core.tick(11.9) == []
    assert core.tick(12.0) == [CloseSocket(POLICY_VIOLATION)]
    assert core.deadline is None


@pytest.mark.parametrize(
    ("protocols", "message"),
    [
        ([], "NoProtocolError"),
        (["graphql-transport-ws"], "SubProtocolNotSupportedError"),
        (["header-e30"], "SubProtocolNotSupportedError"),
    ],
)
def test_a_wrong_subprotocol_is_refused(protocols: list[str], message: str) -> None:
    core = RealtimeProtocol(FakeAuthenticator())
    assert sent(core.open(handshake(protocols=protocols), 0.0)) == [
        {"type": "connection_error", "payload": {"errors": [{"message": message, "errorCode": 400}]}}
    ]


@pytest.mark.parametrize("frame", ['{"type":"connection_init"}', b'{"type":"connection_init","payload":{}}'])
def test_init_is_answered_with_ack_and_a_first_keep_alive(frame: str | bytes) -> None:
    core = RealtimeProtocol(FakeAuthenticator())
    core.open(handshake(), 0.0)
    actions = core.receive(frame, 5.0)
    assert sent(actions) == [
        {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}},
        {"type": "ka"},
    ]
    assert CountMetric("ConnectSuccess") in actions
    assert core.deadline == 65.0


def test_a_second_init_is_acknowledged_and_counts_once() -> None:
    actions = ready().receive('{"type":"connection_init"}', 1.0)
    assert actions == [SendFrame(b'{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}')]


def test_keep_alives_come_every_minute() -> None:
    core = ready()
    assert core.tick(59.0) == []
    assert sent(core.tick(60.0)) == [{"type": "ka"}]
    assert core.tick(60.1) == []
    assert sent(core.tick(120.5)) == [{"type": "ka"}]
    assert core.deadline == 180.5


def test_a_socket_lives_a_day() -> None:
    core = ready()
    subscribe(core)
    assert core.tick(86_399.0) != [CloseSocket(NORMAL_CLOSURE)]
    assert core.tick(86_400.0) == [CloseSocket(NORMAL_CLOSURE)]
    assert core.subscriptions == frozenset()
    assert core.tick(90_000.0) == core.receive(start(), 90_000.0) == []


def test_a_connection_beyond_the_rate_is_refused_before_anything_is_looked_at() -> None:
    authenticator = FakeAuthenticator()
    core = RealtimeProtocol(authenticator)
    [refusal] = sent(core.open(handshake(), 0.0, admitted=False))
    error = {"errorType": "LimitExceededError", "message": "Rate limit exceeded", "errorCode": 429}
    assert refusal == {"type": "connection_error", "payload": {"errors": [error]}}
    assert core.state is SocketState.REFUSED
    assert authenticator.asked == []


@settings(deadline=None, max_examples=200)
@given(
    st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: f"header={base64.b64encode(raw).decode()}"),
    st.lists(
        st.sampled_from(["graphql-ws", "header-", "header-e30", "header-W10", "mqtt"]) | st.text(max_size=20),
        max_size=3,
    ),
    st.dictionaries(
        st.sampled_from(["x-api-key", "host", "Authorization"]), st.text(max_size=10), max_size=2
    ),
)
def test_whatever_a_client_offers_is_judged(
    query: str, protocols: list[str], headers: dict[str, str]
) -> None:
    core = RealtimeProtocol(FakeAuthenticator())
    actions = core.open(Handshake(query, tuple(protocols), headers), 0.0)
    if core.state is SocketState.OPEN:
        assert actions == []
    else:
        assert core.state is SocketState.REFUSED
        [refusal] = sent(actions)
        assert isinstance(refusal, dict)
        assert refusal["type"] == "connection_error"
