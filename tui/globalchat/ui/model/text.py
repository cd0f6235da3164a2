"""Text in terminal cells: clipping, word wrap, folding. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size, split_graphemes

from globalchat.core.text import sanitize

NAME_CELLS = 64
"""The most cells of a name; none of our backends allows a longer one."""

Span = tuple[int, int]
"""Start and end (exclusive) of a part of a string, in characters."""

SHOWN_LINES = 20
"""The lines shown of a long text in a list of messages."""

_WORTH_FOLDING = 4
"""A text is folded if it has more surplus lines than this, as the line about hidden lines takes one, too."""

_LONGEST_NAME = 256
_PROMPT_CELLS = 24
_BLANKS = re.compile(r"\s+")
_TWO_BLANKS = re.compile(r"\s\s")
_WORD = re.compile(r"\s*\S+")


def clip(text: str, cells: int) -> str:
    """Return `text` in at most `cells` cells, with an ellipsis where something was cut off."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…" if cells > 0 else ""


def clip_middle(text: str, cells: int) -> str:
    """Return `text` in at most `cells` cells, with an ellipsis in its middle if something was cut out."""
    if cell_len(text) <= cells:
        return text
    room = (cells - 1) // 2
    # Whole graphemes, since half of an emoji is a different character.
    tail = len(text)
    for start, _, width in reversed(split_graphemes(text)[0]):
        if width > room:
            break
        tail, room = start, room - width
    end = text[tail:].lstrip()
    return set_cell_size(text, max(0, cells - 1 - cell_len(end))).rstrip() + "…" + end if cells > 0 else ""


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """Return `text` clipped and padded to exactly `cells` cells; aligned to the right if asked for."""
    text = clip(text, cells)
    space = " " * (cells - cell_len(text))
    return space + text if right else text + space


def centred_line(text: str, y: int, width: int, height: int) -> str:
    """Return line `y` of an area of `width` × `height` cells with a text in its middle; empty beside it."""
    spans = wrap(text, width - 4) if text else []
    number = y - (height - len(spans)) // 2
    if not 0 <= number < len(spans):
        return ""
    line = text[slice(*spans[number])]
    return " " * max(0, (width - cell_len(line)) // 2) + line


def shown_name(name: str) -> str:
    """Return an external name for the screen: one line, fully visible, of bounded width."""
    return _shown_name(name[:_LONGEST_NAME])


# Cached: the same names occur in every frame, up to a thousand channels (`MOST_CHANNELS`) and many people.
@lru_cache(2048)
def _shown_name(name: str) -> str:
    return clip_middle(sanitize(name, name=True), NAME_CELLS)


def prompt_name(name: str) -> str:
    """Return the user's name as shown before the composer."""
    return clip_middle(shown_name(name), _PROMPT_CELLS)


def code_units(text: str) -> int:
    """Return the length of a text as the backend counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Folded(NamedTuple):
    """A text in the form for searches; `starts` has the offset of each character in the original text."""

    text: str
    starts: Sequence[int]


def fold(text: str) -> Folded:
    """Fold the case of a text (`ß` as `ss`), and each run of white space to one blank."""
    folded = text.casefold()
    if len(folded) == len(text) and not _TWO_BLANKS.search(text):  # Folding makes no character shorter.
        return Folded(_BLANKS.sub(" ", folded), range(len(text)))
    parts: list[str] = []
    starts: list[int] = []
    blank = False
    for index, character in enumerate(text):
        if character.isspace():
            part = "" if blank else " "
            blank = True
        else:
            part, blank = character.casefold(), False
        parts.append(part)
        starts += [index] * len(part)
    return Folded("".join(parts), starts)


def fold_text(text: str) -> str:
    """Return the text of `fold` alone, which is faster."""
    return _BLANKS.sub(" ", text).casefold()


def brief(text: str, most: int = 1000) -> str:
    """Return an external text as one line for a sentence: sanitised, without runs of blanks."""
    clean = " ".join(sanitize(text[: 2 * most], multiline=False).split())
    # Cut before it is sanitised, so that the work does not grow with a text that others choose.
    return clean if len(clean) <= most and len(text) <= 2 * most else clean[: most - 1] + "…"


def wrap(text: str, width: int) -> list[Span]:
    """Break `text` into lines of at most `width` cells: at line feeds, between words, inside long words.

    The lines keep the order and the characters of the text, except for white space at a break. `width` is at
    least 2, so that a wide character fits.
    """
    width = max(2, width)
    # Most messages fit in one line, and every row is wrapped when it is measured.
    if "\n" not in text and cell_len(text) <= width:
        return [(0, len(text))]
    lines: list[Span] = []
    start = 0
    for paragraph in text.split("\n"):
        if 2 * len(paragraph) <= width:  # No character is wider than two cells.
            lines.append((start, start + len(paragraph)))
        else:
            lines += [(start + a, start + b) for a, b in _wrap_paragraph(paragraph, width)]
        start += len(paragraph) + 1
    return lines


@lru_cache(128)
def shown_lines(
    text: str, width: int, *, whole: bool = False, blocks: tuple[Span, ...] = ()
) -> tuple[tuple[Span, ...], int]:
    """Return the lines of a text that a list of messages shows, and how many more there are.

    All lines are shown if `whole`; else those of `blocks` (of code) that do not fit are cut, not wrapped. The
    latest results are cached, since a row is measured and painted soon after.
    """
    lines, cut = _lines_with_blocks(text, width, blocks, whole=whole) if blocks else (wrap(text, width), 0)
    hidden = len(lines) - SHOWN_LINES
    if whole or hidden <= _WORTH_FOLDING:
        return tuple(lines), cut
    return tuple(lines[:SHOWN_LINES]), hidden + cut


def _lines_with_blocks(
    text: str, width: int, blocks: Sequence[Span], *, whole: bool
) -> tuple[list[Span], int]:
    """Return the lines of a text with lines of code, and how many lines more those would have in full."""
    lines: list[Span] = []
    done = cut = 0
    for start, end in blocks:
        if done < start:
            # Without the line feed before the block.
            lines += [(done + a, done + b) for a, b in wrap(text[done : start - 1], width)]
        done = end + 1
        if cell_len(text[start:end]) <= width:
            lines.append((start, end))
        elif whole:
            lines += _chop(text, start, end, width)
        else:
            first, *others = _chop(text, start, end, width - 1)
            lines.append(first)
            cut += len(others)
    if done <= len(text):
        lines += [(done + a, done + b) for a, b in wrap(text[done:], width)]
    return lines, cut


def _wrap_paragraph(text: str, width: int) -> list[Span]:
    lines: list[Span] = []
    begin, end, used = 0, 0, 0
    # For trailing blanks, the pattern would try each as a start, which takes quadratic time.
    for match in _WORD.finditer(text, 0, len(text.rstrip())):
        cells = cell_len(match.group())
        if used + cells <= width:
            end, used = match.end(), used + cells
            continue
        if end > begin:
            lines.append((begin, end))
        word_start = match.end() - len(match.group().lstrip()) if end > begin or lines else match.start()
        *full, (begin, end) = _chop(text, word_start, match.end(), width)
        lines += full
        used = cell_len(text[begin:end])
    lines.append((begin, end))
    return lines


def _chop(text: str, start: int, end: int, width: int) -> list[Span]:
    """Return a part of `text` in pieces of at most `width` cells, cut between graphemes; at least one."""
    # Graphemes take long to find, and ASCII has none of several characters.
    if text.isascii():
        cuts = [*range(start, end, width), end]
        return list(pairwise(cuts))
    pieces: list[Span] = []
    begin, used = start, 0
    for first, _, cells in split_graphemes(text[start:end])[0]:
        if used + cells > width:
            pieces.append((begin, start + first))
            begin, used = start + first, 0
        used += cells
    return [*pieces, (begin, end)]
