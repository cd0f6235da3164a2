"""Texts to publish as lines of a stream. Pure."""

from globalchat.client.bulk.items import Item

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

    def feed(self, chunk: bytes) -> list[Item]:
        """The lines that end in this chunk."""
        *ended, rest = chunk.split(b"\n")
        items = []
        for part in ended:
            self._keep(part)
            items.append(self._item())
        self._keep(rest)
        return items

    def end(self) -> list[Item]:
        """The last line, if it has no end."""
        return [self._item()] if self._rest or self._is_too_long else []

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
