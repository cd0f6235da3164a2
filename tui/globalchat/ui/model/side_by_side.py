"""A channel in two regions side by side: when each message arrived in which region. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from itertools import count

from rich.cells import cell_len

from globalchat.client.events import GapFilled, GapRecorded, MessageReceived, SessionEvent, StateChanged
from globalchat.client.messages import Content, Message
from globalchat.client.state import SessionState
from globalchat.core.clock import WallClock
from globalchat.core.text import plural
from globalchat.ui.model.calendar import Calendar, transit
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.names import Name, Names, RegionNames
from globalchat.ui.model.row_lines import MARK_ROLES, Line, Piece, mark_piece, rule
from globalchat.ui.model.rows import MAX_TEXT, NamedRow, Row, shown_text
from globalchat.ui.model.status import UNFOLD, Keys, indicator
from globalchat.ui.model.text import Span, clip, pad, shown_lines, shown_name

KEPT = 500
"""Rows kept per channel."""

_NAME_CELLS = 24
"""The most cells of a name, which precedes the text."""

_Key = tuple[str, Content]


@dataclass(slots=True, eq=False, kw_only=True)
class SideBySideRow(NamedRow):
    """A message. `text` is sanitised; `arrivals` gives epoch ms by alias.

    `missing` names the regions in which it did not arrive in time.
    """

    text: str
    arrivals: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(slots=True, eq=False, kw_only=True)
class RegionNotice(Row):
    """Something that happened to a region (an alias), or to all regions (None)."""

    alias: str | None
    text: str


class SideBySideModel:
    """Keeps the messages of all regions, in the order of their first arrivals.

    Attributes:
        states: The state of each region's session, by alias.
        since: When the regions were first followed (epoch ms): nothing is older.
    """

    def __init__(
        self, calendar: Calendar, clock: WallClock, ignores: Callable[[Name], bool] | None = None
    ) -> None:
        self._ignores = ignores or (lambda _: False)
        self.states: dict[str, SessionState] = {}
        self.since = clock()
        self._calendar = calendar
        self._clock = clock
        self._feeds: dict[str, Conversation] = {}
        self._rows: OrderedDict[_Key, SideBySideRow] = OrderedDict()
        self._names = Names()
        self._uids = count(1)

    def feed(self, channel: str) -> Conversation:
        """Return the rows of a channel."""
        found = self._feeds.get(channel)
        if found is None:
            found = self._feeds[channel] = Conversation(
                channel, self._calendar, limit=KEPT, ignores=self._ignores
            )
        return found

    def sort_out(self) -> None:
        """Show and hide messages again, after it has changed who is ignored."""
        for feed in self._feeds.values():
            feed.sort_out()

    def take(self, alias: str, event: SessionEvent) -> None:
        """Apply an event of a region's session."""
        match event:
            case MessageReceived(message, via, received_at, filled=False):
                self._arrive(message, via, received_at)
            case StateChanged(state):
                self.states[alias] = state
            case GapRecorded(channels, since, until):
                for channel in channels:
                    self._note(channel, alias, f"offline {self._calendar.span(since, until)}")
            case GapFilled(channel, since, until, number) if number:
                missed = f"{plural(number, 'message')} missed {self._calendar.span(since, until)}"
                self._note(channel, alias, missed)

    def pair(self, message: Message, arrivals: Mapping[str, int]) -> None:
        """Show that a message arrived in all regions, perhaps late."""
        row = self._rows.get(_key(message))
        if row is not None and (row.missing or row.arrivals != arrivals):
            row.arrivals, row.missing = dict(arrivals), ()
            self.feed(message.channel).touch(row)

    def give_up(self, message: Message, missing: tuple[str, ...]) -> None:
        """Show that a message did not arrive in some regions in time."""
        row = self._rows.get(_key(message))
        if row is not None:
            row.missing = missing
            self.feed(message.channel).touch(row)

    def skip(self, number: int) -> None:
        """Show that arrivals were dropped: there were more than could be shown."""
        for channel in self._feeds:
            self._note(channel, None, f"{number:,} arrivals skipped")

    def _arrive(self, message: Message, alias: str, at: int) -> None:
        feed, key = self.feed(message.channel), _key(message)
        row = self._rows.get(key)
        if row is not None:
            if alias not in row.arrivals:
                row.arrivals[alias] = at
                feed.touch(row)
            return
        # In the order of arrival, even if the clock is set back.
        uid = next(self._uids)
        name = self._names.name(message.sender, message.author)
        if renamed := self._names.take_changed():
            feed.rename(renamed)
        row = self._rows[key] = SideBySideRow(
            uid=uid,
            at=max(at, feed.tail),
            tie=f"{uid:012}",
            name=name,
            author=message.author,
            text=shown_text(message.text),
            arrivals={alias: at},
        )
        feed.add(row)
        # Bounded: the copy of a forgotten message gets its own row.
        if len(self._rows) > KEPT * max(1, len(self._feeds)):
            self._rows.popitem(last=False)

    def _note(self, channel: str, alias: str | None, text: str) -> None:
        feed, uid = self.feed(channel), next(self._uids)
        # Never before the last row: a notice is about what has arrived so far.
        at = max(self._clock(), feed.tail)
        feed.add(RegionNotice(uid=uid, at=at, tie=f"{uid:012}", alias=alias, text=text))


def difference(row: SideBySideRow, first: str, second: str) -> int | None:
    """Return the arrival (ms) in `second` minus that in `first`; None while one is missing."""
    if first in row.arrivals and second in row.arrivals:
        return row.arrivals[second] - row.arrivals[first]
    return None


def _key(message: Message) -> _Key:
    """Return the id with the content: the same id with other content is another message.

    A digest replaces a text that is too long to keep.
    """
    channel, text, sender, author = message.content
    if len(text) > MAX_TEXT:
        text = blake2s(text.encode("utf-8", "surrogatepass")).hexdigest()
    return (message.id, (channel, text, sender, author))


# -- lines ---------------------------------------------------------------------------------------------------

ROLES = (
    "time",
    "sender",
    "text",
    "waiting",
    "missing",
    "difference",
    "notice",
    "fold",
    *MARK_ROLES.values(),
    "region",
    "success",
    "warning",
    "rule",
    "day",
)

SIDE_BY_SIDE_FROM = 76
"""The cells from which two columns are readable."""

_ONE_LINE_FROM = 46
"""The cells from which both arrivals of a message fit in one line."""

_MIDDLE = 11
_LONG_TIME, _SHORT_TIME = 12, 6


@dataclass(frozen=True, slots=True)
class SideBySideLayout:
    """Lays rows out in two columns, or below each other in a narrow pane.

    Attributes:
        regions: The aliases of the left and the right region.
        names: The names of the regions.
        calendar: The times of the screen.
        within: The seconds that a message may take to the second region.
        keys: Return the key of an action as users read it.
        width: The cells of the pane.
    """

    regions: tuple[str, str]
    names: RegionNames
    calendar: Calendar
    within: float
    keys: Keys
    width: int = 1

    def height(self, row: Row) -> int:
        """Return the number of lines of a row, which does not depend on arrivals, so that nothing moves."""
        above = 1 if row.day is not None else 0
        if not isinstance(row, SideBySideRow):
            return above + 1
        spans, hidden = self._spans(row)
        lines = above + len(spans) + bool(hidden)
        if not self._stacked:
            return lines
        return lines + (1 if self.width >= _ONE_LINE_FROM else 2)

    def is_folded(self, row: Row) -> bool:
        """Return True if a part of a row's text is not shown."""
        return isinstance(row, SideBySideRow) and self._spans(row)[1] > 0

    def lines(self, row: Row) -> list[Line]:
        """Return the lines of a row."""
        lines = [_fit(rule(row.day, self.width, "day"), self.width)] if row.day is not None else []
        if isinstance(row, RegionNotice):
            lines.append(self._notice_line(row))
        elif isinstance(row, SideBySideRow):
            lines += self._stacked_lines(row) if self._stacked else self._column_lines(row)
        return lines

    def head(self, states: Mapping[str, SessionState], now: int) -> Line:
        """Return the line above the columns: the names of the regions and the states of their sessions."""
        left, right = (self._state(alias, states.get(alias), now) for alias in self.regions)
        if self._stacked:
            half = max(0, (self.width - 3) // 2)
            rest = max(0, self.width - half - 3)
            return _fit([*_fit(left, half), Piece(" │ ", "notice"), *_fit(right, rest)], self.width)
        middle = Piece("difference".center(_MIDDLE), "notice")
        return [*_fit(left, self._left), middle, *_fit(right, self._right)]

    @property
    def _stacked(self) -> bool:
        return self.width < SIDE_BY_SIDE_FROM

    @property
    def _left(self) -> int:
        return (self.width - _MIDDLE) // 2

    @property
    def _right(self) -> int:
        return self.width - self._left - _MIDDLE

    @property
    def _time(self) -> int:
        return _LONG_TIME if self._left >= 40 else _SHORT_TIME

    def _spans(self, row: SideBySideRow) -> tuple[tuple[Span, ...], int]:
        """Return the lines of a row's text, and the number of hidden ones."""
        cells = max(2, self.width - 2 if self._stacked else self._left - self._time - 2)
        return shown_lines(_spoken(row), cells, whole=row.whole)

    def _state(self, alias: str, state: SessionState | None, now: int) -> Line:
        title = Piece(f" {self.names.title(alias)} ", "region")
        if state is None:
            return [title, Piece("◌ starting", "warning")]
        here = indicator(state, now)
        tone = {"success": "success", "error": "missing", "warning": "warning"}.get(here.tone, "notice")
        return [title, Piece(f"{here.glyph} {here.word}", tone)]

    def _column_lines(self, row: SideBySideRow) -> list[Line]:
        first, second = self.regions
        lines: list[Line] = []
        spans, hidden = self._spans(row)
        for number, span in enumerate(spans):
            text = _text_pieces(row, span)
            if number == 0:
                left, right = self._first_cell(row, first, text), self._first_cell(row, second, text)
            else:
                indent = Piece(" " * (self._time + 2))
                left = [indent, *text] if first in row.arrivals else []
                right = [indent, *text] if second in row.arrivals else []
            middle = "" if number else _middle(row, self.regions)
            between = Piece(pad(middle.center(_MIDDLE), _MIDDLE), "missing" if row.missing else "difference")
            lines.append([*_fit(left, self._left), between, *_fit(right, self._right)])
        return [*lines, *self._fold_line(hidden, self._time + 2)]

    def _first_cell(self, row: SideBySideRow, alias: str, text: Line) -> Line:
        """Return the cell of a column in the first line of a message."""
        at = row.arrivals.get(alias)
        if at is not None:
            time = f" {self.calendar.millisecond(at)[-self._time :]}"
            marked = [Piece(time, "time"), mark_piece(row)] if row.mark else [Piece(f"{time} ", "time")]
            return [*marked, *text]
        if alias in row.missing:
            return [Piece(f" ✖ not received in {self.within:.0f} s", "missing")]
        return [Piece(" …", "waiting")]

    def _stacked_lines(self, row: SideBySideRow) -> list[Line]:
        spans, hidden = self._spans(row)
        lines = [
            _fit([Piece(" ") if number else mark_piece(row), *_text_pieces(row, span)], self.width)
            for number, span in enumerate(spans)
        ]
        lines += self._fold_line(hidden, 1)
        first, second = (self._arrival(row, alias) for alias in self.regions)
        later = difference(row, *self.regions)
        apart = [] if later is None else [Piece(f"  {transit(abs(later))}", "difference")]
        if self.width >= _ONE_LINE_FROM:
            lines.append(_fit([Piece("   "), *first, Piece("  "), *second, *apart], self.width))
        else:
            lines.append(_fit([Piece("   "), *first], self.width))
            lines.append(_fit([Piece("   "), *second, *apart], self.width))
        return lines

    def _arrival(self, row: SideBySideRow, alias: str) -> Line:
        code = Piece(self.names.codes.get(alias, shown_name(alias)) + " ", "region")
        at = row.arrivals.get(alias)
        if at is not None:
            return [code, Piece(self.calendar.millisecond(at), "time")]
        if alias in row.missing:
            return [code, Piece(pad("✖ missing", _LONG_TIME), "missing")]
        return [code, Piece(pad("…", _LONG_TIME), "waiting")]

    def _fold_line(self, hidden: int, indent: int) -> list[Line]:
        """Return the line that gives the number of hidden lines, if there are any."""
        if not hidden:
            return []
        key = self.keys(UNFOLD)
        how = f"{key} or a click shows all" if key else "a click shows all"
        remark = Piece(f"… {plural(hidden, 'more line')}: {how}", "fold")
        return [_fit([Piece(" " * indent), remark], self.width)]

    def _notice_line(self, row: RegionNotice) -> Line:
        """Return a notice in the column of its region, else across."""
        if self._stacked or row.alias not in self.regions:
            whose = "" if row.alias is None else f"{self.names.title(row.alias)} "
            return _fit([Piece(f" ── {whose}{row.text} ──", "notice")], self.width)
        here = _fit([Piece(f" ── {row.text} ──", "notice")], self._left)
        if row.alias == self.regions[0]:
            return _fit(here, self.width)
        return _fit([Piece(" " * (self._left + _MIDDLE)), *here], self.width)


def empty_text(channel: str | None) -> str:
    """Return what the view shows without rows."""
    if channel is None:
        return ""
    return f"Waiting for messages in # {shown_name(channel)}: each shows here as it arrives in either region."


def head_text(since: str, key: str) -> str:
    """Return the line above the rows: since when they are, and where to read what was said before."""
    return f"arrivals since {since}: {key} shows what was said before"


def _named(row: SideBySideRow) -> str:
    """Return the sender's name, a blank behind its mark."""
    # An imitation says so, as the mark alone would not explain itself.
    name = row.name.drawn(_NAME_CELLS) if row.name.imitated is None else row.sender
    return f" {name}" if row.mark else name


def _spoken(row: SideBySideRow) -> str:
    return f"{_named(row)}: {row.text}"


def _text_pieces(row: SideBySideRow, span: Span) -> Line:
    """Return a line of the message, with the sender's name as a piece of its own."""
    spoken, (start, end) = _spoken(row), span
    cut = min(max(len(_named(row)) + 1, start), end)
    pieces = (Piece(spoken[start:cut], "sender"), Piece(spoken[cut:end], "text"))
    return [piece for piece in pieces if piece.text]


def _middle(row: SideBySideRow, regions: tuple[str, str]) -> str:
    """Return the difference, and an arrow to the region where the message arrived later."""
    first, second = regions
    if row.missing:
        return "✖ →" if second in row.missing else "← ✖"
    later = difference(row, first, second)
    if later is None:
        return "… →" if first in row.arrivals else "← …"
    return f"{transit(later)} →" if later >= 0 else f"← {transit(-later)}"


def _fit(line: Line, cells: int) -> Line:
    """Return a line of exactly `cells` cells."""
    fitted: Line = []
    for piece in line:
        text = clip(piece.text, cells)
        cells -= cell_len(text)
        if text:
            fitted.append(piece._replace(text=text))
    return [*fitted, Piece(" " * cells)] if cells > 0 else fitted
