"""Fan-out: one channel, many subscribers, at a low rate and under flood; beside bare servers and brokers."""

import time
from dataclasses import dataclass
from typing import Final

from bench.affinity import pin
from bench.load.publishers import Publisher
from bench.load.subscribers import CountingSubscribers, frame_size, subscribed
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from bench.servers.competitors import (
    BASELINE_SERVERS,
    CLOUD,
    REGION,
    SIMULATOR,
    Competitor,
    RunningServer,
    peer_servers,
)
from globalchat.measure.histogram import QUANTILES, Histogram
from globalchat.measure.process import raise_open_file_limit

MAX_IN_FLIGHT: Final = 8
"""Messages that are in flight at once in the flood."""

QUIET_RATE: Final = 10


@dataclass(frozen=True, slots=True)
class FanoutResult:
    """What one server needed.

    Attributes:
        p50: Milliseconds from a publish to its delivery, one message at a time, one subscriber.
        p99: The same, 99th percentile.
        quiet: CPU µs per delivery at a low rate.
        flood: CPU µs per delivery as fast as it goes.
        rate: Deliveries a second under flood.
        idle: MB before the first subscriber.
        each: KB per subscriber.
        connecting: CPU µs to connect and subscribe one.
    """

    p50: float
    p99: float
    quiet: float
    flood: float
    rate: float
    idle: float
    each: float
    connecting: float


def measure(target: RunningServer, *, subscribers: int, messages: int, seconds: float) -> FanoutResult:
    """Do the same work with any server.

    Raises:
        AssertionError: a subscriber received more or less than was published.
    """
    idle = target.usage().resident
    publisher = target.publisher()
    with subscribed(target.protocol, 1) as opened:
        times = _latency(opened, publisher, messages)
        before = target.usage()
        opened.open(subscribers - 1)
        after = target.usage()
        size = frame_size(opened, publisher.publish)
        quiet_messages = max(2, round(seconds * QUIET_RATE))
        quiet = _quiet(target, opened, publisher, size, messages=quiet_messages)
        flooded, rate = flood(target, opened, publisher, size, seconds)
    publisher.close()
    return FanoutResult(
        p50=_milliseconds(times, "p50"),
        p99=_milliseconds(times, "p99"),
        quiet=quiet,
        flood=flooded,
        rate=rate,
        idle=idle / 1024**2,
        each=(after.resident - before.resident) / (subscribers - 1) / 1024,
        connecting=(after.cpu - before.cpu) / (subscribers - 1) * 1e6,
    )


def _milliseconds(times: Histogram, quantile: str) -> float:
    return (times.quantile(QUANTILES[quantile]) or 0) / 1e6


def _latency(subscriber: CountingSubscribers, publisher: Publisher, messages: int) -> Histogram:
    """Publish one message at a time; return the times from publish to delivery."""
    size = frame_size(subscriber, publisher.publish)
    subscriber.reset()
    times = Histogram()
    for number in range(messages):
        start = time.perf_counter_ns()
        publisher.publish()
        subscriber.await_bytes((number + 1) * size)
        times.add(time.perf_counter_ns() - start)
    subscriber.check(messages * size)
    return times


def _quiet(
    target: RunningServer, subscribers: CountingSubscribers, publisher: Publisher, size: int, *, messages: int
) -> float:
    """Publish some messages a second; return CPU µs per delivery."""
    subscribers.reset()
    before, start = target.usage().cpu, time.monotonic()
    for number in range(messages):
        publisher.publish()
        while (left := start + (number + 1) / QUIET_RATE - time.monotonic()) > 0:
            subscribers.receive(left)
    subscribers.await_bytes(messages * size * len(subscribers))
    subscribers.check(messages * size)
    return (target.usage().cpu - before) / messages / len(subscribers) * 1e6


def flood(
    target: RunningServer, subscribers: CountingSubscribers, publisher: Publisher, size: int, seconds: float
) -> tuple[float, float]:
    """Publish in a closed loop; return CPU µs per delivery and deliveries a second."""
    subscribers.reset()
    whole = size * len(subscribers)
    before, start, sent = target.usage().cpu, time.monotonic(), 0
    while time.monotonic() - start < seconds:
        room = MAX_IN_FLIGHT - (sent - subscribers.total // whole)
        if room:
            publisher.publish(room)
            sent += room
        subscribers.receive(0.1)
    subscribers.await_bytes(sent * whole)
    took = time.monotonic() - start
    subscribers.check(sent * size)
    deliveries = sent * len(subscribers)
    return (target.usage().cpu - before) / deliveries * 1e6, deliveries / took


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure all servers that are installed, one after the other."""
    subscribers, messages, seconds = (50, 5, 0.05) if quick else (1000, 300, 3.0)
    raise_open_file_limit(subscribers + 200, who="This benchmark", instead="--quick")
    pin(1)
    servers = [REGION, CLOUD, *BASELINE_SERVERS, *peer_servers()]
    results = {
        each.name: _run(each, subscribers, messages, seconds) for each in servers if each.start is not None
    }
    missing = [f"{each.name} was left out: {each.missing}." for each in servers if each.start is None]
    return BenchmarkResult(_detail(results), _comparisons(results, subscribers), missing)


def _run(competitor: Competitor, subscribers: int, messages: int, seconds: float) -> FanoutResult:
    assert competitor.start is not None
    with competitor.start() as target:
        return measure(target, subscribers=subscribers, messages=messages, seconds=seconds)


def _detail(results: dict[str, FanoutResult]) -> str:
    heads = (
        "server",
        "publish to delivery p50 ms",
        "p99 ms",
        "quiet: CPU µs/delivery",
        "flood: CPU µs/delivery",
        "deliveries/s",
        "MB before",
        "KB/subscriber",
        "CPU µs to connect",
    )
    return markdown_table(
        heads,
        [
            (
                name,
                f"{each.p50:.2f}",
                f"{each.p99:.2f}",
                f"{each.quiet:.1f}",
                f"{each.flood:.2f}",
                f"{each.rate:,.0f}",
                f"{each.idle:.0f}",
                f"{each.each:.1f}",
                f"{each.connecting:.0f}",
            )
            for name, each in results.items()
        ],
    )


def _comparisons(results: dict[str, FanoutResult], subscribers: int) -> list[ComparisonRow]:
    """Compare like with like: the simulator takes GraphQL, like the whole cloud; the others forward bytes."""
    region, cloud = results[REGION.name], results[CLOUD.name]
    others = {name: each for name, each in results.items() if each is not region and each is not cloud}
    graphql = {name: each for name, each in others.items() if name == SIMULATOR}
    forwarding = {name: each for name, each in others.items() if name != SIMULATOR}
    baselines = {each.name for each in BASELINE_SERVERS}
    external = {name: each for name, each in others.items() if name not in baselines}
    to, at_low_rate = f"to {subscribers:,} subscribers", f"{QUIET_RATE} messages/s"
    delivery = "CPU µs per delivery"

    def compare(
        measure: str, globalchat: FanoutResult, peers: dict[str, FanoutResult], field: str, digits: int = 1
    ) -> ComparisonRow:
        values = {name: getattr(each, field) for name, each in peers.items()}
        return ComparisonRow(measure, getattr(globalchat, field), values, digits)

    return [
        compare(f"fan-out {to}, {at_low_rate}: {delivery}", region, forwarding, "quiet"),
        compare(f"fan-out {to}, flood: {delivery}", region, forwarding, "flood"),
        compare(f"GraphQL publish and fan-out {to}, {at_low_rate}: {delivery}", cloud, graphql, "quiet"),
        compare(f"GraphQL publish and fan-out {to}, flood: {delivery}", cloud, graphql, "flood"),
        compare("publish to delivery, one at a time: p50 ms", cloud, others, "p50", 2),
        compare("connect and subscribe one: CPU µs", cloud, others, "connecting", 0),
        compare("memory per subscriber: KB", cloud, others, "each"),
        compare("memory before the first subscriber: MB", cloud, external, "idle", 0),
    ]
