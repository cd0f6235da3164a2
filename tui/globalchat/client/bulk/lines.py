"""Texts to publish as lines of a stream. Pure."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

from globalchat.client.bulk.items import Item
from globalchat.core.errors import UsageError

LONGEST_LINE = 1 << 20
"""Bytes of a line that are kept at most; no backend takes as much."""

TOO_LONG = "The line is longer than any message may be."
NOT_UTF8 = "The line is not UTF-8."


class LineSplitter:
    r"""Makes items of bytes as they come: one per line, without its end (`\n` or `\r\n`)."""

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
        *ended, rest = chunk.split(b"\n")
        items = []
        for part in ended:
            self._keep(part)
            items.append(self._item())
        self._keep(rest)
        return items

    def end(self) -> list[Item]:
        """Return the last line, if it has no end."""
        if self._start is not None:
            self._keep(self._start)
        return [self._item()] if self._rest or self._is_too_long else []

    def _without_mark(self, chunk: bytes) -> bytes:
        """Return what is to be split: nothing until the first bytes show if they are a byte order mark."""
        if self._start is None:
            return chunk
        start = self._start + chunk
        self._start = start if _may_be_marked(start) else None
        if self._start is not None:
            return b""
        if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise UsageError("The input is UTF-16.", remedy="Convert it: iconv -f UTF-16 -t UTF-8.")
        return start.removeprefix(BOM_UTF8)

    def _keep(self, part: bytes) -> None:
        if self._is_too_long or len(self._rest) + len(part) > LONGEST_LINE:
            self._is_too_long = True
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
    """Return whether more bytes are needed to see if a stream that starts so has a byte order mark."""
    marks = (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)
    return any(len(start) < len(mark) and mark.startswith(start) for mark in marks)
