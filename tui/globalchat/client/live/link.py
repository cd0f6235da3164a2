"""Brings one region up: its socket open and every wanted channel confirmed."""

import asyncio
from collections.abc import Callable

from globalchat.client.connection import Connection
from globalchat.client.messages import Backend
from globalchat.core.errors import Refused, Unauthorized, UserError


class Link:
    """A region's socket with the fate of each channel on it.

    Attributes:
        backend: What the region said of itself.
        refused: Channels that the backend refused, and why. They are told once the link is the session's.
        live_since: Loop time of the moment when everything wanted was confirmed.
    """

    def __init__(self, connection: Connection, backend: Backend) -> None:
        self.connection = connection
        self.endpoint = connection.endpoint
        self.backend = backend
        self.refused: dict[str, Refused] = {}
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
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.subscribe(channel)) for channel in missing]
            for task in tasks:
                error = task.result()
                if error is not None:
                    raise error
        if self.is_lost:
            raise self.connection.lost.result()
        self.live_since = asyncio.get_running_loop().time()

    async def subscribe(self, channel: str) -> UserError | None:
        """Subscribe one channel. A refusal of just this channel is noted, any other failure is the answer."""
        try:
            await self.connection.subscribe(channel)
        except UserError as error:
            if isinstance(error, Refused) and not isinstance(error, Unauthorized) and not error.retryable:
                self.refused[channel] = error
                return None
            return error
        return None

    def missing(self, wanted: tuple[str, ...]) -> list[str]:
        """The wanted channels whose fate on this link is open."""
        subscribed = self.connection.subscribed
        return [name for name in wanted if name not in subscribed and name not in self.refused]
