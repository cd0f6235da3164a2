"""One region's subscription to the channel that is measured, raw: nothing is dropped as a duplicate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from globalchat.client.backoff import full_jitter
from globalchat.client.connection import Connection
from globalchat.client.messages import Message
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import UserError

_BASE, _CAP = 0.2, 2.0
"""Seconds before a lost socket is opened again: what is missed meanwhile counts as lost, so they are few."""


class Ear:
    """Hears a channel in one region; a lost socket is opened again.

    Attributes:
        reopened: How often it was.
    """

    def __init__(self, endpoint: RegionEndpoint, channel: str, hear: Callable[[Message], None]) -> None:
        """`hear` takes every arrival, the same message twice if it comes twice."""
        self._endpoint = endpoint
        self._channel = channel
        self._hear = hear
        self._rng = Random()
        self.reopened = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear until the end of the block; the subscription is confirmed when the block begins.

        Raises:
            UserError: the region cannot be reached, or refuses the channel.
        """
        keeping = asyncio.create_task(self._keep(await self._open()), name=f"ear {self._endpoint.alias}")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
        if not keeping.cancelled():
            keeping.result()

    async def _keep(self, connection: Connection) -> None:
        while True:
            try:
                await asyncio.wait({connection.lost})
            finally:
                await connection.close()
            connection = await self._open_again()

    async def _open_again(self) -> Connection:
        attempt = 0
        while True:
            attempt += 1
            await asyncio.sleep(full_jitter(attempt, base=_BASE, cap=_CAP, rng=self._rng))
            try:
                connection = await self._open()
            except UserError:
                continue
            self.reopened += 1
            return connection

    async def _open(self) -> Connection:
        connection = Connection(
            self._endpoint,
            on_message=self._hear,
            on_unreadable=_ignore,
            on_revoked=lambda _: connection.give_up(UserError("The subscription was ended.")),
            options=DEFAULTS,
        )
        try:
            await connection.open()
            await connection.subscribe(self._channel)
        except BaseException:
            await connection.close()
            raise
        return connection


def _ignore(_: str) -> None:
    """A frame that is no message cannot be one that is awaited."""
