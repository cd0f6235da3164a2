"""Texts to publish, as they come from the command line or from standard input."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self

LONGEST_LINE = 1 << 20
"""Bytes of a line that are read at most; no backend takes as much."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text, or the fault that keeps it from being one. `number` counts from 1; None is the command line."""

    number: int | None
    text: str = ""
    fault: str | None = None

    @classmethod
    def of_argument(cls, argument: str) -> Self:
        """The text of a command-line argument, in which Python marks undecodable bytes by lone surrogates."""
        try:
            argument.encode()
        except UnicodeEncodeError:
            return cls(None, fault="The text is not UTF-8.")
        return cls(None, argument)

    @property
    def place(self) -> str:
        """What a sentence about the line starts with."""
        return "" if self.number is None else f"line {self.number}: "


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    r"""The lines of a stream as they come, without their ends (`\n` or `\r\n`)."""
    number = 0
    while raw := stream.readline(LONGEST_LINE):
        number += 1
        whole = raw.endswith(b"\n") or len(raw) < LONGEST_LINE
        yield (
            _line(number, raw) if whole else Line(number, fault="The line is longer than any message may be.")
        )
        while not whole:
            rest = stream.readline(LONGEST_LINE)
            whole = rest.endswith(b"\n") or len(rest) < LONGEST_LINE


def _line(number: int, raw: bytes) -> Line:
    try:
        return Line(number, raw.removesuffix(b"\n").removesuffix(b"\r").decode())
    except UnicodeDecodeError:
        return Line(number, fault="The line is not UTF-8.")
