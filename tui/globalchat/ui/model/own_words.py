"""Words of the user's own that count as mentions: settings, and where they are in a text. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from globalchat.core.text import is_hidden, nfc
from globalchat.ui.model.text import Span, fold, fold_text


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What counts as a mention besides `@` and a name: these words, and if `nick` names without an `@`."""

    words: tuple[str, ...] = ()
    nick: bool = False

    def finder(self, names: Iterable[str]) -> "WordFinder":
        """Return a finder of these words for a user with these names."""
        return WordFinder([*self.words, *(names if self.nick else ())])


class WordFinder:
    """Finds whole words in texts as they are shown, in time proportional to their length.

    Case makes no difference, and any white space matches any other. A word is whole if no letter, digit or
    underscore continues it. In scripts that are written without blanks, such as Chinese or Thai, words
    cannot be told from their neighbours: there any occurrence counts.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._wanted = {fold_text(nfc(word)).strip() for word in words} - {""}

    def spans(self, text: str) -> tuple[Span, ...]:
        """Return the parts of a text that are such words, in order, without overlaps."""
        if not self._wanted:
            return ()
        folded, starts = fold(text)
        return merged(span for word in self._wanted for span in _places(word, text, folded, starts))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order; of those that overlap the first, and of several with one start the longest."""
    found: list[Span] = []
    for start, end in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if not found or start >= found[-1][1]:
            found.append((start, end))
    return tuple(found)


def _places(word: str, text: str, folded: str, offsets: Sequence[int]) -> Iterator[Span]:
    place = folded.find(word)
    while place >= 0:
        stop = place + len(word)
        start, end = offsets[place], offsets[stop - 1] + 1
        # A word neither begins nor ends within the folding of one character (`ß` as `ss`).
        inside = (place and offsets[place - 1] == start) or (stop < len(folded) and offsets[stop] == end - 1)
        whole = not inside and not _is_joined(text, start) and not _is_joined(text, end)
        if whole:
            yield start, end
        place = folded.find(word, stop if whole else place + 1)


def _is_joined(text: str, place: int) -> bool:
    """Return True if the characters before and at a place belong to one word."""
    return 0 < place < len(text) and _is_of_word(text[place - 1]) and _is_of_word(text[place])


_WITHOUT_BLANKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x9FFF),  # Han, Hiragana, Katakana
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def _is_of_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "_"
    if any(first <= ord(character) <= last for first, last in _WITHOUT_BLANKS):
        return False
    mark = unicodedata.category(character).startswith("M")
    return character.isalnum() or mark or is_hidden(character)
