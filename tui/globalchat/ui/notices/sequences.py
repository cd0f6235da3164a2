"""The control sequences, made of text that can hold none itself. Pure."""

from globalchat.core.text import sanitize
from globalchat.ui.model.text import clip

BELL = "\a"
KEEP_TITLE = "\x1b[22;0t"
"""Asks the terminal to remember its title (XTWINOPS)."""

RESTORE_TITLE = "\x1b[23;0t"
_CELLS = 200
"""The longest text handed to a terminal."""


def title(text: str) -> str:
    """Sets the window's title (OSC 0)."""
    return f"\x1b]0;{_plain(text)}\a"


def desktop(kind: str, heading: str, text: str) -> str:
    """Asks for a notice of the desktop: `osc9` (iTerm2 and others) or `osc777` (urxvt, foot and others)."""
    # A semicolon ends a field of OSC 777, and begins a command of some terminals' own in OSC 9.
    heading, text = (_plain(each).replace(";", ",") for each in (heading, text))
    return f"\x1b]9;{heading} {text}\a" if kind == "osc9" else f"\x1b]777;notify;{heading};{text}\a"


def _plain(text: str) -> str:
    """One short line without anything that a terminal obeys."""
    return clip(" ".join(sanitize(text, multiline=False).split()), _CELLS)
