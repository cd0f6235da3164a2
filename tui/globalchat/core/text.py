"""Text for people: made safe for a terminal, counted nouns, and the word that a mistyped one may mean. Pure.

`sanitize` is the one function through which text passes before it meets a terminal. Measured: Textual and
Rich hand ESC, C1 and bidirectional controls of a `str` on to the terminal as they are.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable

_MAX_MARKS = 4
"""Combining marks kept on one base character: enough for every script, too few to flood a screen."""

_DROPPED_RANGES = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers: letters that look like nothing
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0D),  # variation selectors other than text and emoji presentation
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),  # tags and further variation selectors
)
_ZWJ = "\u200d"
_PRESENTATION = "\ufe0e\ufe0f"
_REPLACEMENT = "\ufffd"
_EMOJI = frozenset({"So", "Sk", "Sm"})
_LINE_BREAKS = re.compile("\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_JOINERS = re.compile(f"[{_ZWJ}{_PRESENTATION}]")
_MARKS = frozenset({"Mn", "Me"})


def sanitize(text: str, *, multiline: bool = True) -> str:
    """Return `text` without anything that a terminal would obey instead of show.

    Controls become visible pictures, bidirectional and zero-width characters vanish (joiners stay inside
    emoji), marks piled on one character are cut, the result is NFC. Tabs become four spaces. Applying it
    twice changes nothing more.

    Args:
        text: Any string, lone surrogates included.
        multiline: Keep line feeds; else line breaks become spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_BREAKS.sub("\n", text)
    if not multiline:
        text = text.replace("\n", " ")
    text = "".join(map(_shown, text))
    text = _drop_joiners(unicodedata.normalize("NFC", text))
    return _cap_marks(unicodedata.normalize("NFC", text))


def _shown(character: str) -> str:
    """One character as it may be shown: itself, a picture of it, or nothing."""
    code = ord(character)
    if code < 0x7F:
        if code >= 0x20 or character == "\n":
            return character
        return "    " if character == "\t" else chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code < 0xA0 or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE:
        return _REPLACEMENT
    if character == _ZWJ:
        return character
    if unicodedata.category(character) == "Cf" or any(low <= code <= high for low, high in _DROPPED_RANGES):
        return ""
    return character


def _drop_joiners(text: str) -> str:
    """Keep a joiner only between two emoji, a presentation selector only after a symbol or digit."""
    if not _JOINERS.search(text):
        return text
    kept: list[str] = []
    for index, character in enumerate(text):
        before = kept[-1] if kept else ""
        if character in _PRESENTATION:
            if before and before != _ZWJ and (_is_emoji(before) or before in "0123456789#*‼⁉"):
                kept.append(character)
        elif character == _ZWJ:
            after = text[index + 1 : index + 2]
            if before and after and _is_emoji(after) and (_is_emoji(before) or before in _PRESENTATION):
                kept.append(character)
        else:
            kept.append(character)
    return "".join(kept)


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) in _EMOJI


def _cap_marks(text: str) -> str:
    """Keep at most `_MAX_MARKS` combining marks in a row."""
    run = 0
    kept: list[str] = []
    for character in text:
        run = run + 1 if unicodedata.category(character) in _MARKS else 0
        if run <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return a number with its noun: `1 message`, `2,000 messages`. `nouns` is an irregular plural."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "") -> str | None:
    """Return a question that names the known word nearest to `word`, None if none is near.

    Case does not count. `prefix` stands before the word in the question: `Did you mean "/join"?`
    """
    from difflib import get_close_matches  # imported here: most words are spelled right

    spelled = {each.lower(): each for each in known}
    nearest = get_close_matches(word.lower(), spelled, n=1)
    return f'Did you mean "{prefix}{spelled[nearest[0]]}"?' if nearest else None


def hint(word: str, known: Collection[str]) -> str:
    """Return the question which known word was meant; if none is near, a sentence that lists them all."""
    return did_you_mean(word, known) or f"There are: {', '.join(known)}."


def suggest(sentence: str, word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Append to a sentence about an unknown word the question which known one was meant, if one is near."""
    question = did_you_mean(word, known, prefix=prefix)
    return f"{sentence} {question}" if question else sentence
