"""Marks and gaps of a channel in one region, as values; cursors as times."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from globalchat.client.events import GapReason
from globalchat.client.history import cursor_at, cursor_time
from globalchat.client.messages import ALPHABET, LENGTH

# A bound for the file and for the screen: nothing else limits them on a bad connection.
MOST_GAPS = 50
"""The most gaps per channel and region; above that, neighbours are merged."""

END = ALPHABET[-1] * LENGTH
"""A cursor after all others."""


class Place(NamedTuple):
    """A channel in one region: arrivals are ordered within it, and cannot be compared with others.

    `region` is the AWS region: an alias may be renamed.
    """

    region: str
    channel: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of arrivals that was not read, for `reason`: between the cursors `after` and `until`."""

    after: str
    until: str
    reason: GapReason

    @property
    def since_ms(self) -> int:
        """The time at which it begins (epoch ms of the region's clock)."""
        return cursor_time(self.after)

    @property
    def until_ms(self) -> int:
        """The time at which it ends (epoch ms of the region's clock)."""
        return cursor_time(self.until)


@dataclass(frozen=True, slots=True)
class ChannelMark:
    """The stored state of a channel in a region.

    Attributes:
        mark: A cursor: messages that arrived up to it are known or in one of the gaps, except within the
            margin (different clocks of hosts, slow puts).
        start: A cursor: earlier messages were never expected.
        gaps: The unknown spans, oldest first, without overlaps.
    """

    mark: str
    start: str
    gaps: tuple[Gap, ...] = ()


def moved(cursor: str, seconds: float) -> str:
    """Return the cursor some seconds later (earlier if negative), before all arrivals of that millisecond."""
    return cursor_at(cursor_time(cursor) + round(seconds * 1000))


def with_gap(gaps: Iterable[Gap], new: Gap) -> tuple[Gap, ...]:
    """Return the gaps with another one, oldest first.

    Where it overlaps others, they keep their reasons. Neighbours with the same reason are merged; above
    `MOST_GAPS`, so are the oldest two, including the span between them, with the reason of the later one.
    """
    result = sorted([*gaps, *_beyond(gaps, new)], key=lambda gap: gap.after)
    joined: list[Gap] = []
    for gap in result:
        # Different reasons are kept apart: they decide whether a gap is read automatically.
        if joined and joined[-1].until >= gap.after and joined[-1].reason is gap.reason:
            joined[-1] = replace(joined[-1], until=gap.until)
        else:
            joined.append(gap)
    while len(joined) > MOST_GAPS:
        # The oldest are merged since they are the first to expire; the span between is read twice, never
        # lost.
        first, second = joined[:2]
        joined[:2] = [Gap(first.after, second.until, second.reason)]
    return tuple(joined)


def without_span(gaps: Iterable[Gap], after: str, until: str) -> tuple[Gap, ...]:
    """Return the rest of the gaps after a span was read."""
    left: list[Gap] = []
    for gap in gaps:
        if gap.until <= after or gap.after >= until:
            left.append(gap)
            continue
        if gap.after < after:
            left.append(replace(gap, until=after))
        if gap.until > until:
            left.append(replace(gap, after=until))
    return tuple(left)


def _beyond(gaps: Iterable[Gap], new: Gap) -> list[Gap]:
    """Return the parts of a gap that no other one covers."""
    parts = [new] if new.after < new.until else []
    for gap in gaps:
        # One new gap may be cut into several pieces by the gaps within it.
        parts = [part for each in parts for part in without_span([each], gap.after, gap.until)]
    return parts
