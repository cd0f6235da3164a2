"""Makes the drafts of a bulk from bytes or a template. Pure except for the random ids."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Self

from globalchat.client.messages import Draft, IdFactory
from globalchat.core.clock import WallClock, iso_time
from globalchat.core.errors import Refused, UsageError

PLACEHOLDERS = ("n", "time", "region")

LONGEST_LINE = 1 << 20
"""The most bytes of a line that are kept; no backend accepts as much."""

TOO_LONG = "The line is longer than any message may be."
NOT_UTF8 = "The line is not UTF-8."

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")
_FILLER = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Item:
    """A text, or `fault`, a sentence on why it cannot be sent. `number` counts from 1."""

    number: int
    text: str = ""
    fault: str | None = None


async def repeat(text: str, count: int) -> AsyncGenerator[Item, None]:
    """Yield the same text `count` times."""
    for number in range(1, count + 1):
        yield Item(number, text)


class LineSplitter:
    r"""Splits bytes into items as they arrive: one per line, without its end (`\n` or `\r\n`)."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._number = 0
        self._is_too_long = False
        self._start: bytes | None = b""

    def feed(self, chunk: bytes) -> list[Item]:
        """Return the lines that end in this chunk.

        Raises:
            UsageError: the stream is UTF-16.
        """
        chunk = self._without_mark(chunk)
        # Split as bytes: in UTF-8 no other character contains 0x0A, and a chunk may end inside a character.
        *ended, rest = chunk.split(b"\n")
        items = []
        for part in ended:
            self._append(part)
            items.append(self._item())
        self._append(rest)
        return items

    def end(self) -> list[Item]:
        """Return the last line if it has no line end."""
        if self._start is not None:
            self._append(self._start)
        return [self._item()] if self._rest or self._is_too_long else []

    def _without_mark(self, chunk: bytes) -> bytes:
        """Return the bytes to split: none until a byte order mark can be ruled out or removed."""
        if self._start is None:
            return chunk
        start = self._start + chunk
        # A chunk may be a single byte, when the writer at the other end of the pipe is slow.
        self._start = start if _may_be_marked(start) else None
        if self._start is not None:
            return b""
        if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise UsageError("The input is UTF-16.", remedy="Convert it: iconv -f UTF-16 -t UTF-8.")
        return start.removeprefix(BOM_UTF8)

    def _append(self, part: bytes) -> None:
        if self._is_too_long or len(self._rest) + len(part) > LONGEST_LINE:
            self._is_too_long = True
            # The rest of the line is dropped as it comes: a file without line ends must not fill the memory.
            self._rest.clear()
        else:
            self._rest += part

    def _item(self) -> Item:
        self._number += 1
        raw, self._rest = bytes(self._rest), bytearray()
        if self._is_too_long:
            self._is_too_long = False
            return Item(self._number, fault=TOO_LONG)
        try:
            return Item(self._number, raw.removesuffix(b"\r").decode())
        except UnicodeDecodeError:
            return Item(self._number, fault=NOT_UTF8)


def _may_be_marked(start: bytes) -> bool:
    """Return True if more bytes are needed to decide whether a stream starts with a byte order mark."""
    marks = (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)
    return any(len(start) < len(mark) and mark.startswith(start) for mark in marks)


class PlaceholderError(UsageError):
    """A text has an unknown placeholder or an unmatched brace."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders. `parts` alternate: plain text, a name, plain text, and so on."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `{n}`, `{time}` and `{region}`; `{{` and `}}` mean braces, a single `}` means itself.

        Raises:
            PlaceholderError: another name, or an unmatched brace.
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
                raise PlaceholderError(_placeholder_problem(match[1]))
        parts[-1] += text[end:]
        return cls(tuple(parts))

    def fill(self, *, n: int, time: str, region: str) -> str:
        """Return the text with these values."""
        values = {"n": str(n), "time": time, "region": region}
        return "".join(values[part] if index % 2 else part for index, part in enumerate(self.parts))


def _placeholder_problem(name: str | None) -> str:
    known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
    advice = f"There are: {known}; a plain {{ is written {{{{."
    if name is None:
        return f"A {{ in the text is not closed. {advice}"
    shown = name if len(name) <= 30 else f"{name[:29]}…"
    return f"The text has an unknown placeholder {{{shown}}}. {advice}"


def placeholders(text: str) -> tuple[str, ...]:
    """Return what look like placeholders in a text, as written."""
    written = (f"{{{name}}}" for name in PLACEHOLDERS)
    return tuple(each for each in written if each in text)


def units(text: str) -> int:
    """Return the length of a text as the backend counts it: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def pad(text: str, size: int) -> str:
    """Pad a text with blanks to `size` UTF-16 units; a longer text is returned unchanged."""
    # A blank is one unit in UTF-16 and one byte in JSON, so both lengths grow by the same number.
    return text + " " * (size - units(text))


def generate(size: int) -> str:
    """Return filler text of `size` characters."""
    return (_FILLER * (size // len(_FILLER) + 1))[:size]


class MessageBuilder:
    """Fills in, pads and signs texts for one channel.

    `clock` gives epoch ms; templates show this time and `region`.
    """

    def __init__(
        self,
        channel: str,
        sender: str,
        *,
        region: str,
        clock: WallClock,
        templated: bool = False,
        size: int | None = None,
    ) -> None:
        self._channel = channel
        self._sender = sender
        self._region = region
        self._clock = clock
        self._templated = templated
        self._size = size
        self._ids = IdFactory()

    def build(self, item: Item) -> Draft:
        """Return the draft of an item.

        Raises:
            Refused: there is no text, the text is not a valid template, or it is longer than its size.
        """
        if item.fault is not None:
            raise _bad_text(item.fault)
        now = self._clock()
        text = self._fill(item, now) if self._templated else item.text
        if self._size is not None:
            if (length := units(text)) > self._size:
                raise _bad_text(f"The text has {length} UTF-16 units, more than the size of {self._size}.")
            text = pad(text, self._size)
        return Draft(self._ids.new(), self._channel, text, self._sender, now)

    def _fill(self, item: Item, now: int) -> str:
        try:
            template = Template.parse(item.text)
        except PlaceholderError as error:
            raise _bad_text(str(error)) from None
        return template.fill(n=item.number, time=iso_time(now), region=self._region)


def _bad_text(reason: str) -> Refused:
    return Refused(reason, error_type="BadText")
