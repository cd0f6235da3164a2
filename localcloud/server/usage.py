"""Whether and when the cloud was used: what an idle stop asks."""

from collections.abc import Callable


class Usage:
    """Open sockets and times of use, in seconds of `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.open_sockets = 0
        self.last_used = clock()
        self.last_socket_closed: float | None = None

    def touch(self) -> None:
        """Note a request."""
        self.last_used = self._clock()

    def opened(self) -> None:
        """Note an opened socket."""
        self.open_sockets += 1
        self.touch()

    def closed(self) -> None:
        """Note a closed socket."""
        self.open_sockets -= 1
        self.touch()
        self.last_socket_closed = self.last_used
