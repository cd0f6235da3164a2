"""Decides when to ask for attention, and does it through a function that writes to the terminal."""

from collections.abc import Callable

from tui.model.attention import Call
from tui.notices import sequences
from tui.settings import NotifySettings

Write = Callable[[str], object]
"""Writes to the terminal, past everything that is drawn."""


class Notifier:
    """Bell and notice at most every few seconds and only while nobody looks; the title at any time."""

    def __init__(self, settings: NotifySettings, write: Write, clock: Callable[[], int]) -> None:
        """`clock` gives epoch ms."""
        self._settings = settings
        self._write = write
        self._clock = clock
        self._title: str | None = None
        self._called_at: int | None = None

    def call(self, call: Call, *, focused: bool) -> None:
        """Ask for attention, unless the terminal is looked at or it was asked just now."""
        now, settings = self._clock(), self._settings
        if focused or (self._called_at is not None and now - self._called_at < settings.seconds * 1000):
            return
        if settings.bell:
            self._write(sequences.BELL)
        if settings.desktop != "off":
            more = f" (and {call.count - 1:,} more)" if call.count > 1 else ""
            text = f"{call.sender}: {call.text}"[:160] + more
            self._write(sequences.desktop(settings.desktop, f"# {call.channel}", text))
        if settings.bell or settings.desktop != "off":
            self._called_at = now

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
