"""Texts with placeholders, and texts of a given size. Pure."""

import re
from dataclasses import dataclass
from typing import Self

from globalchat.core.errors import UsageError

PLACEHOLDERS = ("n", "time", "region")

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")
_FILLER = "abcdefghijklmnopqrstuvwxyz0123456789"


class PlaceholderError(UsageError):
    """A text has an unknown placeholder, or a brace without its counterpart."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders. `parts` alternate: plain text, a name, plain text, and so on."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `{n}`, `{time}` and `{region}`; `{{` and `}}` stand for braces, a `}` alone for itself.

        Raises:
            PlaceholderError: another name, or a brace without its counterpart.
        """
        parts = [""]
        end = 0
        for match in _TOKEN.finditer(text):
            parts[-1] += text[end : match.start()]
            end = match.end()
            if match[0] in ("{{", "}}"):
                parts[-1] += match[0][0]
            elif match[1] in PLACEHOLDERS:
                parts += [match[1], ""]
            else:
                raise PlaceholderError(_complaint(match[1]))
        parts[-1] += text[end:]
        return cls(tuple(parts))

    def fill(self, *, n: int, time: str, region: str) -> str:
        """The text with these values."""
        values = {"n": str(n), "time": time, "region": region}
        return "".join(values[part] if index % 2 else part for index, part in enumerate(self.parts))


def placeholders(text: str) -> tuple[str, ...]:
    """The placeholders that a text seems to have, as they are written."""
    written = (f"{{{name}}}" for name in PLACEHOLDERS)
    return tuple(each for each in written if each in text)


def units(text: str) -> int:
    """The length of a text as the backend counts it: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def pad(text: str, size: int) -> str:
    """The text with blanks behind it, up to `size` UTF-16 units; a longer one stays as it is."""
    return text + " " * (size - units(text))


def generate(size: int) -> str:
    """Some text of `size` characters."""
    return (_FILLER * (size // len(_FILLER) + 1))[:size]


def _complaint(name: str | None) -> str:
    known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
    advice = f"There are: {known}; a plain {{ is written {{{{."
    if name is None:
        return f"A {{ in the text is not closed. {advice}"
    shown = name if len(name) <= 30 else f"{name[:29]}…"
    return f"The text has an unknown placeholder {{{shown}}}. {advice}"
