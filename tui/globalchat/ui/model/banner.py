"""A sentence about what is wrong, with the hints out, in the lines that it takes at a width."""

from dataclasses import dataclass

from rich.cells import cell_len

from globalchat.ui.model.text import clip, wrap

LINES = 4
"""The most lines of a banner: more would push the messages away."""


@dataclass(frozen=True, slots=True)
class ActionHint:
    """A way out that can be clicked: `target` names what it does, `text` says so and by which key."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Banner:
    """What is `said`, how urgent it is (`tone`: warning, error or muted), and the hints out."""

    said: str
    tone: str
    hints: tuple[ActionHint, ...] = ()

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(filter(None, (self.said, *(hint.text for hint in self.hints))))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line: a text, and what a click on it does (None: nothing)."""

    text: str
    target: str | None = None


def banner_lines(banner: Banner, width: int, *, most: int = LINES) -> list[list[Piece]]:
    """The lines of a banner, each at most `width` cells.

    If they are more than `most`, what is said is cut short: the hints out are always there.
    """
    width = max(2, width)
    lines = _lines(banner, width)
    said = banner.said
    while len(lines) > most and said:
        kept = cell_len(said) - max(2, width // 4)
        said = clip(said, kept) if kept > 1 else ""
        lines = _lines(Banner(said, banner.tone, banner.hints), width)
    return lines[:most]


def target_at(lines: list[list[Piece]], x: int, y: int) -> str | None:
    """What a click on a cell does."""
    if not 0 <= y < len(lines):
        return None
    start = 0
    for piece in lines[y]:
        start += cell_len(piece.text)
        if x < start:
            return piece.target
    return None


def _lines(banner: Banner, width: int) -> list[list[Piece]]:
    text = banner.text
    return [_pieces(banner, text, *span) for span in wrap(text, width)]


def _pieces(banner: Banner, text: str, start: int, end: int) -> list[Piece]:
    """The characters from `start` to `end`, cut where a way out begins or ends."""
    pieces: list[Piece] = []
    position = len(text)
    borders: list[tuple[int, int, str]] = []
    for hint in reversed(banner.hints):
        borders.insert(0, (position - len(hint.text), position, hint.target))
        position -= len(hint.text) + 1
    for first, last, target in borders:
        first, last = max(first, start), min(last, end)
        if first < last:
            pieces += [Piece(text[start:first]), Piece(text[first:last], target)]
            start = last
    pieces.append(Piece(text[start:end]))
    return [piece for piece in pieces if piece.text]
