"""Ten thousand subscribers at once: what each costs, and whether a message reaches all of them."""

import time

from bench import usage
from bench.findings import Finding, Report
from bench.load.message import CHANNEL
from bench.load.publishers import LinePublisher
from bench.load.subscribers import frame_size, joined
from bench.load.wires import AppSync
from bench.servers.child import server
from bench.table import table

MESSAGES = 5


def report(*, quick: bool) -> Report:
    """Connect them, publish, count, and tell.

    Raises:
        AssertionError: a subscriber misses a message, or was sent more.
    """
    count = 200 if quick else 10_000
    usage.raise_open_files(count + 200)
    usage.pin(1)
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
    each = (after.rss - before.rss) / count / 1024
    to_connect = (connected.cpu - before.cpu) / count * 1e6
    detail = table(
        (
            "subscribers",
            "KB each, connected",
            "KB each, after messages",
            "CPU µs to connect",
            "connected in s",
            "lost",
            "s until a message has reached all",
        ),
        [
            (
                f"{count:,}",
                f"{(connected.rss - before.rss) / count / 1024:.1f}",
                f"{each:.1f}",
                f"{to_connect:.0f}",
                f"{took:.1f}",
                "0",
                f"{spread:.3f}",
            )
        ],
    )
    findings = [
        Finding(f"{count:,} subscribers at once, none loses a message: KB each", each),
    ]
    return Report(detail, findings)
