"""How far a run is: one line that is written over in a terminal, a plain line now and then elsewhere."""

from contextlib import suppress
from typing import TextIO

from globalchat.cli.console.output import printable
from globalchat.cli.console.screen import can_redraw
from globalchat.core.clock import MonotonicClock

TERMINAL_SECONDS = 0.25
PLAIN_SECONDS = 5.0
_CLEAR = "\r\x1b[K"


class LiveLine:
    """Shows the latest text on a stream, at most as often as somebody there can make use of it."""

    def __init__(self, stream: TextIO | None, *, width: int, clock: MonotonicClock) -> None:
        """`width` is that of the terminal, `clock` gives seconds; where nobody listens nothing is said."""
        self._stream = stream
        self._width = width
        self._clock = clock
        self._terminal = can_redraw(stream)
        self._shown_at: float | None = None
        self._topic = ""
        self._drawn = False

    def show(self, topic: str, text: str) -> None:
        """Show a text; another topic is shown at once."""
        now = self._clock()
        pause = TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS
        if self._shown_at is not None and topic == self._topic and now - self._shown_at < pause:
            return
        self._shown_at, self._topic = now, topic
        if self._terminal:
            self._write(f"{_CLEAR}{printable(text)[: self._width - 1]}")
            self._drawn = True
        else:
            self._write(f"{printable(text)}\n")

    def clear(self) -> None:
        """Take the line away: something else is to be said."""
        if self._drawn:
            self._write(_CLEAR)
            self._drawn = False

    def _write(self, text: str) -> None:
        if self._stream is not None:
            with suppress(OSError):
                self._stream.write(text)
                self._stream.flush()
