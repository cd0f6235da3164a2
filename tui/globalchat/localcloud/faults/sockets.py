"""Faults of one region's port, set while it runs: how a client's promises are tested."""

from collections.abc import Callable
from typing import Protocol


class FaultySocket(Protocol):
    """An open realtime socket, as a fault sees it."""

    silenced: bool
    """Whether it neither sends nor listens any more, its TCP connection still open."""

    def reset(self) -> None:
        """Reset the TCP connection, without a closing handshake."""
        ...

    def silence(self) -> None:
        """Neither send nor listen from now on; only `reset` follows."""
        ...


class SocketFaults:
    """The faults of one region. The shells of its port consult it; all are off at first.

    Attributes:
        throttled: Every HTTP request and every `start` is answered with `LimitExceededError`.
        announce_invalidation: An invalidated subscription is told `complete` before its socket closes.
            AWS documents a notice, but not its frame: this covers both readings.
    """

    def __init__(self) -> None:
        self.throttled = False
        self.announce_invalidation = True
        self._down = False
        self._half_open = False
        self._sockets: set[FaultySocket] = set()

    @property
    def down(self) -> bool:
        """Whether every HTTP request and every socket is reset."""
        return self._down

    @down.setter
    def down(self, value: bool) -> None:
        self._down = value
        if value:
            self.drop()

    @property
    def half_open(self) -> bool:
        """Whether sockets are silent: those open when it is set, and those opened until it is cleared.

        Clearing it resets them, as a network does that has forgotten a connection.
        """
        return self._half_open

    @half_open.setter
    def half_open(self, value: bool) -> None:
        self._half_open = value
        if value:
            self.silence()
        else:
            self._each(lambda each: each.silenced, lambda each: each.reset())

    def drop(self) -> int:
        """Reset every open socket now; tells how many. Clients may connect again at once."""
        return self._each(lambda _: True, lambda each: each.reset())

    def silence(self) -> int:
        """Silence the sockets that are open now; tells how many. Later ones work."""
        return self._each(lambda each: not each.silenced, lambda each: each.silence())

    def opened(self, each: FaultySocket) -> None:
        """Take note of a socket, which shares the fate of the others at once."""
        self._sockets.add(each)
        if self._down:
            each.reset()
        elif self._half_open:
            each.silence()

    def closed(self, each: FaultySocket) -> None:
        """Forget a socket."""
        self._sockets.discard(each)

    def _each(self, chosen: Callable[[FaultySocket], bool], act: Callable[[FaultySocket], None]) -> int:
        found = [each for each in self._sockets if chosen(each)]
        for each in found:
            act(each)
        return len(found)
