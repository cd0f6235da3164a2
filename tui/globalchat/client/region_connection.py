"""One region's socket: opens, subscribes, delivers messages, and reports when and why it was lost."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import cache, partial

from gql import GraphQLRequest
from gql.transport.exceptions import TransportError, TransportProtocolError, TransportQueryError
from graphql import DocumentNode, parse

from globalchat.client import connect_errors, documents, response_errors
from globalchat.client.authentication import RenewedSignature, authentication_of
from globalchat.client.messages import Message
from globalchat.client.offset import Dated
from globalchat.client.options import SessionOptions, SocketTimeouts
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.transport import AppSyncTransport, ServerError, Subscriber
from globalchat.core.clock import WallClock, now_ms
from globalchat.core.errors import Refused, Unauthorized, UserError
from globalchat.core.logs import log_event
from globalchat.core.net import host_of

log = logging.getLogger(__name__)


class RegionConnection:
    """A socket to one region, used once. Raises the client's errors, without the transport's in their chain.

    `channels` are those that the backend is known to have; `clock` gives epoch ms. `before_history` is True
    if the region is known to have no `arrival`; otherwise refused subscriptions show what it has.

    Attributes:
        lost: A future that fails with the reason once the socket is lost.
        latency_ms: The quickest answer to a `start` so far.
    """

    def __init__(
        self,
        endpoint: RegionEndpoint,
        *,
        on_message: Callable[[Message], None],
        on_unreadable: Callable[[str], None],
        on_revoked: Callable[[str], None],
        options: SessionOptions,
        channels: Sequence[str] = (),
        before_history: bool = False,
        clock: WallClock = now_ms,
    ) -> None:
        self.endpoint = endpoint
        self._channels = channels
        # The newest first; those that the region turns out to lack fields of are removed.
        self._documents = [documents.SUBSCRIBE, documents.SUBSCRIBE_BEFORE_AUTHORS]
        if before_history:
            self._documents.clear()
        self._documents.append(documents.SUBSCRIBE_BEFORE_HISTORY)
        self._clock = clock
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latency_ms: int | None = None
        self._closed_by_server_at: int | None = None
        self._where = host_of(endpoint.realtime_url)
        self._on_message = on_message
        self._on_unreadable = on_unreadable
        self._on_revoked = on_revoked
        self._subscribe_timeout = options.subscribe_timeout
        self._subscribers: dict[str, Subscriber] = {}
        self._auth = authentication_of(endpoint)
        self._transport = AppSyncTransport(
            endpoint.realtime_url,
            auth=self._auth,
            timeouts=SocketTimeouts(
                options.connect_timeout, options.close_timeout, options.liveness, options.ping_interval
            ),
            clock=clock,
        )
        self._transport.ended.add_done_callback(self._ended)

    @property
    def subscribed(self) -> frozenset[str]:
        """The channels that were confirmed and not ended; unchanged by the end of the socket."""
        return frozenset(name for name, each in self._subscribers.items() if each.is_live)

    @property
    def dated(self) -> Dated | None:
        """The date of the answer that opened the socket, if it has one."""
        return self._transport.dated

    def received_until(self, now: int) -> int:
        """Return the time (epoch ms) up to which no message was missed.

        It is that of the server's close frame, else of its last frame.
        """
        if self._closed_by_server_at is not None:
            return self._closed_by_server_at
        silence = asyncio.get_running_loop().time() - self._transport.heard_at
        return now - int(silence * 1000) - 1  # Rounded down: what is in doubt counts as missed.

    async def open(self) -> None:
        """Connect up to the server's `connection_ack`.

        Raises:
            Unauthorized: the key was not accepted.
            Refused: the server refused the connection.
            Unreachable: no connection was made in time.
        """
        failure: UserError | None = None
        try:
            await self._transport.open()
        except (TransportError, TimeoutError) as error:
            failure = self._translate(error)
        # Raised outside the handler, so that the transport's exception, whose URL may contain the key, is not
        # in the chain.
        if failure is not None:
            raise failure
        log_event(log, logging.INFO, "socket opened", region=self.endpoint.alias, host=self._where)

    async def subscribe(self, channel: str) -> None:
        """Subscribe to a channel; return once the server has confirmed it.

        Raises:
            Refused: the backend refuses this channel.
            Unauthorized: the key was not accepted.
            Unreachable: the socket ended, or no answer came in time.
        """
        while True:
            newest, *older = self._documents
            try:
                await self._try_to_subscribe(channel)
            except UserError as error:
                if not older or not response_errors.is_undefined_field(error):
                    raise
            else:
                return
            # Another channel may have found it out meanwhile.
            if newest in self._documents:
                self._documents.remove(newest)

    async def unsubscribe(self, channel: str) -> None:
        """End a channel's subscription; do nothing if there is none or the socket is gone."""
        subscriber = self._subscribers.pop(channel, None)
        if subscriber is None:
            return
        if not subscriber.started.done():
            subscriber.started.set_result(None)  # This ends the wait in `subscribe`.
        try:
            await self._transport.stop(subscriber)
        except TransportError:
            return  # The socket is gone, and the subscription with it.

    def abort(self, reason: UserError) -> None:
        """Report the socket as lost for this reason."""
        if not self.lost.done():
            self.lost.set_exception(reason)
            # Marks the exception as retrieved: not every owner asks why the socket ended.
            self.lost.exception()
            log_event(log, logging.INFO, "socket lost", region=self.endpoint.alias, reason=str(reason))

    async def close(self) -> None:
        """Close the socket, within the close timeout."""
        # A requested end is not a loss.
        self._transport.ended.remove_done_callback(self._ended)
        await self._transport.close()

    async def _try_to_subscribe(self, channel: str) -> None:
        failure: UserError | None = None
        try:
            await self._subscribe(channel)
        except (TransportError, TimeoutError) as error:
            self._subscribers.pop(channel, None)
            failure = self._translate(error, channel)
        # Raised out here, so that the transport's exception is not in the chain.
        if failure is not None:
            raise failure

    async def _subscribe(self, channel: str) -> None:
        async with asyncio.timeout(self._subscribe_timeout):
            existing = self._subscribers.get(channel)
            if existing is not None:  # Requested twice at once: both wait for the same answer.
                await asyncio.shield(existing.started)
                return
            # Not `clock`, which may be set while the answer is awaited.
            asked = time.monotonic()
            subscriber = await self._start(channel)
            # Shielded, so that cancelling one caller does not cancel the other's wait.
            await asyncio.shield(subscriber.started)
        took = round((time.monotonic() - asked) * 1000)
        log_event(log, logging.INFO, "subscribed", region=self.endpoint.alias, channel=channel, ms=took)
        self.latency_ms = took if self.latency_ms is None else min(took, self.latency_ms)

    async def _start(self, channel: str) -> Subscriber:
        def make(query_id: int) -> Subscriber:
            subscriber = Subscriber(
                query_id,
                on_data=partial(self._receive, channel),
                on_end=lambda error: self._ended_by_server(channel, error),
            )
            self._subscribers[channel] = subscriber
            return subscriber

        request = GraphQLRequest(_parsed(self._documents[0]), variable_values={"name": channel})
        return await self._transport.start(request, make)

    def _receive(self, channel: str, data: object) -> None:
        try:
            message = documents.read_message(data.get("subscribe") if isinstance(data, dict) else None)
        except documents.Unreadable:
            self._on_unreadable(channel)
            return
        if message.channel != channel:  # Only a faulty backend sends those, and each would open a channel.
            self._on_unreadable(channel)
            return
        self._on_message(message)

    def _ended_by_server(self, channel: str, error: Exception | None) -> None:
        if error is None:
            self._subscribers.pop(channel, None)
            self._on_revoked(channel)
        # Other errors end the whole connection, and `_ended` reports them with their cause.
        elif isinstance(error, TransportQueryError):
            self.abort(self._translate(error))

    def _ended(self, ended: asyncio.Future[None]) -> None:
        error = ended.exception()
        assert isinstance(error, Exception), "it only ever fails"
        if getattr(error.__cause__, "rcvd", None) is not None:  # A close frame: nothing came after it.
            self._closed_by_server_at = self._clock()
        self.abort(self._translate(error))

    def _translate(self, error: Exception, channel: str | None = None) -> UserError:
        """Translate a transport error to the client's; `channel` was being subscribed to."""
        if isinstance(error, TransportQueryError):
            found = response_errors.read_errors((error.errors or [None])[0])
            return self._refusal(found, channel)
        if isinstance(error, ServerError):
            return self._connection_refused(error)
        if isinstance(error, TimeoutError):
            return connect_errors.timed_out(self._where, self._transport.proxy)
        if isinstance(error, TransportProtocolError):
            return connect_errors.not_the_api_error(self._where, "something other than the realtime protocol")
        return connect_errors.unreachable_error(error.__cause__, self._where, self._transport.proxy)

    def _refusal(self, found: list[response_errors.ResponseError], channel: str | None = None) -> Refused:
        """Translate a refusal; refused credentials sign nothing more."""
        signed = isinstance(self._auth, RenewedSignature)
        refusal = response_errors.refusal(
            found, self._where, channel=channel, known=self._channels, signed=signed
        )
        if isinstance(self._auth, RenewedSignature) and isinstance(refusal, Unauthorized):
            # The signer would go on returning them, and the next connection would be refused, too.
            self._auth.discard(refusal)
        return refusal

    def _connection_refused(self, error: ServerError) -> UserError:
        found = response_errors.read_errors(error.payload)
        refusal = self._refusal(found)
        # Retryable unless the code blames the client (4xx).
        blamed = bool(found) and found[0].code is not None and 400 <= found[0].code < 500
        if type(refusal) is Refused and not blamed:
            refusal.retryable = True
        return refusal


@cache
def _parsed(document: str) -> DocumentNode:
    return parse(document)
