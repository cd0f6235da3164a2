"""`globalchat bench`: a load test with many subscribers, and a count of every delivery."""

import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import Duration, Number, build, flag, option, parameters, shared
from globalchat.cli.output import echo_err, is_terminal, json_line, wants_ascii, width, write_lines
from globalchat.cli.profiles import ALL, is_all
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.errors import ExitCode, UsageError, UserError
from globalchat.measure.load.plan import LoadPlan

if TYPE_CHECKING:
    from globalchat.measure.load.report import LoadProgress, LoadReport
    from globalchat_infra.cost import Prices

SPARE_CLOUD_FILES = 256
"""Files that the local cloud opens in addition to the subscribers' sockets: publishers, buses, logs."""
MAX_MEMORY = 2 << 30
"""The most bytes for recording deliveries, at one bit each."""
SUBSCRIBERS_PER_PROCESS = 250
"""Subscribers from which another process is worth its cost."""

HELP = """Run a load test against a deployment: count every message at every subscriber.

A delivery is timed from the start of its publish to its arrival, both by this machine's monotonic clock. An
order violation is a message that arrives after a later one of the same region and channel, although it had
been accepted before that one was published. Everyone in the channels sees the messages. On AWS a
load test costs money: an estimate is shown and must be confirmed. Ctrl-C ends early and shows what was
measured. Exits 1 if nothing was delivered.

\b
Examples:
  globalchat bench --subscribers 1000 --rate 5 --for 30s
  globalchat bench --subscribers 10000 --rate 1 --processes 2 --profile local
  globalchat bench --regions sydney --channels tech,cars --size 1000 --json
  globalchat bench --profile default --subscribers 200 --yes --max-cost 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """The command line of `bench`."""

    subscribers: int = option(
        "--subscribers",
        default=100,
        type=click.IntRange(1, 100_000),
        help="Subscribers, over all regions and channels.",
    )
    rate: float = option(
        "--rate",
        default=10.0,
        type=Number(0.01, 5_000),
        help="Messages a second, over all regions and channels.",
    )
    size: int = option(
        "--size", default=100, type=click.IntRange(64, 100_000), help="Characters of a message."
    )
    seconds: float = option(
        "--for", "seconds", default="10s", type=Duration(most=3600), help="How long to publish."
    )
    regions: str = option("--regions", metavar="A,B", default=ALL, help="The regions to load.")
    channels: str | None = option(
        "--channels",
        metavar="C,D",
        help="The channels to load. [default: probe if there is one, else the first]",
    )
    processes: int | None = option(
        "--processes",
        type=click.IntRange(1, 64),
        help="Processes for the subscribers; one more publishes. [default: one per CPU, fewer for few]",
    )
    per_socket: int = option(
        "--per-socket", default=1, type=click.IntRange(1, 100), help="Subscriptions that share a socket."
    )
    connect_rate: float = option(
        "--connect-rate",
        default=1000.0,
        type=Number(1, 2000),
        help="Sockets opened a second; AWS accepts 2,000.",
    )
    drain: float = option(
        "--drain",
        default="10s",
        type=Duration(most=600),
        help="How long to wait for deliveries at the end before they count as lost.",
    )
    yes: bool = flag("--yes", help="Do not ask for a confirmation of the cost of a load test on AWS.")
    max_cost: float = option(
        "--max-cost",
        default=5.0,
        type=Number(0, 10_000),
        metavar="USD",
        help="Refuse a load test on AWS that costs more.",
    )
    ascii_only: bool = shared(options.ascii_only)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)

    @property
    def sockets(self) -> int:
        """The number of sockets that all subscribers use."""
        return math.ceil(self.subscribers / self.per_socket)


@click.command("bench", cls=CliCommand, help=HELP)
@parameters(BenchOptions)
def command(given: BenchOptions) -> int:
    """Run `globalchat bench`."""
    import asyncio

    from globalchat.measure.process import raise_open_file_limit

    check_feasible(given.subscribers, given.rate * given.seconds, given.processes or 1)
    name = profiles.choose(given.profile)
    if name == LOCAL:  # Before it is started, as it inherits the limit.
        needed = given.sockets + SPARE_CLOUD_FILES
        raise_open_file_limit(needed, who="The local cloud", instead="more --per-socket")
    profile = profiles.load(name, note=echo_err)
    if profile.signs:
        raise UsageError(
            "A load test takes the API key: it does not sign thousands of subscriptions.",
            remedy="Run it against a deployment whose senders are anyone.",
        )
    plan = build(
        LoadPlan,
        given,
        regions=_regions(profile, given.regions),
        channels=asyncio.run(_channels(profile, given.channels)),
        processes=given.processes or default_processes(given.subscribers),
    )
    if _costs_money(profile) and not confirm(profile, plan, yes=given.yes, max_cost=given.max_cost):
        echo_err("Nothing was run.")
        return ExitCode.FAILED
    pid = _local_cloud(given.sockets) if name == LOCAL else None
    report = asyncio.run(_run(profile, plan, cpu_clock(pid) if pid else lambda: None))
    return _show(report, profile, given)


def check_feasible(subscribers: int, messages: float, processes: int) -> None:
    """Check, before anything is started, that this machine can run the load test.

    Raises:
        UsageError: there are fewer subscribers than processes, or too little memory.
    """
    if processes > subscribers:
        raise UsageError(
            f"{subscribers} subscribers cannot be spread over {processes} processes.",
            remedy="Give fewer --processes.",
        )
    memory = subscribers * messages / 8
    if memory > MAX_MEMORY:
        raise UsageError(
            f"Remembering who has received which message would take {memory / (1 << 30):.1f} GB.",
            remedy="Give fewer --subscribers, a lower --rate, or a shorter time.",
        )


def default_processes(subscribers: int) -> int:
    """Return the number of processes for the subscribers: one per CPU, fewer for few subscribers."""
    return max(1, min(os.cpu_count() or 1, math.ceil(subscribers / SUBSCRIBERS_PER_PROCESS)))


def _regions(profile: Profile, given: str) -> tuple[str, ...]:
    """Return the aliases of the given regions.

    Raises:
        ProfileError: the profile has no such region.
    """
    if is_all(given):
        return tuple(profile.regions)
    return tuple(dict.fromkeys(profile.resolve(each).alias for each in given.split(",")))


async def _channels(profile: Profile, given: str | None) -> tuple[str, ...]:
    """Return the given channels, or the backend's one for measurements.

    Raises:
        UserError: the backend cannot be reached.
    """
    if given is not None:
        return tuple(dict.fromkeys(each.strip() for each in given.split(",")))
    from globalchat.client.api import RegionApi

    async with RegionApi(next(iter(profile.regions.values()))) as api:
        return ((await api.describe()).measuring_channel,)


def _costs_money(profile: Profile) -> bool:
    """Return True if a region of the profile is not on this machine."""
    from globalchat.core.net import is_loopback

    return any(not is_loopback(each.graphql_url) for each in profile.regions.values())


def confirm(profile: Profile, plan: LoadPlan, *, yes: bool, max_cost: float) -> bool:
    """Print the cost of a load test on AWS; return True if it should run, by `yes` or the user's answer.

    Raises:
        UsageError: it costs more than `max_cost` US dollars, or standard input is not a terminal.
    """
    from globalchat_infra.cost import load_prices

    cost = estimate_cost(plan, [each.region for each in profile.regions.values()], load_prices())
    what = (
        f"{plan.subscribers:,} subscribers, {plan.messages:,} messages in {plan.seconds:g} s, "
        f"{plan.deliveries:,} deliveries on the profile {profile.name}"
    )
    parts = ", ".join(f"{name} {dollars(usd)}" for name, usd in cost.items[:3])
    echo_err(f"This load test: {what}.")
    echo_err(f"It costs about {dollars(cost.usd)} (mostly {parts}); see `globalchat cost` for the prices.")
    if cost.usd > Decimal(str(max_cost)):
        raise UsageError(
            f"That is more than {dollars(Decimal(str(max_cost)))}.",
            remedy="Ask for less, or raise --max-cost.",
        )
    if yes:
        return True
    if not is_terminal(sys.stdin):
        raise UsageError("A load test on AWS must be confirmed.", remedy="In a script, give --yes.")
    return click.confirm("Run it?", err=True)


@dataclass(frozen=True, slots=True)
class LoadCost:
    """The estimated US dollars of a load test: in all, and by item, the most expensive first."""

    usd: Decimal
    items: tuple[tuple[str, Decimal], ...]


def estimate_cost(plan: LoadPlan, regions: Sequence[str], prices: "Prices") -> LoadCost:
    """Estimate the cost from the dated price table.

    `regions` are the AWS regions of the whole deployment: each relays to every other.
    """
    from globalchat_infra.cost import MINUTES, SECONDS, Extras, Traffic, estimate

    messages = plan.messages + len(plan.places)
    rate = Decimal(messages) / Decimal(str(plan.seconds))
    share = Decimal(str(plan.seconds)) / SECONDS
    minutes = math.ceil((plan.subscribers / plan.connect_rate + plan.seconds + plan.drain) / 60) + 1
    sockets = math.ceil(plan.subscribers / plan.per_socket)
    # In the estimate of a month every client receives every message; here only those of its channel.
    received = Decimal(1) / len(plan.channels)
    totals: dict[str, Decimal] = {}
    for line in estimate(Traffic(plan.subscribers, rate, plan.size), regions, prices, Extras()):
        item = line.price.item
        if item in ("alarm", "dashboard", "acl", "rule"):
            continue  # Paid for the deployment whether a load test runs or not.
        if item == "connection":
            usd = line.usd / MINUTES * minutes * sockets / max(1, plan.subscribers)
        else:
            usd = line.usd * share * (received if item in ("update", "internet") else 1)
        name = f"{line.price.service} {item}"
        totals[name] = totals.get(name, Decimal(0)) + usd
    items = sorted(totals.items(), key=lambda each: -each[1])
    return LoadCost(sum(totals.values(), Decimal(0)), tuple(items))


def dollars(usd: Decimal) -> str:
    """Return US dollars, rounded up to the cent."""
    return f"USD {usd.quantize(Decimal('0.01'), rounding='ROUND_UP'):,}"


def _local_cloud(sockets: int) -> int | None:
    """Return the local cloud's process with its open-file limit raised; None if it has ended.

    Raises:
        UserError: the system does not allow that many open files.
    """
    from globalchat.cli import local_cloud
    from globalchat.localcloud.process import launch

    running = launch.find(local_cloud.folder())
    if running is None:
        return None
    raise_limit_of_running_cloud(running.pid, sockets)
    return running.pid


def raise_limit_of_running_cloud(pid: int, sockets: int) -> None:
    """Raise the open-file limit of a running local cloud, where the system can (Linux).

    Raises:
        UserError: the system does not allow it.
    """
    import resource

    wanted = sockets + SPARE_CLOUD_FILES
    if not hasattr(resource, "prlimit"):
        return
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        raise UserError(
            f"The running local cloud may open {hard:,} files, and would need {wanted:,}.",
            remedy="End it with `globalchat local down`, raise the hard limit (ulimit -Hn), and try again.",
        ) from None


def cpu_clock(pid: int) -> Callable[[], float | None]:
    """Return a function that reads the CPU seconds of a process.

    It returns None once the process has ended.
    """
    from globalchat.measure.process import usage_of

    def seconds() -> float | None:
        try:
            return usage_of(pid).cpu
        except ProcessLookupError:
            return None

    return seconds


async def _run(
    profile: Profile, plan: LoadPlan, server_cpu: Callable[[], float | None]
) -> "LoadReport | None":
    """Run the load test until it is done or Ctrl-C, showing progress."""
    import asyncio
    import time

    from globalchat.cli.commands.bench_report import DeliveryRate, progress_line
    from globalchat.cli.output import LiveLine
    from globalchat.cli.streams import on_signals
    from globalchat.measure.load.coordinator import run_load_test

    live = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
    rate, stop = DeliveryRate(), asyncio.Event()

    def show(progress: "LoadProgress") -> None:
        live.show(progress.phase, progress_line(progress, plan, rate.update(progress)))

    try:
        with on_signals(lambda _: stop.set()):
            return await run_load_test(profile, plan, stop=stop, on_progress=show, server_cpu=server_cpu)
    finally:
        live.clear()


def _show(report: "LoadReport | None", profile: Profile, given: BenchOptions) -> ExitCode:
    """Print the report, and return the exit code."""
    from globalchat.cli.commands.bench_report import remarks, report_document, report_lines

    if report is None:
        echo_err("Ended before anything was measured.")
        return ExitCode.INTERRUPTED
    if given.as_json:
        write_lines([json_line(report_document(report, profile.name))])
    else:
        write_lines(report_lines(report, width=width(), ascii_only=wants_ascii(given.ascii_only)))
    for remark in remarks(report):
        echo_err(remark)
    if not report.complete:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if report.stats.deliveries else ExitCode.FAILED
