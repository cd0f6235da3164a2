"""Scale: the fan-out and the history of the local cloud at 10 and more times the load."""

import json
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.affinity import pin
from bench.benchmarks.fanout import flood
from bench.load.publishers import (
    CHANNEL,
    PUBLISH,
    TEXT,
    GraphqlPost,
    GraphqlPublisher,
    check_answer,
    is_whole,
    new_id,
)
from bench.load.subscribers import frame_size, read_until, subscribed
from bench.results import BenchmarkResult, markdown_table
from bench.servers.competitors import REGION
from bench.servers.globalchat_servers import STORED, arrival_at, stored_kind
from bench.servers.processes import server
from globalchat.measure.process import raise_open_file_limit

SUBSCRIBERS: Final = (100, 1_000, 10_000)
PAGE: Final = (
    "query Page($name: String!, $before: String) "
    "{ history(name: $name, before: $before, limit: 100) { messages { id message arrival } next } }"
)


@dataclass(frozen=True, slots=True)
class FanoutPoint:
    """The fan-out to some subscribers.

    Attributes:
        spread: Median ms from a publish until every subscriber has it.
        delivery: CPU µs of a delivery under flood.
        rate: Deliveries a second under flood.
        each: KB of memory per subscriber.
    """

    subscribers: int
    spread: float
    delivery: float
    rate: float
    each: float


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """A local cloud with some stored messages in a channel.

    Attributes:
        size: MB of the file.
        start: Seconds to open it, and provision both regions.
        last: Median ms of the last page of 100 messages.
        middle: The same of one in the middle.
        publish: CPU µs of a publish.
    """

    stored: int
    size: float
    start: float
    last: float
    middle: float
    publish: float


def measure_fanout(subscribers: int, *, messages: int, seconds: float) -> FanoutPoint:
    """Publish to so many subscribers of one region.

    Raises:
        AssertionError: a subscriber received more or less than was published.
    """
    assert REGION.start is not None
    with REGION.start() as target:
        before = target.usage()
        publisher = target.publisher()
        with subscribed(target.protocol, subscribers) as opened:
            each = (target.usage().resident - before.resident) / subscribers / 1024
            size = frame_size(opened, publisher.publish)
            spreads = []
            for _ in range(messages):
                opened.reset()
                started = time.perf_counter()
                publisher.publish()
                opened.await_bytes(size * subscribers)
                spreads.append(time.perf_counter() - started)
                opened.check(size)
            delivery, rate = flood(target, opened, publisher, size, seconds)
        publisher.close()
    return FanoutPoint(subscribers, statistics.median(spreads) * 1000, delivery, rate, each)


def measure_history(stored: int, *, messages: int) -> HistoryPoint:
    """Read pages of a channel with so many stored messages, and publish to it."""
    with server(stored_kind(stored)) as process:
        about = process.about
        region = about["regions"][0]
        last = _page_ms(region, None, messages)
        middle = _page_ms(region, arrival_at(stored // 2), messages)
        publisher = GraphqlPublisher(
            region["url"], region["key"], PUBLISH, lambda: {"name": CHANNEL, "message": TEXT, "id": new_id()}
        )
        publisher.publish(messages)  # The first ones compile the resolvers.
        before = process.usage().cpu
        publisher.publish(4 * messages)
        publisher.close()
        publish = (process.usage().cpu - before) / (4 * messages) * 1e6
    return HistoryPoint(stored, about["bytes"] / 1024**2, about["opened"], last, middle, publish)


def _page_ms(region: Mapping[str, str], before: str | None, times: int) -> float:
    post = GraphqlPost(region["url"], region["key"], PAGE)
    request = post.request({"name": CHANNEL, "before": before})
    took = []
    with socket.create_connection(post.address, 30) as connection:
        for _ in range(times):
            started = time.perf_counter()
            connection.sendall(request)
            answer = read_until(connection, is_whole)
            took.append(time.perf_counter() - started)
            check_answer(answer)
            page = json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["history"]
            assert len(page["messages"]) == 100, "a page is not full"
    return statistics.median(took) * 1000


def curve(title: str, loads: Sequence[int], values: Sequence[float]) -> str:
    """Return a chart of a value by load, which GitHub draws."""
    axis = ", ".join(f'"{load:,}"' for load in loads)
    points = ", ".join(f"{value:.4g}" for value in values)
    chart = f'xychart-beta\n  title "{title}"\n  x-axis [{axis}]\n  line [{points}]'
    return f"```mermaid\n{chart}\n```"


def curves(fanout: Sequence[FanoutPoint], history: Sequence[HistoryPoint]) -> str:
    """Return a table and a curve of each."""
    return "\n\n".join(
        (
            "**Fan-out of one message to all subscribers of a region**",
            markdown_table(
                (
                    "subscribers",
                    "ms until all have a message",
                    "CPU µs per delivery, flood",
                    "deliveries a second",
                    "messages a second",
                    "KB each",
                ),
                [
                    (
                        f"{each.subscribers:,}",
                        f"{each.spread:.1f}",
                        f"{each.delivery:.2f}",
                        f"{each.rate:,.0f}",
                        f"{each.rate / each.subscribers:,.0f}",
                        f"{each.each:.1f}",
                    )
                    for each in fanout
                ],
            ),
            curve(
                "ms until all subscribers have a message",
                [each.subscribers for each in fanout],
                [each.spread for each in fanout],
            ),
            "**Stored messages of one channel**",
            markdown_table(
                (
                    "messages",
                    "MB",
                    "s to start",
                    "ms for the last page of 100",
                    "ms for one in the middle",
                    "CPU µs per publish",
                ),
                [
                    (
                        f"{each.stored:,}",
                        f"{each.size:,.1f}",
                        f"{each.start:.2f}",
                        f"{each.last:.1f}",
                        f"{each.middle:.1f}",
                        f"{each.publish:.0f}",
                    )
                    for each in history
                ],
            ),
            curve(
                "s to start, by stored messages",
                [each.stored for each in history],
                [each.start for each in history],
            ),
        )
    )


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure every load, the smallest first."""
    loads, messages, seconds = (SUBSCRIBERS, 20, 2.0) if not quick else ((20, 40), 3, 0.05)
    stored = STORED if not quick else STORED[:1]
    raise_open_file_limit(max(loads) + 300, who="This benchmark", instead="--quick")
    pin(1)
    fanout = [measure_fanout(each, messages=messages, seconds=seconds) for each in loads]
    history = [measure_history(each, messages=messages * 2) for each in stored]
    content = curves(fanout, history)
    return BenchmarkResult(content, curves=content)
