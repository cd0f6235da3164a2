"""Fan-out: one message to many subscribers of one channel, quiet and under flood."""

import time
from dataclasses import dataclass

from bench import usage
from bench.child import Child, server
from bench.subscribers import Publisher, Subscribers, frame_size, subscribed
from bench.table import table

OUTSTANDING = 8
"""Messages that are under way at once in the flood."""


@dataclass(frozen=True, slots=True)
class Result:
    """CPU µs per delivery when quiet and under flood, deliveries a second under flood, KB per subscriber."""

    server: str
    quiet_cpu: float
    flood_cpu: float
    flood_rate: float
    memory: float


def run(*, subscribers: int = 1000, seconds: float = 5) -> list[Result]:
    """Measure the floor (aiohttp, one raw write per delivery) and one region, one after the other."""
    usage.raise_open_files(subscribers + 200)
    usage.pin(1)
    results = []
    for kind in ("floor", "region"):
        with server(kind) as child:
            results.append(_measure(kind, child, subscribers, seconds))
    return results


def _measure(name: str, child: Child, count: int, seconds: float) -> Result:
    about, publisher = child.about, Publisher(child.about["trigger"])
    before = child.usage().rss
    with subscribed(about["url"], about["key"], "tech", count) as subscribers:
        memory = (child.usage().rss - before) / count / 1024
        size = frame_size(subscribers, publisher.publish)
        quiet = _quiet(child, subscribers, publisher, size, messages=max(5, round(seconds * 10)))
        flood_cpu, rate = _flood(child, subscribers, publisher, size, seconds)
    publisher.close()
    return Result(name, quiet, flood_cpu, rate, memory)


def _quiet(
    child: Child, subscribers: Subscribers, publisher: Publisher, size: int, *, messages: int
) -> float:
    """10 messages a second; CPU µs per delivery."""
    subscribers.reset()
    before, start = child.usage().cpu, time.monotonic()
    for number in range(messages):
        publisher.publish()
        while (left := start + (number + 1) / 10 - time.monotonic()) > 0:
            subscribers.receive(left)
    subscribers.await_bytes(messages * size * len(subscribers))
    subscribers.check(messages * size)
    return (child.usage().cpu - before) / messages / len(subscribers) * 1e6


def _flood(
    child: Child, subscribers: Subscribers, publisher: Publisher, size: int, seconds: float
) -> tuple[float, float]:
    """A closed loop; CPU µs per delivery and deliveries a second."""
    subscribers.reset()
    whole = size * len(subscribers)
    before, start, sent = child.usage().cpu, time.monotonic(), 0
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
    return (child.usage().cpu - before) / deliveries * 1e6, deliveries / took


def report(*, quick: bool) -> str:
    """Run, and tell."""
    results = run(subscribers=100 if quick else 1000, seconds=0.5 if quick else 5)
    floor = results[0]
    return table(
        (
            "server",
            "quiet: CPU µs/delivery",
            "× floor",
            "flood: CPU µs/delivery",
            "deliveries/s",
            "KB/subscriber",
        ),
        [
            (
                each.server,
                f"{each.quiet_cpu:.1f}",
                f"{each.quiet_cpu / floor.quiet_cpu:.2f}",
                f"{each.flood_cpu:.2f}",
                f"{each.flood_rate:,.0f}",
                f"{each.memory:.1f}",
            )
            for each in results
        ],
    )
