"""A mergeable histogram of durations with a bounded error, in the manner of HdrHistogram. Pure.

A value falls into a bucket by its highest bit and the `PRECISION` bits after it, so a bucket is at most 1/128
as wide as its values are large; its middle represents all of them. Two histograms merge by adding their
counts, with the same result as a single histogram: processes need not exchange samples.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Self

PRECISION: Final = 7
"""Bits of a value that a bucket keeps after the highest one."""

ERROR: Final = Fraction(1, 1 << (PRECISION + 1))
"""The largest relative error of a quantile: under 0.4 %."""

QUANTILES: Final[Mapping[str, Fraction]] = {
    "p50": Fraction(1, 2),
    "p90": Fraction(9, 10),
    "p99": Fraction(99, 100),
    "p99.9": Fraction(999, 1000),
}
"""The quantiles that every report shows."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The number of values from `low` to `high`, both included."""

    low: int
    high: int
    count: int

    @property
    def middle(self) -> int:
        """The value that stands for all of them."""
        return (self.low + self.high) // 2


@dataclass(slots=True)
class Histogram:
    """Counts of non-negative integers (nanoseconds, wherever this package uses it).

    Attributes:
        count: The number of values.
        total: Their exact sum.
        minimum: The exact smallest value, None without values.
        maximum: The exact largest value, None without values.
    """

    count: int = 0
    total: int = 0
    minimum: int | None = None
    maximum: int | None = None
    _counts: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[int]) -> Self:
        """Return the histogram of some values."""
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
        if self.minimum is None or value < self.minimum:
            self.minimum = value
        if self.maximum is None or value > self.maximum:
            self.maximum = value

    def merge(self, other: "Histogram") -> None:
        """Add the counts of another histogram."""
        for index, count in other._counts.items():
            self._counts[index] = self._counts.get(index, 0) + count
        self.count += other.count
        self.total += other.total
        if other.minimum is not None:
            self.minimum = other.minimum if self.minimum is None else min(self.minimum, other.minimum)
        if other.maximum is not None:
            self.maximum = other.maximum if self.maximum is None else max(self.maximum, other.maximum)

    @property
    def mean(self) -> float | None:
        """The exact mean; None without values."""
        return self.total / self.count if self.count else None

    def quantile(self, share: Fraction) -> int | None:
        """Return the nearest-rank quantile (`share` of all are not above it), within `ERROR`, or None."""
        if self.minimum is None or self.maximum is None:
            return None
        # Rounded up, in whole numbers: a float would pick another rank for some shares.
        rank = max(1, -(-share.numerator * self.count // share.denominator))
        seen = 0
        for bucket in self:
            seen += bucket.count
            if seen >= rank:
                # The ends are exact, and no quantile lies outside them.
                return min(max(bucket.middle, self.minimum), self.maximum)
        return self.maximum

    def __iter__(self) -> Iterator[Bucket]:
        """Yield the buckets that are not empty, from the smallest values to the largest."""
        for index in sorted(self._counts):
            low, high = _edges(index)
            yield Bucket(low, high, self._counts[index])


def _index(value: int) -> int:
    # Small values have a bucket each; from there on, every power of two is cut into 128 buckets.
    shift = max(0, value.bit_length() - PRECISION - 1)
    return (shift << PRECISION) + (value >> shift)


def _edges(index: int) -> tuple[int, int]:
    """Return the smallest and the largest value of a bucket."""
    shift = max(0, (index >> PRECISION) - 1)
    kept = index - (shift << PRECISION)
    return kept << shift, ((kept + 1) << shift) - 1
