"""The channels of a session: which are wanted, and what each connection has of them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from globalchat.client.events import ChannelRefused, ChannelRevoked, GapReason, GapRecorded
from globalchat.client.messages import MOST_CHANNELS, Backend
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.response_errors import UNKNOWN_CHANNEL
from globalchat.client.state import StateDetails


@dataclass(slots=True)
class _Channel:
    """What a session knows of one channel, in whichever region.

    `existed`: some connection had it. `removed`: the backend had it no more when it was last looked for.
    `missing_since` (epoch ms): since then messages may have been missed.
    """

    wanted: bool = False
    revoked: bool = False
    existed: bool = False
    removed: bool = False
    missing_since: int | None = None


class SubscriptionSet:
    """The channels that are to be subscribed, and since when each may have missed messages (epoch ms).

    With `channels` None every channel that the backend turns out to have is wanted.
    """

    def __init__(self, channels: Sequence[str] | None) -> None:
        self._wants_all = channels is None
        self._discovered: set[str] = set()
        self._channels: dict[str, _Channel] = {}
        self._order: dict[str, None] = {}
        for channel in channels or ():
            self.add(channel)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The channels to be subscribed, in the order in which they were asked for."""
        return tuple(self._order)

    @property
    def revoked(self) -> frozenset[str]:
        """The channels that an administrator ended, until the user joins them again."""
        return frozenset(name for name, each in self._channels.items() if each.revoked)

    @property
    def missing_since(self) -> int | None:
        """The time since which messages of wanted channels may have been missed; None if none were."""
        times = (self._channels[name].missing_since for name in self._order)
        return min((time for time in times if time is not None), default=None)

    def discover(self, channels: Iterable[str]) -> None:
        """Take what the backend has. A channel that was discovered before is not added again.

        Regions may list different channels; of all that are ever discovered `MOST_CHANNELS` are taken.
        """
        for channel in channels:
            if channel not in self._discovered and len(self._discovered) >= MOST_CHANNELS:
                continue
            if self._wants_all and channel not in self._discovered:
                self.add(channel)
            self._discovered.add(channel)

    def add(self, channel: str) -> None:
        """Want a channel, also one that was revoked."""
        record = self._of(channel)
        record.wanted, record.revoked, record.removed = True, False, False
        self._order[channel] = None

    def remove(self, channel: str) -> None:
        """Stop wanting a channel: nothing of it counts as missed."""
        record = self._of(channel)
        record.wanted, record.missing_since = False, None
        self._order.pop(channel, None)

    def revoke(self, channel: str, now: int) -> bool:
        """Record that an administrator ended a channel; return False if it was not wanted."""
        record = self._of(channel)
        if not record.wanted:
            return False
        record.wanted, record.revoked = False, True
        del self._order[channel]
        self._lose(record, now)
        return True

    def end_removed(self, backend: Backend, now: int) -> list[str]:
        """Record which subscribed or revoked channels a backend has no more; return each of them once."""
        if backend.left_out:
            return []  # They may be among the names that were left out.
        known = [name for name, each in self._channels.items() if each.existed and not each.removed]
        gone = [name for name in known if self._is_shown(name) and name not in backend.channels]
        for name in gone:
            self.revoke(name, now)
            self._of(name).removed = True
        return gone

    def refuse(self, refused: ChannelRefused, now: int) -> ChannelRefused | ChannelRevoked:
        """Stop wanting a channel that the backend refused; return the event: one that existed was removed."""
        record = self._of(refused.channel)
        if refused.error_type == UNKNOWN_CHANNEL and record.existed:
            self.revoke(refused.channel, now)
            record.removed = True
            return ChannelRevoked(refused.channel, is_removed=True)
        self.remove(refused.channel)
        return refused

    def mark_lost(self, channels: Iterable[str], since: int) -> None:
        """Record that subscriptions ended without the user's will."""
        for channel in channels:
            self._lose(self._of(channel), since)

    def mark_confirmed(
        self, channels: Iterable[str], now: int, reason: GapReason | None
    ) -> list[GapRecorded]:
        """Record that channels are subscribed from now on; return the gaps that end with it.

        None are returned if history fills them, which is so without a `reason`.
        """
        gaps: dict[int, list[str]] = {}
        for channel in channels:
            record = self._of(channel)
            record.existed = True
            if record.missing_since is not None:
                gaps.setdefault(record.missing_since, []).append(channel)
                record.missing_since = None
        if reason is None:
            return []
        return [
            GapRecorded(tuple(sorted(names)), since, max(since, now), reason) for since, names in gaps.items()
        ]

    def _is_shown(self, channel: str) -> bool:
        return self._of(channel).wanted or self._of(channel).revoked

    def _of(self, channel: str) -> _Channel:
        return self._channels.setdefault(channel, _Channel())

    @staticmethod
    def _lose(record: _Channel, since: int) -> None:
        if record.missing_since is None:
            record.missing_since = since


class Subscription(Enum):
    """The stages of one channel on one connection."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    ENDING = "ending"


class ConnectionChannels:
    """What one connection has of the channels: a channel that is not named here is not subscribed on it.

    Attributes:
        refused: Channels that the backend refused, and why.
        was_revoked: The backend ended a channel on it.
    """

    def __init__(self) -> None:
        self.refused: dict[str, ChannelRefused] = {}
        self.was_revoked = False
        self._stages: dict[str, Subscription] = {}

    @property
    def confirmed(self) -> frozenset[str]:
        """The channels that are subscribed."""
        return frozenset(name for name, stage in self._stages.items() if stage is Subscription.CONFIRMED)

    @property
    def active(self) -> frozenset[str]:
        """The channels that are subscribed or about to be."""
        return frozenset(name for name, stage in self._stages.items() if stage is not Subscription.ENDING)

    @property
    def named(self) -> frozenset[str]:
        """The channels that are subscribed, about to be, or just ending."""
        return frozenset(self._stages)

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Return the wanted channels that are neither confirmed nor refused."""
        confirmed = self.confirmed
        return [name for name in wanted if name not in confirmed and name not in self.refused]

    def start(self, channel: str) -> bool:
        """Record a `Subscribe`; return False if the channel is named here already, or refused."""
        if channel in self._stages or channel in self.refused:
            return False
        self._stages[channel] = Subscription.PENDING
        return True

    def confirm(self, channel: str) -> bool:
        """Record that the backend confirmed a channel; return False if it is not pending."""
        if self._stages.get(channel) is not Subscription.PENDING:
            return False
        self._stages[channel] = Subscription.CONFIRMED
        return True

    def refuse(self, refused: ChannelRefused) -> bool:
        """Record that the backend refused a channel; return False if it is not pending."""
        if self._stages.get(refused.channel) is not Subscription.PENDING:
            return False
        del self._stages[refused.channel]
        self.refused[refused.channel] = refused
        return True

    def end(self, channel: str) -> bool:
        """Record an `Unsubscribe`; return False if there is nothing to end."""
        if channel not in self.active:
            return False
        self._stages[channel] = Subscription.ENDING
        return True

    def forget(self, channel: str) -> bool:
        """Record that a subscription is over; return False if there was none."""
        return self._stages.pop(channel, None) is not None


@dataclass(slots=True, eq=False)
class RegionLink:
    """What the machine knows of one connection to a region.

    Attributes:
        wanted_at: The endpoint that was asked for.
        endpoint: Where the profile says that the region is, once it was read.
        is_open: Channels can be subscribed.
        live_since: When it became the live one, in monotonic seconds.
        is_left: Another region is live; it is kept for messages that are on their way there.
    """

    number: int
    wanted_at: RegionEndpoint
    endpoint: RegionEndpoint
    backend: Backend | None = None
    is_open: bool = False
    clock_skew: float | None = None
    latency_ms: int | None = None
    live_since: float = 0.0
    is_left: bool = False
    channels: ConnectionChannels = field(default_factory=ConnectionChannels)

    def may_lack(self, channel: str) -> bool:
        """Return True if a channel is not in what the region said of itself: that may have changed since."""
        return self.backend is not None and channel not in self.backend.channels

    def why_unfilled(self, *, wanted: bool) -> GapReason | None:
        """Return why history fills no gap in this region, if it is `wanted` to; None if it does."""
        if not wanted:
            return GapReason.NOT_WANTED
        history = None if self.backend is None else self.backend.history
        if history is None:
            return GapReason.NO_HISTORY
        return None if history.days else GapReason.HISTORY_OFF


def channel_details(subscriptions: SubscriptionSet, live: RegionLink | None) -> StateDetails:
    """Return what the state of a session says of its channels; `live` is its live connection."""
    return {
        "missing_since": subscriptions.missing_since,
        "revoked": subscriptions.revoked,
        "joining": frozenset(live.channels.missing(subscriptions.wanted) if live else ()),
    }
