"""Brings one region up: its socket open and every wanted channel confirmed."""

import asyncio
from collections.abc import Callable

from globalchat.client.connection import Connection
from globalchat.client.events import ChannelRefused
from globalchat.client.messages import Backend
from globalchat.core.errors import Refused, Unauthorized
from globalchat.core.tasks import task_group


class Link:
    """A region's socket with the fate of each channel on it.

    Attributes:
        backend: What the region said of itself.
        refused: Channels that the backend refused, and why: events for once the link is the session's.
        live_since: Loop time of the moment when everything wanted was confirmed.
    """

    def __init__(self, connection: Connection, backend: Backend) -> None:
        self.connection = connection
        self.endpoint = connection.endpoint
        self.backend = backend
        self.refused: dict[str, ChannelRefused] = {}
        self.live_since = 0.0

    @property
    def is_lost(self) -> bool:
        """Whether the socket is of no more use."""
        return self.connection.lost.done()

    async def settle(self, wanted: Callable[[], tuple[str, ...]]) -> None:
        """Subscribe what is wanted, also what becomes so meanwhile, until all is confirmed or refused.

        Raises:
            Unauthorized: the key was not accepted.
            Unreachable: the socket ended, or an answer did not come in time.
            Refused: the backend cannot take subscriptions now (`retryable`).
        """
        while missing := self.missing(wanted()):
            async with task_group() as group:
                for channel in missing:
                    group.create_task(self.subscribe(channel))
        if self.is_lost:
            self.connection.lost.result()  # raises why
        self.live_since = asyncio.get_running_loop().time()

    async def subscribe(self, channel: str) -> None:
        """Subscribe one channel; a refusal of just this channel is recorded in `refused`.

        Raises:
            UserError: any other failure.
        """
        try:
            await self.connection.subscribe(channel)
        except Refused as error:
            if isinstance(error, Unauthorized) or error.retryable:
                raise
            self.refused[channel] = ChannelRefused(channel, error.error_type, str(error))

    def missing(self, wanted: tuple[str, ...]) -> list[str]:
        """The wanted channels whose fate on this link is open."""
        subscribed = self.connection.subscribed
        return [name for name in wanted if name not in subscribed and name not in self.refused]
