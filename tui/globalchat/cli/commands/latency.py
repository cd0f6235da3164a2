"""`globalchat latency`: measure how long messages take, within a region and between regions."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import Duration, Number, build, flag, option, parameters, shared
from globalchat.cli.output import echo_err, json_line, wants_ascii, width, write_lines
from globalchat.client.profiles import Profile
from globalchat.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from globalchat.measure.latency import LatencyMeasurement, LatencyPlan
    from globalchat.measure.tally import RouteLatency

HELP = """Measure how long a message takes: to be accepted, to come back, to reach the other region.

Publishes and arrivals are timed by this machine's monotonic clock: the clocks of the regions do not matter. A
message that is accepted and does not arrive within the timeout is lost. Everyone in the channel sees the
messages: `globalchat channels add probe` adds one for measurements. Ctrl-C ends early and shows what was
measured. Exits 1 if a region received nothing at all.

\b
Examples:
  globalchat latency --from oregon --to sydney
  globalchat latency --matrix --count 200 --rate 20
  globalchat latency --json | jq '.routes[] | {from, to, p99Ms}'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyOptions:
    """The command line of `latency`."""

    source: str | None = option(
        "--from", "source", metavar="REGION", help="Where to publish. [default: the profile's first]"
    )
    target: str | None = option(
        "--to", "target", metavar="REGION", help="Where to receive. [default: every other region]"
    )
    matrix: bool = flag("--matrix", help="From every region to every region.")
    count: int = option(
        "--count", default=50, type=click.IntRange(1, 100_000), help="Messages from a region."
    )
    rate: float = option(
        "--rate", default=10.0, type=Number(0.01, 500), help="Messages a second from a region."
    )
    channel: str | None = option(
        "--channel", metavar="C", help="Where to measure. [default: probe if there is one, else the first]"
    )
    size: int = option(
        "--size", default=100, type=click.IntRange(1, 100_000), help="Characters of a message."
    )
    timeout: float = option(
        "--timeout",
        default="10s",
        type=Duration(most=600),
        help="How long to wait for a message before it counts as lost.",
    )
    warmup: int = option(
        "--warmup",
        default=3,
        type=click.IntRange(0, 1000),
        help="Messages that are sent first and not counted.",
    )
    ascii_only: bool = shared(options.ascii_only)
    as_json: bool = shared(options.as_json)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


@click.command("latency", cls=CliCommand, help=HELP)
@parameters(LatencyOptions)
def command(given: LatencyOptions) -> int:
    """Run `globalchat latency`."""
    if given.matrix and (given.source or given.target):
        raise click.UsageError("--matrix is about every region: it takes no --from and no --to.")
    profile = profiles.load(profiles.choose(given.profile), note=echo_err, person=given.person)
    sources, targets = _ends(profile, given)
    import asyncio

    from globalchat.measure.latency import LatencyPlan

    plan = build(LatencyPlan, given, sources=sources, targets=targets)
    measurement = asyncio.run(_measure(profile, plan))
    if given.as_json:
        write_lines([json_line(document(measurement, plan, profile.name))])
    else:
        write_lines(table(measurement, columns_wide=width(), ascii_only=wants_ascii(given.ascii_only)))
    for remark in remarks(measurement, plan):
        echo_err(remark)
    if not measurement.complete:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if all_lost(measurement.result.routes) else ExitCode.DONE


def _ends(profile: Profile, given: LatencyOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the aliases of the regions to publish in, and of those to receive in."""
    everywhere = tuple(profile.regions)
    if given.matrix:
        return everywhere, everywhere
    start = profile.resolve(given.source).alias if given.source else everywhere[0]
    if given.target:
        return (start,), (profile.resolve(given.target).alias,)
    others = tuple(each for each in everywhere if each != start)
    if not others and given.source is None:
        raise UsageError(
            f'Profile "{profile.name}" has one region only.', remedy=f"Measure its echo with: --to {start}"
        )
    return (start,), others


async def _measure(profile: Profile, plan: "LatencyPlan") -> "LatencyMeasurement":
    """Measure until the plan is done or Ctrl-C, showing progress."""
    import asyncio
    import time

    from globalchat.cli.output import LiveLine
    from globalchat.cli.streams import on_signals
    from globalchat.measure.latency import measure_latency

    stop = asyncio.Event()
    live = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
    try:
        with on_signals(lambda _: stop.set()):
            return await measure_latency(
                profile,
                plan,
                stop=stop,
                print_line=echo_err,
                on_published=lambda sent, due: live.show("running", f"published {sent:,} of {due:,}"),
            )
    finally:
        live.clear()


def table(measurement: "LatencyMeasurement", *, columns_wide: int, ascii_only: bool) -> list[str]:
    """Return a row for each region's acceptance and each route, then a histogram of each route."""
    from globalchat.cli.tables import DURATION_HEADS, columns, duration_cells, histogram_lines

    result = measurement.result
    rows = [(f"{each.source} accepts", *duration_cells(each.times), "", "") for each in result.acceptances]
    rows += [
        (
            _name(each, ascii_only),
            *duration_cells(each.times),
            f"{each.lost:,} ({_share_lost(each)})" if each.lost else "0",
            f"{each.duplicates:,}",
        )
        for each in result.routes
    ]
    lines = columns(("ms", *DURATION_HEADS, "lost", "duplicates"), rows)
    for route in result.routes:
        if route.times.count:
            lines += ["", _name(route, ascii_only)]
            lines += histogram_lines(route.times, width=columns_wide, ascii_only=ascii_only)
    return lines


def remarks(measurement: "LatencyMeasurement", plan: "LatencyPlan") -> list[str]:
    """Return remarks on other events, for standard error."""
    result = measurement.result
    found = [f"{count:,} publishes failed: {reason}" for reason, count in result.failures.items()]
    found += [
        f"{alias}: the socket was lost and reopened {_times(count)}; messages in between count as lost"
        for alias, count in measurement.reconnects.items()
        if count
    ]
    if not measurement.complete:
        pending = sum(route.pending for route in result.routes)
        sent = sum(each.times.count for each in result.acceptances)
        planned = plan.count * len(plan.sources)
        found.append(
            f"ended early: {sent:,} of {planned:,} messages were accepted, {pending:,} arrivals were pending"
        )
    return found


def document(measurement: "LatencyMeasurement", plan: "LatencyPlan", profile: str) -> dict[str, object]:
    """Return everything as JSON; times are in milliseconds."""
    from globalchat.cli.tables import durations_document

    return {
        "profile": profile,
        "channel": measurement.channel,
        "count": plan.count,
        "rate": plan.rate,
        "size": plan.size,
        "timeoutMs": round(plan.timeout * 1000),
        "complete": measurement.complete,
        "accepted": {
            each.source: {**durations_document(each.times), "failed": each.failed}
            for each in measurement.result.acceptances
        },
        "routes": [
            {
                "from": route.source,
                "to": route.target,
                **durations_document(route.times),
                "lost": route.lost,
                "pending": route.pending,
                "duplicates": route.duplicates,
            }
            for route in measurement.result.routes
        ],
        "failures": dict(measurement.result.failures),
        "reconnects": measurement.reconnects,
    }


def all_lost(routes: "Sequence[RouteLatency]") -> bool:
    """Return True if nothing at all arrived on one of the routes."""
    return any(not route.times.count for route in routes)


def _name(route: "RouteLatency", ascii_only: bool) -> str:
    if route.source == route.target:
        return f"{route.source} echo"
    return f"{route.source} {'->' if ascii_only else '→'} {route.target}"


def _share_lost(route: "RouteLatency") -> str:
    return f"{route.lost / (route.lost + route.times.count):.1%}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
