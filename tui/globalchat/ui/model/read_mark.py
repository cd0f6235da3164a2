"""Up to where each channel was read, and what came after that, across restarts. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from globalchat.client.messages import MAX_TIME

Order = tuple[int, str]
"""The place of a message in a channel: when it was sent (epoch ms) and its id."""

_MOST = 200
"""The channels of which a mark is kept for a later run; those that changed longest ago go first."""
_LARGEST = 999_999
"""The largest count that is restored: a longer number would leave no room for the channel's name."""


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """The last message that was read, and the latest `arrivals` by then: one per region (an alias).

    A relayed message may be late: its time is before the position, and it was not there to be read.
    """

    order: Order
    arrivals: Mapping[str, str] = field(default_factory=dict)

    def is_before(self, order: Order, arrival: str | None, via: str | None) -> bool:
        """Return True if a message was not there yet when this was the last one."""
        if order > self.order:
            return True
        return arrival is not None and via is not None and arrival > self.arrivals.get(via, arrival)


class ReadMark:
    """Up to where a channel is read, and how many unread messages there are after that.

    Attributes:
        unread: The number of unread messages.
        mentions: The number of them that mention the user.
        position: Up to where the channel is read; None if that is not known.
        start: The same when the chat started.
        changed: Called after position or numbers changed.

    `kept` is the result of `dump` in an earlier run.
    """

    def __init__(self, kept: str | None = None, changed: Callable[[], object] = bool) -> None:
        self.unread = self.mentions = 0
        self.position: ReadPosition | None = None
        self.changed = changed
        self._not_loaded = (0, 0)
        self._newest: Order | None = None
        self._arrivals: dict[str, str] = {}
        if kept is not None:
            self._load(kept)
        self.start: ReadPosition | None = self.position

    @property
    def is_read_on(self) -> bool:
        """True if the channel was read to its end since the chat started."""
        return self.start is not None and self.position is not self.start

    def was_there(self, order: Order, arrival: str | None, via: str | None) -> bool:
        """Return True if a message was in the channel when it was read to its end since the chat started."""
        position = self.position
        return self.is_read_on and position is not None and not position.is_before(order, arrival, via)

    def note(self, order: Order, arrival: str | None, via: str | None) -> None:
        """Note a message that is in the channel."""
        if self._newest is None or order > self._newest:
            self._newest = order
        if arrival is not None and via is not None and arrival > self._arrivals.get(via, ""):
            self._arrivals[via] = arrival

    def count(self, order: Order, *, mention: bool) -> None:
        """Count an unread message."""
        self.unread += 1
        self.mentions += mention
        if self.position is None:
            self.position = ReadPosition((order[0], ""))  # all that was there before is read
        self.changed()

    def uncount(self, order: Order, *, mention: bool) -> None:
        """Count an unread message no longer; one that was read makes no difference."""
        if self.position is not None and order > self.position.order:
            self.unread = max(0, self.unread - 1)
            self.mentions = max(0, self.mentions - mention)
            self.changed()

    def count_page(self, unread: int, mentions: int, *, is_all: bool) -> None:
        """Count the unread messages of a page: of an earlier run, or of the time between.

        `is_all` if there are no others before it.
        """
        before = self._not_loaded
        left = (0, 0) if is_all else (max(0, before[0] - unread), max(0, before[1] - mentions))
        self._not_loaded = left
        self.unread += unread + left[0] - before[0]
        self.mentions += mentions + left[1] - before[1]
        self.changed()

    def read(self) -> None:
        """Mark all messages as read."""
        was_unread, before = bool(self.unread or self.mentions), self.position
        self.unread = self.mentions = 0
        self._not_loaded = (0, 0)
        if self._newest is not None and (before is None or self._is_later()):
            order = self._newest if before is None else max(before.order, self._newest)
            self.position = ReadPosition(order, dict(self._arrivals))
        if was_unread or self.position is not before:
            self.changed()

    def read_empty(self) -> None:
        """Mark a channel without messages as read: whatever comes is new."""
        if self.position is None:
            self.position = ReadPosition((0, ""))
            self.changed()

    def dump(self) -> str | None:
        """Return the mark for a later run; None if nothing is known."""
        if self.position is None:
            return None
        (at, identity), arrivals = self.position.order, dict(self.position.arrivals)
        return json.dumps([at, identity, arrivals, self.unread, self.mentions])

    def _is_later(self) -> bool:
        assert self.position is not None
        assert self._newest is not None
        known = self.position.arrivals
        return self._newest > self.position.order or any(
            each > known.get(via, "") for via, each in self._arrivals.items()
        )

    def _load(self, kept: str) -> None:
        """Restore what an earlier run kept; ignore what cannot be read."""
        read = _parse(kept)
        if read is not None:
            self.position, self.unread, self.mentions = read
            self._not_loaded = (self.unread, self.mentions)
            self._arrivals = dict(self.position.arrivals)


def is_later(one: str, other: str) -> bool:
    """Return True if a kept mark has a later position than another one; of two chats the later one counts."""
    first, second = _parse(one), _parse(other)
    return first is not None and (second is None or first[0].order > second[0].order)


def _parse(kept: str) -> tuple[ReadPosition, int, int] | None:
    try:
        at, identity, arrivals, unread, mentions = json.loads(kept)
        position = ReadPosition(
            (int(at), str(identity)), {str(key): str(each) for key, each in arrivals.items()}
        )
        # No message is later than that: nothing would ever be unread.
        is_time = 0 <= position.order[0] <= MAX_TIME
        return (position, _count(unread), _count(mentions)) if is_time else None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _count(kept: float) -> int:
    return max(0, min(int(kept), _LARGEST))


class ReadMarks:
    """The marks of all channels, which are kept for each name that the user writes under.

    Attributes:
        changed: Called after a mark changed.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], object] = bool  # `bool` does nothing.
        self._marks: dict[str, ReadMark] = {}
        self._restored: dict[str, str] = {}
        self._kept: dict[str, str] = {}

    def of(self, channel: str) -> ReadMark:
        """Return the mark of a channel."""
        mark = self._marks.get(channel)
        if mark is None:
            mark = self._marks[channel] = ReadMark(self._restored.get(channel), lambda: self.changed())
        return mark

    def restore(self, kept: Mapping[str, str], sender: str) -> None:
        """Restore the marks of a name, before any is asked for. `kept` is as `kept` returned it."""
        for key, text in kept.items():
            channel, _, name = key.partition(":")
            if name == sender:
                self._restored[channel] = text
                self._kept[key] = text

    def kept(self, sender: str) -> dict[str, str]:
        """Return the marks by channel and name, for a later run."""
        for channel, mark in self._marks.items():
            text = mark.dump()
            key = f"{channel}:{sender}"
            if text is not None and text != self._kept.get(key):
                self._kept.pop(key, None)
                self._kept[key] = text  # the one that changed last goes last
        for key in list(self._kept)[:-_MOST]:
            del self._kept[key]
        return dict(self._kept)
