"""Editing of the line as in readline: words, cutting and putting back, swapping, capitals. Pure.

GNU readline's manual (Bindable Readline Commands) describes the commands, such as `unix-word-rubout` for
Ctrl+W and `yank-pop`.
"""

import unicodedata
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

_CUTS = 20
"""The most cut texts that are kept."""


class Edit(NamedTuple):
    """A change of a text: what replaces the part from `start` to `end`, and where the cursor is then."""

    start: int
    end: int
    text: str
    cursor: int


class LineEdits:
    """Computes edits, and keeps the cut texts.

    Cuts in succession become one text, as long as nothing else happens between them (`interrupt`).
    """

    def __init__(self) -> None:
        self._cuts: deque[str] = deque(maxlen=_CUTS)
        self._is_cutting = False
        self._pasted: tuple[int, int] | None = None

    def interrupt(self) -> None:
        """Begin a new text with the next cut, and no longer replace what was put back."""
        self._is_cutting, self._pasted = False, None

    def cut(self, text: str, start: int, end: int, *, backwards: bool) -> Edit | None:
        """Return the edit that cuts a part of a text, which is kept; None if the part is empty."""
        if start == end:
            return None
        part = text[start:end]
        if self._is_cutting:
            latest = self._cuts.pop()
            part = part + latest if backwards else latest + part
        self._cuts.append(part)
        self._is_cutting, self._pasted = True, None
        return Edit(start, end, "", start)

    def paste(self, start: int, end: int) -> Edit | None:
        """Return the edit that puts the last cut in the place of a part; None without a cut."""
        self._is_cutting = False
        return self._put(start, end) if self._cuts else None

    def paste_earlier(self) -> Edit | None:
        """Return the edit that replaces what was just put back by the cut before it; None if nothing was."""
        if self._pasted is None:
            return None
        self._cuts.rotate(1)
        return self._put(*self._pasted)

    def _put(self, start: int, end: int) -> Edit:
        text = self._cuts[-1]
        self._pasted = (start, start + len(text))
        return Edit(start, end, text, start + len(text))


def word_start(text: str, at: int) -> int:
    """Return where the word before `at` begins: letters and digits are words."""
    while at and not _in_word(text[at - 1]):
        at -= 1
    while at and _in_word(text[at - 1]):
        at -= 1
    return at


def word_end(text: str, at: int) -> int:
    """Return where the word after `at` ends."""
    while at < len(text) and not _in_word(text[at]):
        at += 1
    while at < len(text) and _in_word(text[at]):
        at += 1
    return at


def blank_before(text: str, at: int) -> int:
    """Return where the part before `at` begins that has no blanks, but for those at its end."""
    while at and text[at - 1].isspace():
        at -= 1
    while at and not text[at - 1].isspace():
        at -= 1
    return at


def line_start(text: str, at: int) -> int:
    """Return where the line of `at` begins; at its beginning, where the line before it ends."""
    start = text.rfind("\n", 0, at) + 1
    return start - 1 if start == at and at else start


def line_end(text: str, at: int) -> int:
    """Return where the line of `at` ends; at its end, where the next line begins."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1 if end == at else end


def swap(text: str, at: int) -> Edit | None:
    """Return the edit that swaps the characters before and at `at`; at the end of a line, the last two."""
    if at and (at == len(text) or text[at] == "\n"):
        at -= 1
    if not at or text[at - 1] == "\n" or at == len(text) or text[at] == "\n":
        return None
    return Edit(at - 1, at + 1, text[at] + text[at - 1], at + 1)


def change_word(text: str, at: int, change: Callable[[str], str]) -> Edit | None:
    """Return the edit that changes the word from `at` on; None if there is none."""
    end = word_end(text, at)
    new = change(text[at:end])
    return Edit(at, end, new, at + len(new)) if end > at else None


def capitalise(text: str) -> str:
    """Return a text in small letters but for its first one, whatever comes before that."""
    first = next((number for number, each in enumerate(text) if _in_word(each)), len(text))
    return text[:first] + text[first : first + 1].upper() + text[first + 1 :].lower()


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
