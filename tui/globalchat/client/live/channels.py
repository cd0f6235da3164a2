"""The channels of a session on its links: joined, left, refused, revoked, and what of them may be missed."""

from collections.abc import Callable

from globalchat.client.events import ChannelRefused, ChannelRevoked, GapRecorded, SessionEvent
from globalchat.client.live.chores import Chores
from globalchat.client.live.link import Link
from globalchat.client.live.links import Links
from globalchat.client.live.report import Report
from globalchat.client.live.roster import Roster
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError


class Channels:
    """Keeps what is subscribed in step with the roster, which says what is wanted."""

    def __init__(
        self,
        *,
        roster: Roster,
        links: Links,
        report: Report,
        chores: Chores,
        tell: Callable[[SessionEvent], None],
        clock: WallClock,
    ) -> None:
        """`clock` gives epoch ms."""
        self._roster = roster
        self._links = links
        self._report = report
        self._chores = chores
        self._tell = tell
        self._clock = clock

    def join(self, channel: str) -> None:
        """Want one more channel."""
        self._roster.want(channel)
        self._report.channels_changed()
        for link in self._links:
            link.refused.pop(channel, None)
        live = self._links.live
        if live is not None and channel in live.missing(self._roster.wanted):
            self._chores.start(self._join(live, channel))

    def leave(self, channel: str) -> None:
        """No longer want a channel."""
        self._roster.leave(channel)
        self._report.channels_changed()
        self._unsubscribe(channel)

    def tell_refused(self, link: Link) -> None:
        """Tell which channels the backend refused on a link that becomes the live one."""
        for refused in link.refused.values():
            self._refuse(refused)

    def vouch(self, link: Link) -> list[GapRecorded]:
        """Vouch for what is subscribed on a link from now on; the gaps that end with it."""
        return self._roster.confirm(link.connection.subscribed, self._clock())

    def catch_up(self, link: Link) -> None:
        """Subscribe and unsubscribe what changed while a link came up."""
        for channel in link.missing(self._roster.wanted):
            self._chores.start(self._join(link, channel))
        for channel in link.connection.subscribed - set(self._roster.wanted):
            self._chores.start(self._end(link, channel))

    def lost(self, link: Link, *, asleep_for: int = 0) -> None:
        """Vouch for a link's channels no longer, since its last sign of life or the sleep of so many ms."""
        connection = link.connection
        self._roster.lost(connection.subscribed, connection.vouched_until(self._clock() - asleep_for))

    def lost_while_leaving(self, left: Link) -> None:
        """Record what the loss of a link just left may have cost: a message on its way to that region."""
        channels = left.connection.subscribed.intersection(self._roster.wanted)
        if channels:
            now = self._clock()
            self._tell(GapRecorded(tuple(sorted(channels)), left.connection.vouched_until(now), now))

    def revoked(self, channel: str) -> None:
        """Take note that an administrator ended a channel: it ends on every link."""
        if self._roster.revoke(channel, self._clock()):
            self._tell(ChannelRevoked(channel))
            self._report.channels_changed()
            self._unsubscribe(channel)

    def unreadable(self, channel: str) -> None:
        """Record that a message of a channel could not be read."""
        now = self._clock()
        self._tell(GapRecorded((channel,), now, now))

    async def _join(self, link: Link, channel: str) -> None:
        try:
            await link.subscribe(channel)
        except UserError as error:
            link.connection.give_up(error)
            self._report.channels_changed()
            return
        if channel in link.refused:
            self._refuse(link.refused[channel])
        elif channel in self._roster.wanted and link is self._links.live:
            for gap in self.vouch(link):
                self._tell(gap)
        else:
            await self._end(link, channel)
        self._report.channels_changed()

    def _refuse(self, refused: ChannelRefused) -> None:
        if refused.channel in self._roster.wanted:
            self._roster.leave(refused.channel)
            self._tell(refused)

    def _unsubscribe(self, channel: str) -> None:
        for link in self._links:
            self._chores.start(self._end(link, channel))

    async def _end(self, link: Link, channel: str) -> None:
        """Unsubscribe a channel, and subscribe it anew if it is wanted again by then."""
        await link.connection.unsubscribe(channel)
        if link is self._links.live and channel in link.missing(self._roster.wanted):
            await self._join(link, channel)
