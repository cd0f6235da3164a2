"""Drives the protocol core in tests."""

import base64
import json
from collections.abc import Sequence

from globalchat.localcloud.appsync.realtime.frames import Handshake
from globalchat.localcloud.appsync.realtime.protocol import (
    RealtimeProtocol,
    SendFrame,
    SocketAction,
    SocketLimits,
    SocketState,
    StartSubscription,
)
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.realtime_fakes import KEY, FakeAuthenticator, plan

GOOD: JSON = {"host": "127.0.0.1", "x-api-key": KEY}
DEFAULT = SocketLimits()
START_DATA = '{"query":"subscription { subscribe }","variables":{"name":"tech"}}'


def handshake(headers: JSON = GOOD, protocols: Sequence[str] = ("graphql-ws",)) -> Handshake:
    encoded = base64.b64encode(json.dumps(headers).encode()).decode()
    return Handshake(query=f"header={encoded}&payload=e30=", subprotocols=tuple(protocols))


def sent(actions: Sequence[SocketAction]) -> list[JSON]:
    return [json.loads(action.frame) for action in actions if isinstance(action, SendFrame)]


def start(name: JSON = "1", data: JSON = START_DATA, headers: JSON = GOOD) -> str:
    payload = {"data": data, "extensions": {"authorization": headers}}
    return json.dumps({"id": name, "type": "start", "payload": payload})


def ready(limits: SocketLimits = DEFAULT, *, admit: bool = True) -> RealtimeProtocol:
    core = RealtimeProtocol(FakeAuthenticator(), limits=limits, admit=lambda now: admit)
    assert core.open(handshake(), 0.0) == []
    core.receive('{"type":"connection_init"}', 0.0)
    assert core.state is SocketState.READY
    return core


def subscribe(core: RealtimeProtocol, name: str = "1") -> None:
    [action] = core.receive(start(name), 0.0)
    assert isinstance(action, StartSubscription)
    core.started(name, plan())
