"""Follows the same channels in several regions at once, and pairs the arrivals of each message."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from globalchat.client.buffer import BoundedQueue, size_of, size_of_message
from globalchat.client.events import MessageReceived, SessionEvent
from globalchat.client.locator import Reload
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.client.pairing import Paired, Pairing, Unpaired
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.signal import Signal

__all__ = ["FromRegion", "Paired", "Unpaired", "Watch", "WatchEvent", "WatchSkipped"]


@dataclass(frozen=True, slots=True)
class FromRegion:
    """What the session of one region (an alias) told."""

    alias: str
    event: SessionEvent


@dataclass(frozen=True, slots=True)
class WatchSkipped:
    """The listener was too slow: `count` events were dropped, oldest first."""

    count: int


WatchEvent = FromRegion | Paired | Unpaired | WatchSkipped


class Watch:
    """One session per region on the same channels. `run()` does the work; `next_events()` tells.

    A message is told as it arrives in each region (`FromRegion`), then once as `Paired` or `Unpaired`.
    A gap of one region (`FromRegion` of a `GapRecorded`) explains what is unpaired around it.

    Attributes:
        sessions: The sessions by alias: `watch.sessions["oregon"].send(...)` publishes there.
    """

    def __init__(
        self,
        profile: Profile,
        channels: Sequence[str] | None = None,
        *,
        regions: Sequence[str] | None = None,
        sender: str | None = None,
        pair_within: float = 30.0,
        options: SessionOptions = DEFAULTS,
        reload: Reload | None = None,
    ) -> None:
        """`regions` None means all of the profile's; `pair_within` is in seconds from the first arrival.

        `reload` reads the profile again after a failure, as in `Session`.

        Raises:
            ProfileError: the profile has no such region.
        """
        aliases = [profile.resolve(each).alias for each in regions or profile.regions]
        self.sessions: Mapping[str, Session] = {
            alias: Session(profile, alias, channels=channels, sender=sender, options=options, reload=reload)
            for alias in dict.fromkeys(aliases)
        }
        self._pairing = Pairing(
            tuple(self.sessions), within=pair_within, capacity=options.buffer, most_bytes=options.buffer_bytes
        )
        self._events = BoundedQueue[WatchEvent](options.buffer, options.buffer_bytes)
        self._skipped = 0
        self._filled = asyncio.Event()
        self._arrived = Signal()
        self._running = False
        self._ended = False

    async def run(self) -> None:
        """Follow until `close()` or cancellation; what still waits then is `Unpaired`. Runs once.

        Raises:
            RuntimeError: it ran before.
        """
        if self._running:
            raise RuntimeError("a watch runs once")
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                expiring = group.create_task(self._expire())
                async with asyncio.TaskGroup() as sessions:
                    for alias, session in self.sessions.items():
                        sessions.create_task(session.run(), name=f"session {alias}")
                        sessions.create_task(self._follow(alias, session), name=f"follow {alias}")
                expiring.cancel()
        finally:
            self._put(self._pairing.give_up_all())
            self._end()

    def close(self) -> None:
        """Ask `run()` to end. Returns at once."""
        for session in self.sessions.values():
            session.close()
        if not self._running:
            self._end()

    def retry_now(self) -> None:
        """Try at once wherever a session waits, also after a failure."""
        for session in self.sessions.values():
            session.retry_now()

    async def next_events(self, limit: int = 200) -> list[WatchEvent]:
        """The next events in order, at least one; an empty list after the end."""
        await self._filled.wait()
        events: list[WatchEvent] = []
        if self._skipped:
            events.append(WatchSkipped(self._skipped))
            self._skipped = 0
        while self._events and len(events) < max(1, limit):
            events.append(self._events.take())
        if not self._events and not self._skipped and not self._ended:
            self._filled.clear()
        return events

    def _end(self) -> None:
        self._ended = True
        self._filled.set()

    async def _follow(self, alias: str, session: Session) -> None:
        now = asyncio.get_running_loop().time
        while events := await session.next_events():
            for event in events:
                self._put([FromRegion(alias, event)])
                if isinstance(event, MessageReceived):
                    # Not where a switch took the session, but the socket that brought it.
                    self._put(self._pairing.arrive(event.message, event.via, at=event.received_at, now=now()))
            self._arrived.fire()

    async def _expire(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            deadline = self._pairing.next_deadline
            await self._arrived.race(timeout=None if deadline is None else max(0.0, deadline - now()))
            self._put(self._pairing.expire(now()))

    def _put(self, events: Sequence[WatchEvent]) -> None:
        for event in events:
            self._skipped += len(self._events.put(event, _size_of(event)))
        if events:
            self._filled.set()


def _size_of(event: WatchEvent) -> int:
    """Return how many bytes of memory an event takes, about."""
    match event:
        case FromRegion(_, inner):
            return size_of(inner)
        case Paired(message) | Unpaired(message):
            return size_of_message(message)
        case _:
            return 0
