"""Reads history beside a session's live connection: missed messages, and older pages on demand.

It never delays the socket: each reading is a separate task, and a failure is retried or shown as a gap.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from random import Random

from globalchat.client.api import ApiPool
from globalchat.client.events import (
    GapFilled,
    GapReason,
    GapRecorded,
    MessageReceived,
    PageFailed,
    PageLoaded,
    SessionEvent,
)
from globalchat.client.gap_fill.fill import Fill
from globalchat.client.gap_fill.gaps import END, Gap, Place
from globalchat.client.gap_fill.mark_store import MarkStore
from globalchat.client.gap_fill.marks import UNFINISHED, FillResult, GapsRead, MarkTracker
from globalchat.client.history import HistoryPage, cursor_at, cursor_time, retrying
from globalchat.client.inbox import Inbox, SeenWindow
from globalchat.client.messages import HistoryTerms, Message, arrival_of
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import EndpointResolver, RegionEndpoint
from globalchat.client.response_errors import HISTORY_OFF, NO_HISTORY
from globalchat.client.retry import RetryPolicy, half_jitter, is_retryable
from globalchat.core.clock import DAY, Moment
from globalchat.core.errors import CredentialsUnavailable, Refused, Unauthorized, UserError
from globalchat.core.tasks import WakeEvent

PAGE_ATTEMPTS = 3
"""The attempts to read a page for which a user waits."""
ANNOUNCE_AFTER = 3
"""The failures in a row after which an unfilled gap is announced; retries continue."""
READINGS = 2
"""The most channels of a session that are read at once."""
SAVE_INTERVAL = 1.0
"""Seconds after which the ids of received messages are stored."""
MOST_UNREADABLE = 1_000
"""Unreadable messages that are remembered as reported."""
_BATCH = 500
"""Skipped messages that are listed at once."""


@dataclass(slots=True)
class _Loaded:
    """The loaded part of a channel: `before` is the cursor of the next older page in region `alias`."""

    alias: str
    before: str | None = None
    is_start: bool = False


@dataclass(slots=True, eq=False)
class _Followed:
    """A live channel whose gaps are filled.

    Attributes:
        wake: Set to read at once.
        failures: Readings that failed in a row.
        is_awaited: True if the user waits for the result of a reading.
        skipped: Messages that were dropped before the listener took them.
    """

    endpoint: RegionEndpoint
    place: Place
    wake: WakeEvent = field(default_factory=WakeEvent)
    failures: int = 0
    is_awaited: bool = False
    skipped: list[Message] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def announces(self) -> bool:
        """True if a gap that the next reading does not fill becomes an event."""
        return self.is_awaited or self.failures == ANNOUNCE_AFTER


class HistoryWorker:
    """Fills the gaps of live channels, and loads older pages on demand.

    At a time, one reading of a channel fills gaps, and one loads pages. `open_store` opens the file
    of marks; `region` returns the region that pages are read from, and `report_unauthorized` takes the errors
    of readings, which may be due to the key or the AWS credentials; `emit` takes the events and `now` gives
    the time.
    """

    def __init__(
        self,
        *,
        tracker: MarkTracker,
        seen: SeenWindow,
        open_store: Callable[[], MarkStore],
        inbox: Inbox,
        apis: ApiPool,
        resolver: EndpointResolver,
        region: Callable[[], RegionEndpoint],
        report_unauthorized: Callable[[UserError], None],
        emit: Callable[[SessionEvent], None],
        now: Callable[[], Moment],
        options: SessionOptions,
        rng: Random,
    ) -> None:
        self._tracker = tracker
        self._seen = seen
        self._open_store = open_store
        self._store: MarkStore | None = None
        self._inbox = inbox
        self._apis = apis
        self._resolver = resolver
        self._region = region
        self._report_unauthorized = report_unauthorized
        self._emit = emit
        self._now = now
        self._options = options
        self._rng = rng
        self._group: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        # By channel: how far pages were loaded, those being loaded (also before `run`), the live channels,
        # and the locks that keep the fills of a channel apart.
        self._loaded: dict[str, _Loaded] = {}
        self._loading: set[str] = set()
        self._followed: dict[str, _Followed] = {}
        self._filling: dict[str, asyncio.Lock] = {}
        self._readings = asyncio.Semaphore(READINGS)
        # The stored messages that could not be read, by arrival, to report each once.
        self._unreadable: set[tuple[Place, str | None]] = set()

    def open(self) -> None:
        """Restore the state of the reader's earlier sessions; call it before anything arrives."""
        self._store = self._open_store()
        stored = self._store.stored
        self._tracker.restore(stored.marks, stored.ignored)
        for seen in stored.seen:
            self._seen.restore(seen)

    async def run(self) -> None:
        """Run the readings until `close`, which drops those in progress."""
        try:
            async with asyncio.TaskGroup() as self._group:
                # Pages may be requested before the session runs, and are read once it does.
                for channel in self._loading:
                    self._start(self._load(channel))
                self._start(self._save_regularly())
                await self._closing.wait()
                for task in self._tasks:
                    task.cancel()
        finally:
            self._group = None
            self._save()
            if self._store is not None:
                self._store.close()

    def close(self) -> None:
        """Let `run` end."""
        self._closing.set()

    def is_loading(self, channel: str) -> bool:
        """Return True while history of a channel is being read."""
        return channel in self._loading or (channel in self._filling and self._filling[channel].locked())

    def change_reader(self, reader: str) -> None:
        """Save the state for another reader from now on, if it was opened."""
        if self._store is not None:
            self._save()
            self._store.change_reader(reader)

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(SAVE_INTERVAL)
            self._save()

    def _save(self) -> None:
        """Store how far the channels were received, and which messages were emitted."""
        if self._store is not None and self._store.works:
            self._store.save(self._tracker.take_changes())

    def _start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        assert self._group is not None, "it runs"
        task = self._group.create_task(work, name="history")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Older pages

    def load_older(self, channel: str) -> None:
        """Request the page before the loaded part of a channel; do nothing while one is being read."""
        if channel in self._loading or self._closing.is_set():
            return
        self._loading.add(channel)
        if self._group is not None:
            self._start(self._load(channel))

    async def _load(self, channel: str) -> None:
        event: SessionEvent
        read: list[GapsRead] = []
        try:
            event = await self._read_older(channel, read)
        except UserError as error:
            self._report_unauthorized(error)
            event = PageFailed(channel, str(error), error.remedy)
        finally:
            # Before the event, whose listener may ask for the next page at once.
            self._loading.discard(channel)
        self._emit(event)
        for each in read:
            self._end_gaps(channel, each)

    async def _read_older(self, channel: str, read: list[GapsRead]) -> PageLoaded:
        """Return the next page that has messages which this session has not emitted, if there is one.

        What pages have read of listed gaps is added to `read`.
        """
        endpoint = await self._resolver.resolve(self._region())
        place = Place(endpoint.region, channel)
        loaded = self._position_in(endpoint.alias, channel)
        new: list[Message] = []
        # A page of known messages alone would show the user nothing for the request.
        while not new and not loaded.is_start:
            page = await self._read_page(endpoint, channel, loaded.before)
            new = self._take(page, endpoint.alias)
            read.append(self._tracker.note_page(place, page, loaded.before))
            loaded.before, loaded.is_start = page.next, page.next is None
            self._loaded[channel] = loaded
        return PageLoaded(channel, tuple(new), loaded.is_start)

    def _position_in(self, alias: str, channel: str) -> _Loaded:
        """Return the loaded part of a channel in a region.

        Cursors of another region are converted by time.
        """
        loaded = self._loaded.get(channel) or _Loaded(alias)
        if loaded.alias == alias:
            return loaded
        return _Loaded(alias, None if loaded.before is None else cursor_at(cursor_time(loaded.before)))

    def _take(self, page: HistoryPage, alias: str) -> list[Message]:
        """Return a page's messages that were not emitted yet; echoes of drafts are emitted at once."""
        new = []
        for message in page.messages:
            event = self._inbox.receive_stored(message, alias, self._now().wall, is_page=True)
            if event is not None and event.own:
                self._emit(event)
            elif event is not None:
                new.append(event.message)
        return new

    async def _read_page(self, endpoint: RegionEndpoint, channel: str, before: str | None) -> HistoryPage:
        """Return a page before a cursor, or the last one; an empty one if the region stores nothing.

        Raises:
            UserError: a few attempts failed.
        """

        async def read() -> HistoryPage:
            return await self._apis.history(endpoint, channel, before=before, limit=self._options.page_size)

        try:
            page = await retrying(RetryPolicy(self._rng, options=self._options, attempts=PAGE_ATTEMPTS), read)
            self._report_unreadable(Place(endpoint.region, channel), page)
            return page
        except Refused as error:
            if _why_nothing_is_stored(error) is None:
                raise
            return HistoryPage((), None)

    # Gaps

    def open_tail(self, endpoint: RegionEndpoint, channel: str) -> None:
        """Record that a channel is about to be subscribed on a new socket."""
        place, followed = Place(endpoint.region, channel), self._followed.get(channel)
        # A second socket to the same region, as for a new key, interrupts nothing.
        if followed is None or followed.place != place:
            self._tracker.open_tail(place, self._time_of(endpoint))

    def follow(self, endpoint: RegionEndpoint, channels: Iterable[str], *, after_loss: bool) -> None:
        """Fill missed messages of channels that are now live, at once and periodically.

        After a lost connection the first reading waits a little, since many clients reconnect at once.
        """
        for channel in channels:
            self.stop(channel)
            place = Place(endpoint.region, channel)
            self._tracker.confirm(place, self._time_of(endpoint))
            delay = self._rng.uniform(0.0, self._options.fill_jitter) if after_loss else 0.0
            followed = self._followed[channel] = _Followed(endpoint, place)
            followed.task = self._start(self._keep_filled(followed, delay))

    def _time_of(self, endpoint: RegionEndpoint) -> int:
        """Return the time by a region's clock (epoch ms), or an earlier one."""
        time = self._apis.region_time(endpoint)
        # No date came from the region: what is read once too often does no harm.
        return self._now().wall - DAY * 1000 if time is None else time

    def stop(self, channel: str, *, forget: bool = False) -> None:
        """Stop filling a channel; with `forget`, nothing of it counts as missed from now on."""
        followed = self._followed.pop(channel, None)
        if followed is not None and followed.task is not None:
            self._list_skipped(followed)
            followed.task.cancel()
        if forget:
            self._tracker.forget(channel)

    def load_gap(self, channel: str, since: int) -> None:
        """Read a gap of a channel that began at `since` (epoch ms) and is not filled automatically."""
        if self._group is not None and not self._closing.is_set():
            self._start(self._load_gap(channel, since))

    def skip(self, event: MessageReceived) -> bool:
        """Record a message that was dropped before the listener took it.

        Return True if history will bring it.
        """
        followed = self._followed.get(event.message.channel)
        if followed is None or followed.endpoint.alias != event.via or event.message.arrival is None:
            return False
        # Collected, since merging each into the list of gaps would take long for a flood.
        followed.skipped.append(event.message)
        if len(followed.skipped) >= _BATCH:
            self._list_skipped(followed)
        return True

    def fill_skipped(self) -> None:
        """Read skipped messages, now that the listener takes events again."""
        for followed in self._followed.values():
            self._list_skipped(followed)
            if self._tracker.unfinished(followed.place):
                followed.wake.set()

    def _list_skipped(self, followed: _Followed) -> None:
        if followed.skipped:
            self._tracker.list_skipped(followed.place, followed.skipped)
            followed.skipped = []

    async def _keep_filled(self, followed: _Followed, delay: float) -> None:
        await asyncio.sleep(delay)
        await self._fill(followed)
        # Messages that were being stored during the first reading are there by now.
        await followed.wake.race(timeout=self._options.fill_again_after)
        while True:
            await self._fill(followed)
            interval = self._options.history_interval
            await followed.wake.race(
                timeout=None if interval is None else half_jitter(interval, rng=self._rng)
            )

    async def _fill(self, followed: _Followed) -> None:
        """Read until nothing is missing, however often that fails."""
        policy = RetryPolicy(self._rng, options=self._options)
        now = asyncio.get_running_loop().time
        while True:
            started = now()
            try:
                # The lock first: a reading that waits for its channel must not take a place from others.
                async with self._lock(followed.place.channel), self._readings:
                    await self._fill_once(followed)
                followed.failures, followed.is_awaited = 0, False
                return
            except UserError as error:
                self._report_unauthorized(error)
                is_worth_it = is_retryable(error) or isinstance(error, Unauthorized | CredentialsUnavailable)
                followed.is_awaited = followed.is_awaited or not is_worth_it
                self._announce(followed)
                if not is_worth_it:
                    return  # The next comparison tries again.
                retry = policy.fail(error, started=started, now=now())
                assert retry is not None, "it has no limit"
            woken = await followed.wake.race(timeout=retry.delay)
            if woken and not followed.is_awaited:  # only the user may cut short a wait
                await asyncio.sleep(max(0.0, policy.quiet_until - now()))

    def _announce(self, followed: _Followed) -> None:
        """Count a failed reading, and announce the gap if failures persist or the user waits for it."""
        followed.failures += 1
        channel = followed.place.channel
        if followed.announces:
            for gap in self._tracker.unfinished(followed.place):
                self._record(channel, gap)
            if (span := self._tracker.absence(followed.place)) is not None:
                self._emit(GapRecorded((channel,), *span, GapReason.UNREACHABLE))
        followed.is_awaited = False

    async def _fill_once(self, followed: _Followed) -> None:
        """Read the tail, and the gaps that failed before or were skipped.

        Raises:
            UserError: something could not be read.
        """
        endpoint, place = followed.endpoint, followed.place
        try:
            terms = await self._terms(endpoint)
            fill = self._tracker.begin_fill(place, terms, self._apis.region_time(endpoint))
            await self._read(endpoint, fill)
            for gap in self._tracker.unfinished(place):
                fill = self._tracker.begin_gap_fill(place, gap, terms, self._apis.region_time(endpoint))
                await self._read(endpoint, fill)
        except Refused as error:
            reason = _why_nothing_is_stored(error)
            if reason is None:
                raise
            # History was turned off since the description was read, so the next connection must ask again.
            self._apis.forget_description(endpoint)
            time = self._apis.region_time(endpoint) or self._now().wall
            self._publish(endpoint, place, self._tracker.settle_without_history(place, time, reason))

    async def _load_gap(self, channel: str, since: int) -> None:
        async with self._lock(channel), self._readings:
            found = [each for each in self._tracker.gaps(channel) if each[1].since_ms == since]
            for place, gap in found:
                await self._read_gap(place, gap)
        followed = self._followed.get(channel)
        if not found and followed is not None and followed.failures:
            followed.is_awaited = True  # The announced gap is the open tail, which is retried anyway.
            followed.wake.set()
        elif not found:
            self._emit(GapFilled(channel, since, since, 0))

    async def _read_gap(self, place: Place, gap: Gap) -> None:
        has_begun = False
        try:
            endpoint = await self._resolver.resolve(self._resolver.profile.resolve(place.region))
            terms = await self._terms(endpoint)
            fill = self._tracker.begin_gap_fill(place, gap, terms, self._apis.region_time(endpoint))
            has_begun = True
            await self._read(endpoint, fill, announce=True)
        except UserError:
            # Otherwise `_read` has settled it, and recorded what is left.
            if not has_begun:
                self._record(place.channel, replace(gap, reason=GapReason.UNREACHABLE))

    async def _read(self, endpoint: RegionEndpoint, fill: Fill, *, announce: bool = False) -> None:
        """Read the pages of a fill, and emit their messages.

        Raises:
            UserError: one could not be read; what came before it is emitted.
        """
        try:
            while not fill.is_over:
                page = await self._apis.history(
                    endpoint, fill.place.channel, before=fill.before, limit=self._options.page_size
                )
                # What was there before the first mark was not missed.
                self._report_unreadable(fill.place, page, floor=fill.floor if fill.margin is None else END)
                fill.add(page)
        finally:
            if not self._closing.is_set():  # Otherwise the listener might no longer take the events.
                self._publish(endpoint, fill.place, self._tracker.settle(fill), announce=announce)

    def _publish(
        self, endpoint: RegionEndpoint, place: Place, result: FillResult, *, announce: bool = False
    ) -> None:
        """Emit the result of a reading, and only then store its progress.

        A gap that is read again soon is announced only if `announce` is True.
        """
        count = 0
        for message in result.missed:
            # None for those that a socket has brought since they were read.
            event = self._inbox.receive_stored(message, endpoint.alias, self._now().wall)
            if event is not None:
                count += 1
                self._emit(event)
        for gap in result.listed:
            if announce or gap.reason not in UNFINISHED:
                self._record(place.channel, gap)
        rest = (*result.listed, *result.read.left)
        if result.was_gap and not result.is_open and (count or not rest):
            since = max([result.since, *(gap.until_ms for gap in rest)])
            self._emit(GapFilled(place.channel, since, max(since, result.until), count))
        elif count:
            first, last = (cursor_time(arrival_of(result.missed[index])) for index in (0, -1))
            self._emit(GapFilled(place.channel, first, last, count))
        self._end_gaps(place.channel, result.read, announce=announce)
        self._save()

    def _end_gaps(self, channel: str, read: GapsRead, *, announce: bool = False) -> None:
        """Report the whole spans of gaps that were read, as they were announced, and then what is left."""
        for gap in read.ended:
            self._emit(GapFilled(channel, gap.since_ms, gap.until_ms, 0))
        followed = self._followed.get(channel)
        announce = announce or (followed is not None and followed.failures >= ANNOUNCE_AFTER)
        for gap in read.left:
            # Those that were not compared were not announced: a socket has brought what they cover.
            if gap.reason is not GapReason.NOT_COMPARED and (announce or gap.reason not in UNFINISHED):
                self._record(channel, gap)

    def _report_unreadable(self, place: Place, page: HistoryPage, *, floor: str = "") -> None:
        """Report the messages of a page that could not be read, if they arrived after `floor`, each once."""
        if self._closing.is_set():
            return
        for arrival in page.unreadable:
            if (arrival is None or arrival > floor) and (place, arrival) not in self._unreadable:
                if len(self._unreadable) >= MOST_UNREADABLE:
                    # A bound on memory: at worst some are reported twice.
                    self._unreadable.clear()
                self._unreadable.add((place, arrival))
                at = self._now().wall if arrival is None else cursor_time(arrival)
                self._emit(GapRecorded((place.channel,), at, at, GapReason.UNREADABLE))

    def _record(self, channel: str, gap: Gap) -> None:
        self._emit(GapRecorded((channel,), gap.since_ms, gap.until_ms, gap.reason))

    async def _terms(self, endpoint: RegionEndpoint) -> HistoryTerms:
        """Return the terms of a region's history. Raises UserError if it has none, or cannot be asked."""
        history = (await self._apis.describe(endpoint)).history
        if history is None or not history.days:
            kind = NO_HISTORY if history is None else HISTORY_OFF
            raise Refused("The region stores no messages.", error_type=kind)
        return history

    def _lock(self, channel: str) -> asyncio.Lock:
        return self._filling.setdefault(channel, asyncio.Lock())


def _why_nothing_is_stored(error: UserError) -> GapReason | None:
    """Return the reason if a region has no history."""
    if isinstance(error, Refused) and error.error_type == NO_HISTORY:
        return GapReason.NO_HISTORY
    return GapReason.HISTORY_OFF if isinstance(error, Refused) and error.error_type == HISTORY_OFF else None
