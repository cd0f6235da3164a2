"""A subscriber's socket on the event loop: no task, no queue, one buffer for all sockets of the process."""

import asyncio
import time
from collections.abc import Callable, Sequence

from globalchat.client import connect_errors
from globalchat.client.network import connect_options
from globalchat.client.profiles import RegionEndpoint
from globalchat.core import tls
from globalchat.core.net import host_and_port, host_of
from globalchat.measure.load.realtime import Phase, Realtime

SECONDS = 30.0
"""For a socket to open and all its subscriptions to be confirmed; thousands come at once."""

_BUFFER = memoryview(bytearray(1 << 18))
"""What a socket has received is taken out before the loop turns to the next one."""


class SubscriberSocket(asyncio.BufferedProtocol):
    """One socket. `ready` is done when it is live, and fails with why it is not."""

    def __init__(
        self,
        endpoint: RegionEndpoint,
        channels: Sequence[str],
        *,
        on_frame: Callable[[bytes, int], None],
        on_lost: Callable[[], None],
    ) -> None:
        """`on_frame` gets a frame and when it came (ns, steady); `on_lost` hears that a live socket ended."""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._core = Realtime(endpoint, channels, self._take)
        self._transport: asyncio.Transport | None = None
        self._at = 0
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._write(self._core.open())

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """The one buffer."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came."""
        self._at = time.monotonic_ns()
        self._write(self._core.receive(bytes(_BUFFER[:nbytes])))
        if not self.ready.done():
            self._settle()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """The socket is gone."""
        was_live = self._core.phase is Phase.LIVE
        self._core.lost()
        if not self.ready.done():
            self._settle()
        elif was_live and not self._closed:
            self._on_lost()

    def close(self) -> None:
        """Cut it: there are thousands, and nobody waits for their goodbyes."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def give_up(self) -> None:
        """Close it, and let nobody wait for it."""
        self.ready.cancel()
        self.close()

    def _take(self, frame: bytes) -> None:
        self._on_frame(frame, self._at)

    def _write(self, parts: Sequence[bytes]) -> None:
        assert self._transport is not None
        for part in parts:
            if part:
                self._transport.write(part)
            else:
                self._transport.close()

    def _settle(self) -> None:
        if self._core.failure is not None:
            self.ready.set_exception(self._core.failure)
            self.close()
        elif self._core.phase is Phase.LIVE:
            self.ready.set_result(None)


async def open_socket(endpoint: RegionEndpoint, make: Callable[[], SubscriberSocket]) -> SubscriberSocket:
    """Open a socket and wait until it is live.

    Raises:
        UserError: it could not be opened, was refused, or took too long.
    """
    host, port = host_and_port(endpoint.realtime_url)
    secure = tls.context() if endpoint.realtime_url.startswith("wss:") else None
    options = connect_options(endpoint.realtime_url, None)
    loop, socket = asyncio.get_running_loop(), make()
    try:
        async with asyncio.timeout(SECONDS):
            await loop.create_connection(lambda: socket, host, port, ssl=secure, **options)
            await socket.ready
    except (OSError, TimeoutError) as error:
        socket.give_up()
        raise connect_errors.unreachable(error, host_of(endpoint.realtime_url)) from None
    except BaseException:
        socket.give_up()
        raise
    return socket
