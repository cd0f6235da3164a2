"""Accepts as many connections as there are file descriptors, and ends idle ones.

The server of asyncio accepts every connection. Once the descriptors run out it logs a traceback for each of a
hundred attempts a second, and no port of the process answers any longer. Here connections are counted, some
descriptors are reserved for everything else, and connections without an authorised request are dropped first.
"""

import asyncio
import errno
import logging
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.http import HttpProcessingError

from globalchat.core.clock import MonotonicClock

MOST_FILES: Final = 16_384
"""The file descriptors that a process requests: enough for 10,000 subscribers, and publishers besides."""
RESERVE: Final = 128
"""Descriptors reserved for the control port, files and libraries; fewer if there are few."""
ANONYMOUS_SECONDS: Final = 15.0
"""How long a connection may stay open before its first request, or after one that was not authorised."""
IDLE_SECONDS: Final = 75.0
"""How long a connection may stay open between requests. (Clients that pool connections give up earlier.)"""
MAX_HEADER: Final = 32 * 1024
"""The most bytes of the request line and of each header, one of which contains a socket's header object."""

# Even with a very low limit of open files some clients are served.
_FEWEST_CONNECTIONS: Final = 8
_FEWEST_RESERVED: Final = 24
# Bounded, so that a burst of connections does not hold up those that are open.
_AT_ONCE: Final = 32
"""Connections accepted in one turn of the loop."""
_LINGER_SECONDS: Final = 2.0
"""Seconds for which the rest of a refused body is read, so that the client reads the response."""
_RETRY_SECONDS: Final = 1.0
_WARN_SECONDS: Final = 60.0
_NO_ROOM: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# A client can cause these at will, so they must not fill the log.
_CLIENT_ERRORS: Final = (ConnectionError, HttpProcessingError, web.RequestPayloadError)

log = logging.getLogger(__name__)


def raise_open_files() -> None:
    """Let this process open as many files as the system allows, up to MOST_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (MOST_FILES, 10_240):  # macOS refuses more, although it reports an infinite hard limit.
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        return


def max_connections() -> int:
    """Return the number of connections for which the process currently has descriptors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_FILES
    return max(_FEWEST_CONNECTIONS, soft - _reserved(soft))


def max_control_connections() -> int:
    """Return the most connections to the control port: a quarter of the reserve."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (RESERVE if soft == resource.RLIM_INFINITY else _reserved(soft)) // 4


def _reserved(soft: int) -> int:
    # A low limit is halved between connections and the rest, but the control port and SQLite cannot do with
    # fewer.
    return min(RESERVE, max(_FEWEST_RESERVED, soft // 2))


class Droppable(Protocol):
    """A connection, as the limit sees it."""

    def drop(self) -> None:
        """End it at once."""
        ...


class ConnectionLimit:
    """The open connections of some ports, limited by `max_connections`.

    A connection is anonymous until a request on it was authorised. If there is no room for a new connection,
    the anonymous one that has been silent for longest is dropped; if there is none, the new one is refused.

    Args:
        max_connections: returns the most connections, called each time.
        anonymous_seconds: how long a connection may stay anonymous without a request.
        clock: the time in seconds.
    """

    def __init__(
        self,
        max_connections: Callable[[], int] = max_connections,
        *,
        anonymous_seconds: float = ANONYMOUS_SECONDS,
        clock: MonotonicClock | None = None,
    ) -> None:
        self._max_connections = max_connections
        self._anonymous_seconds = anonymous_seconds
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._anonymous: dict[Droppable, float] = {}  # The longest silent first.
        self._authorized: set[Droppable] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._full = RareWarning("No place for connections beyond %d; %d did not get or keep theirs.")

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._authorized)

    @property
    def is_full(self) -> bool:
        """True if there is no room for another connection."""
        return len(self) >= self._max_connections()

    def admit(self, connection: Droppable) -> bool:
        """Admit a new connection; return False if there is no room."""
        if self.is_full:
            self._full.count(len(self))
            if not self.drop_one():
                return False
        self._anonymous[connection] = self._clock()
        self._set_timer()
        return True

    def drop_one(self) -> bool:
        """Drop the anonymous connection that has been silent for longest; return False if there is none."""
        oldest = next(iter(self._anonymous), None)  # Each request moves its connection to the end.
        if oldest is not None:
            del self._anonymous[oldest]
            oldest.drop()
        return oldest is not None

    def requested(self, connection: Droppable) -> None:
        """Record the head of a request, which restarts the time limit of an anonymous connection."""
        if self._anonymous.pop(connection, None) is not None:
            self._anonymous[connection] = self._clock()

    def authorized(self, connection: Droppable) -> None:
        """Record an authorised request: the connection is no longer dropped."""
        if self._anonymous.pop(connection, None) is not None:
            self._authorized.add(connection)

    def replace(self, connection: Droppable, by: Droppable) -> None:
        """Let another object stand for a connection, which has just sent a request."""
        if connection in self._authorized:
            self._authorized.remove(connection)
            self._authorized.add(by)
        elif self._anonymous.pop(connection, None) is not None:
            self._anonymous[by] = self._clock()

    def left(self, connection: Droppable) -> None:
        """Record that a connection was closed."""
        self._anonymous.pop(connection, None)
        self._authorized.discard(connection)

    def close(self) -> None:
        """Stop ending connections by time."""
        if self._timer is not None:
            self._timer.cancel()
        self._full.close()

    def _set_timer(self) -> None:
        # One timer for all of them: the first in the dictionary is the first whose time ends.
        if self._timer is None and self._anonymous:
            since = next(iter(self._anonymous.values()))
            left = max(0.0, since + self._anonymous_seconds - self._clock())
            self._timer = self._loop.call_later(left, self._end_silent)

    def _end_silent(self) -> None:
        self._timer = None
        now = self._clock()
        while self._anonymous and next(iter(self._anonymous.values())) + self._anonymous_seconds <= now:
            self.drop_one()
        self._set_timer()


class RareWarning:
    """A warning that is logged at once, and then at most once a minute with a count.

    `message` has two placeholders (`%d`): for the given number, and for the count.
    """

    def __init__(self, message: str) -> None:
        self._message = message
        self._number = 0
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def count(self, number: int) -> None:
        """Log the warning now or, if it was logged within the last minute, at the end of that minute."""
        self._number = number
        self._count += 1
        if self._timer is None:
            self._log()

    def close(self) -> None:
        """Log what was counted since the last warning."""
        self._log()
        if self._timer is not None:
            self._timer.cancel()

    def _log(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._count:
            log.warning(self._message, self._number, self._count)
            self._count = 0
            self._timer = asyncio.get_running_loop().call_later(_WARN_SECONDS, self._log)


class HttpConnection(web.RequestHandler):
    """One connection served by aiohttp; it is counted in `limit`, and does not log clients' errors."""

    __slots__ = ("limit", "opening")

    def __init__(self, server: web.Server, limit: ConnectionLimit, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # there is none: a target may carry credentials
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=_LINGER_SECONDS,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
        )
        self.limit = limit
        self.opening: asyncio.Task[Any] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Release the connection's place."""
        self.limit.left(self)
        super().connection_lost(exc)

    def log_exception(self, *args: object, **kw: object) -> None:
        """Log our own defects, not bad requests or lost clients."""
        if not isinstance(kw.get("exc_info"), _CLIENT_ERRORS):
            super().log_exception(*args, **kw)

    def requested(self) -> None:
        """Restart the time limit of an anonymous connection, as the head of a request came."""
        self.limit.requested(self)

    def authorized(self) -> None:
        """Exempt the connection from being dropped, as a request on it was authorised."""
        self.limit.authorized(self)

    def hand_over(self, to: Droppable) -> bytes:
        """Leave the transport and its place to `to`, which gets what it returns: what came after the request.

        For aiohttp the connection is lost then: it releases the request, and does not close the transport.
        """
        received, self._message_tail = self._message_tail, b""
        self.limit.replace(self, to)
        self.transport = None
        super().connection_lost(None)
        return received

    def drop(self) -> None:
        """End the connection at once, even during the TLS handshake."""
        if self.transport is not None:
            # Not `close`, which first writes what is unsent: a client that does not read would keep its
            # descriptor.
            self.transport.abort()
        elif self.opening is not None:
            self.opening.cancel()


class Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(
        self,
        listener: socket.socket,
        server: web.Server,
        limit: ConnectionLimit,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self._server = server
        self._limit = limit
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: set[socket.socket] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._exhausted = RareWarning("No connection can be accepted (error %d, %d times).")

    def start(self) -> None:
        """Start accepting."""
        self._loop.add_reader(self._listener, self._accept)

    async def stop(self) -> None:
        """Stop accepting; open connections stay."""
        # Otherwise the timer would add the listener again after it was removed.
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listener)
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        self._exhausted.close()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._pause(error.errno)
                return
            self._take(accepted)
            # A dropped connection keeps its descriptor until the next turn of the loop.
            if self._limit.is_full:
                return

    def _pause(self, code: int) -> None:
        """Pause accepting: the listener stays readable while connections are waiting."""
        self._exhausted.count(code)
        # The next attempt needs a descriptor, which only another connection can give up.
        self._limit.drop_one()
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(_RETRY_SECONDS, self.start)

    def _take(self, accepted: socket.socket) -> None:
        connection = HttpConnection(self._server, self._limit, self._loop)
        if not self._limit.admit(connection):
            accepted.close()
            return
        accepted.setblocking(False)
        connection.opening = task = self._loop.create_task(self._open(accepted, connection))
        self._opening.add(task)
        self._waiting.add(accepted)

        def opened(task: asyncio.Task[None]) -> None:
            self._opening.discard(task)
            if accepted in self._waiting:  # it was cancelled before its first step
                self._waiting.discard(accepted)
                accepted.close()
                self._limit.left(connection)

        task.add_done_callback(opened)

    async def _open(self, accepted: socket.socket, connection: HttpConnection) -> None:
        """Pass a socket to its connection, after the TLS handshake if there is one."""
        self._waiting.discard(accepted)
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=ANONYMOUS_SECONDS if self._tls else None,
            )
        except OSError:  # The client is gone, or does not speak TLS.
            # No connection was made, so `connection_lost` will not release the place.
            self._limit.left(connection)
        except asyncio.CancelledError:
            self._limit.left(connection)
            raise
        finally:
            connection.opening = None


def connection_of(request: web.BaseRequest) -> HttpConnection:
    """Return the connection on which a request came."""
    connection = request.protocol
    assert isinstance(connection, HttpConnection), "the acceptor made it"
    return connection


@asynccontextmanager
async def serve_app(
    app: web.Application,
    listener: socket.socket,
    limit: ConnectionLimit,
    *,
    tls: ssl.SSLContext | None = None,
    shutdown_seconds: float = 1.0,
) -> AsyncIterator[None]:
    """Serve an application on a listening socket, over TLS if a context is given."""
    # Signals are for the process that serves, not for one of its applications.
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    server = runner.server
    assert server is not None, "it was set up"
    acceptor = Acceptor(listener, server, limit, tls=tls)
    acceptor.start()
    try:
        yield
    finally:
        # First, since a connection that came during the cleanup would outlive it.
        await acceptor.stop()
        await runner.cleanup()


class Usage:
    """Records the use of the cloud: its start, and authorised requests and sockets.

    Attributes:
        open_sockets: Authorised realtime sockets that are open now.
        last_used: When the cloud was last used, in seconds of `clock`.
    """

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self.open_sockets = 0
        self.last_used = clock()

    def touch(self) -> None:
        """Record a request."""
        self.last_used = self._clock()

    def socket_opened(self) -> None:
        """Count an authorised socket as open."""
        self.open_sockets += 1
        self.touch()

    def socket_closed(self) -> None:
        """Record the end of an open socket."""
        self.open_sockets -= 1
        self.touch()
