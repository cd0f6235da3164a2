"""Translates terminals' key reports to the form that Textual's parser understands.

Terminals report keys in several dialects: the kitty keyboard protocol with its sub-parameters
(https://sw.kovidgoyal.net/kitty/keyboard-protocol/), xterm's modifyOtherKeys, the sequences of older
terminals. Textual 8.2.8 raises on sub-parameters and invalid code points, and treats unknown sequences as
typed text.
"""

import re
import unicodedata
from typing import NamedTuple

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, IGNORE_SEQUENCE
from textual._keyboard_protocol import FUNCTIONAL_KEYS

SHIFT, ALT, CTRL = 1, 2, 4
# Caps Lock and Num Lock: the text that a key types has them in it already.
_LOCKS = 0b1100_0000
_SHORTCUT = 0b0011_1110
"""Alt, Ctrl, Super, Hyper, Meta: with one of them a key is a shortcut and types nothing."""

_RELEASED = 3
"""The kitty protocol's event type for a released key."""

_KEY = re.compile(r"\x1b\[([\d:;]*)([u~ABCDEFHPQS])")
_MOUSE = re.compile(r"\x1b\[<\d{1,5};-?\d{1,6};-?\d{1,6}[Mm]")
_RESIZED = re.compile(
    r"\x1b\[48;(\d{1,5})(?::[\d:]*)?;(\d{1,5})(?::[\d:]*)?;(\d{1,6})[\d:]*;(\d{1,6})[\d:]*t"
)
_MODE_REPORT = re.compile(r"\x1b\[\?\d{1,5};\d\$y")
_FOCUS = ("\x1b[I", "\x1b[O")

_DIGITS = 7
"""The most digits of a code point."""

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_LAYOUTS = (
    ("йцукенгшщзхъфывапролджэячсмитьбюё", _LATIN),  # Russian
    ("ії", "s]"),  # Ukrainian, where it differs
    ("ўі", "os"),  # Belarusian
    (";ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,.`", _LATIN),  # Greek
    ("/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ;", _LATIN),  # Hebrew
    ("ضصثقفغعهخحجدشسيبلاتنمكطئءؤر", "qwertyuiop[]asdfghjkl;'zxcv"),  # Arabic
    ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", "qwertyuiopasdfghjklzxcvbnm"),  # Korean
)
"""For terminals that do not report a key's position on a Latin keyboard."""

_ON_LATIN = {
    character: latin
    # Reversed, so that the first layout wins where several have the same character.
    for characters, latins in reversed(_LAYOUTS)
    for character, latin in zip(characters, latins, strict=True)
    if not character.isascii()
}


class KeyPress(NamedTuple):
    """A pressed key as reported by a terminal.

    Attributes:
        code: Its code point without modifiers, or the number of a functional key.
        modifiers: Bits of the kitty protocol, without those of lock keys.
        shifted: Its code point with Shift; 0 if that was not reported.
        base: The code point of the same key on a Latin keyboard; 0 if that was not reported.
        text: The text that it types; empty if not reported or none.
    """

    code: int
    modifiers: int = 0
    shifted: int = 0
    base: int = 0
    text: str = ""


def understood(sequence: str) -> str:
    """Translate a complete CSI sequence for Textual; return an empty string if it is not user input.

    The result is one or more complete sequences or characters, and nothing in it becomes text unless it was
    typed. Everything that is not known to be a key, a click, a resize, a focus change or a mode report is
    left out, such as answers to queries of another program, and future sequences.
    """
    if sequence in _FOCUS or _MOUSE.fullmatch(sequence) or _MODE_REPORT.fullmatch(sequence):
        return sequence
    if resized := _RESIZED.fullmatch(sequence):
        return _resize(*map(int, resized.groups()))
    if is_known(sequence):
        return sequence
    if key := _KEY.fullmatch(sequence):
        return _read_key(*key.groups())
    return ""


def is_known(sequence: str) -> bool:
    """Return True if a sequence is in Textual's table of keys."""
    return ANSI_SEQUENCES_KEYS.get(sequence, IGNORE_SEQUENCE) is not IGNORE_SEQUENCE


def with_alt(character: str) -> str:
    """Return the sequence for a character typed with Alt; empty if there is no such key."""
    code = ord(character)
    if "\x01" <= character <= "\x1a" and character not in "\t\r":
        return _unicode_key(KeyPress(code + 0x60, ALT | CTRL))
    if character == "\r":
        return _unicode_key(KeyPress(code, ALT))
    if not is_character(code):
        return ""
    if character.lower() != character and len(character.lower()) == 1:
        return _unicode_key(KeyPress(ord(character.lower()), ALT | SHIFT))
    return _unicode_key(KeyPress(code, ALT))


def is_character(code: int) -> bool:
    """Return True if a number is a printable code point: not a control, not a surrogate."""
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code < 0x110000


def _resize(height: int, width: int, pixel_height: int, pixel_width: int) -> str:
    """Return a report of the window's size; missing pixels become cells, as Textual divides by them."""
    if not (height and width):
        return ""
    return f"\x1b[48;{height};{width};{pixel_height or height};{pixel_width or width}t"


def _read_key(parameters: str, final: str) -> str:
    fields = [[_number(each) for each in field.split(":")] for field in parameters.split(";")]
    if any(number is None for field in fields for number in field):
        return ""
    numbers = [[number or 0 for number in field] for field in fields]
    if final == "~" and len(numbers) == 3 and numbers[0] == [27]:
        numbers, final = [numbers[2], numbers[1]], "u"  # xterm's modifyOtherKeys
    if len(numbers) > 3:
        return ""
    code, shifted, base, *_ = [*numbers[0], 0, 0]
    state, event, *_ = [*(numbers[1] if len(numbers) > 1 else [1]), 1]
    # Reported only on request, but a program before the chat may have requested it and not undone it.
    if event == _RELEASED:
        return ""
    press = KeyPress(
        code,
        # The protocol counts from 1, so that a missing parameter means no modifier.
        (max(state, 1) - 1) & 0xFF & ~_LOCKS,
        shifted,
        base,
        "".join(map(chr, filter(is_character, numbers[2]))) if len(numbers) > 2 else "",
    )
    return _unicode_key(press) if final == "u" else _functional_key(press, final)


def _number(digits: str) -> int | None:
    """Parse a number, 0 if empty; return None if it is too long to be valid."""
    return None if len(digits) > _DIGITS else int(digits or "0")


def _functional_key(press: KeyPress, final: str) -> str:
    code = press.code or 1
    if f"{code}{final}" not in FUNCTIONAL_KEYS:
        return ""
    if press.modifiers:
        return f"\x1b[{code};{press.modifiers + 1}{final}"
    return f"\x1b[{code}~" if final == "~" else f"\x1b[1;1{final}"


def _unicode_key(press: KeyPress) -> str:
    """Translate a key reported by its code point to the text it types, else to its name with modifiers."""
    code, modifiers = press.code, press.modifiers
    functional = f"{code}u" in FUNCTIONAL_KEYS
    if modifiers & _SHORTCUT and not _types(press):
        if not functional:
            code = _on_latin(code, press.base)
        return f"\x1b[{code};{modifiers + 1}u" if functional or is_character(code) else ""
    text = press.text
    if not text and not functional and is_character(code):
        text = _typed(press)
    if len(text) > 1:
        return text  # Composed by an input method: too long for one sequence.
    if text:
        return f"\x1b[{code};{(modifiers & ~(ALT | CTRL)) + 1};{ord(text)}u"
    if functional:
        return f"\x1b[{code};{modifiers + 1}u" if modifiers else f"\x1b[{code}u"
    return ""


def _types(press: KeyPress) -> bool:
    """Return True if a key with modifiers types text: with Option on a Mac, or AltGr where it is Ctrl+Alt."""
    return bool(press.text) and press.modifiers & _SHORTCUT in (0, ALT, ALT | CTRL)


def _typed(press: KeyPress) -> str:
    """Return the text that a key types, for terminals that do not report it."""
    character = chr(press.code)
    if not press.modifiers & SHIFT:
        return character if character.isprintable() else ""
    if is_character(press.shifted):
        return chr(press.shifted)
    upper = character.upper()
    return upper if len(upper) == 1 and upper.isprintable() else ""


def _on_latin(code: int, base: int) -> int:
    """Return the code of the same key on a Latin keyboard if it does not type a Latin letter.

    Shortcuts are named by Latin letters, and users find them by position.
    """
    if not is_character(code):
        return code
    character = chr(code).lower()
    if character.isascii() or unicodedata.name(character[0], "").startswith("LATIN"):
        return ord(character) if len(character) == 1 else code
    if is_character(base) and base < 0x80:
        return base
    return ord(_ON_LATIN.get(character, chr(code)))
