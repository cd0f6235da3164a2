"""Estimates the difference between a region's clock and this machine's. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from globalchat.core.clock import is_plausible
from globalchat.core.values import value

SAMPLES = 8
"""Latest publishes kept per region: enough to contain a quick one, few enough to follow a drifting clock."""
DATES = 16
"""Latest dates kept per region: those of a session's start and of the requests that narrow the estimate."""
CLOSE_ENOUGH_MS = 25
"""An error that is small enough to send no further request."""
ROUGH_MS = 100
"""The error from which a transit is shown as approximate (`~`)."""
_DRIFT = 50e-6
"""The drift of a clock: 50 ppm is a bad quartz."""


@dataclass(frozen=True, slots=True)
class Dated:
    """An answer with a `Date` header: the `date`, and when the request was sent (`asked`) and `answered`.

    All are epoch ms: `asked` and `answered` on this machine's clock, `date` (whole seconds, rounded down) on
    the server's.
    """

    asked: int
    date: int
    answered: int


@dataclass(frozen=True, slots=True)
class Offset:
    """A region's clock minus this machine's in ms, wrong by at most `error_ms`."""

    ms: int
    error_ms: int

    def beyond(self, tolerance_ms: int) -> int | None:
        """Return the offset if it certainly exceeds `tolerance_ms`, else None."""
        return self.ms if abs(self.ms) - self.error_ms > tolerance_ms else None


@value(frozen=True, slots=True)
class Transit:
    """The transit time of a message in ms, wrong by at most `error_ms`."""

    ms: int
    error_ms: int


def read_date(header: str | None) -> int | None:
    """Parse a `Date` header to epoch ms; None if it is missing or invalid."""
    try:
        date = int(parsedate_to_datetime(header or "").timestamp()) * 1000
    except (ValueError, OverflowError):
        return None
    return date if is_plausible(date) else None


class ClockOffset:
    """Estimates each AWS region's clock minus this machine's, from three sources.

    - An own publish was stamped (`sent_at`) between its request and the answer: the middle is wrong by at
      most half of the round trip. The quickest of the latest publishes is used.
    - A `Date` header was written between request and answer, too, but has whole seconds. Each bounds the
      offset to a second and a round trip; the intersection of several dates from different parts of a
      second is narrower. `next_request_ms` says when one more request would halve it.
    - A server on this machine shares its clock (`share_clock`), unless a date contradicts that: a tunnel may
      lead to another machine.
    """

    def __init__(self) -> None:
        self._publishes: dict[str, deque[tuple[int, int]]] = {}
        self._dates: dict[str, deque[Dated]] = {}
        self._sharing: set[str] = set()
        self._known: dict[str, Offset] = {}

    def note(self, region: str, *, sent: int, stamped: int, answered: int) -> None:
        """Learn from one publish (epoch ms): `sent`, `answered` on our clock, `stamped` on the region's."""
        round_trip = answered - sent
        if round_trip < 0 or not is_plausible(stamped):  # Our clock was set back, or theirs is wrong.
            return
        samples = self._publishes.setdefault(region, deque(maxlen=SAMPLES))
        samples.append((round_trip, stamped - (sent + answered) // 2))
        self._learn(region)

    def note_date(self, region: str, dated: Dated) -> None:
        """Learn from one answer's date."""
        if dated.answered >= dated.asked:
            self._dates.setdefault(region, deque(maxlen=DATES)).append(dated)
            self._learn(region)

    def share_clock(self, region: str) -> None:
        """Assume that a region's server runs on this machine."""
        self._sharing.add(region)
        self._learn(region)

    def estimate(self, region: str) -> Offset | None:
        """Return the offset of a region, else of another one (AWS synchronises its clocks), else None."""
        return self._known.get(region) or min(
            self._known.values(), key=lambda offset: offset.error_ms, default=None
        )

    def transit(self, region: str, *, sent_at: int, received_at: int) -> Transit | None:
        """Return a message's transit time (never negative), or None if unknown.

        It is unknown without an offset, and for a `sent_at` that cannot be true.
        """
        # Thousands a second, nearly all from regions that are known.
        offset = self._known.get(region) or self.estimate(region)
        if offset is None or not is_plausible(sent_at):
            return None
        return Transit(max(0, received_at - sent_at + offset.ms), offset.error_ms)

    def next_request_ms(self, region: str, now: int) -> int | None:
        """Return how long to wait before the most informative request; None if none is needed.

        That is a request during which the region's second is expected to end: its date shows in which half of
        the estimate the offset is. No request is more accurate than its own round trip.
        """
        dates, known = self._dates.get(region), self._known.get(region)
        if not dates or known is None:
            return None
        quickest = min(each.answered - each.asked for each in dates)
        if known.error_ms <= max(CLOSE_ENOUGH_MS, quickest):
            return None
        return -(now + quickest // 2 + known.ms) % 1000

    def _learn(self, region: str) -> None:
        bounds = _common_bounds(self._dates.get(region, ()))
        low, high = bounds or (0, 0)
        found = [] if bounds is None else [Offset((low + high) // 2, (high - low + 1) // 2)]
        if publishes := self._publishes.get(region):
            round_trip, offset = min(publishes)
            found.append(Offset(offset, (round_trip + 1) // 2))
        # One more, as both sides are rounded to milliseconds.
        if region in self._sharing and all(abs(each.ms) <= each.error_ms + 1 for each in found):
            found.append(Offset(0, 0))
        if found:
            self._known[region] = min(found, key=lambda each: each.error_ms)


def _common_bounds(dates: Iterable[Dated]) -> tuple[int, int] | None:
    """Return the bounds of the offset by the latest dates that agree; dates before a clock was set do not."""
    bounds: tuple[int, int] | None = None
    latest = 0
    for each in reversed(tuple(dates)):
        latest = latest or each.answered
        slack = int(abs(latest - each.answered) * _DRIFT) + (bounds is not None)
        # Whole seconds are rounded down, so the true time is up to a second later.
        low, high = each.date - each.answered - slack, each.date + 1000 - each.asked + slack
        if bounds is not None:
            low, high = max(low, bounds[0]), min(high, bounds[1])
            # A clock was set between these two answers; only those since then count.
            if low > high:
                break
        bounds = low, high
    return bounds
