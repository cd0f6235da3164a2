"""Finds out the abilities of a terminal: its size, cursor, colours and characters."""

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

_CANNOT_DRAW = ("", "dumb", "unknown")
"""Values of TERM for terminals that would print cursor movements as text."""


def window_size(*streams: TextIO | None, fallback: tuple[int, int] = (80, 24)) -> tuple[int, int]:
    """Return the columns and lines of the first of these streams that is a terminal.

    COLUMNS and LINES apply only if no terminal can be asked: exported values do not follow a window
    that is resized.
    """
    for stream in streams:
        try:
            size = os.get_terminal_size(stream.fileno()) if stream is not None else (0, 0)
        except (OSError, ValueError):
            continue  # Not a terminal, or closed.
        # A pseudo-terminal without a size reports 0 × 0.
        if size[0] > 0 and size[1] > 0:
            return size[0], size[1]
    size = shutil.get_terminal_size(fallback)
    return size.columns, size.lines


def can_draw(environment: Mapping[str, str]) -> bool:
    """Return True if a terminal with these variables can move its cursor; Windows sets none, and can."""
    return os.name == "nt" or environment.get("TERM", "") not in _CANNOT_DRAW


def wants_no_colour(environment: Mapping[str, str]) -> bool:
    """Return True if NO_COLOR is set and not empty (https://no-color.org)."""
    return bool(environment.get("NO_COLOR"))


def shows_any_character(encoding: str, environment: Mapping[str, str]) -> bool:
    """Return True if output is UTF-8 and the locale is not C, in which Python writes UTF-8 regardless."""
    is_utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    return is_utf8 and environment.get("LC_ALL") not in ("C", "POSIX")
