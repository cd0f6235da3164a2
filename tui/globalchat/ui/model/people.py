"""Whose messages were seen, for completion."""

_MOST = 500


class People:
    """The names of senders as they are shown, bounded."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def saw(self, name: str) -> None:
        """Somebody wrote something."""
        self._names.pop(name, None)
        self._names[name] = None
        if len(self._names) > _MOST:
            del self._names[next(iter(self._names))]

    def names(self) -> tuple[str, ...]:
        """Everybody, whoever wrote last first."""
        return tuple(reversed(self._names))
