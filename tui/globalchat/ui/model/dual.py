"""One channel in two regions side by side: which message arrived where, and when. Pure."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from itertools import count

from globalchat.client.events import GapRecorded, MessageReceived, SessionEvent, StateChanged
from globalchat.client.messages import Content, Message
from globalchat.client.state import SessionState
from globalchat.core.clock import WallClock
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.names import Names
from globalchat.ui.model.row_factory import MAX_TEXT, shown_text
from globalchat.ui.model.rows import NamedRow, Row

KEPT = 500
"""Rows kept per channel."""

_Key = tuple[str, Content]


@dataclass(slots=True, eq=False, kw_only=True)
class DualRow(NamedRow):
    """A message. `text` is sanitised; `arrivals` gives epoch ms by alias.

    `missing` names the regions in which it did not arrive in time.
    """

    text: str
    arrivals: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(slots=True, eq=False, kw_only=True)
class RegionNotice(Row):
    """Something that happened to a region (an alias), or to all (None)."""

    alias: str | None
    text: str


class DualModel:
    """What the watch of all regions told, in the order of the first arrivals.

    Attributes:
        states: How each region's session stands, by alias.
    """

    def __init__(self, calendar: Calendar, clock: WallClock) -> None:
        self.states: dict[str, SessionState] = {}
        self._calendar = calendar
        self._clock = clock
        self._feeds: dict[str, Conversation] = {}
        self._rows: OrderedDict[_Key, DualRow] = OrderedDict()
        self._names = Names()
        self._uids = count(1)

    def feed(self, channel: str) -> Conversation:
        """The rows of a channel."""
        found = self._feeds.get(channel)
        if found is None:
            found = self._feeds[channel] = Conversation(channel, self._calendar, limit=KEPT)
        return found

    def take(self, alias: str, event: SessionEvent) -> None:
        """A region's session told something."""
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
        """A message arrived everywhere, perhaps late."""
        row = self._rows.get(_key(message))
        if row is not None and (row.missing or row.arrivals != arrivals):
            row.arrivals, row.missing = dict(arrivals), ()
            self.feed(message.channel).touch(row)

    def give_up(self, message: Message, missing: tuple[str, ...]) -> None:
        """A message did not arrive in some regions in time."""
        row = self._rows.get(_key(message))
        if row is not None:
            row.missing = missing
            self.feed(message.channel).touch(row)

    def skip(self, number: int) -> None:
        """Some of what happened was not told: more came than could be shown."""
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
        uid = next(self._uids)
        name = self._names.name(message.sender)
        if renamed := self._names.take_changed():
            feed.rename(renamed)
        row = self._rows[key] = DualRow(
            uid=uid,
            at=max(at, feed.tail),
            tie=f"{uid:012}",
            name=name,
            text=shown_text(message.text),
            arrivals={alias: at},
        )
        feed.add(row)
        if len(self._rows) > KEPT * max(1, len(self._feeds)):
            self._rows.popitem(last=False)

    def _note(self, channel: str, alias: str | None, text: str) -> None:
        feed, uid = self.feed(channel), next(self._uids)
        at = max(self._clock(), feed.tail)
        feed.add(RegionNotice(uid=uid, at=at, tie=f"{uid:012}", alias=alias, text=text))


def difference(row: DualRow, first: str, second: str) -> int | None:
    """How much later (ms) the message arrived in `second` than in `first`; None while one is missing."""
    if first in row.arrivals and second in row.arrivals:
        return row.arrivals[second] - row.arrivals[first]
    return None


def _key(message: Message) -> _Key:
    """The same id with other content is another message; of a text too long to keep, a digest counts."""
    channel, text, sender = message.content
    if len(text) > MAX_TEXT:
        text = blake2s(text.encode("utf-8", "surrogatepass")).hexdigest()
    return (message.id, (channel, text, sender))
