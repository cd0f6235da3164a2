"""Keeps the columns right where terminals disagree about the width of an emoji. Pure.

What stands after `❤️` is drawn a cell too far left by a terminal that takes it for one cell wide (tmux 3.3 and
others), and the end of the row keeps what was there before. So the cursor is put back to where the emoji
begins and moved by as many cells as were counted, whatever the terminal made of it. A terminal that draws
the parts of an emoji apart then shows its beginning.
"""

import re
from functools import cache

from rich.cells import cell_len

from globalchat.core.characters import PICTOGRAPHIC

_SUSPECT = re.compile("[\ufe0f\u200d\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]")
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_STRING = "\x1b]"
"""Begins a string for the terminal itself, its title for instance: nothing in it is drawn."""


def pinned(data: str) -> str:
    """Return what is to be drawn, with the cursor led over each emoji whose width is in doubt."""
    if data.isascii() or data.startswith(_STRING) or not _SUSPECT.search(data):
        return data
    return _doubtful().sub(_pin, data)


def _pin(match: re.Match[str]) -> str:
    cells = cell_len(match[0])
    if not cells:
        return match[0]
    return f"{_SAVE}{' ' * cells}{_RESTORE}{_SAVE}{match[0]}{_RESTORE}\x1b[{cells}C"


@cache
def _doubtful() -> re.Pattern[str]:
    """Return the emoji of several characters: selected, modified, joined, keycaps and flags."""
    element = f"[{PICTOGRAPHIC}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
    return re.compile(
        f"[{PICTOGRAPHIC}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])(?:\u200d{element})*"
        f"|[{PICTOGRAPHIC}](?:\u200d{element})+"
        "|[0-9#*]\ufe0f\u20e3?"
        "|[\U0001f1e6-\U0001f1ff]{2}"
    )
