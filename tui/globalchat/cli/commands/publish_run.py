"""One run of `publish`: ids or JSON on standard output, failures and a summary on standard error."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from random import Random

from globalchat.cli import profiles
from globalchat.cli.output import LiveLine, echo_err, is_terminal, json_line, message_document, width
from globalchat.cli.profiles import pick
from globalchat.cli.streams import Input, Output, on_signals
from globalchat.client.bulk.builder import Item, LineSplitter, MessageBuilder, repeat
from globalchat.client.bulk.publisher import DRAIN, BulkPublisher, BulkReport, BulkTarget, RateLimiter
from globalchat.client.messages import Message
from globalchat.client.profiles import Profile
from globalchat.client.retry import ATTEMPTS_BEFORE_FIRST_SUCCESS, RetryPolicy
from globalchat.core.clock import now_ms
from globalchat.core.errors import ExitCode, UserError

# A few reconnects of a network, but not so long that a cron job piles up behind it.
GIVE_UP_AFTER = 30.0
"""Seconds without success after which a bulk ends."""
MAX_WAITING_LINES = 500
"""Lines of results that may wait to be written before the next one has to wait, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """The texts to publish, and the options.

    `text` None means standard input, one message per line. Without `retry_for` the default time applies,
    which is shorter for a region that never answers.
    """

    channel: str
    sender: str
    text: str | None
    count: int | None
    templated: bool
    size: int | None
    rate: float | None
    window: int
    retry_for: float | None
    as_json: bool

    @property
    def is_single(self) -> bool:
        """True if it publishes a single message."""
        return self.text is not None and self.count == 1

    @property
    def noun(self) -> str:
        """The noun that sentences count: line, or message."""
        return "line" if self.text is None else "message"

    @property
    def retry_policy(self) -> RetryPolicy:
        """The policy that decides how long a failed publish is retried."""
        if self.retry_for is not None:
            return RetryPolicy(Random(), give_up_after=self.retry_for)
        return RetryPolicy(
            Random(), give_up_after=GIVE_UP_AFTER, attempts_before_reached=ATTEMPTS_BEFORE_FIRST_SUCCESS
        )

    async def items(self) -> AsyncGenerator[Item, None]:
        """Yield the texts as they arrive."""
        items = _lines(Input(sys.stdin.fileno())) if self.text is None else repeat(self.text, self.count or 1)
        async with aclosing(items):
            async for item in items:
                yield item
                if item.number == self.count:
                    return


async def _lines(stdin: Input) -> AsyncGenerator[Item, None]:
    """Yield the lines of standard input."""
    splitter = LineSplitter()
    if stdin.is_terminal:
        echo_err("Each line is a message; Ctrl-D ends.")
    while chunk := await stdin.read():
        for item in splitter.feed(chunk):
            yield item
    for item in splitter.end():
        yield item


async def publish(profile: Profile, region: str | None, request: PublishRequest) -> ExitCode:
    """Publish in one region.

    Raises:
        UserError: no such region, or a failure that all remaining messages would share.
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
        return await PublishRun(request, target, builder, Output.standard()).run(request.items())


class PublishRun:
    """One run of `publish`."""

    def __init__(
        self, request: PublishRequest, target: BulkTarget, builder: MessageBuilder, output: Output
    ) -> None:
        self._request = request
        self._interrupted = False
        self._accepted_count = 0
        self._refused_count = 0
        self._output = output
        self._has_terminal = is_terminal(sys.stderr)
        self._live: LiveLine | None = None
        # With results on the same terminal, a line that is overwritten would be torn apart by them.
        if self._has_terminal and not request.is_single and not output.is_terminal:
            self._live = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
        self._writer: asyncio.Task[None] | None = None
        self._publisher = BulkPublisher(
            publish=target.publish,
            build=builder.build,
            on_accepted=self._accepted,
            on_refused=self._refused,
            on_outage=self._report_outage,
            retry=request.retry_policy,
            limiter=RateLimiter(request.rate),
            window=request.window,
        )
        self._results = ResultWriter(output, on_closed=self._publisher.stop)

    async def run(self, items: AsyncGenerator[Item, None]) -> ExitCode:
        """Publish the items and report the result.

        Raises:
            UserError: a failure that all remaining messages would share, or the results cannot be written.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        unwatch = self._output.watch(self._results.close)
        self._writer = asyncio.create_task(self._results.run())
        try:
            with on_signals(self._interrupt):
                try:
                    await self._publisher.run(items)
                finally:
                    took = loop.time() - started
                    await self._finish_writing(self._writer)
            return self._conclude(self._publisher.report, took)
        except UserError:
            if not self._request.is_single:
                self._report(ended_early("stopped", self._publisher.report, self._request.noun))
            raise
        finally:
            self._writer.cancel()
            unwatch()
            self._clear()

    async def _finish_writing(self, writer: asyncio.Task[None]) -> None:
        """Wait until the results have been written.

        Raises:
            UserError: it cannot be written.
        """
        await self._results.end()
        # Awaited like this, a cancelled writer raises nothing here.
        await asyncio.wait({writer})
        if not writer.cancelled():
            writer.result()

    def _conclude(self, report: BulkReport, seconds: float) -> ExitCode:
        request = self._request
        if self._interrupted:
            self._report(_interruption(report, request))
            return ExitCode.INTERRUPTED
        # The reader of the results is gone, as in `| head`, which is not a failure.
        if self._results.closed:
            return ExitCode.DONE
        # In a script, success needs no summary.
        if not request.is_single and (self._has_terminal or report.refused):
            self._report(f"{summary(report, seconds)}.", plain=not report.refused)
        is_generated = request.text is not None  # Lines of standard input may have come too slowly.
        if is_generated and request.rate and (missed := too_slow(report, seconds, request.rate)):
            self._report(missed)
        return ExitCode.FAILED if report.refused else ExitCode.DONE

    async def _accepted(self, item: Item, message: Message) -> None:
        self._accepted_count += 1
        self._show_counts()
        if self._request.as_json:
            place = {"line": item.number} if self._request.text is None else {}
            await self._results.add(json_line({**message_document(message), **place}))
        else:
            await self._results.add(message.id)
        if self._request.is_single and self._has_terminal:
            self._report(f"sent to {message.channel} in {message.region}", plain=True)

    async def _refused(self, item: Item, error: UserError) -> None:
        self._refused_count += 1
        self._show_counts()
        place = "" if self._request.is_single else f"{self._request.noun} {item.number}: "
        self._report(f"{place}{error.sentence}")

    async def _report_outage(self, error: UserError) -> None:
        self._report(f"{error.sentence} Trying again ...")

    def _interrupt(self, _: signal.Signals) -> None:
        self._interrupted = True
        self._publisher.stop()
        if self._writer is not None:
            # A stuck reader must not delay Ctrl-C longer than the publishes in flight do.
            asyncio.get_running_loop().call_later(DRAIN, self._writer.cancel)

    def _show_counts(self) -> None:
        if self._live is not None:
            self._live.show("", counts(self._accepted_count, self._refused_count))

    def _clear(self) -> None:
        if self._live is not None:
            self._live.clear()

    def _report(self, text: str, *, plain: bool = False) -> None:
        self._clear()
        echo_err(text if plain else f"globalchat: {text}")


class ResultWriter:
    """Writes lines to standard output in batches while publishing continues.

    `on_closed` is called once if no more can be written.

    Attributes:
        closed: True if no more can be written; the rest is dropped.
    """

    def __init__(self, output: Output, *, on_closed: Callable[[], None]) -> None:
        self.closed = False
        self._output = output
        self._on_closed = on_closed
        self._lines: list[str] = []
        self._changed = asyncio.Condition()
        self._ended = False

    async def add(self, line: str) -> None:
        """Queue a line; wait while too many are queued."""
        # Publishing waits for its reader, so that memory does not grow with the input.
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._lines) < MAX_WAITING_LINES or self.closed)
            self._lines.append(line)
            self._changed.notify_all()

    async def end(self) -> None:
        """Let `run` return once the queue is empty."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def run(self) -> None:
        """Write until `end` was called, or the reader is gone.

        Raises:
            UserError: no more can be written.
        """
        while (lines := await self._take()) and not self.closed:
            try:
                await self._output.write(lines)
            except BrokenPipeError:
                self.close()
            except UserError:
                self.close()
                raise

    def close(self) -> None:
        """Write nothing more."""
        if not self.closed:
            self.closed = True
            self._on_closed()

    async def _take(self) -> list[str]:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._lines) or self._ended)
            lines, self._lines = self._lines, []
            self._changed.notify_all()
        return lines


def summary(report: BulkReport, seconds: float) -> str:
    """Return the counts, and the speed."""
    speed = f" in {seconds:.1f} s ({report.accepted / seconds:,.0f}/s)" if seconds > 0 else ""
    return f"{counts(report.accepted, report.refused)}{speed}"


def too_slow(report: BulkReport, seconds: float, rate: float) -> str:
    """Return a sentence if the rate was missed by more than a tenth and a second, else an empty string."""
    sent = report.accepted + report.refused
    if seconds <= max(1.0, 0.1 * sent / rate) + sent / rate:
        return ""
    return f"{rate:g}/s were asked for, {sent / seconds:.1f}/s were reached; --window N sends more at once."


def counts(accepted: int, refused: int) -> str:
    """Return how many were accepted, and how many refused."""
    return f"{accepted:,} accepted" + (f", {refused:,} refused" if refused else "")


def unsent(report: BulkReport, noun: str) -> str:
    """Return the remaining numbers as text; `noun` is what they count: line, or message."""
    spans = report.unsent
    if not spans:
        return ""
    first, last = spans[0]
    if len(spans) == 1 and last is None:
        text = f"resume at {noun} {first}"
    else:
        text = f"not accepted: {_join([_span(first, last, noun) for first, last in spans])}"
    if report.doubtful:
        numbers = _join([str(number) for number in report.doubtful])
        plural = "s" if len(report.doubtful) > 1 else ""
        text += f" ({noun}{plural} {numbers} may have been accepted: no answer came)"
    return text


def ended_early(why: str, report: BulkReport, noun: str) -> str:
    """Return a sentence on how far a run got, and how to resume."""
    parts = [counts(report.accepted, report.refused), unsent(report, noun)]
    return f"{why}: {'; '.join(part for part in parts if part)}."


def _interruption(report: BulkReport, request: PublishRequest) -> str:
    if not request.is_single:
        return ended_early("interrupted", report, request.noun)
    if report.doubtful:
        return "interrupted: the message may have been accepted, no answer came."
    return "interrupted: the message was accepted." if report.accepted else "interrupted: it was not sent."


def _span(first: int, last: int | None, noun: str) -> str:
    if last is None:
        return f"everything from {noun} {first} on"
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
