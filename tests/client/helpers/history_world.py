"""Two regions and one reader in simulated time: the real marks in a world in which everything goes wrong.

Assumed, as in docs/client.md: clocks of hosts differ by at most 29 s, a put takes at most 29 s, a relay at
most 24 hours. Times are epoch ms of a true clock that nothing in the world has.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from globalchat.client.events import GapReason
from globalchat.client.gap_fill.fill import Fill
from globalchat.client.gap_fill.gaps import ChannelMark, Gap, Place
from globalchat.client.gap_fill.marks import FillResult, MarkTracker
from globalchat.client.history import HistoryPage, cursor_at
from globalchat.client.inbox import Novelty, SeenId, SeenWindow, digest
from globalchat.client.messages import HistoryTerms, Message, arrival_of, encode_id
from globalchat.client.options import SessionOptions

START = 1_800_000_000_000
REGIONS = ("us-west-2", "ap-southeast-2")
CHANNEL = "tech"
SECOND, DAY = 1_000, 86_400_000
SKEW = 29 * SECOND
MARGIN = 90 * SECOND
COMPARE = 1_800 * SECOND
CUT_AFTER = 1_500
"""The time for which a message is on its way to a socket that is then lost."""
PAGE = 3
OPTIONS = SessionOptions(fill_limit=8, page_size=PAGE)
KEPT_DAYS = 3


@dataclass
class Item:
    """A message in a region's table."""

    message: Message
    arrival: str
    expires: int


@dataclass
class Region:
    """A region's table, subscriber and history.

    Attributes:
        since: When its table was made; None while it keeps no history.
    """

    name: str
    since: int | None = START - 10 * DAY
    items: list[Item] = field(default_factory=list)

    def terms(self, now: int) -> HistoryTerms:
        """Return what `limits` answers."""
        if self.since is None:
            return HistoryTerms(0, None)
        return HistoryTerms(KEPT_DAYS, max(self.since, now - KEPT_DAYS * DAY))

    def history(self, before: str | None, now: int) -> HistoryPage:
        """Answer as `history.js` does."""
        end = len(self.items) if before is None else bisect_left(self.items, before, key=_arrival)
        page = self.items[max(0, end - PAGE) : end]
        kept = tuple(replace(each.message, arrival=each.arrival) for each in page if each.expires > now)
        return HistoryPage(kept, page[0].arrival if end > PAGE else None)


@dataclass
class Disk:
    """What `MarkStore` has written."""

    marks: dict[Place, ChannelMark] = field(default_factory=dict)
    gaps: dict[Place, set[Gap]] = field(default_factory=dict)
    seen: list[SeenId] = field(default_factory=list)
    ignored: list[SeenId] = field(default_factory=list)


class Process:
    """A client from start to end: the tracker and its window, and what it has emitted."""

    def __init__(self, disk: Disk, options: SessionOptions) -> None:
        self.disk = disk
        self.window = SeenWindow(capacity=options.dedupe_ids, keeps_unsaved=True)
        for seen in disk.seen:
            self.window.restore(seen)
        marks = {
            place: replace(mark, gaps=tuple(sorted(disk.gaps.get(place, ()), key=lambda gap: gap.after)))
            for place, mark in disk.marks.items()
        }
        self.tracker = MarkTracker(options, self.window, marks=marks, ignored=disk.ignored)
        self.emitted: set[bytes] = set()
        self.received: list[tuple[Place, Message]] = []
        self.loaded_before: str | None = None
        self.live: Place | None = None
        self.fill: Fill | None = None

    def save(self) -> None:
        """Write what has changed, at once."""
        changes = self.tracker.take_changes()
        if changes is None:
            return
        for place, mark in changes.marks.items():
            if mark is None:
                self.disk.marks.pop(place, None)
                self.disk.gaps.pop(place, None)
            else:
                self.disk.marks[place] = mark
        for place, gap in changes.closed:
            self.disk.gaps.get(place, set()).discard(gap)
        for place, gap in changes.opened:
            self.disk.gaps.setdefault(place, set()).add(gap)
        self.disk.seen += changes.seen
        self.disk.ignored += changes.ignored


@dataclass
class Published:
    """A message as the world knows it.

    Attributes:
        at: When it was accepted.
        is_excused: It did not reach a region, or was purged: a named exception.
    """

    message: Message
    at: int
    is_excused: bool = False
    is_dropped: bool = False
    copies: list[tuple[str, str | None, int]] = field(default_factory=list)
    """Region, arrival and time of each put."""


class World:
    """Time, two regions, and a reader whose process may die at any moment."""

    def __init__(self, options: SessionOptions = OPTIONS) -> None:
        self.now = START
        self.options = options
        self.compares = options.history_interval is not None
        self.regions = {name: Region(name) for name in REGIONS}
        self.disk = Disk()
        self.process = Process(self.disk, options)
        self.published: dict[bytes, Published] = {}
        self.shown: set[bytes] = set()
        self.saved: set[bytes] = set()
        """What was shown when the client last saved."""
        self.known_at_start: set[bytes] = set()
        """What was saved when the process began."""
        self.before_presence: set[bytes] = set()
        """What the first page of the channel had of the time before."""
        self.opened_at = self.confirmed_at = START
        """When the last `start` was sent and acknowledged, by the region's clock."""
        self.present_since: int | None = None
        self.announced: list[Gap] = []
        self.is_failing = False
        self.compared_at = START
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    # Time

    def at(self, time: int, action: Callable[[], None]) -> None:
        """Do something at a time."""
        self._number += 1
        heapq.heappush(self._queue, (time, self._number, action))

    def advance(self, ms: int) -> None:
        """Let time pass; the client saves once a second if there is anything to save, and compares."""
        if ms > 60 * SECOND:
            self.read(fails=True)  # no request takes so long
        end = self.now + ms
        while self.compares and self.process.live is not None and self.now + COMPARE <= end:
            self._pass(COMPARE)
            self.begin_fill(0)
            self.read_all()
        self._pass(end - self.now)
        if ms >= SECOND:
            self.save()

    def _pass(self, ms: int) -> None:
        end = self.now + ms
        while self._queue and self._queue[0][0] <= end:
            time, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, time)
            action()
        self.now = end

    # Regions

    def publish(
        self,
        region: str,
        *,
        skews: tuple[int, int],
        put_takes: int,
        relay_takes: int,
        again: int | None = None,
        fate: str = "",
    ) -> None:
        """Accept a message in a region.

        `skews` are of the hosts that put it, `again` the time after which it is put once more. `fate`:
        "dropped" by the fan-out, "cut" (on its way when the socket is lost), "unstored" (the put fails),
        "dead" (the relay fails permanently).
        """
        self._number += 1
        message = Message(f"m{self._number}", CHANNEL, "hi", "ana", region, self.now)
        record = self.published[digest(message)] = Published(message, self.now)
        record.is_dropped = fate in ("dropped", "cut")
        record.is_excused = fate == "dropped" and not self.compares
        other = next(name for name in REGIONS if name != region)
        here, there = skews
        self._deliver(record, region, here, put_takes, fate)
        if again is not None:
            self.at(self.now + again, lambda: self._deliver(record, region, there, put_takes, ""))
        if fate == "dead":
            record.is_excused = True
        else:
            self.at(self.now + relay_takes, lambda: self._deliver(record, other, there, put_takes, fate))

    def _deliver(self, record: Published, region: str, skew: int, put_takes: int, fate: str) -> None:
        self._number += 1
        arrival = encode_id(self.now + skew, self._number)
        self.at(self.now + put_takes, lambda: self._put(record, region, arrival, skew, fate))

    def _put(self, record: Published, region: str, arrival: str, skew: int, fate: str) -> None:
        into = self.regions[region]
        if into.since is None or fate == "unstored":
            # Nothing can bring again what a live socket drops where nothing is stored.
            record.is_excused |= fate in ("unstored", "dropped", "cut")
            record.copies.append((region, None, self.now))
            copy = record.message
        else:
            expires = (self.now + skew) // SECOND * SECOND + KEPT_DAYS * DAY
            insort(into.items, Item(record.message, arrival, expires), key=_arrival)
            record.copies.append((region, arrival, self.now))
            copy = replace(record.message, arrival=arrival)
        is_first = self.process.fill is not None and self.process.fill.margin is not None
        # A whole second of the `Date` header, in which the acknowledgement came.
        if is_first and arrival <= cursor_at(self.opened_at if fate == "cut" else self.confirmed_at + SECOND):
            # It came before the first mark, for all that history and a live socket can say.
            record.is_excused |= fate in ("dropped", "cut")
        if fate == "cut":
            if self.process.live == Place(region, CHANNEL):
                self.at(self.now + CUT_AFTER, self.lose)
        elif fate != "dropped":
            self._fan_out(region, copy)

    def _fan_out(self, region: str, copy: Message) -> None:
        place = self.process.live
        if place is None or place.region != region:
            return
        if self.process.window.observe(copy) is not Novelty.DUPLICATE:
            self._emit(copy)
            self.process.received.append((place, copy))
        self.process.tracker.receive(place, copy.arrival)

    def purge(self, region: str) -> None:
        """Delete the history of a region."""
        for item in self.regions[region].items:
            self.published[digest(item.message)].is_excused = True
        self.regions[region].items.clear()

    def turn_history(self, region: str, *, on: bool) -> None:
        """Turn the history of a region on or off: the table is deleted, or is new."""
        if on == (self.regions[region].since is not None):
            return
        for record in self.published.values():
            # Only the clocks of hosts say whether it came before the change or after; what a live socket
            # dropped is gone before the next comparison.
            since = (self.compared_at if record.is_dropped else self.now) - MARGIN
            record.is_excused |= record.at > since or any(
                of == region and at > since for of, _, at in record.copies
            )
        self.regions[region].items.clear()
        self.regions[region].since = self.now if on else None

    # The client

    def _emit(self, message: Message) -> None:
        mark = digest(message)
        assert mark not in self.known_at_start, "shown again after a restart"
        self._show(mark)

    def _show(self, mark: bytes) -> None:
        assert mark not in self.process.emitted, "shown twice"
        self.process.emitted.add(mark)
        self.shown.add(mark)

    def connect(self, region: str, *, skew: int, ack_after: int, late: bool = False) -> None:
        """Subscribe in a region; the socket may bring messages before the `start_ack` is handled.

        `late`: a reading that began on the socket before ends only now.
        """
        self.lose(late=late)
        process, place = self.process, Place(region, CHANNEL)
        process.tracker.open_tail(place, self.now + skew)
        self.opened_at = self.now + skew
        process.live = place
        registered = self.now
        self.advance(ack_after)
        process.tracker.confirm(place, self.now + skew)
        self.confirmed_at = self.now + skew
        self.save()
        if self.present_since is None:
            self.present_since = registered
        self.read(fails=not (process.fill is not None and process.fill.is_over))
        self.begin_fill(skew)

    def begin_fill(self, skew: int) -> None:
        """Begin to read the tail, or settle what cannot be read."""
        process, place = self.process, self.process.live
        if place is None or process.fill is not None:
            return
        region = self.regions[place.region]
        if region.since is None:
            reason = GapReason.HISTORY_OFF
            self.take(place, process.tracker.settle_without_history(place, self.now + skew, reason))
            return
        process.fill = process.tracker.begin_fill(place, region.terms(self.now), self.now + skew)

    def read(self, *, fails: bool, dies: bool = False) -> None:
        """Read the next page of the fill; `dies`: the process is killed between emitting and saving."""
        process = self.process
        fill = process.fill
        if fill is None:
            return
        fails = fails or self.is_failing or self.regions[fill.place.region].since is None
        if not fill.is_over and not fails:
            fill.add(self.regions[fill.place.region].history(fill.before, self.now))
            if not fill.is_over:
                return
        process.fill = None
        if fill.is_complete and fill.place == process.live:
            self.compared_at = self.now
        result = process.tracker.settle(fill)
        self.take(fill.place, result, dies=dies)
        if fill.margin is not None and fill.is_over and not dies:
            self.before_presence |= {
                mark for mark, each in fill.missed.items() if arrival_of(each) <= cursor_at(self.opened_at)
            }

    def hold(self) -> None:
        """Read all pages of the fill, but do not settle it yet."""
        fill = self.process.fill
        while fill is not None and not fill.is_over and not self.is_failing:
            region = self.regions[fill.place.region]
            if region.since is None:
                break
            fill.add(region.history(fill.before, self.now))

    def take(self, place: Place, result: FillResult, *, dies: bool = False, is_skipped: bool = False) -> None:
        """Emit what a reading brought, then save."""
        arrivals = [arrival_of(message) for message in result.missed]
        assert arrivals == sorted(arrivals), "not in order"
        if is_skipped:
            self.known_at_start -= {digest(message) for message in result.missed}
        for message in result.missed:
            assert digest(message) not in self.before_presence, "it was there before the first mark"
            if self.process.window.observe(message) is not Novelty.DUPLICATE:
                self._emit(message)
        self.announced += result.listed
        if dies:
            self.kill()
        else:
            self.save()

    def lose(self, *, late: bool = False) -> None:
        """The socket is gone; a reading in progress ends with it, or `late`."""
        process = self.process
        if late:
            self.hold()
        else:
            self.read(fails=True)
        if process.live is not None:
            process.tracker.open_tail(process.live, self.now)
        process.live = None

    def save(self) -> None:
        """Let the client write what has changed."""
        self.process.save()
        self.saved |= self.process.emitted

    def kill(self) -> None:
        """End the process at once, and start the next one."""
        self.known_at_start = set(self.saved)
        self.process = Process(self.disk, self.options)

    def read_gaps(self, *, wanted: bool) -> None:
        """Read the listed gaps that are read without being asked for; with `wanted` all that can be read."""
        process, place = self.process, self.process.live
        if place is None or self.is_failing or self.regions[place.region].since is None:
            return
        gaps = [gap for of, gap in process.tracker.gaps(CHANNEL) if of == place and gap.reason.is_fillable]
        for gap in gaps if wanted else process.tracker.unfinished(place):
            region = self.regions[place.region]
            fill = process.tracker.begin_gap_fill(place, gap, region.terms(self.now), self.now)
            while not fill.is_over:
                fill.add(region.history(fill.before, self.now))
            self.take(place, process.tracker.settle(fill), is_skipped=gap.reason is GapReason.SKIPPED)

    def load_page(self) -> None:
        """Load the next older page, as a user who scrolls back does."""
        process, place = self.process, self.process.live
        if place is None or self.regions[place.region].since is None:
            return
        before = process.loaded_before
        page = self.regions[place.region].history(before, self.now)
        process.loaded_before = page.next
        for message in page.messages:
            if process.window.observe_loaded(message) is not Novelty.DUPLICATE:
                self._show(digest(message))
            assert digest(message) in process.emitted, "neither on the page nor shown before"
        process.tracker.note_page(place, page, before)

    def skip(self, count: int) -> None:
        """Drop the latest messages before anything saw them: the listener is too slow."""
        process, place = self.process, self.process.live
        skipped = process.received[-count:]
        if place is None or any(of != place or message.arrival is None for of, message in skipped):
            return
        del process.received[-count:]
        for _, message in skipped:
            process.emitted.discard(digest(message))
            self.shown.discard(digest(message))
            self.saved.discard(digest(message))
        process.tracker.list_skipped(place, [message for _, message in skipped])
        self.save()

    def leave(self) -> None:
        """Leave the channel: nothing that came until now counts as missed."""
        self.lose()
        self.process.tracker.forget(CHANNEL)
        self.save()
        self.process.received.clear()
        self.present_since = None
        self.before_presence.clear()
        for record in self.published.values():
            record.is_excused = True

    def finish(self, region: str) -> None:
        """Let everything that is under way arrive, and read all that can be read."""
        self.is_failing = False
        for _ in range(2):
            self.connect(region, skew=0, ack_after=0)
            self.read_all()
            while self._queue:  # a delivery puts its broadcast there
                self.advance(max(each[0] for each in self._queue) - self.now)
            self.begin_fill(0)
            self.read_all()
            for _ in range(100):
                if self.fillable(region):
                    self.read_gaps(wanted=True)
        assert not self.fillable(region), "a gap neither ends filled nor stays for a reason"

    def fillable(self, region: str) -> list[Gap]:
        """Return the gaps that are listed in a region though history may fill them."""
        gaps = self.process.tracker.gaps(CHANNEL)
        is_kept = self.regions[region].since is not None
        return [gap for place, gap in gaps if is_kept and place.region == region and gap.reason.is_fillable]

    def read_all(self, *, dies: bool = False) -> None:
        """Read the pages of the fill until it is over; `dies` as in `read`."""
        process = self.process
        while process.fill is not None:
            self.read(fails=False, dies=dies)

    def missed_silently(self) -> list[Published]:
        """Return what was neither shown nor is listed or excused."""
        since = self.present_since
        gaps = self.process.tracker.gaps(CHANNEL)
        return [
            each
            for mark, each in self.published.items()
            if since is not None
            and each.at >= since
            and mark not in self.shown
            and not each.is_excused
            and not any(_holds(place, gap, each) for place, gap in gaps)
        ]


def _arrival(item: Item) -> str:
    return item.arrival


def _holds(place: Place, gap: Gap, record: Published) -> bool:
    for region, arrival, at in record.copies:
        if region == place.region:
            if arrival is not None and gap.after < arrival < gap.until:
                return True
            # Nothing says when it arrived but the clocks of hosts.
            if gap.since_ms - 2 * SKEW <= at <= gap.until_ms + 2 * SKEW and (
                arrival is None or gap.reason is GapReason.HISTORY_OFF
            ):
                return True
    return False
