"""Tracks which messages of each channel are known, by region: marks, open tails, listed gaps.

Pure: no clock, no task. The order of calls for a channel in a region:

1. `open_tail` before its `start` is sent (and when its socket is lost): the mark is not moved.
2. `confirm` when `start_ack` came.
3. `begin_fill`, pages into the `Fill`, `settle`: at once, once more some seconds later, and then every few
   minutes while the channel is live (the comparison: what a live socket dropped is found by it).

`settle` returns what to emit. Emit it first, then store what `take_changes` returns: a process that dies
between the two reads again what it had emitted; the other way round it would lose it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from globalchat.client.events import GapReason
from globalchat.client.gap_fill.fill import Fill
from globalchat.client.gap_fill.gaps import (
    END,
    ChannelMark,
    Gap,
    Place,
    moved,
    with_gap,
    without_span,
)
from globalchat.client.history import HistoryPage, cursor_at, cursor_time
from globalchat.client.inbox import SeenId, SeenWindow, digest
from globalchat.client.messages import HistoryTerms, Message, arrival_of
from globalchat.client.options import SessionOptions
from globalchat.core.clock import DAY

# EventBridge's default for a target; the relay rule in globalchat_infra/relay.py does not shorten it.
RELAY = float(DAY)
"""Seconds for which EventBridge retries a relay: an event may reach another region this much later."""
IN_TRANSIT = 2.0
"""Seconds for which a live channel's socket may bring what history has already: not a reason to report it."""
DATE_PRECISION = 1.0
"""Seconds by which the time of a `start_ack` may be too early: `Date` headers have whole seconds."""
UNFINISHED = frozenset({GapReason.UNREACHABLE, GapReason.SKIPPED})
"""The reasons of gaps that are read again automatically."""


class GapsRead(NamedTuple):
    """The listed gaps that a reading ended or shortened, and those that are left in their place."""

    ended: tuple[Gap, ...] = ()
    left: tuple[Gap, ...] = ()


NOTHING_READ = GapsRead()


@dataclass(frozen=True, slots=True)
class FillResult:
    """The result of a reading.

    Attributes:
        missed: The messages that were unknown when read, in the order of arrival, to be emitted as *filled*
            unless the window has seen them since.
        since: Where the gap began: epoch ms of the region's clock.
        until: Where it ended.
        was_gap: The channel was away, or a listed gap was read. False for a first mark, for the second fill
            and for comparisons: with no message they are not worth an event.
        listed: New and remaining gaps, to be emitted as `GapRecorded`.
        is_open: Nothing could be read: the tail is still open, or the gap unchanged; to be retried.
        read: The listed gaps of which something was read, and what is left of them.
    """

    missed: tuple[Message, ...]
    since: int
    until: int
    was_gap: bool
    listed: tuple[Gap, ...] = ()
    is_open: bool = False
    read: GapsRead = NOTHING_READ


@dataclass(frozen=True, slots=True)
class MarkChanges:
    """The changes to store, all or none.

    Attributes:
        marks: The new marks; None deletes.
        closed: Listed gaps that no longer exist.
        opened: Listed gaps that are new.
        seen: Ids of messages that were emitted.
        ignored: Ids of messages from before the first mark of their channel.
    """

    marks: Mapping[Place, ChannelMark | None]
    closed: tuple[tuple[Place, Gap], ...] = ()
    opened: tuple[tuple[Place, Gap], ...] = ()
    seen: tuple[SeenId, ...] = ()
    ignored: tuple[SeenId, ...] = ()


@dataclass(slots=True)
class _Record:
    """A channel in a region.

    Attributes:
        mark: None before the first `confirm`.
        is_first: The mark is the region's time of the first `start_ack`, until history has answered.
        is_open: The tail is open.
        is_confirmed: There was a `start_ack` since it was opened.
        tail: The number of times that it was opened.
        was_away: The next reading ends an absence.
        heard: The newest arrival that a socket brought while the tail was closed.
        opened_at: The region's time before the last `start`.
        confirmed_at: The region's time of the last `start_ack`.
        reread: A cursor at which the next reading begins, if that is before its floor.
        undecided: Digests of messages that arrived at the time of the first `start_ack`: before it, or after.
        stored: The gaps as they are stored.
    """

    mark: str | None = None
    start: str = ""
    gaps: tuple[Gap, ...] = ()
    is_first: bool = False
    is_open: bool = True
    is_confirmed: bool = False
    tail: int = 0
    was_away: bool = False
    heard: str | None = None
    opened_at: int = 0
    confirmed_at: int = 0
    reread: str | None = None
    undecided: frozenset[bytes] = frozenset()
    stored: tuple[Gap, ...] = ()


class MarkTracker:
    """The marks of one reader: messages that arrived up to a mark are known or listed as a gap.

    The mark is moved by answers of history. Messages from the socket move it only if there are no
    comparisons: otherwise a message that a live socket dropped would be below it, and be missed permanently.
    `marks` and `ignored` are as they were stored; so are the ids that `window` has at first.
    """

    def __init__(
        self,
        options: SessionOptions,
        window: SeenWindow,
        *,
        marks: Mapping[Place, ChannelMark] | None = None,
        ignored: Iterable[SeenId] = (),
    ) -> None:
        self._margin = options.fill_margin
        self._limit = options.fill_limit
        # Without comparisons, nothing else would move the mark while a channel is live.
        self._follows_socket = options.history_interval is None
        self._window = window
        self._records: dict[Place, _Record] = {}
        # Sets that keep their order: what `take_changes` returns next.
        self._changed: dict[Place, None] = {}
        self._forgotten: dict[Place, None] = {}
        self._new_ignored: list[SeenId] = []
        # By channel: the region of the last `start_ack`, and the time of the oldest message of a loaded page.
        self._regions: dict[str, str] = {}
        self._loaded: dict[str, int] = {}
        self._page_ends: dict[
            Place, str
        ] = {}  # The newest arrival of the last page: later ones are expected.
        self.restore(marks or {}, ignored)

    def restore(self, marks: Mapping[Place, ChannelMark], ignored: Iterable[SeenId]) -> None:
        """Restore the state that earlier sessions of the reader have stored."""
        for place, stored in marks.items():
            self._records[place] = _Record(stored.mark, stored.start, stored.gaps, stored=stored.gaps)
        self._ignored = {each.digest for each in ignored}

    # The socket

    def open_tail(self, place: Place, region_time: int) -> None:
        """Freeze the mark until a reading has brought a page.

        Call it *before* the channel's `start` is sent on a new socket, at `region_time` (epoch ms by the
        region's `Date` header): the first message may be handled before the `start_ack` is.
        """
        record = self._record_of(place)
        record.opened_at = region_time
        record.is_open, record.is_confirmed, record.tail = True, False, record.tail + 1
        # A reader that was there before has missed something, even if the first mark was never settled.
        record.was_away, record.is_first = record.mark is not None, False

    def confirm(self, place: Place, region_time: int) -> None:
        """Record a `start_ack`, at `region_time` (epoch ms by the region's `Date` header).

        A channel without a mark gets one: from its newest mark in another region, else from the first page of
        history, else from `region_time`.
        """
        record = self._record_of(place)
        record.is_confirmed, record.confirmed_at = True, region_time
        before = self._regions.get(place.channel)
        self._regions[place.channel] = place.region
        loaded = self._loaded.get(place.channel)
        elsewhere = self._newest_elsewhere(place)
        if record.mark is None and elsewhere is None:
            record.mark, record.is_first = cursor_at(region_time), True
            record.start = moved(record.mark, -self._margin)
        elif elsewhere is not None:
            self._take_over(record, elsewhere, loaded)
        # A page of the former region may lack messages that only this region has stored.
        if before not in (None, place.region) and loaded is not None:
            record.reread = cursor_at(loaded)
        self._changed[place] = None

    def receive(self, place: Place, arrival: str | None) -> None:
        """Record that a socket brought a message, new or not. Cheap: thousands a second.

        None: it was not stored.
        """
        record = self._records.get(place)
        # While the tail is open, a later message proves nothing about those that were missed before it.
        if record is None or record.is_open or arrival is None:
            return
        if record.heard is None or arrival > record.heard:
            record.heard = arrival
            if self._follows_socket and record.mark is not None and arrival > record.mark:
                record.mark = arrival
                self._changed[place] = None

    def note_page(self, place: Place, page: HistoryPage, before: str | None) -> GapsRead:
        """Record a page that the user requested: the one before a cursor, or the last one.

        A switch re-reads from its oldest message. What it covers of listed gaps is read: the messages were
        emitted, and the margin of the mark repeats those that were still being stored.
        """
        if page.messages:
            at = cursor_time(arrival_of(page.messages[0]))
            self._loaded[place.channel] = min(at, self._loaded.get(place.channel, at))
        newest = arrival_of(page.messages[-1]) if page.messages else page.next or ""
        if before is None:
            self._page_ends[place] = newest
        record = self._records.get(place)
        if record is None:
            return NOTHING_READ
        gaps = record.gaps
        # The next page begins before the cursor: the message there is on this one.
        record.gaps = _without_read(gaps, page.next or "", newest if before is None else before)
        if record.gaps != gaps:
            self._changed[place] = None
        return _compare(gaps, record.gaps)

    # Readings

    def begin_fill(self, place: Place, terms: HistoryTerms, region_time: int | None) -> Fill:
        """Return the reading of the tail: from the end down to the margin before the mark.

        `region_time` is now by the region's clock (epoch ms; None if unknown). One reading per channel at a
        time.
        """
        record = self._record_of(place)
        assert record.mark is not None, "confirm comes first"
        floor = self._tail_floor(record)
        lowest = moved(floor, -self._margin)
        for gap in reversed(record.gaps):
            # A short rest of a gap is read as well: else it would be listed until the user asks for it.
            if _is_read_from_end(gap) and lowest <= gap.after < floor <= gap.until:
                floor = gap.after
        in_transit = END
        # After an absence every unknown message counts as missed: no socket was there to bring it.
        if region_time is not None and not (record.was_away or record.is_first):
            # No socket brings what is in a gap.
            listed = (gap.until for gap in record.gaps if _is_read_from_end(gap))
            in_transit = max([cursor_at(region_time - round(IN_TRANSIT * 1000)), *listed])
        return Fill(
            place,
            floor if record.reread is None else min(floor, record.reread),
            self._is_known,
            self._limit,
            # A first reading has no mark to go back to: its newest message sets the floor.
            margin=self._margin if record.is_first else None,
            begins=self._begin_of_history(terms, region_time),
            in_transit=in_transit,
            region_time=region_time,
            # A reading that began before the acknowledgement does not cover what arrived until then.
            tail=record.tail if record.is_confirmed else None,
        )

    def begin_gap_fill(self, place: Place, gap: Gap, terms: HistoryTerms, region_time: int | None) -> Fill:
        """Return the reading of a listed gap whose reason `is_fillable`."""
        begins = self._begin_of_history(terms, region_time)
        fill = Fill(
            place,
            gap.after,
            # It is not known if the listener of an earlier session saw what it skipped.
            self._window.is_emitted if gap.reason is GapReason.SKIPPED else self._is_known,
            self._limit,
            gap=gap,
            begins=begins,
            before=gap.until,
        )
        # Nothing of it is stored any longer.
        fill.is_over = fill.is_complete = fill.has_read = begins >= gap.until
        return fill

    def settle(self, fill: Fill) -> FillResult:
        """End a reading, complete or cut short by a failure: move the mark, and list what was not read."""
        record = self._records.get(fill.place)
        if record is None or record.mark is None:  # The user has left the channel meanwhile.
            return FillResult((), 0, 0, was_gap=False, is_open=True)
        if fill.gap is not None:
            return self._settle_gap(record, fill, fill.gap)
        # The socket had brought everything up to `heard` when it was lost, although the mark stayed behind.
        since, until = max(record.mark, record.heard or ""), record.confirmed_at
        is_current = fill.tail == record.tail
        # The first page has failed: the region's time of the acknowledgement stays the mark.
        if record.is_first and not fill.is_over:
            record.is_first = False
            return FillResult((), cursor_time(since), until, was_gap=False, is_open=True)
        if is_current and fill.margin is not None and record.is_first:
            missed = self._settle_first(record, fill)
            self._move_mark(record, fill)
            return FillResult(missed, cursor_time(since), until, was_gap=False)
        record.is_first = False
        self._decide(record, fill)
        missed = fill.in_order
        if not is_current or not fill.has_read or not (fill.is_over or record.is_open):
            # It does not cover what came after it began, or the next comparison reads all of it again.
            return FillResult(missed, cursor_time(since), until, was_gap=False, is_open=record.is_open)
        gaps = record.gaps
        record.gaps = _without_read(gaps, _read_from(fill), END)
        read = _compare(gaps, record.gaps)
        listed = self._list_unread(record, fill)
        result = FillResult(missed, cursor_time(since), until, record.was_away, listed, read=read)
        self._move_mark(record, fill)
        return result

    def settle_without_history(self, place: Place, region_time: int, reason: GapReason) -> FillResult:
        """Close the tail if nothing can be read, and list it as a gap for this reason.

        For a history that was turned off while a session was connected. If there is none when a socket is
        opened, the state machine records the gap, from the last frame of the lost socket.
        """
        record = self._record_of(place)
        assert record.mark is not None, "confirm comes first"
        after = max(record.mark, record.heard or "")
        # An absence may be shorter than the difference of two hosts' clocks.
        until = max(cursor_at(region_time), moved(after, 0.001))
        listed = (Gap(after, until, reason),) if record.was_away else ()
        for gap in listed:
            record.gaps = with_gap(record.gaps, gap)
        result = FillResult((), cursor_time(after), record.confirmed_at, record.was_away, listed)
        record.mark = until
        self._close_tail(record)
        self._changed[place] = None
        return result

    def list_skipped(self, place: Place, messages: Sequence[Message]) -> None:
        """List and forget messages that were received but dropped unread (the listener was too slow)."""
        for message in messages:
            self._window.forget(message)
        times = [cursor_time(message.arrival) for message in messages if message.arrival is not None]
        if times:
            gap = Gap(cursor_at(min(times)), cursor_at(max(times) + 1), GapReason.SKIPPED)
            record = self._record_of(place)
            # SKIPPED also where another gap covers the span: `begin_gap_fill` compares these with what was
            # emitted, not with what is known.
            record.gaps = with_gap(_without_read(record.gaps, gap.after, gap.until), gap)
            self._changed[place] = None

    # Listed gaps

    def gaps(self, channel: str) -> tuple[tuple[Place, Gap], ...]:
        """Return the listed gaps of a channel in all regions."""
        return tuple(
            (place, gap)
            for place, record in self._records.items()
            if place.channel == channel
            for gap in record.gaps
        )

    def absence(self, place: Place) -> tuple[int, int] | None:
        """Return start and end (epoch ms there) of a channel's absence whose tail is still open."""
        record = self._record_of(place)
        if record.mark is None or not (record.is_open and record.was_away):
            return None
        return cursor_time(max(record.mark, record.heard or "")), record.confirmed_at

    def unfinished(self, place: Place) -> tuple[Gap, ...]:
        """Return the listed gaps that are read automatically: after failures and drops."""
        return tuple(gap for gap in self._record_of(place).gaps if gap.reason in UNFINISHED)

    def forget(self, channel: str) -> None:
        """Drop the marks and gaps of a channel in all regions: the user has left it."""
        for place in [each for each in self._records if each.channel == channel]:
            del self._records[place]
            self._changed.pop(place, None)
            self._forgotten[place] = None
        self._regions.pop(channel, None)
        self._loaded.pop(channel, None)

    def take_changes(self) -> MarkChanges | None:
        """Return the changes to store since the last call; None without any."""
        seen = self._window.take_unsaved()
        if not (self._changed or self._forgotten or self._new_ignored or seen):
            return None
        marks: dict[Place, ChannelMark | None] = dict.fromkeys(self._forgotten)
        closed: list[tuple[Place, Gap]] = []
        opened: list[tuple[Place, Gap]] = []
        for place in self._changed:
            record = self._records[place]
            if record.mark is not None:
                marks[place] = ChannelMark(record.mark, record.start, record.gaps)
            closed += [(place, gap) for gap in record.stored if gap not in record.gaps]
            opened += [(place, gap) for gap in record.gaps if gap not in record.stored]
            record.stored = record.gaps
        changes = MarkChanges(marks, tuple(closed), tuple(opened), seen, tuple(self._new_ignored))
        self._changed, self._forgotten, self._new_ignored = {}, {}, []
        return changes

    # Records

    def _record_of(self, place: Place) -> _Record:
        record = self._records.get(place)
        if record is None:
            record = self._records[place] = _Record()
            self._forgotten.pop(place, None)
        return record

    def _newest_elsewhere(self, place: Place) -> _Record | None:
        # Cursors of two regions are compared here only as times, by which the newest mark is chosen.
        others = [
            record
            for other, record in self._records.items()
            if other.channel == place.channel and other.region != place.region and record.mark is not None
        ]
        return max(others, key=lambda record: record.mark or "", default=None)

    def _is_known(self, mark: bytes) -> bool:
        return self._window.is_known(mark) or mark in self._ignored

    def _tail_floor(self, record: _Record) -> str:
        assert record.mark is not None
        return max(moved(record.mark, -self._margin), record.start)

    def _begin_of_history(self, terms: HistoryTerms, region_time: int | None) -> str:
        """Return the cursor after which nothing has expired, whichever host's clock decides."""
        begins = terms.since or 0
        if region_time is not None:
            begins = max(begins, region_time - round((terms.days * DAY - self._margin) * 1000))
        return cursor_at(begins)

    def _take_over(self, record: _Record, elsewhere: _Record, loaded: int | None) -> None:
        """Set the mark from another region's: messages from a while before it have arrived in both.

        The while covers the relay's retries, and a margin for the clocks of both regions.
        """
        assert elsewhere.mark is not None
        begins = cursor_time(elsewhere.mark) - round((RELAY + 2 * self._margin) * 1000)
        if record.mark is None:
            begins = max(begins, cursor_time(elsewhere.start))
            if loaded is not None:
                begins = min(begins, loaded)
            record.start = cursor_at(begins)
            record.mark = moved(record.start, self._margin)
            record.was_away = True
        elif elsewhere.start <= record.mark:
            record.mark = max(record.mark, moved(cursor_at(begins), self._margin))

    def _settle_first(self, record: _Record, fill: Fill) -> tuple[Message, ...]:
        """Set the first mark; return what was missed since `start`, ignore what the margin repeats."""
        missed: list[Message] = []
        undecided: set[bytes] = set()
        opened, confirmed = cursor_at(record.opened_at), cursor_at(record.confirmed_at)
        in_transit = END if fill.region_time is None else moved(cursor_at(fill.region_time), -IN_TRANSIT)
        paged = self._page_ends.get(fill.place, END)
        for message in fill.in_order:
            arrival = arrival_of(message)
            if paged < arrival <= moved(confirmed, DATE_PRECISION):
                missed.append(message)  # after the page, before the socket
            elif arrival <= opened:
                self._ignore(digest(message))
            elif arrival <= moved(confirmed, DATE_PRECISION):
                undecided.add(digest(message))
            # The socket may still bring later ones; otherwise the next reading finds them.
            elif arrival <= in_transit:
                missed.append(message)
        record.undecided = frozenset(undecided)
        if fill.newest is not None:
            record.mark = fill.newest
            # What arrives after the acknowledgement is always expected, whatever history has answered.
            record.start = min(_read_from(fill), opened)
        return tuple(missed)

    def _ignore(self, mark: bytes) -> None:
        self._ignored.add(mark)
        # These ids are only compared by content, so the digest stands for both halves of the record.
        self._new_ignored.append(SeenId(mark, mark))

    def _decide(self, record: _Record, fill: Fill) -> None:
        """Ignore what the socket of the first `start_ack` has not brought: it had arrived before."""
        # A socket that was lost may have lost them, too: they count as missed.
        if fill.is_over and not record.was_away:
            for mark in record.undecided.intersection(fill.missed):
                self._ignore(mark)
                del fill.missed[mark]

    def _list_unread(self, record: _Record, fill: Fill) -> tuple[Gap, ...]:
        """List what a reading from the end has left; return the gaps that may really have been missed."""
        assert record.mark is not None
        read_from = _read_from(fill)
        listed: list[Gap] = []
        compared: list[Gap] = []
        known_until = max(record.mark, record.heard or "")
        if known_until < fill.begins:
            low = max(moved(known_until, -self._margin), record.start)
            expired = listed if record.was_away else compared
            expired.append(Gap(low, fill.begins, GapReason.BEFORE_HISTORY))
        if not fill.is_complete:
            # A live socket delivered what arrived before; it just was not compared.
            if record.was_away:
                live_until = moved(record.heard, -self._margin) if record.heard else ""
            else:
                live_until = "" if fill.reached_limit else END
            low = max(self._tail_floor(record), fill.begins)
            compared.append(Gap(low, min(live_until, read_from), GapReason.NOT_COMPARED))
            reason = GapReason.TOO_MANY if fill.is_over else GapReason.UNREACHABLE
            listed.append(Gap(max(low, live_until), read_from, reason))
        for gap in (*compared, *listed):
            record.gaps = with_gap(record.gaps, gap)
        return tuple(gap for gap in listed if gap.after < gap.until)

    def _settle_gap(self, record: _Record, fill: Fill, gap: Gap) -> FillResult:
        if not fill.has_read:
            # The stored gap keeps its reason: only the event shows the failure.
            failed = replace(gap, reason=GapReason.UNREACHABLE)
            return FillResult((), gap.since_ms, gap.until_ms, was_gap=True, listed=(failed,), is_open=True)
        missed = fill.in_order
        # The window has seen these messages, and would drop them as duplicates when they are emitted.
        if gap.reason is GapReason.SKIPPED:
            for message in missed:
                self._window.forget(message)
        left: list[Gap] = []
        if gap.after < fill.begins:
            until = min(fill.begins, gap.until)
            left.append(Gap(gap.after, until, GapReason.BEFORE_HISTORY))
        if not fill.is_complete:
            reason = GapReason.TOO_MANY if fill.is_over else GapReason.UNREACHABLE
            # Readings go backwards, so what is left of a gap is always its older part.
            left.append(Gap(max(gap.after, fill.begins), fill.oldest or gap.until, reason))
        # Pages may have covered some of it meanwhile.
        left = [
            Gap(max(each.after, listed.after), min(each.until, listed.until), each.reason)
            for each in left
            for listed in record.gaps
            if listed.after < each.until and each.after < listed.until
        ]
        record.gaps = without_span(record.gaps, gap.after, gap.until)
        for each in left:
            record.gaps = with_gap(record.gaps, each)
        self._changed[fill.place] = None
        read = GapsRead((gap,), tuple(each for each in left if each.after < each.until))
        return FillResult(missed, gap.since_ms, gap.until_ms, was_gap=True, read=read)

    def _move_mark(self, record: _Record, fill: Fill) -> None:
        assert record.mark is not None
        record.mark = max(record.mark, fill.newest or "")
        if fill.region_time is not None:
            # There may have been no message for days; the mark must not be older than the stored messages.
            record.mark = max(record.mark, moved(cursor_at(fill.region_time), -self._margin))
        self._close_tail(record)
        self._changed[fill.place] = None

    def _close_tail(self, record: _Record) -> None:
        record.is_first = record.is_open = record.was_away = False
        record.heard = record.reread = None


def _read_from(fill: Fill) -> str:
    """Return the cursor from which a reading has read everything up to its beginning."""
    return fill.floor if fill.is_complete or fill.oldest is None else fill.oldest


def _is_read_from_end(gap: Gap) -> bool:
    """Return True if a reading from the end, or a page, brings the messages of a gap."""
    # Skipped messages may have counted as known, and are read separately.
    return gap.reason.is_fillable and gap.reason is not GapReason.SKIPPED


def _compare(before: Iterable[Gap], after: Iterable[Gap]) -> GapsRead:
    """Return the gaps that are no longer listed, and those that are new."""
    earlier, later = tuple(before), tuple(after)
    return GapsRead(
        tuple(gap for gap in earlier if gap not in later), tuple(gap for gap in later if gap not in earlier)
    )


def _without_read(gaps: Iterable[Gap], after: str, until: str) -> tuple[Gap, ...]:
    """Return the rest of the gaps after a span was read from the end, or on a page."""
    result: tuple[Gap, ...] = ()
    for gap in gaps:
        for left in without_span([gap], after, until) if _is_read_from_end(gap) else (gap,):
            result = with_gap(result, left)
    return result
