"""One region's API over HTTP: describe, publish, unsubscribe."""

from types import TracebackType
from typing import Self

from client.credentials import Credentials
from client.messages import Backend, Draft, Message
from client.profiles import RegionEndpoint


class Api:
    """The calls of one region; an async context manager that keeps its connection between calls."""

    def __init__(
        self, endpoint: RegionEndpoint, *, credentials: Credentials | None = None, timeout: float = 10.0
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    async def describe(self) -> Backend:
        """Which channels and limits the backend has."""
        raise NotImplementedError

    async def publish(self, draft: Draft) -> Message:
        """Publish a draft; the message as the backend stamped it."""
        raise NotImplementedError

    async def unsubscribe(self, channel: str) -> str:
        """End every subscription to a channel in this region (IAM); the channel's name."""
        raise NotImplementedError
