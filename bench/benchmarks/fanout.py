"""Fan-out: one channel, many subscribers, quiet and under flood; beside bare servers and brokers."""

import statistics
import time
from dataclasses import dataclass
from typing import Final

from bench import usage
from bench.findings import Finding, Report
from bench.load.publishers import Publisher
from bench.load.subscribers import Subscribers, frame_size, joined
from bench.servers.contenders import CLOUD, FLOORS, REGION, SIMULATOR, Contender, Target, installed_or_not
from bench.table import table

OUTSTANDING: Final = 8
"""Messages that are under way at once in the flood."""

QUIET_RATE: Final = 10


@dataclass(frozen=True, slots=True)
class Result:
    """What one server needed.

    Attributes:
        p50: Milliseconds from a publish to its delivery, one message at a time, one subscriber.
        p99: The same.
        quiet: CPU µs per delivery at a low rate.
        flood: CPU µs per delivery as fast as it goes.
        rate: Deliveries a second under flood.
        idle: MB before the first subscriber.
        each: KB per subscriber.
        joining: CPU µs until one has connected and subscribed.
    """

    p50: float
    p99: float
    quiet: float
    flood: float
    rate: float
    idle: float
    each: float
    joining: float


def measure(target: Target, *, subscribers: int, messages: int, seconds: float) -> Result:
    """Do the same work with any server.

    Raises:
        AssertionError: a subscriber has more or less than was published.
    """
    idle = target.usage().rss
    publisher = target.publisher()
    with joined(target.wire, 1) as all_of_them:
        times = _latency(all_of_them, publisher, messages)
        before = target.usage()
        all_of_them.open(subscribers - 1)
        after = target.usage()
        size = frame_size(all_of_them, publisher.publish)
        quiet_messages = max(2, round(seconds * QUIET_RATE))
        quiet = _quiet(target, all_of_them, publisher, size, messages=quiet_messages)
        flood, rate = _flood(target, all_of_them, publisher, size, seconds)
    publisher.close()
    p99 = statistics.quantiles(times, n=100)[98]
    return Result(
        p50=statistics.median(times),
        p99=p99,
        quiet=quiet,
        flood=flood,
        rate=rate,
        idle=idle / 1024**2,
        each=(after.rss - before.rss) / (subscribers - 1) / 1024,
        joining=(after.cpu - before.cpu) / (subscribers - 1) * 1e6,
    )


def _latency(subscriber: Subscribers, publisher: Publisher, messages: int) -> list[float]:
    size = frame_size(subscriber, publisher.publish)
    subscriber.reset()
    times = []
    for number in range(messages):
        start = time.perf_counter()
        publisher.publish()
        subscriber.await_bytes((number + 1) * size)
        times.append((time.perf_counter() - start) * 1e3)
    subscriber.check(messages * size)
    return times


def _quiet(
    target: Target, subscribers: Subscribers, publisher: Publisher, size: int, *, messages: int
) -> float:
    """Some messages a second; CPU µs per delivery."""
    subscribers.reset()
    before, start = target.usage().cpu, time.monotonic()
    for number in range(messages):
        publisher.publish()
        while (left := start + (number + 1) / QUIET_RATE - time.monotonic()) > 0:
            subscribers.receive(left)
    subscribers.await_bytes(messages * size * len(subscribers))
    subscribers.check(messages * size)
    return (target.usage().cpu - before) / messages / len(subscribers) * 1e6


def _flood(
    target: Target, subscribers: Subscribers, publisher: Publisher, size: int, seconds: float
) -> tuple[float, float]:
    """A closed loop; CPU µs per delivery and deliveries a second."""
    subscribers.reset()
    whole = size * len(subscribers)
    before, start, sent = target.usage().cpu, time.monotonic(), 0
    while time.monotonic() - start < seconds:
        room = OUTSTANDING - (sent - subscribers.total // whole)
        if room:
            publisher.publish(room)
            sent += room
        subscribers.receive(0.1)
    subscribers.await_bytes(sent * whole)
    took = time.monotonic() - start
    subscribers.check(sent * size)
    deliveries = sent * len(subscribers)
    return (target.usage().cpu - before) / deliveries * 1e6, deliveries / took


def report(*, quick: bool) -> Report:
    """Measure all that are there, one after the other, and tell."""
    subscribers, messages, seconds = (50, 5, 0.05) if quick else (1000, 300, 3.0)
    usage.raise_open_files(subscribers + 200)
    usage.pin(1)
    servers = [REGION, CLOUD, *FLOORS, *installed_or_not()]
    results = {
        each.name: _run(each, subscribers, messages, seconds) for each in servers if each.start is not None
    }
    missing = [f"{each.name} was left out: {each.missing}." for each in servers if each.start is None]
    return Report(_detail(results), _findings(results, subscribers), missing)


def _run(contender: Contender, subscribers: int, messages: int, seconds: float) -> Result:
    assert contender.start is not None
    with contender.start() as target:
        return measure(target, subscribers=subscribers, messages=messages, seconds=seconds)


def _detail(results: dict[str, Result]) -> str:
    heads = (
        "server",
        "publish to delivery p50 ms",
        "p99 ms",
        "quiet: CPU µs/delivery",
        "flood: CPU µs/delivery",
        "deliveries/s",
        "MB before",
        "KB/subscriber",
        "CPU µs to join",
    )
    return table(
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
                f"{each.joining:.0f}",
            )
            for name, each in results.items()
        ],
    )


def _findings(results: dict[str, Result], subscribers: int) -> list[Finding]:
    """The simulator is asked by GraphQL, as the whole cloud is; the others just send on what they get."""
    region, cloud = results[REGION.name], results[CLOUD.name]
    others = {name: each for name, each in results.items() if each is not region and each is not cloud}
    asked = {name: each for name, each in others.items() if name == SIMULATOR}
    sent = {name: each for name, each in others.items() if name != SIMULATOR}
    floors = {each.name for each in FLOORS}
    foreign = {name: each for name, each in others.items() if name not in floors}
    to, quietly = f"to {subscribers:,} subscribers", f"{QUIET_RATE} messages/s"
    delivery = "CPU µs per delivery"

    def finding(measure: str, ours: Result, peers: dict[str, Result], which: str, digits: int = 1) -> Finding:
        values = {name: getattr(each, which) for name, each in peers.items()}
        return Finding(measure, getattr(ours, which), values, digits)

    return [
        finding(f"fan-out {to}, {quietly}: {delivery}", region, sent, "quiet"),
        finding(f"fan-out {to}, flood: {delivery}", region, sent, "flood"),
        finding(f"GraphQL publish and fan-out {to}, {quietly}: {delivery}", cloud, asked, "quiet"),
        finding(f"GraphQL publish and fan-out {to}, flood: {delivery}", cloud, asked, "flood"),
        finding("publish to delivery, one at a time: p50 ms", cloud, others, "p50", 2),
        finding("connect and subscribe one: CPU µs", cloud, others, "joining", 0),
        finding("memory per subscriber: KB", cloud, others, "each"),
        finding("memory before the first subscriber: MB", cloud, foreign, "idle", 0),
    ]
