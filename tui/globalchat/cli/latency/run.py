"""Runs `latency`: measures, shows how far it is, and what came of it."""

import asyncio
import sys
import time

from globalchat.cli.console.live_line import LiveLine
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.cli.console.screen import width
from globalchat.cli.console.signals import heard
from globalchat.cli.latency import report
from globalchat.client.profiles import Profile
from globalchat.core.errors import ExitCode
from globalchat.measure.latency.measure import measure
from globalchat.measure.latency.plan import LatencyPlan


async def run(profile: Profile, plan: LatencyPlan, *, as_json: bool, ascii_only: bool) -> ExitCode:
    """Measure until it is done or Ctrl-C, and show what was measured.

    Raises:
        UserError: it cannot be measured.
    """
    stop = asyncio.Event()
    live = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
    try:
        with heard(lambda _: stop.set()):
            measured = await measure(
                profile,
                plan,
                stop=stop,
                note=narrate,
                tell=lambda sent, due: live.show("running", f"published {sent:,} of {due:,}"),
            )
    finally:
        live.clear()
    if as_json:
        write_lines([json_line(report.document(measured, plan, profile.name))])
    else:
        drawn = report.table(measured, width=width(), ascii_only=ascii_only)
        write_lines(drawn)
    for sentence in report.remarks(measured, plan):
        narrate(sentence)
    if not measured.complete:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if report.all_lost(measured.result.ways) else ExitCode.DONE
