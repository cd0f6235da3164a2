"""Whose messages were seen, for completion."""

from globalchat.ui.model.names import Name

_MOST = 500


class KnownSenders:
    """The names of senders that can be typed, bounded."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: Name) -> None:
        """Note the sender of a message; a name that cannot be read in a text cannot be mentioned."""
        if self._names.pop(name.raw, False) is False and not name.can_be_typed:
            return
        self._names[name.raw] = None
        if len(self._names) > _MOST:
            del self._names[next(iter(self._names))]

    def names(self) -> tuple[str, ...]:
        """Everybody, whoever wrote last first."""
        return tuple(reversed(self._names))
