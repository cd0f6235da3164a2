"""Alerts the user outside the window: bell, window title, desktop notification."""

from collections.abc import Callable

from globalchat.core.clock import WallClock
from globalchat.core.text import sanitize
from globalchat.ui.model.attention import Alert, MissedSummary
from globalchat.ui.model.text import clip
from globalchat.ui.settings import NotifySettings

BELL = "\a"
KEEP_TITLE = "\x1b[22;0t"
"""Makes the terminal save its title (XTWINOPS)."""

RESTORE_TITLE = "\x1b[23;0t"
_CELLS = 200
"""The most cells of a text sent to the terminal."""


def title_sequence(text: str) -> str:
    """Return the sequence that sets the window's title (OSC 0)."""
    return f"\x1b]0;{_plain(text)}\a"


def notification_sequence(kind: str, heading: str, text: str, number: int = 0) -> str:
    """Return a desktop notification: `osc9` (as in iTerm2), `osc777` (as in urxvt) or `osc99` (as in kitty).

    With `osc99`, a later one with the same number would replace it
    (https://sw.kovidgoyal.net/kitty/desktop-notifications).
    """
    # A semicolon ends a field of OSC 777, and starts proprietary commands of some terminals in OSC 9.
    heading, text = (_plain(each).replace(";", ",") for each in (heading, text))
    match kind:
        case "osc9":
            return f"\x1b]9;{heading} {text}\a"
        case "osc777":
            return f"\x1b]777;notify;{heading};{text}\a"
        case _:
            return f"\x1b]99;i={number}:d=0;{heading}\x1b\\\x1b]99;i={number}:p=body;{text}\x1b\\"


def through_tmux(sequence: str) -> str:
    """Return a sequence as tmux passes it on to the terminal around it, if `allow-passthrough` is on."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def _plain(text: str) -> str:
    """Return one short line without control characters."""
    return clip(" ".join(sanitize(text, multiline=False).split()), _CELLS)


Write = Callable[[str], object]
"""Writes to the terminal directly, bypassing what is drawn."""


class Notifier:
    """Rings the bell and notifies the desktop, and sets the window's title.

    The caller must wait while it `is_cooling_down`, so that there is at most one alert every few seconds.
    `clock` gives epoch ms.
    """

    def __init__(
        self, settings: NotifySettings, write: Write, clock: WallClock, *, is_in_tmux: bool = False
    ) -> None:
        self._settings = settings
        self._is_in_tmux = is_in_tmux
        self._write = write
        self._clock = clock
        self._title: str | None = None
        self._alerted_at: int | None = None

    @property
    def is_cooling_down(self) -> bool:
        """True if the last alert was recent; messages meanwhile are combined to one alert afterwards."""
        last = self._alerted_at
        return last is not None and self._clock() - last < self._settings.seconds * 1000

    def send_alert(self, alert: Alert | MissedSummary) -> None:
        """Ring and notify as configured."""
        settings = self._settings
        if settings.bell:
            self._write(BELL)
        if settings.desktop != "off":
            number = self._clock()
            sequence = notification_sequence(settings.desktop, alert.heading, alert.line, number)
            # Bell and title are tmux's own, and it would drop this one.
            self._write(through_tmux(sequence) if self._is_in_tmux else sequence)
        if settings.bell or settings.desktop != "off":
            self._alerted_at = self._clock()

    def show_title(self, channel: str | None, count: int) -> None:
        """Show the number of messages that count in the window's title: `(2) # tech`."""
        if not self._settings.title:
            return
        text = (f"({count:,}) " if count else "") + (f"# {channel}" if channel else "globalchat")
        if text == self._title:
            return
        # The shell's own title is restored at the end.
        if self._title is None:
            self._write(KEEP_TITLE)
        self._title = text
        self._write(title_sequence(text))

    def restore(self) -> None:
        """Restore the window's own title."""
        if self._title is not None:
            self._title = None
            self._write(RESTORE_TITLE)
