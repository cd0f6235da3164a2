"""Whether the terminal's background is dark or light, by its answer to a query, else by COLORFGBG. Pure."""

import re

QUERY = "\x1b]11;?\x1b\\"
"""Asks the terminal for its background colour (OSC 11)."""

ANSWER_WITHIN = 3.0
"""Seconds after which an answer no longer changes the colours, as the user is reading."""

AUTO = "auto"
"""The setting of the theme that follows the background."""

_THEMES = {True: "textual-dark", False: "textual-light"}

_HEX = "([0-9a-f]{1,4})"
_RGB = re.compile(f"rgba?:{_HEX}/{_HEX}/{_HEX}(?:/{_HEX})?", re.IGNORECASE)
_SHORT = re.compile("#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)

_DARK_COLOURS = frozenset(("0", "1", "2", "3", "4", "5", "6", "8"))
"""The dark ones of the sixteen ANSI colours."""


def theme_for(is_dark: bool | None) -> str:
    """Return the theme for a background; the dark one if it is unknown."""
    return _THEMES[is_dark is not False]


def is_dark_colour(colour: str) -> bool | None:
    """Return True if the colour of an answer is dark, False if it is light, None if it cannot be read."""
    found = _RGB.fullmatch(colour) or _SHORT.fullmatch(colour)
    if found is None:
        return None
    # Of one to four digits each, so that F and FFFF are the same.
    red, green, blue = (int(part, 16) / ((1 << 4 * len(part)) - 1) for part in found.groups()[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5


def is_dark_by_variable(value: str) -> bool | None:
    """Return the same for the value of COLORFGBG, `foreground;background` as numbers of ANSI colours."""
    *others, last = value.split(";")
    return last in _DARK_COLOURS if others and last.isdecimal() else None
