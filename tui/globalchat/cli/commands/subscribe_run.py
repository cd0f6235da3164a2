"""One run of `subscribe`: messages to standard output, connections and gaps to standard error."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial

from globalchat.cli import profiles
from globalchat.cli.commands.subscribe_backlog import Backlog
from globalchat.cli.commands.subscribe_exec import LAST_SECONDS, MessageCommand
from globalchat.cli.output import author_mark, clock_time, echo_err, json_line, message_document, sender_text
from globalchat.cli.profiles import is_all, pick
from globalchat.cli.streams import Output, on_signals
from globalchat.client.authors import AuthorKind, author_kind
from globalchat.client.events import (
    ChannelRefused,
    ChannelRevoked,
    EventsSkipped,
    GapFilled,
    GapReason,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.history import LARGEST_PAGE
from globalchat.client.messages import Message
from globalchat.client.offset import ROUGH_MS
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.retry import ATTEMPTS_BEFORE_FIRST_SUCCESS
from globalchat.client.session import Session
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import short_duration
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.tasks import run_unless_set
from globalchat.core.text import LINE_BREAK, plural, sanitize

# More than the chat reads at once: a script wants all, and has no screen that a flood would freeze.
FILL_LIMIT = 10_000
"""How many missed messages of a channel are read at once; the rest is read after them."""
_EACH_ATTEMPT = 20
"""The attempts to connect that are each reported; of the later ones, each twentieth is."""
_READ_ON = (GapReason.TOO_MANY, GapReason.NOT_COMPARED)
"""Why a gap is still open that can be read on at once."""
LAST_LINES_SECONDS = 1.0
"""Seconds for writing the last batch of lines once the run has ended."""


class LineFormat(Enum):
    """The format of a message's line."""

    TEXT = auto()
    JSON = auto()
    RAW = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeRequest:
    """The channels to follow, the output format, and when to end: after `count` messages, or `seconds`.

    With `since` (epoch ms) what arrived since then is shown first; with `fill` what was missed is read from
    the history. With `verified` only messages of verified persons are shown, with `wanted` only those for
    which it returns True. `command` runs for each shown message.
    """

    channels: tuple[str, ...]
    form: LineFormat = LineFormat.TEXT
    since: int | None = None
    fill: bool = True
    verified: bool = False
    wanted: Callable[[Message], bool] | None = None
    command: str | None = None
    count: int | None = None
    seconds: float | None = None


async def follow(profile: Profile, region: str | None, request: SubscribeRequest, output: Output) -> ExitCode:
    """Show messages until the end of the request, or until every channel is lost or no region can be reached.

    Raises:
        UserError: the profile has no such region, or the output cannot be written.
    """
    aliases = tuple(profile.regions) if is_all(region) else ((await pick(profile, region)).alias,)
    reload = partial(profiles.reload, profile.name, profile.person)
    options = replace(DEFAULTS, fill_gaps=request.fill, fill_limit=FILL_LIMIT)
    sessions = {
        alias: Session(profile, alias, channels=request.channels, options=options, reload=reload)
        for alias in aliases
    }
    backlogs: dict[str, Backlog] = {}
    if request.since is not None:
        for alias in aliases:
            locate = partial(_locate, profile, alias)
            backlogs[alias] = Backlog(request.channels, request.since, locate)
    tags = aliases if is_all(region) else ()
    return await SubscribeRun(sessions, request, output, tags=tags, backlogs=backlogs).run()


async def _locate(profile: Profile, alias: str) -> RegionEndpoint:
    """Return where a region is now: a local cloud may have been restarted."""
    try:
        return (await profiles.reload(profile.name, profile.person)).resolve(alias)
    except UserError:
        return profile.resolve(alias)


class SubscribeRun:
    """One run of `subscribe`: a session for each region, and one output.

    `sessions` are by alias, as are `backlogs`: what is shown before a region's live messages. `tags` are as
    for `as_text`.
    """

    def __init__(
        self,
        sessions: Mapping[str, Session],
        request: SubscribeRequest,
        output: Output,
        *,
        tags: Sequence[str] = (),
        backlogs: Mapping[str, Backlog] | None = None,
    ) -> None:
        self._sessions = sessions
        self._backlogs = backlogs or {}
        self._request = request
        self._output = output
        self._tags = tags
        self._follower = Follower(
            request.channels,
            tuple(sessions),
            count=request.count,
            verified=request.verified,
            wanted=request.wanted,
        )
        self._command = None if request.command is None else MessageCommand(request.command)
        self._writing = asyncio.Lock()
        self._over = asyncio.Event()
        self._code: ExitCode | None = None
        self._error: UserError | None = None

    async def run(self) -> ExitCode:
        """Follow until the end, and return the exit code.

        Raises:
            UserError: the output cannot be written.
        """
        loop = asyncio.get_running_loop()
        # The reader of a pipe is gone, as in `| head`, which is not a failure.
        unwatch = self._output.watch(lambda: self._end(ExitCode.DONE))
        timer = loop.call_later(self._request.seconds, self._time_out) if self._request.seconds else None
        try:
            with on_signals(self._on_signal):
                await self._run()
        finally:
            unwatch()
            if timer is not None:
                timer.cancel()
        if self._error is not None:
            raise self._error
        return ExitCode.DONE if self._code is None else self._code

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            listeners = set()
            for alias, session in self._sessions.items():
                # Never cancelled: after `close` it ends once its sockets are closed.
                tasks.create_task(session.run(), name=f"session {alias}")
                listeners.add(tasks.create_task(self._listen(alias, session), name=f"listen {alias}"))
            running = None
            if self._command is not None:
                running = tasks.create_task(self._command.run(), name="command")
            await self._over.wait()
            # Closed sessions still return their remaining events.
            for session in self._sessions.values():
                session.close()
            await asyncio.wait(listeners, timeout=LAST_LINES_SECONDS)
            for listener in listeners:
                # The reader of a pipe may have stopped reading without closing it.
                listener.cancel()
            if self._command is not None and running is not None:
                self._command.close()
                await asyncio.wait({running}, timeout=LAST_SECONDS)
                running.cancel()

    async def _listen(self, alias: str, session: Session) -> None:
        """Show the events of one session until the run is over."""
        backlog = self._backlogs.get(alias)
        while not self._over.is_set() and (events := await session.next_events()):
            if backlog is None:
                await self._process(events, alias)
            elif backlog.is_read:
                await self._process(backlog.without_shown(events), alias)
            else:
                # Channels are subscribed before the session is live: their messages may come before that.
                await self._process(backlog.hold(events), alias)
                if any(isinstance(each, StateChanged) and each.state.phase is Phase.LIVE for each in events):
                    # The session keeps what arrives meanwhile.
                    await run_unless_set(self._over, self._show_backlog(backlog, alias))
                    await self._process(backlog.take_held(), alias)

    async def _show_backlog(self, backlog: Backlog, alias: str) -> None:
        """Show the messages of a backlog in batches. If reading fails, show those before, and end the run."""
        batch: list[SessionEvent] = []
        failure: UserError | None = None
        try:
            async with aclosing(backlog.read()) as messages:
                async for event in messages:
                    batch.append(event)
                    if len(batch) == LARGEST_PAGE:
                        await self._process(batch, alias)
                        batch = []
        except UserError as error:
            failure = error
        await self._process(batch, alias)
        if failure is not None:
            self._fail(failure)

    async def _process(self, events: Sequence[SessionEvent], alias: str) -> None:
        # One batch at a time, so that the lines of two regions do not mix.
        async with self._writing:
            # The other region may have ended the run while this batch waited for the lock.
            if self._over.is_set():
                return
            batch = self._follower.feed(events, alias)
            for channel, since in batch.gaps:
                self._sessions[alias].load_gap(channel, since)
            await self._show(batch)
        if self._follower.ended is not None:
            self._end(self._follower.ended)

    async def _show(self, batch: "Batch") -> None:
        for sentence in batch.sentences:
            echo_err(sentence)
        form = self._request.form
        lines = [format_line(each, form, tags=self._tags) for each in batch.messages]
        try:
            await self._output.write(lines, exactly=form is LineFormat.RAW)
        except BrokenPipeError:
            self._end(ExitCode.DONE)
        except UserError as error:
            self._fail(error)
        else:
            if self._command is not None:
                self._command.add(batch.messages)

    def _fail(self, error: UserError) -> None:
        """End the run with an error, which `run` raises."""
        self._error = error
        self._end(ExitCode.FAILED)

    def _on_signal(self, number: signal.Signals) -> None:
        # SIGTERM is how `timeout` and service managers end a program: an orderly end, like a time limit.
        self._end(ExitCode.INTERRUPTED if number is signal.SIGINT else self._follower.finish())

    def _time_out(self) -> None:
        shown, request = self._follower.shown, self._request
        if request.count is not None and shown < request.count and not self._over.is_set():
            echo_err(
                f"{shown} of {request.count} messages came within {short_duration(request.seconds or 0)}"
            )
        self._end(self._follower.finish())

    def _end(self, code: ExitCode) -> None:
        if not self._over.is_set():
            self._code = code
            self._over.set()


@dataclass(slots=True)
class Batch:
    """The messages to show and the sentences to report for some events, and the gaps to read on.

    Of each gap these are the channel and the epoch ms of its start.
    """

    messages: list[MessageReceived] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    gaps: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Region:
    """The channels of a region that are not lost, and its state. After `has_failed` a retry cannot help."""

    left: set[str]
    was_live: bool = False
    has_failed: bool = False
    attempt: int = 0
    last_state: tuple[Phase, str, int] | None = None
    warning: str | None = None


class Follower:
    """Follows `channels` in one region or several; `ended` is the exit code once following is over.

    With several regions each arrival counts as a message, and it continues as long as one region does. Pure:
    no session, no clock. `regions` are aliases, or one name of any kind; `count` is the number of messages
    that ends it. With `verified` only messages of verified persons are shown and counted, with `wanted` only
    those for which it returns True.
    """

    def __init__(
        self,
        channels: Sequence[str],
        regions: Sequence[str] = ("",),
        *,
        count: int | None = None,
        verified: bool = False,
        wanted: Callable[[Message], bool] | None = None,
    ) -> None:
        self.ended: ExitCode | None = None
        self.shown = 0
        self._count = count
        self._is_for_persons = verified
        self._wanted = wanted
        self._regions = {region: _Region(set(channels)) for region in regions}

    def feed(self, events: Iterable[SessionEvent], region: str = "") -> Batch:
        """Process the next events of a region; nothing is shown after the end."""
        batch = Batch()
        for event in events:
            if self.ended is not None:
                break
            self._process(event, region, batch)
        return batch

    def finish(self) -> ExitCode:
        """Return the exit code for a run that has reached its time limit."""
        if self.ended is None:
            if not any(region.was_live for region in self._regions.values()):
                self.ended = ExitCode.UNREACHABLE
            else:
                self.ended = ExitCode.DONE if self._count is None else ExitCode.FAILED
        return self.ended

    def _process(self, event: SessionEvent, region: str, batch: Batch) -> None:
        match event:
            case MessageReceived():
                self._show(event, region, batch)
            case StateChanged(state):
                self._change_state(state, region, batch)
            case ChannelRefused(channel, _, reason):
                self._lose(channel, reason, region, batch)
            case ChannelRevoked(channel, is_removed):
                done = f"removed {channel}" if is_removed else f"ended the subscription to {channel}"
                self._lose(channel, f"an administrator {done}", region, batch)
            case GapFilled(channel, since, until, count) if count:
                missed = f"{plural(count, 'message')} of {channel} that arrived {_span(since, until)}"
                self._report(f"gap filled: {missed}", region, batch)
            case GapRecorded(channels, since, until, reason) if reason in _READ_ON:
                batch.gaps += [(channel, since) for channel in channels]
                self._report(
                    f"gap: more messages of {', '.join(channels)} than are read at once: reading on",
                    region,
                    batch,
                )
            case GapRecorded(channels, since, until, reason):
                self._report(
                    f"gap: messages of {', '.join(channels)} {_span(since, until)} may have been missed. "
                    f"{reason.value}",
                    region,
                    batch,
                )
            case EventsSkipped(count):
                self._report(f"output is too slow: {count} messages were skipped", region, batch)

    def _show(self, event: MessageReceived, region: str, batch: Batch) -> None:
        if self._is_for_persons and author_kind(event.message.author) is not AuthorKind.PERSON:
            return
        if self._wanted is not None and not self._wanted(event.message):
            return
        batch.messages.append(event)
        if event.conflicting:
            self._report(f"the id {event.message.id} came before, with other content", region, batch)
        self.shown += 1
        if self.shown == self._count:
            self.ended = ExitCode.DONE

    def _lose(self, channel: str, reason: str, region: str, batch: Batch) -> None:
        self._report(reason, region, batch)
        self._regions[region].left.discard(channel)
        self._end_if_over()

    def _change_state(self, state: SessionState, region: str, batch: Batch) -> None:
        one = self._regions[region]
        seen = (state.phase, state.region, state.attempt)
        # States are also reported for changed details; a line for each would be noise.
        reason = f"{state.reason} {state.remedy or ''}".strip() if state.reason else "the connection was lost"
        if seen == one.last_state:
            if state.phase is Phase.LIVE and state.reason and reason != one.warning:
                self._report(reason, region, batch)  # Such as a sign-in that has ended.
            one.warning = reason
            return
        one.last_state, one.warning = seen, reason
        if state.phase is Phase.LIVE:
            one.was_live = True
            batch.sentences.append(f"connected to {state.region}: {', '.join(sorted(one.left))}")
        elif state.phase is Phase.FAILED:
            one.has_failed = True
            self._report(reason, region, batch)
        elif state.phase in (Phase.RETRYING, Phase.SUSPENDED):
            one.attempt = state.attempt
            rarely = " rarely" if state.phase is Phase.SUSPENDED else ""
            # It may be a night until the user signs in again.
            if state.attempt <= _EACH_ATTEMPT or state.attempt % _EACH_ATTEMPT == 0:
                batch.sentences.append(f"retrying {state.region}{rarely} (attempt {state.attempt}): {reason}")
        self._end_if_over()

    def _report(self, sentence: str, region: str, batch: Batch) -> None:
        batch.sentences.append(sentence if len(self._regions) == 1 else f"{region}: {sentence}")

    def _end_if_over(self) -> None:
        """End once no region waits for anything; one that was never reached waits for the others."""
        reached = any(region.was_live for region in self._regions.values())
        codes = [_code(region, reached=reached) for region in self._regions.values()]
        if None not in codes:
            # The worst of the regions: "not reachable" is higher than "refused".
            self.ended = max(code for code in codes if code is not None)


def _span(since: int, until: int) -> str:
    return f"between {clock_time(since)} and {clock_time(until)}"


def _code(region: _Region, *, reached: bool) -> ExitCode | None:
    """Return how following ends for a region, None if it goes on."""
    if region.has_failed or not region.left:
        return ExitCode.FAILED
    # A script must find out that a region cannot be reached instead of waiting for ever.
    if not reached and region.attempt >= ATTEMPTS_BEFORE_FIRST_SUCCESS:
        return ExitCode.UNREACHABLE
    return None


def format_line(event: MessageReceived, form: LineFormat, *, tags: Sequence[str] = ()) -> str:
    """Return the line of a message."""
    match form:
        case LineFormat.JSON:
            return as_json(event)
        case LineFormat.RAW:
            return as_raw(event)
        case LineFormat.TEXT:
            return as_text(event, tags=tags)


def as_json(event: MessageReceived) -> str:
    """Return the line of `--json`; `transitMs` is wrong by at most `transitErrorMs`."""
    error = None if event.transit_ms is None else event.transit_error_ms
    timing = {"via": event.via, "transitMs": event.transit_ms, "transitErrorMs": error}
    return json_line({**message_document(event.message), **timing, "filled": event.filled})


def as_raw(event: MessageReceived) -> str:
    """Return the line of `--raw`: the text as sent, whatever it does to a terminal."""
    return event.message.text


def as_text(event: MessageReceived, *, tags: Sequence[str] = ()) -> str:
    """Return the line for readers: one, as line breaks in it become visible.

    With `tags` (aliases) it names the region that brought the message.
    """
    message = event.message
    # Before the clocks are compared, the transit is approximate.
    sign = "~" if event.transit_error_ms >= ROUGH_MS else "+"
    transit = "" if event.transit_ms is None else f" {sign}{event.transit_ms} ms"
    # Padded to the longest alias, so that the columns after it line up.
    via = f" via {event.via:<{max(map(len, tags))}}" if tags else ""
    channel, region = (sanitize(name, name=True) for name in (message.channel, message.region))
    text = LINE_BREAK.sub("\u240a", message.text)
    time, mark, sender = clock_time(message.sent_at), author_mark(message), sender_text(message)
    return f"{time} {mark} {channel}  {sender}  {region}{via}{transit}  {text}"
