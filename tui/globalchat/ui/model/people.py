"""Who wrote lately, in each channel and in all; and whom the user ignores. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from globalchat.core.errors import UserError
from globalchat.ui.model.names import LONGEST_NAME, Name, NameKey

MOST = 500
"""The writers that are kept of a channel: those that wrote last."""

_MOST_CHANNELS = 200


@dataclass(slots=True)
class Writer:
    """Someone who has written in a channel: an author, or a name without one.

    `region` (an AWS region) and `at` (epoch ms) are those of the last message, `count` is the number of
    messages that were received in this run. `own` is True for the user.
    """

    name: Name
    region: str
    at: int
    count: int = 1
    own: bool = False


class _Writers:
    """The writers of one channel, or of all."""

    def __init__(self) -> None:
        self._known: dict[NameKey, Writer] = {}

    def note(self, name: Name, region: str, at: int, *, own: bool) -> None:
        writer = self._known.get(name.owner)
        if writer is None:
            self._known[name.owner] = Writer(name, region, at, own=own)
            # Rarely, so that a message takes constant time on average, however many names there are.
            if len(self._known) > MOST + MOST // 4:
                self._known = {each.name.owner: each for each in self.latest()[:MOST]}
            return
        writer.count += 1
        writer.own |= own
        if at >= writer.at:  # History brings earlier messages after later ones.
            writer.name, writer.region, writer.at = name, region, at

    def latest(self) -> list[Writer]:
        return sorted(self._known.values(), key=lambda each: each.at, reverse=True)


class RecentWriters:
    """Keeps who wrote lately, bounded by `MOST` in each channel and in all together."""

    def __init__(self) -> None:
        self._all = _Writers()
        self._channels: dict[str, _Writers] = {}

    def note(self, channel: str, name: Name, region: str, at: int, *, own: bool = False) -> None:
        """Note a message."""
        writers = self._channels.get(channel)
        if writers is None:
            writers = self._channels[channel] = _Writers()
            if len(self._channels) > _MOST_CHANNELS:
                del self._channels[next(iter(self._channels))]
        writers.note(name, region, at, own=own)
        self._all.note(name, region, at, own=own)

    def latest(self, channel: str | None = None) -> list[Writer]:
        """Return who wrote in a channel (None: in any), who wrote last first."""
        writers = self._all if channel is None else self._channels.get(channel)
        return writers.latest()[:MOST] if writers is not None else []

    def called(self, text: str) -> list[Name]:
        """Return the names that someone may mean by a text: of all channels, who wrote last first.

        An author's whole name means that author alone; otherwise it is the name for mentions, in any case.
        """
        wanted = text.casefold()
        names = [writer.name for writer in self._all.latest()]
        exact = [name for name in names if name.author is not None and name.author.casefold() == wanted]
        return exact or [name for name in names if wanted in (name.mention.casefold(), name.shown.casefold())]


# -- ignoring ------------------------------------------------------------------------------------------------

MOST_IGNORED = 200
"""The most people that can be ignored: each is an entry of the state file."""

_AUTHOR, _NAME = "author:", "name:"


class IgnoreList:
    """Keeps whom the user ignores: authors, and the exact names of messages without an author.

    Attributes:
        changed: Called after it changed.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], object] = bool  # `bool` does nothing.
        self._owners: dict[NameKey, None] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, owner: object) -> bool:
        return owner in self._owners

    @property
    def owners(self) -> tuple[NameKey, ...]:
        """The ignored senders (`Name.owner`), in the order in which they were added."""
        return tuple(self._owners)

    def add(self, owner: NameKey) -> None:
        """Ignore a sender.

        Raises:
            UserError: too many are ignored.
        """
        if len(self._owners) >= MOST_IGNORED and owner not in self._owners:
            raise UserError(f"You ignore {MOST_IGNORED} people already: /unignore NAME makes room.")
        self._owners[owner] = None
        self.changed()

    def remove(self, owner: NameKey) -> None:
        """Ignore a sender no longer."""
        self._owners.pop(owner, None)
        self.changed()

    def kept(self) -> Iterable[str]:
        """Return the entries for a later run."""
        return [_NAME + raw if author is None else _AUTHOR + author for raw, author in self._owners]

    def restore(self, kept: Iterable[str]) -> None:
        """Restore entries as `kept` returned them; leave out what cannot be one."""
        for entry in kept:
            is_author, is_name = entry.startswith(_AUTHOR), entry.startswith(_NAME)
            name = entry.partition(":")[2]
            if (is_author or is_name) and 0 < len(name) <= LONGEST_NAME and len(self) < MOST_IGNORED:
                self._owners[("", name) if is_author else (name, None)] = None
