"""Whether and when the cloud was used: what an idle stop asks."""

from globalchat.core.clock import MonotonicClock


class Usage:
    """How the cloud is used. The start, any HTTP request, and opening or closing a socket are uses.

    Attributes:
        open_sockets: Realtime sockets that are open now.
        last_used: When the cloud was last used, in seconds of `clock`.
    """

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self.open_sockets = 0
        self.last_used = clock()

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
