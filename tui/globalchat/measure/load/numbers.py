"""Sets of small numbers as bits: a run has many subscribers, and each remembers every message. Pure."""

from collections.abc import Iterable, Iterator
from typing import Self


class Numbers:
    """A set of non-negative integers; takes one bit for each number up to the largest."""

    __slots__ = ("_bits",)

    def __init__(self, bits: bytes = b"") -> None:
        self._bits = bytearray(bits)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Self:
        """The set of some numbers."""
        made = cls()
        for number in numbers:
            made.add(number)
        return made

    def add(self, number: int) -> bool:
        """Add a number; whether it is new."""
        place, bit = number >> 3, 1 << (number & 7)
        bits = self._bits
        if place >= len(bits):
            # Twice as much as is needed, so that growing stays cheap.
            bits.extend(bytes(2 * place + 1 - len(bits)))
        if bits[place] & bit:
            return False
        bits[place] |= bit
        return True

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (number & 7))

    def __iter__(self) -> Iterator[int]:
        for place, byte in enumerate(self._bits):
            for bit in range(8):
                if byte & 1 << bit:
                    yield place * 8 + bit

    def __len__(self) -> int:
        return self._whole().bit_count()

    def without(self, other: "Numbers") -> int:
        """How many of these are not in another set."""
        return (self._whole() & ~other._whole()).bit_count()

    def pack(self) -> bytes:
        """The set for another process: what the constructor takes."""
        return bytes(self._bits)

    def _whole(self) -> int:
        return int.from_bytes(self._bits, "little")
