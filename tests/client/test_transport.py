"""The overrides in `globalchat.client.transport` exist in gql, and are called as they expect."""

import asyncio
import inspect
import json
from collections.abc import Sequence

import gql
import pytest
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.common.base import SubscriptionTransportBase
from gql.transport.common.listener_queue import ListenerQueue
from gql.transport.exceptions import (
    TransportConnectionFailed,
    TransportError,
    TransportProtocolError,
    TransportQueryError,
)
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from globalchat.client.options import SocketTimeouts
from globalchat.client.transport import AppSyncTransport, ServerError, Subscriber

OURS = {"open", "start", "stop", "_make_socket", "_take"}


def test_gql_is_the_pinned_version() -> None:
    assert gql.__version__ == "4.4.0"


@pytest.mark.parametrize(
    ("ours", "theirs"), [(AppSyncTransport, AppSyncWebsocketsTransport), (Subscriber, ListenerQueue)]
)
def test_overrides_exist_with_the_same_parameters(ours: type, theirs: type) -> None:
    functions = [name for name, value in vars(ours).items() if inspect.isfunction(value)]
    overridden = [name for name in functions if hasattr(theirs, name) and not name.startswith("__")]
    assert overridden
    for name in overridden:
        mine = list(inspect.signature(getattr(ours, name)).parameters)
        base = list(inspect.signature(getattr(theirs, name)).parameters)
        assert mine == base, name
        assert inspect.iscoroutinefunction(getattr(ours, name)) == inspect.iscoroutinefunction(
            getattr(theirs, name)
        ), name


def test_wire_overrides_just_what_it_says() -> None:
    named = {name for name, value in vars(AppSyncTransport).items() if inspect.isfunction(value)}
    assert named - OURS - {"__init__"} == {
        "close",
        "_check_ws_liveness",
        "_close_hook",
        "_parse_answer",
        "_receive_data_loop",
    }
    assert all(hasattr(AppSyncWebsocketsTransport, name) for name in named - OURS)


def test_gql_calls_what_is_overridden() -> None:
    source = inspect.getsource(SubscriptionTransportBase)
    for call in (
        "self._check_ws_liveness()",
        "self._receive_data_loop()",
        "await self._close_hook()",
        "self._parse_answer(",
        "await self.listeners[answer_id].put((answer_type, execution_result))",
        "await self.listeners[e.query_id].set_exception(e)",
        "await listener.set_exception(e)",
        "self.close_exception = e",
    ):
        assert call in source, call
    assert "query_id = self.next_query_id" in inspect.getsource(AppSyncWebsocketsTransport._send_query)


def wire(url: str = "ws://127.0.0.1:9/graphql") -> AppSyncTransport:
    return AppSyncTransport(
        url, auth=AppSyncApiKeyAuthentication("api.example", "da2-key"), timeouts=SocketTimeouts()
    )


async def test_attributes_that_are_used_exist() -> None:
    made = wire()
    for name in ("listeners", "next_query_id", "adapter", "keep_alive_timeout", "receive_data_task", "_loop"):
        assert hasattr(made, name), name
    assert made.adapter.connect_args["proxy"] is None


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("ws://127.0.0.1:9/graphql", "ws://127.0.0.1:9/graphql?header="),
        ("wss://chat.example/graphql/realtime", "wss://chat.example/graphql/realtime?header="),
        ("wss://appsync-api.example/graphql", "wss://appsync-api.example/graphql?header="),
        ("wss://chat.example/graphql?x=1", "wss://chat.example/graphql?x=1&header="),
        (
            "wss://abc.appsync-realtime-api.us-west-2.amazonaws.com/graphql",
            "wss://abc.appsync-realtime-api.us-west-2.amazonaws.com/graphql?header=",
        ),
    ],
)
async def test_the_profiles_url_is_used_as_it_is(url: str, start: str) -> None:
    assert wire(url).url.startswith(start)
    assert wire(url).url.endswith("&payload=e30=")


async def test_frames_are_read() -> None:
    made = wire()
    assert made._parse_answer('{"type":"start_ack","id":"7"}') == ("start_ack", 7, None)
    assert made._parse_answer('{"type":"complete","id":"7"}') == ("complete", 7, None)
    assert made._parse_answer('{"type":"complete","id":"\\u0661"}') == ("complete", None, None)
    assert made._parse_answer('{"type":"ka"}') == ("ka", None, None)
    kind, query_id, result = made._parse_answer('{"type":"data","id":7,"payload":{"data":{"a":1}}}')
    assert (kind, query_id) == ("data", 7)
    assert result is not None
    assert result.data == {"a": 1}


@pytest.mark.parametrize(
    ("payload", "limit"),
    [
        ({"connectionTimeoutMs": 1500}, 1.5),
        ({"connectionTimeoutMs": 0}, 300.0),
        ({"connectionTimeoutMs": -1}, 300.0),
        ({"connectionTimeoutMs": "9"}, 300.0),
        ({}, 300.0),
        (None, 300.0),
    ],
)
async def test_limit_of_silence_comes_from_the_ack(payload: object, limit: float) -> None:
    made = wire()
    made._parse_answer(json.dumps({"type": "connection_ack", "payload": payload}))
    assert made.keep_alive_timeout == limit


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("", TransportProtocolError),
        ("[]", TransportProtocolError),
        ("null", TransportProtocolError),
        ("[" * 10_000, TransportProtocolError),
        ('{"type":"error"}', ServerError),
        ('{"type":"error","id":null}', ServerError),
        ('{"type":"error","id":"-1"}', ServerError),
        ('{"type":"error","id":"99999999999"}', ServerError),
        ('{"type":"error","id":"1"}', TransportQueryError),
        ('{"type":"connection_error","id":"1"}', ServerError),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_bad_frames_raise_what_gql_handles(frame: str, error: type[TransportError]) -> None:
    with pytest.raises(error):
        wire()._parse_answer(frame)


@pytest.mark.parametrize("frame", ['{"type":"ka"}', '{"type":"data","id":"1","payload":{"data":{}}}'])
async def test_every_frame_is_a_sign_of_life(frame: str) -> None:
    made = wire()
    made.heard_at = made._loop.time() - 1000
    made.keep_alive_timeout = 60
    made._parse_answer(frame)
    watching = asyncio.create_task(made._check_ws_liveness())
    await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()


async def test_silence_ends_the_watch_at_once() -> None:
    made = wire()
    made.heard_at = made._loop.time() - 61
    made.keep_alive_timeout = 60
    await asyncio.wait_for(made._check_ws_liveness(), 1)


async def test_listener_starts_once_and_ends_once() -> None:
    ended: list[Exception | None] = []
    got: list[object] = []
    listener = Subscriber(1, on_data=got.append, on_end=ended.append)
    await listener.put(("start_ack", None))
    await listener.put(("start_ack", None))
    assert listener.is_live
    await listener.put(("complete", None))
    await listener.put(("complete", None))
    await listener.set_exception(ValueError())
    await listener.put(("start_ack", None))
    assert (ended, got) == ([None], [])


async def test_listener_that_never_started_fails_its_start() -> None:
    ended: list[Exception | None] = []
    listener = Subscriber(1, on_data=lambda result: None, on_end=ended.append)
    await listener.put(("complete", None))
    with pytest.raises(TransportError):
        await asyncio.wait_for(listener.started, 1)
    assert not listener.is_live
    assert not ended


def data(number: object) -> str:
    """Return a frame with a number for subscription 1."""
    return json.dumps({"type": "data", "id": "1", "payload": {"data": number}})


CLOSE = "a close frame"


async def served(frames: Sequence[str | Sequence[str]]) -> tuple[list[object], Exception | None]:
    """Return what a subscriber got from a server that sends these (a list in fragments), and how it ended."""

    async def handle(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type":"connection_ack"}')
        await socket.send('{"type":"ka"}')
        await socket.recv()
        for frame in ('{"type":"start_ack","id":"1"}', *frames):
            if frame == CLOSE:
                # It does not read the answer, so that it does not end the TCP connection.
                socket.transport.pause_reading()
                socket.protocol.send_close(1001)
                socket.send_data()
                await over.wait()
                socket.transport.abort()
            else:
                await socket.send(frame)
        await socket.wait_closed()

    got: list[object] = []
    over = asyncio.Event()
    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("graphql-ws")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        made = wire(f"ws://127.0.0.1:{port}/graphql")
        await made.open()
        ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        def take(number: object) -> None:
            got.append(number)
            if number == "broken":
                raise ZeroDivisionError

        await made.start(
            gql.gql("subscription { a }"),
            lambda number: Subscriber(number, on_data=take, on_end=ended.set_result),
        )
        try:
            return got, await asyncio.wait_for(ended, 30)
        finally:
            over.set()
            await made.close()


async def test_messages_keep_their_order_whole_or_in_fragments() -> None:
    whole, end = data(4), '{"type":"complete","id":"1"}'
    frames = [data(1), [data(2)[:9], data(2)[9:]], data(3), whole, " " + data(5) + " ", data(6), end]
    assert await served(frames) == ([1, 2, 3, 4, 5, 6], None)


async def test_a_server_that_closes_but_keeps_the_connection_is_left() -> None:
    # Long before the next ping, which is 20 seconds away.
    async with asyncio.timeout(15):
        got, error = await served([data(1), CLOSE])
    assert got == [1]
    assert isinstance(error, TransportConnectionFailed)


@pytest.mark.parametrize("last", [data(1) + "x", '{"type":"data","id":"1"', "[" * 10_000], ids=len)
async def test_a_frame_that_is_not_json_ends_the_connection(last: str) -> None:
    got, error = await served([data(1), last])
    assert got == [1]
    assert isinstance(error, TransportProtocolError)


async def test_a_message_that_cannot_be_handled_ends_the_connection_and_is_taken_once() -> None:
    got, error = await served([data(1), data("broken")])
    assert got == [1, "broken"]
    assert isinstance(error, TransportProtocolError)
    assert str(error) == "ZeroDivisionError"
