"""Finds out what a terminal can show: its size, its cursor, its colours and its characters."""

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

_CANNOT_DRAW = ("", "dumb", "unknown")
"""Values of TERM for what would print the sequences that move a cursor."""


def window_size(*streams: TextIO | None, fallback: tuple[int, int] = (80, 24)) -> tuple[int, int]:
    """Return columns and lines of the window that the first of these streams that has one leads to.

    COLUMNS and LINES hold only where no terminal can be asked: they are often exported once, and stay
    when the window has another size.
    """
    for stream in streams:
        try:
            size = os.get_terminal_size(stream.fileno()) if stream is not None else (0, 0)
        except (OSError, ValueError):
            continue  # no terminal, or no file at all
        # A pseudo terminal without a size reports 0 × 0.
        if size[0] > 0 and size[1] > 0:
            return size[0], size[1]
    size = shutil.get_terminal_size(fallback)
    return size.columns, size.lines


def can_draw(environment: Mapping[str, str]) -> bool:
    """Return True if a terminal with these variables can move its cursor; Windows' say nothing and can."""
    return os.name == "nt" or environment.get("TERM", "") not in _CANNOT_DRAW


def wants_no_colour(environment: Mapping[str, str]) -> bool:
    """Return True if colours are not wanted: NO_COLOR counts if it is not empty (https://no-color.org)."""
    return bool(environment.get("NO_COLOR"))


def shows_any_character(encoding: str, environment: Mapping[str, str]) -> bool:
    """Return True if output is UTF-8 and the locale is not C, in which Python writes UTF-8 anyway."""
    is_utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    return is_utf8 and environment.get("LC_ALL") not in ("C", "POSIX")
