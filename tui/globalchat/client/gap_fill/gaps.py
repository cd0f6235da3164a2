"""Marks and gaps of a channel in one region, as values; cursors as times."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from globalchat.client.events import GapReason
from globalchat.client.history import cursor_at, cursor_time
from globalchat.client.messages import ALPHABET, LENGTH

MOST_GAPS = 50
"""Gaps listed per channel and region; beyond them neighbours become one."""

END = ALPHABET[-1] * LENGTH
"""A cursor behind all others."""


class Place(NamedTuple):
    """A channel in one region: arrivals are ordered there, and comparable nowhere else.

    `region` is the AWS region: an alias may be renamed.
    """

    region: str
    channel: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of arrival that was not read, for `reason`: what arrived after `after` and before `until`.

    Both are cursors, and excluded.
    """

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

    def holds(self, arrival: str) -> bool:
        """Return True if a message with this arrival lies in the gap."""
        return self.after < arrival < self.until


@dataclass(frozen=True, slots=True)
class ChannelMark:
    """What is known of a channel in a region, as it is stored.

    Attributes:
        mark: A cursor: what arrived up to it is known or lies in one of the gaps, but for what the margin
            allows (clocks of hosts that differ, puts that take their time).
        start: A cursor: what arrived before it was never waited for.
        gaps: What is not known, oldest first; none overlap.
    """

    mark: str
    start: str
    gaps: tuple[Gap, ...] = ()


def moved(cursor: str, seconds: float) -> str:
    """Return the cursor so many seconds later (earlier if negative), before all that arrived in that ms."""
    return cursor_at(cursor_time(cursor) + round(seconds * 1000))


def with_gap(gaps: Iterable[Gap], new: Gap) -> tuple[Gap, ...]:
    """Return the gaps with one more, oldest first.

    Where it overlaps others they keep their reasons. Neighbours with one reason become one; over `MOST_GAPS`
    the oldest two do, with what is between them and the reason of the later one.
    """
    result = sorted([*gaps, *_beyond(gaps, new)], key=lambda gap: gap.after)
    joined: list[Gap] = []
    for gap in result:
        if joined and joined[-1].until >= gap.after and joined[-1].reason is gap.reason:
            joined[-1] = replace(joined[-1], until=gap.until)
        else:
            joined.append(gap)
    while len(joined) > MOST_GAPS:
        first, second = joined[:2]
        joined[:2] = [Gap(first.after, second.until, second.reason)]
    return tuple(joined)


def without_span(gaps: Iterable[Gap], after: str, until: str) -> tuple[Gap, ...]:
    """Return what is left of gaps once a span was read."""
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
    """Return the parts of a gap that no other covers."""
    parts = [new] if new.after < new.until else []
    for gap in gaps:
        parts = [part for each in parts for part in without_span([each], gap.after, gap.until)]
    return parts
