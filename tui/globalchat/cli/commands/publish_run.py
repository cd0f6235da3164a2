"""Runs a bulk for `publish`: ids or JSON on standard output, what went wrong on standard error."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator
from functools import partial

from globalchat.cli import profiles
from globalchat.cli.console.live_line import LiveLine
from globalchat.cli.console.output import json_line, message_document, narrate
from globalchat.cli.console.screen import is_terminal, width
from globalchat.cli.console.signals import heard
from globalchat.cli.console.streams import Output
from globalchat.cli.publishing.request import Request, items_of, retry_policy
from globalchat.cli.publishing.results import Results
from globalchat.cli.publishing.sentences import counts, ended_early, summary, too_slow
from globalchat.cli.regions import pick
from globalchat.client.bulk.builder import Item, MessageBuilder
from globalchat.client.bulk.publisher import DRAIN, BulkPublisher, BulkReport, BulkTarget, RateLimiter
from globalchat.client.messages import Message
from globalchat.client.profiles import Profile
from globalchat.core.clock import now_ms
from globalchat.core.errors import ExitCode, UserError


async def publish(profile: Profile, region: str | None, request: Request) -> ExitCode:
    """Publish in one region.

    Raises:
        UserError: no such region, or a failure that all the rest would share.
    """
    endpoint = await pick(profile, region)
    builder = MessageBuilder(
        request.channel,
        request.sender,
        region=endpoint.alias,
        clock=now_ms,
        templated=request.templated,
        size=request.size,
    )
    async with BulkTarget(profile, endpoint, partial(profiles.reload, profile.name), now_ms) as target:
        return await Publishing(request, target, builder, Output.standard()).run(items_of(request))


class Publishing:
    """One run of `publish`."""

    def __init__(self, request: Request, target: BulkTarget, builder: MessageBuilder, output: Output) -> None:
        self._request = request
        self._interrupted = False
        self._accepted_count = 0
        self._refused_count = 0
        self._output = output
        self._is_person = is_terminal(sys.stderr)
        self._live: LiveLine | None = None
        if self._is_person and not request.is_single and not output.is_terminal:
            self._live = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
        self._results = Results(output, failed=lambda: self._publisher.stop())
        self._writer: asyncio.Task[None] | None = None
        self._publisher = BulkPublisher(
            publish=target.publish,
            build=builder.build,
            on_accepted=self._accepted,
            on_refused=self._refused,
            on_outage=self._report_outage,
            retry=retry_policy(request),
            limiter=RateLimiter(request.rate),
            window=request.window,
        )

    async def run(self, items: AsyncGenerator[Item, None]) -> ExitCode:
        """Publish the items, and say what came of it.

        Raises:
            UserError: a failure that all the rest would share, or the results cannot be written.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        unwatch = self._output.watch(self._results.give_up)
        self._writer = asyncio.create_task(self._results.run())
        try:
            with heard(self._interrupt):
                try:
                    await self._publisher.run(items)
                finally:
                    took = loop.time() - began
                    await self._finish_writing(self._writer)
            return self._conclude(self._publisher.report, took)
        except UserError:
            if not self._request.is_single:
                self._say(ended_early("stopped", self._publisher.report, self._request.noun))
            raise
        finally:
            self._writer.cancel()
            unwatch()
            self._clear()

    async def _finish_writing(self, writer: asyncio.Task[None]) -> None:
        """Wait until what was published is written, or is given up.

        Raises:
            UserError: it cannot be written.
        """
        await self._results.end()
        await asyncio.wait({writer})
        if not writer.cancelled():
            writer.result()

    def _conclude(self, report: BulkReport, seconds: float) -> ExitCode:
        request = self._request
        if self._interrupted:
            self._say(_interruption(report, request))
            return ExitCode.INTERRUPTED
        if self._results.closed:
            return ExitCode.DONE
        if not request.is_single and (self._is_person or report.refused):
            self._say(f"{summary(report, seconds)}.", plain=not report.refused)
        is_generated = request.text is not None  # lines may have come too slowly themselves
        if is_generated and request.rate and (told := too_slow(report, seconds, request.rate)):
            self._say(told)
        return ExitCode.FAILED if report.refused else ExitCode.DONE

    async def _accepted(self, item: Item, message: Message) -> None:
        self._accepted_count += 1
        self._count()
        if self._request.as_json:
            place = {"line": item.number} if self._request.text is None else {}
            await self._results.add(json_line({**message_document(message), **place}))
        else:
            await self._results.add(message.id)
        if self._request.is_single and self._is_person:
            self._say(f"sent to {message.channel} in {message.region}", plain=True)

    async def _refused(self, item: Item, error: UserError) -> None:
        self._refused_count += 1
        self._count()
        place = "" if self._request.is_single else f"{self._request.noun} {item.number}: "
        self._say(f"{place}{error.sentence}")

    async def _report_outage(self, error: UserError) -> None:
        self._say(f"{error.sentence} Trying again ...")

    def _interrupt(self, _: signal.Signals) -> None:
        self._interrupted = True
        self._publisher.stop()
        if self._writer is not None:
            asyncio.get_running_loop().call_later(DRAIN, self._writer.cancel)

    def _count(self) -> None:
        if self._live is not None:
            self._live.show("", counts(self._accepted_count, self._refused_count))

    def _clear(self) -> None:
        if self._live is not None:
            self._live.clear()

    def _say(self, text: str, *, plain: bool = False) -> None:
        self._clear()
        narrate(text if plain else f"globalchat: {text}")


def _interruption(report: BulkReport, request: Request) -> str:
    if not request.is_single:
        return ended_early("interrupted", report, request.noun)
    if report.doubtful:
        return "interrupted: the message may have been accepted, no answer came."
    return "interrupted: the message was accepted." if report.accepted else "interrupted: it was not sent."
