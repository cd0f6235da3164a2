"""Ten thousand subscribers at once: what each costs, and whether a message reaches all of them."""

import time
from dataclasses import dataclass

from bench import usage
from bench.findings import Finding, Report
from bench.load.message import CHANNEL
from bench.load.publishers import LinePublisher
from bench.load.subscribers import frame_size, joined
from bench.load.wires import AppSync
from bench.servers.child import server
from bench.table import table

MESSAGES = 5


@dataclass(frozen=True, slots=True)
class Result:
    """What so many subscribers need.

    Attributes:
        connected: KB each, once all have subscribed.
        messaged: KB each, once all have had their messages.
        joining: CPU µs until one has connected and subscribed.
        took: Seconds until all have.
        spread: Seconds until a message has reached all.
    """

    connected: float
    messaged: float
    joining: float
    took: float
    spread: float


def measure(count: int) -> Result:
    """Connect them, publish, count.

    Raises:
        AssertionError: a subscriber misses a message, or was sent more.
    """
    with server("region") as child:
        wire = AppSync(child.about["url"], child.about["key"], CHANNEL)
        publisher = LinePublisher(child.about["trigger"])
        before, start = child.usage(), time.monotonic()
        with joined(wire, count) as subscribers:
            connected = child.usage()
            took = time.monotonic() - start
            size = frame_size(subscribers, publisher.publish)
            subscribers.reset()
            published = time.monotonic()
            for number in range(MESSAGES):
                publisher.publish()
                subscribers.await_bytes((number + 1) * size * count)
            spread = (time.monotonic() - published) / MESSAGES
            subscribers.check(MESSAGES * size)
            after = child.usage()
        publisher.close()
    return Result(
        connected=(connected.rss - before.rss) / count / 1024,
        messaged=(after.rss - before.rss) / count / 1024,
        joining=(connected.cpu - before.cpu) / count * 1e6,
        took=took,
        spread=spread,
    )


def report(*, quick: bool) -> Report:
    """Measure, and tell."""
    count = 200 if quick else 10_000
    usage.raise_open_files(count + 200)
    usage.pin(1)
    result = measure(count)
    heads = (
        "subscribers",
        "KB each, connected",
        "KB each, after messages",
        "CPU µs to connect",
        "connected in s",
        "lost",
        "s until a message has reached all",
    )
    row = (
        f"{count:,}",
        f"{result.connected:.1f}",
        f"{result.messaged:.1f}",
        f"{result.joining:.0f}",
        f"{result.took:.1f}",
        "0",
        f"{result.spread:.3f}",
    )
    finding = Finding(f"{count:,} subscribers at once, none loses a message: KB each", result.messaged)
    return Report(table(heads, [row]), [finding])
