"""From a publish to the other region: HTTP, resolver, bus, relay, the other bus, resolver, subscriber."""

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import median

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from bench.affinity import pin
from bench.load.publishers import CHANNEL, TEXT, GraphqlPost, check_answer, is_whole
from bench.load.subscribers import QUERY
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from bench.servers.processes import BESIDE, ServerProcess, server
from globalchat.measure.histogram import QUANTILES, Histogram

MUTATION = (
    "mutation Publish($name: String!, $message: String!, $id: ID) "
    "{ publish(name: $name, message: $message, id: $id) { id sentAt } }"
)
CONNECTIONS = 16
_WITH = "with history"
_WITHOUT = "without history"
_BESIDE = "the other checkout"


@dataclass(slots=True)
class Arrivals:
    """When each message arrived in the other region (ns), by id."""

    at: dict[str, int] = field(default_factory=dict)
    wanted: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, socket: ClientWebSocketResponse) -> None:
        """Record arrivals until cancelled."""
        async for message in socket:
            assert message.type is WSMsgType.TEXT, message
            frame = json.loads(message.data)
            assert frame["type"] == "data", frame
            self.at[frame["payload"]["data"]["subscribe"]["id"]] = time.perf_counter_ns()
            if len(self.at) >= self.wanted:
                self.complete.set()

    async def all_of(self, count: int) -> None:
        """Wait until `count` messages have arrived."""
        self.wanted = count
        if len(self.at) < count:
            self.complete.clear()
            await asyncio.wait_for(self.complete.wait(), 60)


class PublishConnection(asyncio.Protocol):
    """A connection to the API: one request at a time."""

    def __init__(self, post: GraphqlPost) -> None:
        self._post = post
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Complete the request once the answer is whole."""
        self._received += data
        if self._answer is not None and is_whole(self._received):
            self._answer.set_result(self._received)
            self._received = b""

    async def publish(self, name: str) -> None:
        """Publish one message under this id.

        Raises:
            AssertionError: the answer is an error.
        """
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._post.request({"name": CHANNEL, "message": TEXT, "id": name}))
        check_answer(await self._answer)


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What a publish needs.

    Attributes:
        accepted: Median ms until the API has answered, one message at a time.
        p50: Median ms until it is received in the other region.
        p99: The same, 99th percentile.
        rate: Publishes a second, `CONNECTIONS` at a time.
        cpu: CPU µs of each of these.
    """

    accepted: float
    p50: float
    p99: float
    rate: float
    cpu: float


async def run(process: ServerProcess, *, messages: int, seconds: float) -> PublishResult:
    """Publish one message at a time, then as many as possible."""
    here, there = process.about["regions"][:2]
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
        post = GraphqlPost(here["url"], here["key"], MUTATION)
        connections = [
            (await loop.create_connection(lambda: PublishConnection(post), *post.address))[1]
            for _ in range(CONNECTIONS)
        ]
        accepted, transits = await _one_at_a_time(connections[0], arrivals, messages)
        rate, cpu = await _saturate(process, connections, arrivals, seconds)
        listening.cancel()
    return PublishResult(
        _milliseconds(accepted, "p50"),
        _milliseconds(transits, "p50"),
        _milliseconds(transits, "p99"),
        rate,
        cpu,
    )


def _milliseconds(times: Histogram, quantile: str) -> float:
    return (times.quantile(QUANTILES[quantile]) or 0) / 1e6


async def _one_at_a_time(
    connection: PublishConnection, arrivals: Arrivals, messages: int
) -> tuple[Histogram, Histogram]:
    """Return the times until a message was accepted, and until it arrived in the other region."""
    accepted, transits = Histogram(), Histogram()
    for number in range(messages):
        name, start = f"one-{number}", time.perf_counter_ns()
        await connection.publish(name)
        accepted.add(time.perf_counter_ns() - start)
        await arrivals.all_of(number + 1)
        transits.add(arrivals.at[name] - start)
    return accepted, transits


async def _saturate(
    process: ServerProcess, connections: list[PublishConnection], arrivals: Arrivals, seconds: float
) -> tuple[float, float]:
    arrivals.at.clear()
    before, start = process.usage().cpu, time.perf_counter()

    async def keep_on(connection: PublishConnection, number: int) -> int:
        count = 0
        while time.perf_counter() - start < seconds:
            await connection.publish(f"many-{number}-{count}")
            count += 1
        return count

    counts = await asyncio.gather(*(keep_on(each, number) for number, each in enumerate(connections)))
    await arrivals.all_of(sum(counts))
    took = time.perf_counter() - start
    return sum(counts) / took, (process.usage().cpu - before) / sum(counts) * 1e6


async def _subscribe(socket: ClientWebSocketResponse, key: str) -> None:
    data = json.dumps({"query": QUERY, "variables": {"name": CHANNEL}})
    payload = {"data": data, "extensions": {"authorization": {"x-api-key": key}}}
    await socket.send_json({"id": "1", "type": "start", "payload": payload})
    acknowledged = await socket.receive_json()
    assert acknowledged["type"] == "start_ack", acknowledged


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure a local cloud, one that stores no messages, and that of another checkout, if there is one.

    They take turns, since what else the machine does changes from second to second.

    Raises:
        AssertionError: a publish is refused.
        TimeoutError: a message does not arrive.
    """
    pin(1)
    beside = os.environ.get(BESIDE)
    servers: dict[str, tuple[str, Path | None]] = {
        _WITH: ("cloud", None),
        _WITHOUT: ("cloud-without-history", None),
    }
    if beside:
        servers[_BESIDE] = ("cloud", Path(beside).resolve())
    rounds: dict[str, list[PublishResult]] = {name: [] for name in servers}
    for _ in range(1 if quick else 5):
        for name, (kind, checkout) in servers.items():
            with server(kind, checkout=checkout) as process:
                rounds[name].append(
                    asyncio.run(run(process, messages=20 if quick else 200, seconds=0.5 if quick else 2))
                )
    results = {name: median_of(each) for name, each in rounds.items()}
    result = results.pop(_WITH)
    load = f"publish, {CONNECTIONS} at a time"
    comparisons = [
        ComparisonRow("publish, received in the other region, one at a time: p50 ms", result.p50, digits=2),
        ComparisonRow(f"{load}: wall µs each", 1e6 / result.rate, digits=0),
        ComparisonRow(
            f"{load}: CPU µs each",
            result.cpu,
            {name: other.cpu for name, other in results.items()},
            digits=0,
        ),
    ]
    return BenchmarkResult(_detail({_WITH: result, **results}), comparisons)


def median_of(results: Sequence[PublishResult]) -> PublishResult:
    """Return the median of each figure."""
    return PublishResult(
        **{
            each.name: median(getattr(result, each.name) for result in results)
            for each in fields(PublishResult)
        }
    )


def _detail(results: Mapping[str, PublishResult]) -> str:
    heads = (
        "",
        "accepted p50 ms",
        "other region p50 ms",
        "p99 ms",
        "publishes/s",
        "CPU µs/publish",
        "publishes per CPU second",
    )
    rows = [
        (
            f"HTTP → other region, {name}",
            f"{result.accepted:.2f}",
            f"{result.p50:.2f}",
            f"{result.p99:.2f}",
            f"{result.rate:,.0f}",
            f"{result.cpu:.0f}",
            f"{1e6 / result.cpu:,.0f}",
        )
        for name, result in results.items()
    ]
    return markdown_table(heads, rows)
