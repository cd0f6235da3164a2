"""What deserves attention: a level per channel, and what came while nobody looked. Pure."""

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
        """What it means, as a toast says it."""
        return {"mentions": "mentions count", "all": "all messages count", "mute": "muted"}[self.value]

    @property
    def following(self) -> "Level":
        """The next level, round and round."""
        levels = list(Level)
        return levels[(levels.index(self) + 1) % len(levels)]


class Levels:
    """The level of every channel: its own, else the default.

    Attributes:
        changed: Called after `set` changed a level.
    """

    def __init__(self, default: Level = Level.MENTIONS) -> None:
        self.default = default
        self.changed: Callable[[], object] = bool
        self._own: dict[str, Level] = {}

    def of(self, channel: str) -> Level:
        """A channel's level."""
        return self._own.get(channel, self.default)

    def set(self, channel: str, level: Level) -> None:
        """Choose a channel's level; the default one is not kept."""
        if level is self.default:
            self._own.pop(channel, None)
        else:
            self._own[channel] = level
        self.changed()

    def restore(self, own: Mapping[str, str]) -> None:
        """Take over levels by their names, as `kept` gave them; unknown names are passed over."""
        known = {level.value: level for level in Level}
        for channel, name in own.items():
            if name in known:
                self.set(channel, known[name])

    def kept(self) -> dict[str, str]:
        """The levels that differ from the default, by name."""
        return {channel: level.value for channel, level in self._own.items()}

    def muted(self, channel: str) -> bool:
        """Whether nothing in a channel counts."""
        return self.of(channel) is Level.MUTE

    def counts(self, channel: str, *, mention: bool) -> bool:
        """Whether a message in a channel counts."""
        level = self.of(channel)
        return level is Level.ALL or (level is Level.MENTIONS and mention)


@dataclass(frozen=True, slots=True)
class Alert:
    """The last message that counts, and how many there were since somebody asked."""

    channel: str
    sender: str
    text: str
    count: int


class Attention:
    """Notes the messages that count and that nobody saw arrive."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._last: tuple[str, MessageRow] | None = None
        self._count = 0

    def note(self, channel: str, row: MessageRow) -> None:
        """A message arrived while nobody looked."""
        if self._levels.counts(channel, mention=bool(row.mentions)):
            self._last = (channel, row)
            self._count += 1

    @property
    def is_pending(self) -> bool:
        """Whether something counts that `take` was not asked about yet."""
        return self._last is not None

    def take(self) -> Alert | None:
        """What counts since the last call."""
        if self._last is None:
            return None
        (channel, row), count = self._last, self._count
        self._last, self._count = None, 0
        return Alert(channel, row.sender, row.text, count)
