"""Finds code, emphasis and quotes in texts, which chats write as `code`, **bold** and _italic_. Pure.

A text travels as it was typed, and every character of it is shown: only its look changes.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from globalchat.ui.model.text import Span

_SIGNS = re.compile("[`*_>]")
_FENCE = re.compile(r" {0,3}(`{3,})[^`]*")
_TICKS = re.compile("`+")
# Bounded, so that the work is linear in the length of a text that others choose.
_BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^*\n]{1,500})(?<=[^\s*])\*\*(?![\w*])")
_ITALIC = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,500})(?<=[^\s*])\*(?![\w*])"
    r"|(?<![\w_])_(?=[^\s_])([^_\n]{1,500})(?<=[^\s_])_(?![\w_])"
)


class Formats(NamedTuple):
    """The look of a text.

    Attributes:
        marks: Parts (start, end) with their role: code, bold, italic, quote, or sign for what makes them so.
        blocks: The lines of code blocks, which are not wrapped.
        shape: The text for word wrap: as long, but without blanks inside code, so that it is not broken.
    """

    marks: tuple[tuple[int, int, str], ...] = ()
    blocks: tuple[Span, ...] = ()
    shape: str = ""


@lru_cache(256)  # A row is measured and painted several times.
def find_formats(text: str) -> Formats:
    """Find what is written as code, bold, italic or a quote in a text."""
    if not _SIGNS.search(text):
        return Formats(shape=text)
    marks: list[tuple[int, int, str]] = []
    blocks: list[Span] = []
    lines = list(_lines(text))
    closings = _Closings(text, lines)
    number = 0
    while number < len(lines):
        start, end = lines[number]
        fence = _FENCE.fullmatch(text, start, end)
        closing = None if fence is None else closings.after(number, len(fence[1]))
        if closing is not None:
            marks += [(*lines[number], "sign"), (*lines[closing], "sign")]
            inside = lines[number + 1 : closing]
            marks += [(*line, "code") for line in inside if line[0] < line[1]]
            blocks += inside
            number = closing + 1
            continue
        if text.startswith(">", start):
            marks.append((start, end, "quote"))
        else:
            marks += _inline(text, start, end)
        number += 1
    shape = list(text)
    for start, end, role in marks:
        if role == "code":
            shape[start:end] = text[start:end].replace(" ", "x")
    return Formats(tuple(marks), tuple(blocks), "".join(shape))


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1


class _Closings:
    """The lines of a text that can end a code block: they have nothing but backticks."""

    def __init__(self, text: str, lines: Sequence[Span]) -> None:
        self._ticks = [_ticks(text[start:end].strip(" ")) for start, end in lines]
        # The most in any line from each one on: a block without an end is known without looking for it, which
        # would take quadratic time in a text of many beginnings.
        self._most = list(accumulate(reversed(self._ticks), max))[::-1]

    def after(self, opening: int, ticks: int) -> int | None:
        """Return the number of the line that ends a block; None if none does: then there is no block."""
        first = opening + 1
        if first >= len(self._ticks) or self._most[first] < ticks:
            return None
        return next(line for line in range(first, len(self._ticks)) if self._ticks[line] >= ticks)


def _ticks(line: str) -> int:
    """Return the number of backticks in a line; 0 if it has anything else."""
    return 0 if line.strip("`") else len(line)


def _inline(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield the marks of one line: code first, since nothing inside it is emphasis."""
    plain = start
    for open_start, open_end, close_start, close_end in _code_spans(text, start, end):
        yield from _emphasis(text, plain, open_start)
        yield open_start, open_end, "sign"
        yield open_end, close_start, "code"
        yield close_start, close_end, "sign"
        plain = close_end
    yield from _emphasis(text, plain, end)


def _code_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield code between two runs of as many backticks."""
    runs = [match.span() for match in _TICKS.finditer(text, start, end)]
    # By length, the last run first: each opening one takes the next of its length.
    later: dict[int, list[Span]] = {}
    for run in reversed(runs):
        later.setdefault(run[1] - run[0], []).append(run)
    free = start
    for opening in runs:
        same = later[opening[1] - opening[0]]
        while same and same[-1][0] <= opening[0]:
            same.pop()
        if opening[0] >= free and same:
            closing = same[-1]
            free = closing[1]
            yield *opening, *closing


def _emphasis(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    for pattern, role, cells in ((_BOLD, "bold", 2), (_ITALIC, "italic", 1)):
        for match in pattern.finditer(text, start, end):
            first, last = match.span()
            yield first, first + cells, "sign"
            yield first + cells, last - cells, role
            yield last - cells, last, "sign"
