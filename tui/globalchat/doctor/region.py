"""One region under examination: its API, its socket, and the messages that came through it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from globalchat.client.api import Api
from globalchat.client.connection import Connection
from globalchat.client.faults import unknown_channel
from globalchat.client.ids import IdFactory
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.clock import WallClock, now_ms
from globalchat.core.errors import Unauthorized, Unreachable, UserError
from globalchat.core.net import host_of
from globalchat.core.text import plural
from globalchat.doctor.finding import Verdict, ok, warning
from globalchat.doctor.judging import judge_clock, judge_key
from globalchat.doctor.remedies import Remedies

SENDER = "globalchat"
TEXT = "globalchat doctor: a test message, sent from {}."
_PATIENCE = 120.0
"""Seconds that the client may wait: the time limit of a check comes first."""


class RegionPatient:
    """A region, and what its checks learn one after the other; an async context manager.

    Args:
        endpoint: where it is.
        remedies: what to say when something is wrong.
        channel: on which channel to send; None is the backend's first.
        clock: epoch ms.
    """

    def __init__(
        self,
        endpoint: RegionEndpoint,
        remedies: Remedies,
        *,
        channel: str | None = None,
        clock: WallClock = now_ms,
    ) -> None:
        self.endpoint = endpoint
        self.remedies = remedies
        self.draft_id = IdFactory().new()
        self._channel = channel
        self._clock = clock
        self._stack = AsyncExitStack()
        self._backend: Backend | None = None
        self._refusal: str | None = None
        self.sent_at = 0.0
        self._arrivals: dict[str, asyncio.Future[float]] = {}

    async def __aenter__(self) -> Self:
        self._api = await self._stack.enter_async_context(Api(self.endpoint, timeout=_PATIENCE))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def channel(self) -> str:
        """Where the message goes."""
        if self._channel is not None:
            return self._channel
        return self._backend.channels[0] if self._backend else ""

    async def reach(self) -> Verdict:
        """Ask the API what it has; an answer that refuses the key is an answer.

        Raises:
            UserError: none came, or it is none of the API's.
        """
        began = self._now()
        try:
            self._backend = await self._api.describe()
        except Unauthorized as error:
            self._refusal = str(error)
            return ok("answers, but not to this key")
        channels = plural(len(self._backend.channels), "channel")
        said = f"answers in {(self._now() - began) * 1000:.0f} ms; it has {channels}"
        if self._backend.remark is not None:
            return warning(f"{said}. {self._backend.remark}", "Ask whoever runs the backend.")
        return ok(said)

    async def judge_clock(self) -> Verdict:
        """Compare this machine's clock with that of the latest answer."""
        return judge_clock(self._api.clock_skew)

    async def judge_key(self) -> Verdict:
        """Whether the API took the key, and how long it lasts."""
        expires, now = self.endpoint.api_key_expires, self._clock() / 1000
        return judge_key(self._refusal, expires, now, self.remedies.key)

    async def shake_hands(self) -> Verdict:
        """Open a socket up to the server's `connection_ack`.

        Raises:
            UserError: the server refuses it, or it does not come about.
        """
        options = replace(
            DEFAULTS, connect_timeout=_PATIENCE, subscribe_timeout=_PATIENCE, ping_interval=None
        )
        self._connection = Connection(
            self.endpoint,
            on_message=self._receive,
            on_unreadable=lambda _: None,
            on_revoked=lambda _: None,
            options=options,
        )
        self._stack.push_async_callback(self._connection.close)
        began = self._now()
        try:
            await self._connection.open()
        except Unreachable as error:
            raise Unreachable(str(error), remedy=self.remedies.socket) from None
        return ok(f"connection_ack after {(self._now() - began) * 1000:.0f} ms")

    async def subscribe(self) -> Verdict:
        """Subscribe the channel, up to the server's `start_ack`.

        Raises:
            UserError: the backend refuses it, or the socket ended.
        """
        if self._backend is not None and self.channel not in self._backend.channels:
            remedy = "Give one of them with --channel."
            raise unknown_channel(self.channel, self._backend.channels, remedy=remedy)
        began = self._now()
        await self._connection.subscribe(self.channel)
        return ok(f"start_ack for {self.channel} after {(self._now() - began) * 1000:.0f} ms")

    async def publish(self) -> Verdict:
        """Send one message, which says what it is.

        Raises:
            UserError: the backend or its bus refuses it, or it is another region's.
        """
        text, endpoint = TEXT.format(self.endpoint.alias), self.endpoint
        self.sent_at = self._now()
        message = await self._api.publish(Draft(self.draft_id, self.channel, text, SENDER, self._clock()))
        if message.region != endpoint.region:
            # Two regions of a profile that lead to one API would hear each other without any relay.
            raise UserError(
                f"{host_of(endpoint.graphql_url)} is in {message.region[:30]}; the profile says that "
                f"{endpoint.alias} is in {endpoint.region}.",
                remedy="Write the profile anew: `globalchat outputs --refresh`.",
            )
        return ok(f"accepted after {(self._now() - self.sent_at) * 1000:.0f} ms")

    async def receive_from(self, sender: "RegionPatient") -> Verdict:
        """Wait for the message that another region, or this one, accepted.

        Raises:
            UserError: the socket ended meanwhile.
        """
        arrival, lost = self._arrival(sender.draft_id), self._connection.lost
        either: set[asyncio.Future[Any]] = {arrival, lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not arrival.done():
            lost.result()  # raises why
        return ok(f"arrives after {(arrival.result() - sender.sent_at) * 1000:.0f} ms")

    def _receive(self, message: Message) -> None:
        arrival = self._arrival(message.id) if message.sender == SENDER else None
        if arrival is not None and not arrival.done():
            arrival.set_result(self._now())

    def _arrival(self, message_id: str) -> asyncio.Future[float]:
        """Done with the loop's time when a message came."""
        return self._arrivals.setdefault(message_id, asyncio.get_running_loop().create_future())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
