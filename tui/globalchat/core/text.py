"""Prepares text for display: makes it safe for a terminal, counts nouns, suggests corrections. Pure.

All text passes through `sanitize` before it reaches a terminal. Measured: Textual and
Rich pass ESC, C1 and bidirectional controls on to the terminal unchanged.
"""

import codecs
import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache

from globalchat.core.characters import DEFAULT_IGNORABLE, FORMAT, JOINING, PICTOGRAPHIC, character_class

_MAX_MARKS = 4
"""Combining marks kept on one base character: enough for every script, too few to flood a screen."""

_SORTABLE_MARKS = 16
"""The longest run of marks that is normalised: Python sorts a run in quadratic time."""

_ROUNDS = 3
"""Passes over joiners whose neighbours have been removed; after that all remaining joiners are removed."""

_REPLACEMENT = "\ufffd"
_CONTROLS = ((0x00, 0x09), (0x0B, 0x1F), (0x7F, 0x9F), (0xD800, 0xDFFF), (0xFDD0, 0xFDEF))
_NONCHARACTERS = tuple((plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(17))
_HIDDEN = (*DEFAULT_IGNORABLE, *FORMAT)
_JOINERS = "\u200c\u200d\ufe0e\ufe0f\U000e0030-\U000e0039\U000e0061-\U000e007a\U000e007f"
"""Ignorable characters that have a meaning in some contexts."""

LINE_BREAK = re.compile("\r\n?|[\n\u2028\u2029\x85\x0b\x0c]")
"""All characters that some terminal, editor or language treats as the end of a line."""

_UNSHOWABLE = re.compile(f"[{character_class((*_CONTROLS, *_NONCHARACTERS, *_HIDDEN))}]")
_HIDDEN_CHARACTER = re.compile(f"[{character_class(_HIDDEN)}]")
_ODD_BLANK = re.compile(r"(?<![^\s])\s|\s(?![^\s])|[^\S \u3000]")
"""A blank in a name that could be overlooked or mistaken: at an end, next to another, or of unusual width."""

_MARK_RUN = re.compile(r"[^\w\s\x00-\x7f]{5,}")
"""Where more than `_MAX_MARKS` marks may follow each other."""

_MARKS = frozenset({"Mn", "Me"})
# Drawn as a blank, although it does not count as white space.
_BLANK_BRAILLE = 0x2800
_JOINER = re.compile(f"[{_JOINERS}]")


def sanitize(text: str, *, multiline: bool = True, name: bool = False) -> str:
    """Return `text` without anything that a terminal would interpret instead of showing it.

    Controls become visible pictures. Default-ignorable characters (bidirectional controls, zero-width
    characters) are removed, unless they have a meaning in their context: in an emoji, or in a word of a
    script that uses them. Stacked combining marks are limited, and the result is NFC. Tabs become four
    spaces. The function is idempotent and takes linear time.

    Args:
        text: Any string, lone surrogates included.
        multiline: Keep line feeds; else line breaks become spaces.
        name: `text` is a name. Nothing is removed from it, so that no two names look alike: each ignorable
            character becomes U+FFFD, each blank that could be overlooked U+2423. One line.
    """
    # The common case, kept fast since every drawn line passes here.
    if text.isascii() and text.isprintable() and not name:
        return text
    if name:
        text = _ODD_BLANK.sub("\u2423", text.translate(_pictures_in_names()))
    else:
        text = LINE_BREAK.sub("\n", text)
        if not multiline:
            text = text.replace("\n", " ")
        if _UNSHOWABLE.search(text):
            text = text.translate(_pictures())
    return _normalized(text)


@cache
def _pictures_in_names() -> dict[int, str]:
    """Return the replacements of characters that cannot be shown, for names, where none may be removed."""
    codes = (
        code for first, last in (*_CONTROLS, *_NONCHARACTERS, *_HIDDEN) for code in range(first, last + 1)
    )
    controls = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
    return dict.fromkeys(codes, _REPLACEMENT) | {_BLANK_BRAILLE: _REPLACEMENT} | controls


@cache
def _pictures() -> dict[int, str]:
    """Return the replacements of characters that cannot be shown in a text."""
    joiners = {code for code in _pictures_in_names() if re.match(f"[{_JOINERS}]", chr(code))}
    kept = joiners | {ord("\n"), _BLANK_BRAILLE}
    pictures = {code: picture for code, picture in _pictures_in_names().items() if code not in kept}
    hidden = {code: "" for first, last in _HIDDEN for code in range(first, last + 1) if code not in kept}
    return pictures | hidden | {ord("\t"): "    "}


class NotUtf8(ValueError):
    """Bytes that are not UTF-8 text; the message completes "the file …" or "the input …"."""


def decode(raw: bytes) -> str:
    """Decode UTF-8 with or without the byte order mark that Windows editors write.

    Raises:
        NotUtf8: it is UTF-16, as PowerShell writes it, or not UTF-8.
    """
    # UTF-16 can be valid UTF-8 by chance, with a NUL after each letter.
    if _is_utf16(raw[:8]):
        raise NotUtf8("is UTF-16 text, not UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUtf8("is not UTF-8 text") from None


def _is_utf16(start: bytes) -> bool:
    """Return True if bytes start like UTF-16: with its byte order mark, or with every other byte zero."""
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    odd, even = start[1::2], start[::2]
    # Latin letters in UTF-16 have a zero in each code unit, always on the same side.
    return marked or (len(start) >= 4 and any(odd) != any(even))


def nfc(text: str) -> str:
    """Return the composed form (NFC) of a text, in linear time: runs of more than 16 marks are cut."""
    return unicodedata.normalize("NFC", _MARK_RUN.sub(lambda run: _cap_marks(run[0], _SORTABLE_MARKS), text))


def is_hidden(character: str) -> bool:
    """Return True if a character is invisible."""
    return _HIDDEN_CHARACTER.match(character) is not None


def _normalized(text: str) -> str:
    """Return NFC with a bounded number of marks per character, and joiners only where they have a meaning."""
    # Removing a character can bring together two that compose, or separate a joiner from its emoji.
    for rounds in range(_ROUNDS + 2):
        before = text
        text = nfc(text)
        text = _MARK_RUN.sub(lambda run: _cap_marks(run[0], _MAX_MARKS), text)
        if not _JOINER.search(text):
            break
        text = _joined().sub(r"\1", text) if rounds < _ROUNDS else _JOINER.sub("", text)
        if text == before:
            break
    return text


@cache
def _joined() -> re.Pattern[str]:
    """Return a pattern of joiners, variation selectors and tags: in context (UTS #51, RFC 5892 A) or stray.

    Compiled on first use, since few texts have any.
    """
    return re.compile(
        "("
        # A flag of a subdivision, such as Scotland's.
        "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
        f"|[{PICTOGRAPHIC}](?:[\ufe0e\ufe0f]|[\U0001f3fb-\U0001f3ff])?"
        f"(?:\u200d[{PICTOGRAPHIC}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?)*"
        "|[0-9#*][\ufe0e\ufe0f]"
        f"|(?<=[{JOINING}])[\u200c\u200d](?=[{JOINING}])"
        "|(?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca])\u200d"  # After a virama.
        f")|[{_JOINERS}]"
    )


def _cap_marks(run: str, most: int) -> str:
    """Keep at most `most` combining marks in a row."""
    count = 0
    kept: list[str] = []
    for character in run:
        mark = unicodedata.category(character) in _MARKS or unicodedata.combining(character)
        count = count + 1 if mark else 0
        if count <= most:
            kept.append(character)
    return "".join(kept)


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Format a number with its noun: `1 message`, `2,000 messages`. `nouns` is an irregular plural."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "") -> str | None:
    """Return a question that suggests the known word nearest to `word`; None if none is near.

    Case does not count. `prefix` precedes the word in the question: `Did you mean "/join"?`
    """
    from difflib import get_close_matches  # Imported here, since most words are spelled correctly.

    spelled = {each.casefold(): each for each in known}
    nearest = get_close_matches(word.casefold(), spelled, n=1)
    return f'Did you mean "{prefix}{spelled[nearest[0]]}"?' if nearest else None


def hint(word: str, known: Collection[str]) -> str:
    """Return a suggestion of the known word that was meant; if none is near, a sentence that lists all."""
    return did_you_mean(word, known) or f"There are: {', '.join(known)}."


def suggest(sentence: str, word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Append a suggestion to a sentence about an unknown word, if a known word is near."""
    question = did_you_mean(word, known, prefix=prefix)
    return f"{sentence} {question}" if question else sentence
