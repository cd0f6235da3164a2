"""Runs the sessions for `subscribe`: messages to standard output, everything else to standard error."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from globalchat.cli import profiles
from globalchat.cli.console.output import narrate
from globalchat.cli.console.signals import heard
from globalchat.cli.console.streams import Output
from globalchat.cli.following.follower import Follower
from globalchat.cli.regions import is_all, pick
from globalchat.client.events import MessageReceived
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.core.clock import short_duration
from globalchat.core.errors import ExitCode, UserError

LAST_WORDS = 1.0
"""Seconds that a batch of lines gets to be written out once it is over."""

Show = Callable[[MessageReceived], str]
"""Makes the line of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be followed, how it is shown and when it ends: after `count` messages, or `seconds`.

    `is_raw`: what `show` makes goes out exactly as it is, else as printable lines.
    """

    channels: tuple[str, ...]
    show: Show
    is_raw: bool = False
    count: int | None = None
    seconds: float | None = None


async def follow(profile: Profile, region: str | None, request: Request, output: Output) -> ExitCode:
    """Show the messages until it is time to end, every channel is lost or no region can be reached.

    Raises:
        UserError: the profile has no such region, or the output cannot be written.
    """
    aliases = tuple(profile.regions) if is_all(region) else ((await pick(profile, region)).alias,)
    reload = partial(profiles.reload, profile.name)
    sessions = {alias: Session(profile, alias, channels=request.channels, reload=reload) for alias in aliases}
    return await Following(sessions, request, output).run()


class Following:
    """One run of `subscribe`."""

    def __init__(self, sessions: Mapping[str, Session], request: Request, output: Output) -> None:
        self._sessions = sessions
        self._request = request
        self._output = output
        self._follower = Follower(request.channels, tuple(sessions), count=request.count)
        self._writing = asyncio.Lock()
        self._over = asyncio.Event()
        self._code: ExitCode | None = None
        self._error: UserError | None = None

    async def run(self) -> ExitCode:
        """Follow until it is over; what that comes to."""
        loop = asyncio.get_running_loop()
        unwatch = self._output.watch(lambda: self._end(ExitCode.DONE))
        timer = loop.call_later(self._request.seconds, self._time_out) if self._request.seconds else None
        try:
            with heard(self._hear):
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
                tasks.create_task(session.run(), name=f"session {alias}")
                listeners.add(tasks.create_task(self._listen(alias, session), name=f"listen {alias}"))
            await self._over.wait()
            for session in self._sessions.values():
                session.close()
            await asyncio.wait(listeners, timeout=LAST_WORDS)
            for listener in listeners:
                listener.cancel()

    async def _listen(self, alias: str, session: Session) -> None:
        while not self._over.is_set() and (events := await session.next_events()):
            async with self._writing:
                if self._over.is_set():
                    return
                batch = self._follower.take(events, alias)
                for sentence in batch.sentences:
                    narrate(sentence)
                try:
                    shown = [self._request.show(each) for each in batch.messages]
                    await self._output.write(shown, exactly=self._request.is_raw)
                except BrokenPipeError:
                    self._end(ExitCode.DONE)
                except UserError as error:
                    self._error = error
                    self._end(ExitCode.FAILED)
            if self._follower.ended is not None:
                self._end(self._follower.ended)

    def _hear(self, number: signal.Signals) -> None:
        self._end(ExitCode.INTERRUPTED if number is signal.SIGINT else self._follower.finish())

    def _time_out(self) -> None:
        shown, request = self._follower.shown, self._request
        if request.count is not None and shown < request.count and not self._over.is_set():
            narrate(f"{shown} of {request.count} messages came within {short_duration(request.seconds or 0)}")
        self._end(self._follower.finish())

    def _end(self, code: ExitCode) -> None:
        if not self._over.is_set():
            self._code = code
            self._over.set()
