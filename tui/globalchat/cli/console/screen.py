"""What the streams can show."""

import os
import sys
from typing import TextIO

import click

from globalchat.core.terminal import can_draw, shows_any_character, wants_no_colour, window_size

ascii_only = click.option(
    "--ascii", "ascii_only", is_flag=True, help="Draw with ASCII alone. [default: as the locale says]"
)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at it, or types it; None is a stream that the shell closed."""
    return stream is not None and stream.isatty()


def can_redraw(stream: TextIO | None) -> bool:
    """Whether a line there can be written over."""
    return is_terminal(stream) and can_draw(os.environ)


def wants_colour(stream: TextIO | None) -> bool:
    """Whether to colour what is written there."""
    return can_redraw(stream) and not wants_no_colour(os.environ)


def wants_ascii(asked: bool) -> bool:
    """Whether to draw with ASCII: because it was asked for, or because the locale has nothing else."""
    if sys.stdout is None:
        return asked
    return asked or not shows_any_character(sys.stdout.encoding or "", os.environ)


def width() -> int:
    """Columns of the terminal; 80 if there is none."""
    return window_size(sys.stdout, sys.stderr)[0]
