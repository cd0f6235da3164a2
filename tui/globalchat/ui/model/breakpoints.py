"""The sizes of window that are laid out differently, as classes of every screen."""

Breakpoints = list[tuple[int, str]]
"""The least cells, and the class from there on."""

WIDTHS: Breakpoints = [(0, "-too-narrow"), (40, "-narrow"), (60, "-medium"), (100, "-wide")]
HEIGHTS: Breakpoints = [(0, "-too-low"), (10, "-flat"), (16, "-low"), (28, "-high")]


def classes(width: int, height: int) -> tuple[str, str]:
    """The classes of a window."""
    return _last(WIDTHS, width), _last(HEIGHTS, height)


def _last(breakpoints: Breakpoints, cells: int) -> str:
    return [name for least, name in breakpoints if cells >= least][-1]
