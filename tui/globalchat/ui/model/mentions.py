"""Where a text mentions a name: `@`, then the whole name, whatever its case. Pure."""

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from globalchat.core.text import is_hidden, nfc, sanitize
from globalchat.ui.model.text import Span


class Mentions:
    """Finds the mentions of one name.

    It looks at texts as they came: sanitised, those that mention another name could be equal.
    """

    def __init__(self, name: str) -> None:
        self._wanted = "@" + nfc(name).casefold()

    def spans(self, text: str, shown: str) -> tuple[Span, ...]:
        """Return the parts of `shown`, the sanitised `text`, that mention the name."""
        if "@" not in text:
            return ()
        text = nfc(text)
        found = list(self._found(text))
        if text == shown or not found:
            return tuple(found)
        # Nothing composes with "@" or joins it: between two of them, each part is sanitised as in the whole.
        places = []
        at = len(sanitize(text[: found[0][0]]))
        for (start, end), (following, _) in pairwise([*found, (len(text), 0)]):
            places.append((at, min(len(shown), at + len(sanitize(text[start:end])))))
            at += len(sanitize(text[start:following]))
        return tuple(places)

    def _found(self, text: str) -> Iterator[Span]:
        """Find the mentions in a text in NFC."""
        folded, starts = _folded(text)
        place = folded.find(self._wanted)
        while place >= 0:
            stop = place + len(self._wanted)
            start = starts[place]
            end = starts[stop] if stop < len(folded) else len(text)
            # Within what one character became (`ß` as `ss`), no name ends.
            whole = stop == len(folded) or starts[stop - 1] != end
            if whole and not (start and _is_named(text[start - 1])) and not _goes_on(text[end : end + 1]):
                yield start, end
            place = folded.find(self._wanted, place + 1)


def _folded(text: str) -> tuple[str, range | list[int]]:
    """Return the text with its case folded, and where each character of that stands in the text."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded, range(len(text))
    return folded, [index for index, character in enumerate(text) for _ in character.casefold()]


def _is_named(character: str) -> bool:
    """Return whether an `@` after this character is part of an address rather than of a mention."""
    return character == "@" or character == "_" or character.isalnum()


def _goes_on(character: str) -> bool:
    """Return whether a name goes on with this character, so that it is another one."""
    if not character:
        return False
    mark = unicodedata.category(character).startswith("M")
    return character in "_\u2800" or character.isalnum() or mark or is_hidden(character)
