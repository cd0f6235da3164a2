"""Which channels a session wants, and since when each may have missed messages. Pure: time is passed in."""

from collections.abc import Iterable, Sequence

from globalchat.client.events import GapRecorded
from globalchat.client.messages import MOST_CHANNELS


class Roster:
    """The channels of a session. Times are epoch ms.

    Attributes:
        revoked: Channels that an administrator ended, until somebody rejoins them.
    """

    def __init__(self, channels: Sequence[str] | None) -> None:
        """With None every channel that the backend turns out to have is wanted."""
        self.revoked: set[str] = set()
        self._all = channels is None
        self._offered: set[str] = set()
        self._wanted: dict[str, None] = dict.fromkeys(channels or ())
        self._missing_since: dict[str, int] = {}

    @property
    def wanted(self) -> tuple[str, ...]:
        """The channels to be subscribed, in the order in which they were asked for."""
        return tuple(self._wanted)

    @property
    def missing_since(self) -> int | None:
        """Since when messages of wanted channels may have been missed; None if all is vouched for."""
        return min((at for name, at in self._missing_since.items() if name in self._wanted), default=None)

    def offer(self, channels: Iterable[str]) -> None:
        """Learn what the backend has. A channel that was offered before is not taken up again.

        Regions may list different channels; of all that are ever offered `MOST_CHANNELS` are taken up.
        """
        for channel in channels:
            if channel not in self._offered and len(self._offered) >= MOST_CHANNELS:
                continue
            if self._all and channel not in self._offered:
                self.want(channel)
            self._offered.add(channel)

    def want(self, channel: str) -> None:
        """Want a channel, also if it was revoked."""
        self.revoked.discard(channel)
        self._wanted[channel] = None

    def leave(self, channel: str) -> None:
        """No longer want a channel, and vouch for nothing of it."""
        self._wanted.pop(channel, None)
        self._missing_since.pop(channel, None)

    def revoke(self, channel: str, now: int) -> bool:
        """Take note that an administrator ended a channel; False if that is known or nobody wanted it."""
        if channel not in self._wanted:
            return False
        del self._wanted[channel]
        self.revoked.add(channel)
        self._missing_since.setdefault(channel, now)
        return True

    def lost(self, channels: Iterable[str], since: int) -> None:
        """Take note that the subscriptions of these channels ended without our will."""
        for channel in channels:
            self._missing_since.setdefault(channel, since)

    def confirm(self, channels: Iterable[str], now: int) -> list[GapRecorded]:
        """Take note that these channels are subscribed now; the gaps that end with it."""
        gaps: dict[int, list[str]] = {}
        for channel in channels:
            since = self._missing_since.pop(channel, None)
            if since is not None:
                gaps.setdefault(since, []).append(channel)
        return [GapRecorded(tuple(sorted(names)), since, max(since, now)) for since, names in gaps.items()]
