"""Which messages call for attention: a level per channel, and alerts for unseen messages. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from globalchat.ui.model.rows import MessageRow


class Level(Enum):
    """Which messages of a channel count: those that name the own sender, all, or none."""

    MENTIONS = "mentions"
    ALL = "all"
    MUTE = "mute"

    @property
    def title(self) -> str:
        """The meaning, for a toast."""
        return {"mentions": "mentions count", "all": "all messages count", "mute": "muted"}[self.value]

    @property
    def following(self) -> "Level":
        """The next level, after the last one the first."""
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
        """Choose a channel's level; the default one is not stored."""
        if level is self.default:
            self._own.pop(channel, None)
        else:
            self._own[channel] = level
        self.changed()

    def restore(self, own: Mapping[str, str]) -> None:
        """Set levels by their names, as `kept` returned them; ignore unknown names."""
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
    """The last message that counts, and the number of them since the last alert."""

    channel: str
    sender: str
    text: str
    count: int


class Attention:
    """Collects the messages that count and that arrived unseen."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._last: tuple[str, MessageRow] | None = None
        self._count = 0

    def note(self, channel: str, row: MessageRow) -> None:
        """Record a message that arrived unseen."""
        if self._levels.counts(channel, mention=bool(row.mentions)):
            self._last = (channel, row)
            self._count += 1

    @property
    def is_pending(self) -> bool:
        """True if there is an alert to take."""
        return self._last is not None

    def take(self) -> Alert | None:
        """Return what counts since the last call, None if nothing does."""
        if self._last is None:
            return None
        (channel, row), count = self._last, self._count
        self._last, self._count = None, 0
        return Alert(channel, row.sender, row.text, count)
