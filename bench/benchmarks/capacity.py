"""Ten thousand subscribers at once: what each costs the server, and whether each receives every message.

The load is that of `globalchat bench`, on both regions of a local cloud.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench.affinity import pin
from bench.load.publishers import CHANNEL, TEXT
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from bench.servers.processes import ServerProcess, server
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.measure.load.coordinator import run_load_test
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import LoadProgress, LoadReport
from globalchat.measure.process import ProcessUsage, raise_open_file_limit

MESSAGES: Final = 5
CONNECT_RATE: Final = 10_000.0
"""Sockets a second; more than the server reaches."""


@dataclass(frozen=True, slots=True)
class CapacityResult:
    """What the subscribers need.

    Attributes:
        connected: KB each, once all have subscribed.
        messaged: KB each, once all have received the messages.
        connecting: CPU µs to connect and subscribe one.
        took: Seconds until all have subscribed.
        spread: Seconds until the slowest message has reached all.
    """

    connected: float
    messaged: float
    connecting: float
    took: float
    spread: float


class _ServerUsage:
    """What the server has used before the first subscriber, and once all have subscribed."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process
        self.before = process.usage()
        self._started = time.monotonic()
        self.connected: ProcessUsage | None = None
        self.took = 0.0

    def on_progress(self, progress: LoadProgress) -> None:
        if progress.phase != "connecting" and self.connected is None:
            self.connected = self._process.usage()
            self.took = time.monotonic() - self._started


def measure(count: int) -> CapacityResult:
    """Connect `count` subscribers, publish, and count.

    Raises:
        AssertionError: a subscriber missed a message, or received one twice.
    """
    with server("cloud") as process:
        profile = _profile(process)
        plan = LoadPlan(
            subscribers=count,
            rate=1.0,
            size=len(TEXT),
            seconds=MESSAGES,
            regions=tuple(profile.regions),
            channels=(CHANNEL,),
            connect_rate=CONNECT_RATE,
            drain=60.0,
        )
        usage = _ServerUsage(process)
        report = asyncio.run(_run(profile, plan, usage))
        after = process.usage()
    assert usage.connected is not None
    return CapacityResult(
        connected=(usage.connected.resident - usage.before.resident) / count / 1024,
        messaged=(after.resident - usage.before.resident) / count / 1024,
        connecting=(usage.connected.cpu - usage.before.cpu) / count * 1e6,
        took=usage.took,
        spread=(report.times.maximum or 0) / 1e9,
    )


async def _run(profile: Profile, plan: LoadPlan, usage: _ServerUsage) -> LoadReport:
    report = await run_load_test(
        profile, plan, stop=asyncio.Event(), on_progress=usage.on_progress, server_cpu=lambda: None
    )
    assert report is not None
    stats = report.stats
    assert stats.deliveries == report.expected == plan.deliveries, stats
    assert report.missing == stats.duplicates == stats.subscriptions_ended == 0, stats
    return report


def _profile(process: ServerProcess) -> Profile:
    """Return the profile of the server's regions."""
    regions = {}
    for number, region in enumerate(process.about["regions"]):
        alias, url = f"region{number}", region["url"]
        realtime = url.replace("http://", "ws://")
        regions[alias] = RegionEndpoint(alias, "us-west-2", url, realtime, "bench", "bus", region["key"])
    return Profile("bench", regions)


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure one local cloud."""
    count = 200 if quick else 10_000
    raise_open_file_limit(count + 300, who="This benchmark", instead="--quick")
    pin(1)
    result = measure(count)
    heads = (
        "subscribers",
        "KB each, connected",
        "KB each, after messages",
        "CPU µs to connect",
        "connected in s",
        "lost",
        "s until the slowest message has reached all",
    )
    row = (
        f"{count:,}",
        f"{result.connected:.1f}",
        f"{result.messaged:.1f}",
        f"{result.connecting:.0f}",
        f"{result.took:.1f}",
        "0",
        f"{result.spread:.3f}",
    )
    comparison = ComparisonRow(
        f"{count:,} subscribers at once, none loses a message: KB each", result.messaged
    )
    return BenchmarkResult(markdown_table(heads, [row]), [comparison])
