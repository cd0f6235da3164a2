"""A mergeable histogram of durations with a stated error, in the manner of HdrHistogram. Pure.

A value falls into a bucket by its highest bit and the `PRECISION` bits after it, so that a bucket is at most
1/128 as wide as its values are large; what a bucket answers for is its middle. Two histograms merge by adding
their counts, and the merged one is the one that all values would have made: processes need not hand over
samples.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Self

PRECISION: Final = 7
"""Bits of a value that a bucket keeps after the highest one."""

ERROR: Final = Fraction(1, 1 << (PRECISION + 1))
"""How far a quantile may be from the exact one at most, as a share of it: under 0.4 %."""

QUANTILES: Final[Mapping[str, Fraction]] = {
    "p50": Fraction(1, 2),
    "p90": Fraction(9, 10),
    "p99": Fraction(99, 100),
    "p99.9": Fraction(999, 1000),
}
"""The quantiles that everything reports."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many values were at least `low` and at most `high`."""

    low: int
    high: int
    count: int

    @property
    def middle(self) -> int:
        """The value that stands for all of them."""
        return (self.low + self.high) // 2


@dataclass(slots=True)
class Histogram:
    """Counts of non-negative integers (nanoseconds, wherever the probe uses it).

    Attributes:
        count: How many values there are.
        total: Their exact sum.
        least: The exact smallest, None if there is none.
        most: The exact largest, likewise.
    """

    count: int = 0
    total: int = 0
    least: int | None = None
    most: int | None = None
    _counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[int]) -> Self:
        """The histogram of some values."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    def add(self, value: int) -> None:
        """Count a value.

        Raises:
            ValueError: it is negative.
        """
        if value < 0:
            raise ValueError("a histogram counts no negative values")
        index = _index(value)
        self._counts[index] = self._counts.get(index, 0) + 1
        self.count += 1
        self.total += value
        if self.least is None or value < self.least:
            self.least = value
        if self.most is None or value > self.most:
            self.most = value

    def merge(self, other: "Histogram") -> None:
        """Count everything that another one has counted."""
        for index, count in other._counts.items():
            self._counts[index] = self._counts.get(index, 0) + count
        self.count += other.count
        self.total += other.total
        if other.least is not None:
            self.least = other.least if self.least is None else min(self.least, other.least)
        if other.most is not None:
            self.most = other.most if self.most is None else max(self.most, other.most)

    @property
    def mean(self) -> float | None:
        """The exact mean; None without values."""
        return self.total / self.count if self.count else None

    def quantile(self, share: Fraction) -> int | None:
        """The nearest-rank quantile: `share` of all are not above it. Within `ERROR`; None without values."""
        if self.least is None or self.most is None:
            return None
        rank = max(1, -(-share.numerator * self.count // share.denominator))
        seen = 0
        for bucket in self:
            seen += bucket.count
            if seen >= rank:
                return min(max(bucket.middle, self.least), self.most)
        return self.most

    def __iter__(self) -> Iterator[Bucket]:
        """The buckets that hold something, from the smallest values to the largest."""
        for index in sorted(self._counts):
            low, high = _edges(index)
            yield Bucket(low, high, self._counts[index])


def _index(value: int) -> int:
    shift = max(0, value.bit_length() - PRECISION - 1)
    return (shift << PRECISION) + (value >> shift)


def _edges(index: int) -> tuple[int, int]:
    """The least and the largest value of a bucket."""
    shift = max(0, (index >> PRECISION) - 1)
    kept = index - (shift << PRECISION)
    return kept << shift, ((kept + 1) << shift) - 1
