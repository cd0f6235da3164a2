"""The way of a message: HTTP, resolver, bus, relay, the other region's bus, resolver, subscriber."""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from bench import usage
from bench.child import Child, server
from bench.subscribers import QUERY
from bench.table import table

CHANNEL = "tech"
MUTATION = (
    "mutation Publish($name: String!, $message: String!, $id: ID) "
    "{ publish(name: $name, message: $message, id: $id) { id sentAt } }"
)
TEXT = "x" * 200
CONNECTIONS = 16


@dataclass(slots=True)
class Arrivals:
    """When each message arrived in the other region, by id."""

    at: dict[str, float] = field(default_factory=dict)
    wanted: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, socket: ClientWebSocketResponse) -> None:
        """Note arrivals until cancelled."""
        async for message in socket:
            assert message.type is WSMsgType.TEXT, message
            frame = json.loads(message.data)
            assert frame["type"] == "data", frame
            self.at[frame["payload"]["data"]["subscribe"]["id"]] = time.perf_counter()
            if len(self.at) >= self.wanted:
                self.complete.set()

    async def all_of(self, count: int) -> None:
        """Wait for so many."""
        self.wanted = count
        if len(self.at) < count:
            self.complete.clear()
            await asyncio.wait_for(self.complete.wait(), 60)


class Connection(asyncio.Protocol):
    """A bare HTTP/1.1 client: one request at a time, the whole answer at once. The load must cost little."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 0)
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nx-api-key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand an answer over once it is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or self._answer is None:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) >= length:
            self._answer.set_result(body)
            self._received = b""

    async def publish(self, name: str) -> None:
        """Publish one message under this id."""
        assert self._transport is not None
        variables = {"name": CHANNEL, "message": TEXT, "id": name}
        body = json.dumps({"query": MUTATION, "variables": variables})
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(f"{self._head}{len(body)}\r\n\r\n{body}".encode())
        answer = json.loads(await self._answer)
        assert "errors" not in answer, answer


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds of one message at a time, publishes a second under load, CPU µs of each."""

    accepted: float
    p50: float
    p99: float
    rate: float
    cpu: float


async def run(child: Child, *, messages: int, seconds: float) -> Result:
    """Measure one message at a time, then as many as go."""
    here, there = child.about["regions"][:2]
    loop = asyncio.get_running_loop()
    arrivals = Arrivals()
    async with (
        ClientSession() as session,
        session.ws_connect(
            there["url"], protocols=["graphql-ws"], headers={"x-api-key": there["key"]}
        ) as socket,
    ):
        await _subscribe(socket, there["key"])
        listening = asyncio.create_task(arrivals.listen(socket))
        connections = []
        for _ in range(CONNECTIONS):
            connection = Connection(here["url"], here["key"])
            await loop.create_connection(lambda: connection, *connection.address)  # noqa: B023 - called at once
            connections.append(connection)
        accepted, transits = await _one_at_a_time(connections[0], arrivals, messages)
        rate, cpu = await _as_many_as_go(child, connections, arrivals, seconds)
        listening.cancel()
    cuts = statistics.quantiles(transits, n=100)
    return Result(statistics.median(accepted), statistics.median(transits), cuts[98], rate, cpu)


async def _one_at_a_time(
    connection: Connection, arrivals: Arrivals, messages: int
) -> tuple[list[float], list[float]]:
    accepted, transits = [], []
    for number in range(messages):
        name, start = f"one-{number}", time.perf_counter()
        await connection.publish(name)
        accepted.append((time.perf_counter() - start) * 1e3)
        await arrivals.all_of(number + 1)
        transits.append((arrivals.at[name] - start) * 1e3)
    return accepted, transits


async def _as_many_as_go(
    child: Child, connections: list[Connection], arrivals: Arrivals, seconds: float
) -> tuple[float, float]:
    arrivals.at.clear()
    before, start = child.usage().cpu, time.perf_counter()

    async def keep_on(connection: Connection, number: int) -> int:
        count = 0
        while time.perf_counter() - start < seconds:
            await connection.publish(f"many-{number}-{count}")
            count += 1
        return count

    counts = await asyncio.gather(*(keep_on(each, number) for number, each in enumerate(connections)))
    await arrivals.all_of(sum(counts))
    took = time.perf_counter() - start
    return sum(counts) / took, (child.usage().cpu - before) / sum(counts) * 1e6


async def _subscribe(socket: ClientWebSocketResponse, key: str) -> None:
    data = json.dumps({"query": QUERY, "variables": {"name": CHANNEL}})
    payload = {"data": data, "extensions": {"authorization": {"x-api-key": key}}}
    await socket.send_json({"id": "1", "type": "start", "payload": payload})
    acknowledged = await socket.receive_json()
    assert acknowledged["type"] == "start_ack", acknowledged


def report(*, quick: bool) -> str:
    """Run, and tell."""
    usage.pin(1)
    with server("cloud") as child:
        result = asyncio.run(run(child, messages=20 if quick else 500, seconds=0.5 if quick else 5))
    return table(
        (
            "",
            "accepted p50 ms",
            "other region p50 ms",
            "p99 ms",
            "publishes/s",
            "CPU µs/publish",
            "publishes per CPU second",
        ),
        [
            (
                "HTTP → other region",
                f"{result.accepted:.2f}",
                f"{result.p50:.2f}",
                f"{result.p99:.2f}",
                f"{result.rate:,.0f}",
                f"{result.cpu:.0f}",
                f"{1e6 / result.cpu:,.0f}",
            )
        ],
    )
