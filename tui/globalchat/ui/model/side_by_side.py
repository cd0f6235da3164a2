"""One channel in two regions side by side: which message arrived where, and when. Pure."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from itertools import count

from rich.cells import cell_len

from globalchat.client.events import GapRecorded, MessageReceived, SessionEvent, StateChanged
from globalchat.client.messages import Content, Message
from globalchat.client.state import SessionState
from globalchat.core.clock import WallClock
from globalchat.core.text import plural
from globalchat.ui.model.calendar import Calendar, transit
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.names import Names, RegionNames
from globalchat.ui.model.row_lines import Line, Piece, rule
from globalchat.ui.model.rows import MAX_TEXT, NamedRow, Row, shown_text
from globalchat.ui.model.status import UNFOLD, Keys, indicator
from globalchat.ui.model.text import Span, clip, pad, shown_lines, shown_name

KEPT = 500
"""Rows kept per channel."""

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
    """

    def __init__(self, calendar: Calendar, clock: WallClock) -> None:
        self.states: dict[str, SessionState] = {}
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
            found = self._feeds[channel] = Conversation(channel, self._calendar, limit=KEPT)
        return found

    def take(self, alias: str, event: SessionEvent) -> None:
        """Apply an event of a region's session."""
        match event:
            case MessageReceived(message, via, received_at):
                self._arrive(message, via, received_at)
            case StateChanged(state):
                self.states[alias] = state
            case GapRecorded(channels, since, until):
                span = f"{self._calendar.second(since)}–{self._calendar.second(until)}"
                for channel in channels:
                    self._note(channel, alias, f"offline {span}")

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
        # In the order of arrival, even if the clock steps back.
        uid = next(self._uids)
        name = self._names.name(message.sender)
        if renamed := self._names.take_changed():
            feed.rename(renamed)
        row = self._rows[key] = SideBySideRow(
            uid=uid,
            at=max(at, feed.tail),
            tie=f"{uid:012}",
            name=name,
            text=shown_text(message.text),
            arrivals={alias: at},
        )
        feed.add(row)
        # Bounded: a copy of a message that was forgotten makes a row of its own.
        if len(self._rows) > KEPT * max(1, len(self._feeds)):
            self._rows.popitem(last=False)

    def _note(self, channel: str, alias: str | None, text: str) -> None:
        feed, uid = self.feed(channel), next(self._uids)
        at = max(self._clock(), feed.tail)
        feed.add(RegionNotice(uid=uid, at=at, tie=f"{uid:012}", alias=alias, text=text))


def difference(row: SideBySideRow, first: str, second: str) -> int | None:
    """Return the arrival (ms) in `second` minus that in `first`; None while one is missing."""
    if first in row.arrivals and second in row.arrivals:
        return row.arrivals[second] - row.arrivals[first]
    return None


def _key(message: Message) -> _Key:
    """Return the id with the content: the same id with other content is another message.

    A digest stands for a text that is too long to keep.
    """
    channel, text, sender = message.content
    if len(text) > MAX_TEXT:
        text = blake2s(text.encode("utf-8", "surrogatepass")).hexdigest()
    return (message.id, (channel, text, sender))


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
    "region",
    "success",
    "warning",
    "rule",
    "day",
)

SIDE_BY_SIDE_FROM = 76
"""Cells from which on two columns are readable."""

_ONE_LINE_FROM = 46
"""Cells from which on both arrivals of a message fit in one line."""

_MIDDLE = 11
_LONG_TIME, _SHORT_TIME = 12, 6


@dataclass(frozen=True, slots=True)
class SideBySideLayout:
    """The columns at a width; `regions` are the aliases of the left and the right one."""

    width: int
    regions: tuple[str, str]

    @property
    def stacked(self) -> bool:
        """True if the regions stand below each other."""
        return self.width < SIDE_BY_SIDE_FROM

    @property
    def left(self) -> int:
        """The cells of the left column."""
        return (self.width - _MIDDLE) // 2

    @property
    def right(self) -> int:
        """The cells of the right column."""
        return self.width - self.left - _MIDDLE

    @property
    def time(self) -> int:
        """The cells of a time."""
        return _LONG_TIME if self.left >= 40 else _SHORT_TIME

    @property
    def text(self) -> int:
        """The cells of a text."""
        return max(2, self.width - 2 if self.stacked else self.left - self.time - 2)


def side_by_side_height(row: Row, shape: SideBySideLayout) -> int:
    """Return the number of lines of a row: the same whatever has arrived, so that nothing moves."""
    above = 1 if row.day is not None else 0
    if not isinstance(row, SideBySideRow):
        return above + 1
    spans, hidden = shown_lines(_spoken(row), shape.text, whole=row.whole)
    lines = above + len(spans) + bool(hidden)
    if not shape.stacked:
        return lines
    return lines + (1 if shape.width >= _ONE_LINE_FROM else 2)


def side_by_side_is_folded(row: Row, shape: SideBySideLayout) -> bool:
    """Return True if a part of a row's text is not shown."""
    return isinstance(row, SideBySideRow) and shown_lines(_spoken(row), shape.text, whole=row.whole)[1] > 0


def side_by_side_lines(
    row: Row,
    shape: SideBySideLayout,
    names: RegionNames,
    calendar: Calendar,
    within: float,
    keys: Keys,
) -> list[Line]:
    """Return the lines of a row; a message may take `within` seconds; `keys` returns the key of an action."""
    lines = [_fit(rule(row.day, shape.width, "day"), shape.width)] if row.day is not None else []
    if isinstance(row, RegionNotice):
        lines.append(_notice(row, shape, names))
    elif isinstance(row, SideBySideRow) and shape.stacked:
        lines += _stacked(row, shape, names, calendar, keys)
    elif isinstance(row, SideBySideRow):
        lines += _side_by_side(row, shape, calendar, within, keys)
    return lines


def head_line(
    shape: SideBySideLayout, names: RegionNames, states: Mapping[str, SessionState], now: int
) -> Line:
    """Return the line above the columns: the names of the regions and the states of their sessions."""
    left, right = (_head(each, names, states.get(each), now) for each in shape.regions)
    if shape.stacked:
        half = max(0, (shape.width - 3) // 2)
        rest = max(0, shape.width - half - 3)
        return _fit([*_fit(left, half), Piece(" │ ", "notice"), *_fit(right, rest)], shape.width)
    middle = Piece("difference".center(_MIDDLE), "notice")
    return [*_fit(left, shape.left), middle, *_fit(right, shape.right)]


def empty_text(channel: str | None) -> str:
    """Return what the view shows without rows."""
    if channel is None:
        return ""
    return f"Waiting for messages in # {shown_name(channel)}: each shows here as it arrives in either region."


def _head(alias: str, names: RegionNames, state: SessionState | None, now: int) -> Line:
    title = Piece(f" {names.title(alias)} ", "region")
    if state is None:
        return [title, Piece("◌ starting", "warning")]
    here = indicator(state, now)
    tone = {"success": "success", "error": "missing", "warning": "warning"}.get(here.tone, "notice")
    return [title, Piece(f"{here.glyph} {here.word}", tone)]


def _fit(line: Line, cells: int) -> Line:
    """Return a line of exactly `cells` cells."""
    fitted: Line = []
    for piece in line:
        text = clip(piece.text, cells)
        cells -= cell_len(text)
        if text:
            fitted.append(piece._replace(text=text))
    return [*fitted, Piece(" " * cells)] if cells > 0 else fitted


def _spoken(row: SideBySideRow) -> str:
    return f"{row.sender}: {row.text}"


def _side_by_side(
    row: SideBySideRow, shape: SideBySideLayout, calendar: Calendar, within: float, keys: Keys
) -> list[Line]:
    spoken = _spoken(row)
    first, second = shape.regions
    lines: list[Line] = []
    spans, hidden = shown_lines(spoken, shape.text, whole=row.whole)
    for number, span in enumerate(spans):
        said = _said(row, spoken, span)
        if number == 0:
            left = _first_cell(row, first, said, shape, calendar, within)
            right = _first_cell(row, second, said, shape, calendar, within)
        else:
            indent = Piece(" " * (shape.time + 2))
            left = [indent, *said] if first in row.arrivals else []
            right = [indent, *said] if second in row.arrivals else []
        middle = "" if number else _middle(row, shape.regions)
        between = Piece(pad(middle.center(_MIDDLE), _MIDDLE), "missing" if row.missing else "difference")
        lines.append([*_fit(left, shape.left), between, *_fit(right, shape.right)])
    return [*lines, *_fold(hidden, shape, shape.time + 2, keys)]


def _first_cell(
    row: SideBySideRow, alias: str, said: Line, shape: SideBySideLayout, calendar: Calendar, within: float
) -> Line:
    """Return the cell of a column in the first line of a message."""
    at = row.arrivals.get(alias)
    if at is not None:
        return [Piece(f" {calendar.millisecond(at)[-shape.time :]} ", "time"), *said]
    if alias in row.missing:
        return [Piece(f" ✖ not received in {within:.0f} s", "missing")]
    return [Piece(" …", "waiting")]


def _said(row: SideBySideRow, spoken: str, span: Span) -> Line:
    """Return a line of the message, with the sender's name as a piece of its own."""
    start, end = span
    cut = min(max(len(row.sender) + 1, start), end)
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


def _stacked(
    row: SideBySideRow, shape: SideBySideLayout, names: RegionNames, calendar: Calendar, keys: Keys
) -> list[Line]:
    spoken = _spoken(row)
    spans, hidden = shown_lines(spoken, shape.text, whole=row.whole)
    lines = [_fit([Piece(" "), *_said(row, spoken, span)], shape.width) for span in spans]
    lines += _fold(hidden, shape, 1, keys)
    first, second = (_arrival(row, alias, names, calendar) for alias in shape.regions)
    later = difference(row, *shape.regions)
    apart = [] if later is None else [Piece(f"  {transit(abs(later))}", "difference")]
    if shape.width >= _ONE_LINE_FROM:
        lines.append(_fit([Piece("   "), *first, Piece("  "), *second, *apart], shape.width))
    else:
        lines.append(_fit([Piece("   "), *first], shape.width))
        lines.append(_fit([Piece("   "), *second, *apart], shape.width))
    return lines


def _fold(hidden: int, shape: SideBySideLayout, indent: int, keys: Keys) -> list[Line]:
    """Return the line that gives the number of hidden lines, if there are any."""
    if not hidden:
        return []
    key = keys(UNFOLD)
    how = f"{key} or a click shows all" if key else "a click shows all"
    return [
        _fit([Piece(" " * indent), Piece(f"… {plural(hidden, 'more line')}: {how}", "fold")], shape.width)
    ]


def _arrival(row: SideBySideRow, alias: str, names: RegionNames, calendar: Calendar) -> Line:
    code = Piece(names.codes.get(alias, shown_name(alias)) + " ", "region")
    at = row.arrivals.get(alias)
    if at is not None:
        return [code, Piece(calendar.millisecond(at), "time")]
    if alias in row.missing:
        return [code, Piece(pad("✖ missing", _LONG_TIME), "missing")]
    return [code, Piece(pad("…", _LONG_TIME), "waiting")]


def _notice(row: RegionNotice, shape: SideBySideLayout, names: RegionNames) -> Line:
    """Return a notice in the column of its region, else across."""
    if shape.stacked or row.alias not in shape.regions:
        whose = "" if row.alias is None else f"{names.title(row.alias)} "
        return _fit([Piece(f" ── {whose}{row.text} ──", "notice")], shape.width)
    here = _fit([Piece(f" ── {row.text} ──", "notice")], shape.left)
    if row.alias == shape.regions[0]:
        return _fit(here, shape.width)
    return _fit([Piece(" " * (shape.left + _MIDDLE)), *here], shape.width)
