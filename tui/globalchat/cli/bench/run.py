"""Runs `bench`: checks and confirms, runs, shows."""

import asyncio
import sys
import time
from collections.abc import Callable
from decimal import Decimal

import click

from globalchat.cli.bench.cost import cost, dollars
from globalchat.cli.bench.progress import Speedometer, line
from globalchat.cli.bench.report import document, lines, remarks
from globalchat.cli.console.live_line import LiveLine
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.cli.console.screen import is_terminal, width
from globalchat.cli.console.signals import heard
from globalchat.client.profiles import Profile
from globalchat.core.errors import ExitCode, UsageError
from globalchat.core.net import is_loopback
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import Progress
from globalchat.measure.load.run import run
from globalchat_infra import prices


def is_remote(profile: Profile) -> bool:
    """Whether a region of the profile is beyond this machine, so that somebody pays for it."""
    return any(not is_loopback(each.graphql_url) for each in profile.regions.values())


def confirm(profile: Profile, plan: LoadPlan, *, yes: bool, most: float) -> bool:
    """Tell what a run on AWS costs and ask; whether to go on.

    Raises:
        UsageError: it costs more than `most` US dollars, or there is nobody to ask.
    """
    estimate = cost(plan, [each.region for each in profile.regions.values()], prices.load())
    what = (
        f"{plan.subscribers:,} subscribers, {plan.messages:,} messages in {plan.seconds:g} s, "
        f"{plan.deliveries:,} deliveries on the profile {profile.name}"
    )
    parts = ", ".join(f"{name} {dollars(usd)}" for name, usd in estimate.items[:3])
    narrate(f"This run: {what}.")
    narrate(f"It costs about {dollars(estimate.usd)} (mostly {parts}); see `globalchat cost` for the prices.")
    if estimate.usd > Decimal(str(most)):
        raise UsageError(
            f"That is more than {dollars(Decimal(str(most)))}.",
            remedy="Ask for less, or raise --max-cost.",
        )
    if yes:
        return True
    if not is_terminal(sys.stdin):
        raise UsageError("A load run on AWS must be confirmed.", remedy="In a script, give --yes.")
    return click.confirm("Run it?", err=True)


async def bench(
    profile: Profile,
    plan: LoadPlan,
    *,
    server_cpu: Callable[[], float | None],
    as_json: bool,
    ascii_only: bool,
) -> ExitCode:
    """Run the plan until it is done or Ctrl-C, and show what was measured.

    Raises:
        UserError: it cannot be run.
    """
    live = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
    speed, stop = Speedometer(), asyncio.Event()

    def tell(progress: Progress) -> None:
        live.show(progress.phase, line(progress, plan, speed.read(progress)))

    try:
        with heard(lambda _: stop.set()):
            report = await run(profile, plan, stop=stop, tell=tell, server_cpu=server_cpu)
    finally:
        live.clear()
    if report is None:
        narrate("Ended before anything was measured.")
        return ExitCode.INTERRUPTED
    if as_json:
        write_lines([json_line(document(report, profile.name))])
    else:
        write_lines(lines(report, width=width(), ascii_only=ascii_only))
    for sentence in remarks(report):
        narrate(sentence)
    if not report.complete:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if report.heard.deliveries else ExitCode.FAILED
