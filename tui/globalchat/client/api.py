"""One region's API over HTTP: describe, publish, unsubscribe."""

from types import TracebackType
from typing import Self

from globalchat.client import documents
from globalchat.client.connect_errors import not_the_api
from globalchat.client.http import GraphQLHttp
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Refused, UserError

ANOTHER_ID = "AnotherId"
"""Our own type of refusal: the answer is about a message that was not sent."""


class Api:
    """The calls of one region; an async context manager that keeps its connection between calls.

    Every call raises Refused if the backend says no, Unauthorized if it does not accept key or signature,
    Unreachable if no usable answer comes within `timeout` seconds. With `credentials` calls are IAM-signed.
    """

    def __init__(
        self, endpoint: RegionEndpoint, *, credentials: Credentials | None = None, timeout: float = 10.0
    ) -> None:
        self.endpoint = endpoint
        self._signed = credentials is not None
        self._http = GraphQLHttp(endpoint, credentials=credentials, timeout=timeout)

    async def __aenter__(self) -> Self:
        await self._http.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @property
    def clock_skew(self) -> float | None:
        """Seconds that this machine's clock is ahead of the backend's, by its latest answer, if known."""
        return self._http.clock_skew

    async def describe(self) -> Backend:
        """Which channels and limits the backend has."""
        data = await self._http.execute(documents.DESCRIBE, {})
        try:
            return documents.read_backend(data)
        except documents.Unreadable:
            pass
        raise not_the_api(self._http.where, "without channels and limits")

    async def publish(self, draft: Draft) -> Message:
        """Publish a draft; return the message as the backend stamped it.

        An answer about another id is a refusal that no retry can help: what became of the draft is unknown,
        and each retry might be accepted under one more id.
        """
        variables = {"name": draft.channel, "message": draft.text, "id": draft.id}
        if draft.sender is not None:
            variables["sender"] = draft.sender
        data = await self._http.execute(documents.PUBLISH, variables)
        try:
            message = documents.read_message(data.get("publish"))
        except documents.Unreadable:
            message = None
        if message is not None and message.id == draft.id:
            return message
        if message is not None:
            raise Refused(
                f"{self._http.where} answered with another id than the one that was sent.",
                error_type=ANOTHER_ID,
                remedy="Look whether the message arrived before you send it again.",
            )
        raise not_the_api(self._http.where, "a publish without the message")

    async def unsubscribe(self, channel: str) -> str:
        """End every subscription to a channel in this region; the channel's name. Needs credentials."""
        if not self._signed:
            raise UserError(
                "Ending a channel's subscriptions needs AWS credentials.",
                remedy="Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            )
        data = await self._http.execute(documents.UNSUBSCRIBE, {"name": channel})
        answer = data.get("unsubscribe")
        if isinstance(answer, dict) and isinstance(answer.get("name"), str):
            return str(answer["name"])
        raise not_the_api(self._http.where, "an unsubscribe without the channel")
