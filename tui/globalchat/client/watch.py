"""Follows the same channels in several regions at once and pairs each message's arrivals."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.client.buffer import BoundedQueue, size_of, size_of_message
from globalchat.client.events import MessageReceived, SessionEvent
from globalchat.client.inbox import digest
from globalchat.client.messages import Message
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.client.profiles import Profile, Reload
from globalchat.client.session import Session
from globalchat.core.tasks import WakeEvent


@dataclass(frozen=True, slots=True)
class Paired:
    """A message arrived in every region.

    `arrivals` has the times by alias (epoch ms of this machine's clock). `late` is True if it was reported as
    `Unpaired` before.
    """

    message: Message
    arrivals: Mapping[str, int]
    late: bool = False


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A message did not arrive in the regions `missing` (aliases) in time."""

    message: Message
    arrivals: Mapping[str, int]
    missing: tuple[str, ...]


@dataclass(slots=True)
class _OpenPair:
    message: Message
    deadline: float
    arrivals: dict[str, int] = field(default_factory=dict)


class _Waiting:
    """Messages by digest, the oldest first, and the bytes that they take."""

    def __init__(self) -> None:
        self.entries: OrderedDict[bytes, _OpenPair] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, key: bytes, entry: _OpenPair) -> None:
        self.entries[key] = entry
        self._bytes += size_of_message(entry.message)

    def remove(self, key: bytes) -> None:
        self._bytes -= size_of_message(self.entries.pop(key).message)

    def pop_oldest(self) -> tuple[bytes, _OpenPair]:
        key, entry = next(iter(self.entries.items()))
        self.remove(key)
        return key, entry

    def is_over(self, capacity: int, most_bytes: int) -> bool:
        """Return True if there are too many; a single one never is too many."""
        return len(self.entries) > capacity or (self._bytes > most_bytes and len(self.entries) > 1)


class Pairing:
    """Waits until each message has arrived everywhere.

    Two messages are the same if id and content are: messages with the same id and other content are paired
    separately. At most `capacity` messages of `most_bytes` wait (a new one displaces the oldest), and the
    same number of given-up messages is remembered, so that late arrivals still pair. `regions` are aliases,
    `within` the seconds from the first arrival to giving up.
    """

    def __init__(
        self,
        regions: Sequence[str],
        *,
        within: float,
        capacity: int,
        most_bytes: int = DEFAULTS.buffer_bytes,
    ) -> None:
        self._regions = tuple(regions)
        self._within = within
        self._capacity = max(1, capacity)
        self._most_bytes = most_bytes
        self._open, self._given_up = _Waiting(), _Waiting()

    @property
    def next_deadline(self) -> float | None:
        """The time at which the next message is given up, on the clock of `now`; None if none waits."""
        return next((entry.deadline for entry in self._open.entries.values()), None)

    def arrive(self, message: Message, region: str, *, at: int, now: float) -> list[Paired | Unpaired]:
        """Record an arrival in a region. `at` is epoch ms, `now` seconds of a monotonic clock."""
        key = digest(message)
        late = key in self._given_up.entries
        entry = self._given_up.entries.get(key) or self._open.entries.get(key)
        settled: list[Paired | Unpaired] = []
        if entry is None:
            entry = _OpenPair(message, now + self._within)
            self._open.add(key, entry)
            while self._open.is_over(self._capacity, self._most_bytes):
                settled.append(self._give_up())
        # The first arrival counts, as a region may deliver twice.
        entry.arrivals.setdefault(region, at)
        if all(each in entry.arrivals for each in self._regions):
            (self._given_up if late else self._open).remove(key)
            settled.append(Paired(entry.message, dict(entry.arrivals), late))
        return settled

    def expire(self, now: float) -> list[Paired | Unpaired]:
        """Give up messages that have waited too long."""
        settled: list[Paired | Unpaired] = []
        while (deadline := self.next_deadline) is not None and deadline <= now:
            settled.append(self._give_up())
        return settled

    def give_up_all(self) -> list[Paired | Unpaired]:
        """Give up everything that waits."""
        return [self._give_up() for _ in range(len(self._open))]

    def _give_up(self) -> Unpaired:
        key, entry = self._open.pop_oldest()
        self._given_up.add(key, entry)
        while self._given_up.is_over(self._capacity, self._most_bytes):
            self._given_up.pop_oldest()
        missing = tuple(each for each in self._regions if each not in entry.arrivals)
        return Unpaired(entry.message, dict(entry.arrivals), missing)


@dataclass(frozen=True, slots=True)
class FromRegion:
    """An event of the session of one region (an alias)."""

    alias: str
    event: SessionEvent


@dataclass(frozen=True, slots=True)
class WatchSkipped:
    """The listener was too slow: `count` events were dropped, oldest first."""

    count: int


WatchEvent = FromRegion | Paired | Unpaired | WatchSkipped


class Watch:
    """One session per region on the same channels. `run()` does the work; `next_events()` returns events.

    A message comes as it arrives in each region (`FromRegion`), then once as `Paired` or `Unpaired`. A gap of
    one region (`FromRegion` of a `GapRecorded`) explains unpaired messages around it. `regions` None means
    all of the profile's; `pair_within` is in seconds from the first arrival.

    `reload` reads the profile again after a failure, as in `Session`.

    Attributes:
        sessions: The sessions by alias: `watch.sessions["oregon"].send(...)` publishes there.

    Raises:
        ProfileError: the profile has no such region.
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
        self._arrived = WakeEvent()
        self._running = False
        self._ended = False

    async def run(self) -> None:
        """Follow until `close()` or cancellation; messages that still wait then are `Unpaired`. Runs once.

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
                # Only after all sessions: their last messages still have to be paired.
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
        """Retry at once wherever a session waits, even after a permanent failure."""
        for session in self.sessions.values():
            session.retry_now()

    async def next_events(self, limit: int = 200) -> list[WatchEvent]:
        """Return the next events in order, at least one; an empty list after the end."""
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
                if isinstance(event, MessageReceived) and not event.filled:
                    # The region of the socket that brought it, which after a switch may differ from the
                    # session's.
                    self._put(self._pairing.arrive(event.message, event.via, at=event.received_at, now=now()))
            # Once per batch: the deadline of the oldest message is what matters.
            self._arrived.set()

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
    """Return the approximate bytes of memory that an event takes."""
    match event:
        case FromRegion(_, inner):
            return size_of(inner)
        case Paired(message) | Unpaired(message):
            return size_of_message(message)
        case _:
            return 0
