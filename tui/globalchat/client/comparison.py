"""Compares what the regions have stored of a channel: what one has, and another lacks. Pure.

A message is sent once and arrives in every region, so it is compared by when it was sent. What was sent a
moment ago may be on its way to another region.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.client.messages import Identity, Message
from globalchat.client.options import CLOCK_MARGIN

SETTLING_MS = 30_000
"""How long after it was sent a message may be on its way: relays take a second or two."""
MARGIN_MS = round(CLOCK_MARGIN * 1000)
"""How far the clocks of two regions, or of the hosts of one, may differ."""


@dataclass(slots=True)
class StoredInRegion:
    """What a region has stored of a channel: every message by its identity, the earliest copy of each.

    `since` is from when on the region keeps messages (epoch ms).
    """

    alias: str
    since: int
    messages: dict[Identity, Message] = field(default_factory=dict)

    def add(self, messages: Iterable[Message]) -> None:
        """Add messages; of two copies of one the one that was sent first counts."""
        for each in messages:
            known = self.messages.get(each.identity)
            if known is None or each.sent_at < known.sent_at:
                self.messages[each.identity] = each


@dataclass(frozen=True, slots=True)
class LackingMessage:
    """A message that the region `lacked_by` lacks and the regions `stored_by` have (aliases).

    `message` is the copy in the region `copied_from`, whose order its arrival belongs to.
    """

    message: Message
    copied_from: str
    lacked_by: str
    stored_by: tuple[str, ...]

    @property
    def key(self) -> tuple[str, Identity]:
        """The region that lacks it, and the identity of the message."""
        return self.lacked_by, self.message.identity


@dataclass(frozen=True, slots=True)
class HistoryComparison:
    """How many messages were compared, and what some region lacks, in the order of sending.

    `young` counts what some region lacks, but was sent so late that it may be on its way. `not_kept` counts,
    by alias, what was sent before the region kept messages.
    """

    compared: int
    lacking: Sequence[LackingMessage]
    young: int
    not_kept: Mapping[str, int]


def compare(regions: Sequence[StoredInRegion], *, since: int, now: int) -> HistoryComparison:
    """Compare what was sent from `since` on; `now` (epoch ms, the regions' clock) is when reading began."""
    copies: dict[Identity, tuple[Message, str]] = {}
    for region in regions:
        for identity, message in region.messages.items():
            if identity not in copies or message.sent_at < copies[identity][0].sent_at:
                copies[identity] = message, region.alias
    wanted = {key: each for key, each in copies.items() if each[0].sent_at >= since}
    lacking: list[LackingMessage] = []
    young: set[Identity] = set()
    not_kept: dict[str, int] = {}
    for identity, (message, alias) in wanted.items():
        stored_by = tuple(region.alias for region in regions if identity in region.messages)
        for region in regions:
            if region.alias in stored_by:
                continue
            if message.sent_at > now - SETTLING_MS:
                young.add(identity)
            elif message.sent_at < region.since + MARGIN_MS:
                not_kept[region.alias] = not_kept.get(region.alias, 0) + 1
            else:
                lacking.append(LackingMessage(message, alias, region.alias, stored_by))
    lacking.sort(key=lambda each: each.message.order)
    return HistoryComparison(len(wanted), lacking, len(young), not_kept)
