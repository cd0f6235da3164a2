"""Whether and when the cloud was used: what an idle stop asks."""

from collections.abc import Iterator
from contextlib import contextmanager

from globalchat.core.clock import MonotonicClock


class Usage:
    """How the cloud is used: by its start, and by requests and sockets that are authorised.

    Attributes:
        open_sockets: Authorised realtime sockets that are open now.
        last_used: When the cloud was last used, in seconds of `clock`.
    """

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self.open_sockets = 0
        self.last_used = clock()

    def touch(self) -> None:
        """Note a request."""
        self.last_used = self._clock()

    @contextmanager
    def of_socket(self) -> Iterator[None]:
        """Count a socket that is open during the block."""
        self.open_sockets += 1
        self.touch()
        try:
            yield
        finally:
            self.open_sockets -= 1
            self.touch()
