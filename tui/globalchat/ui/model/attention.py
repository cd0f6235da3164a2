"""Decides which messages need attention: a level per channel, and alerts for unseen messages. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from globalchat.core.clock import WallClock
from globalchat.core.text import plural
from globalchat.ui.model.rows import MessageRow

_QUIET_MS = 2_000
"""After this time without another missed message they are reported, all together."""


class Level(Enum):
    """Which messages of a channel count: mentions of the user, all, or none."""

    MENTIONS = "mentions"
    ALL = "all"
    MUTE = "mute"

    @property
    def title(self) -> str:
        """The meaning of the level, for a toast."""
        return {"mentions": "mentions count", "all": "all messages count", "mute": "muted"}[self.value]

    @property
    def following(self) -> "Level":
        """The next level, cyclically."""
        levels = list(Level)
        return levels[(levels.index(self) + 1) % len(levels)]


class Levels:
    """Keeps the level of every channel: its own, else the default.

    Attributes:
        changed: Called after `set` changed a level.
    """

    def __init__(self, default: Level = Level.MENTIONS) -> None:
        self.default = default
        self.changed: Callable[[], object] = bool
        self._own: dict[str, Level] = {}

    def of(self, channel: str) -> Level:
        """Return a channel's level."""
        return self._own.get(channel, self.default)

    def set(self, channel: str, level: Level) -> None:
        """Set a channel's level; the default level is not stored."""
        if level is self.default:
            self._own.pop(channel, None)
        else:
            self._own[channel] = level
        self.changed()

    def toggle_mute(self, channel: str) -> None:
        """Mute a channel, or let it count again."""
        unmuted = self.default if self.default is not Level.MUTE else Level.MENTIONS
        self.set(channel, unmuted if self.muted(channel) else Level.MUTE)

    def restore(self, own: Mapping[str, str]) -> None:
        """Restore levels from the names that `kept` returned; ignore unknown names."""
        known = {level.value: level for level in Level}
        for channel, name in own.items():
            if name in known:
                self.set(channel, known[name])

    def kept(self) -> dict[str, str]:
        """Return the names of the levels that differ from the default, by channel."""
        return {channel: level.value for channel, level in self._own.items()}

    def muted(self, channel: str) -> bool:
        """Return True if nothing in a channel counts."""
        return self.of(channel) is Level.MUTE

    def counts(self, channel: str, *, mention: bool) -> bool:
        """Return True if a message in a channel counts."""
        level = self.of(channel)
        return level is Level.ALL or (level is Level.MENTIONS and mention)


@dataclass(frozen=True, slots=True)
class Alert:
    """The last message that counts, and the number of such messages since the last alert."""

    channel: str
    sender: str
    text: str
    count: int

    @property
    def heading(self) -> str:
        """The channel."""
        return f"# {self.channel}"

    @property
    def line(self) -> str:
        """The last message, and how many more there are."""
        more = f" (and {self.count - 1:,} more)" if self.count > 1 else ""
        return f"{self.sender}: {self.text}"[:160] + more


@dataclass(frozen=True, slots=True)
class MissedSummary:
    """The messages that count and that history brought: their number by channel."""

    counts: Mapping[str, int]

    @property
    def heading(self) -> str:
        """The number of all messages."""
        return f"{plural(sum(self.counts.values()), 'missed message')}"

    @property
    def line(self) -> str:
        """The channels with their numbers."""
        return ", ".join(f"# {channel} {count:,}" for channel, count in self.counts.items())


class Attention:
    """Collects the messages that count and that arrived unseen; those that history brought make one summary.

    A fill brings the messages of a night within seconds: they are one call for attention, not many.
    `clock` gives epoch ms.
    """

    def __init__(self, levels: Levels, clock: WallClock) -> None:
        self._levels = levels
        self._clock = clock
        self._last: tuple[str, MessageRow] | None = None
        self._count = 0
        self._missed: dict[str, int] = {}
        self._missed_at = 0

    def note(self, channel: str, row: MessageRow, *, missed: bool = False) -> None:
        """Record a message that arrived unseen; `missed` if history brought it."""
        if not self._levels.counts(channel, mention=bool(row.mentions)):
            return
        if missed:
            self._missed[channel] = self._missed.get(channel, 0) + 1
            self._missed_at = self._clock()
        else:
            self._last = (channel, row)
            self._count += 1

    @property
    def is_pending(self) -> bool:
        """True if there is an alert to take, perhaps a little later."""
        return self._last is not None or bool(self._missed)

    def take(self) -> Alert | MissedSummary | None:
        """Return what counts since the last call, None if nothing does, or more is about to come."""
        if self._missed and self._clock() - self._missed_at >= _QUIET_MS:
            missed, self._missed = self._missed, {}
            return MissedSummary(missed)
        if self._last is None:
            return None
        (channel, row), count = self._last, self._count
        self._last, self._count = None, 0
        return Alert(channel, row.sender, row.text, count)
