"""Decides when to ask for attention, and does it through a function that writes to the terminal."""

from collections.abc import Callable

from globalchat.core.clock import WallClock
from globalchat.ui.model.attention import Call
from globalchat.ui.notices import sequences
from globalchat.ui.settings import NotifySettings

Write = Callable[[str], object]
"""Writes to the terminal, past everything that is drawn."""


class Notifier:
    """Bell and notice, at most every few seconds as long as `resting` is heeded; the title at any time."""

    def __init__(self, settings: NotifySettings, write: Write, clock: WallClock) -> None:
        """`clock` gives epoch ms."""
        self._settings = settings
        self._write = write
        self._clock = clock
        self._title: str | None = None
        self._called_at: int | None = None

    @property
    def resting(self) -> bool:
        """Whether it asked just now: what comes meanwhile is to be told together, afterwards."""
        asked = self._called_at
        return asked is not None and self._clock() - asked < self._settings.seconds * 1000

    def call(self, call: Call) -> None:
        """Ask for attention."""
        settings = self._settings
        if settings.bell:
            self._write(sequences.BELL)
        if settings.desktop != "off":
            more = f" (and {call.count - 1:,} more)" if call.count > 1 else ""
            text = f"{call.sender}: {call.text}"[:160] + more
            self._write(sequences.desktop(settings.desktop, f"# {call.channel}", text))
        if settings.bell or settings.desktop != "off":
            self._called_at = self._clock()

    def show_title(self, channel: str | None, count: int) -> None:
        """Put what counts into the window's title: `(2) # tech`."""
        if not self._settings.title:
            return
        text = (f"({count:,}) " if count else "") + (f"# {channel}" if channel else "globalchat")
        if text == self._title:
            return
        if self._title is None:
            self._write(sequences.KEEP_TITLE)
        self._title = text
        self._write(sequences.title(text))

    def restore(self) -> None:
        """Give the window its own title back."""
        if self._title is not None:
            self._title = None
            self._write(sequences.RESTORE_TITLE)
