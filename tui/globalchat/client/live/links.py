"""The links that a session holds: the live one, one coming up, those just left."""

import asyncio
from collections.abc import Callable, Iterator

from globalchat.client.connection import Connection
from globalchat.client.inbox import Inbox
from globalchat.client.live.link import Link
from globalchat.client.live.roster import Roster
from globalchat.client.messages import Backend
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.regions import Regions
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError


class Links:
    """Makes links and makes sure that each is closed.

    Attributes:
        live: The link that the session is live on, if any.
    """

    def __init__(
        self,
        *,
        regions: Regions,
        roster: Roster,
        inbox: Inbox,
        on_unreadable: Callable[[str], None],
        on_revoked: Callable[[str], None],
        options: SessionOptions,
        clock: WallClock,
    ) -> None:
        self._regions = regions
        self._roster = roster
        self._inbox = inbox
        self._on_unreadable = on_unreadable
        self._on_revoked = on_revoked
        self._options = options
        self._clock = clock
        self.live: Link | None = None
        self._open: set[Link] = set()

    def __iter__(self) -> Iterator[Link]:
        return iter(tuple(self._open))

    async def bring_up(self, endpoint: RegionEndpoint, *, on_described: Callable[[Backend], None]) -> Link:
        """Describe, connect, and subscribe everything wanted.

        Raises:
            UserError: one of these failed; no link is left.
        """
        backend = await self._regions.describe(endpoint)
        on_described(backend)
        self._roster.offer(backend.channels)
        link = Link(self._connection(endpoint, backend), backend)
        self._open.add(link)
        try:
            await link.connection.open()
            self._regions.note_date(endpoint, link.connection.dated)
            await link.settle(lambda: self._roster.wanted)
        except BaseException:
            await self.drop(link)
            raise
        return link

    async def abandon(self, task: asyncio.Task[Link]) -> None:
        """End a bring-up, whatever came of it."""
        task.cancel()
        await asyncio.wait({task})
        if task.cancelled():
            return
        try:
            link = task.result()
        except UserError:
            return  # what failed is wanted no more
        await self.drop(link)

    async def drop(self, link: Link) -> None:
        """Close a link. If this is cancelled, `close` still knows the link."""
        await link.connection.close()
        self._open.discard(link)

    async def close(self) -> None:
        """Close every link."""
        await asyncio.gather(*(self.drop(link) for link in self))

    def _connection(self, endpoint: RegionEndpoint, backend: Backend) -> Connection:
        return Connection(
            endpoint,
            on_message=lambda message: self._inbox.receive(message, endpoint.alias),
            on_unreadable=self._on_unreadable,
            on_revoked=self._on_revoked,
            options=self._options,
            channels=backend.channels,
            clock=self._clock,
        )
