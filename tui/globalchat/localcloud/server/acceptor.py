"""Accepts connections as far as the process has file descriptors for them, and ends those that do nothing.

asyncio's own server accepts whatever comes. Once the descriptors run out it logs a traceback for each of a
hundred attempts a second, and no port of the process answers any more. Here connections are counted, some
descriptors are kept for everything else, and a connection whose requests were not authorised gives way.
"""

import asyncio
import errno
import logging
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from globalchat.core.clock import MonotonicClock

MOST_FILES: Final = 16_384
"""File descriptors that a process asks for: 10,000 followers, and publishers beside them."""
RESERVE: Final = 128
"""Descriptors that are kept for the control port, files and libraries; fewer if there are few."""
ANONYMOUS_SECONDS: Final = 15.0
"""How long a connection may stay open before its first request, or after one that was not authorised."""
IDLE_SECONDS: Final = 75.0
"""How long a connection may stay open between requests. (Clients that pool connections give up earlier.)"""
MAX_HEADER: Final = 32 * 1024
"""Bytes of the request line and of each header: a socket's header object travels in one of them."""

_FEWEST_CONNECTIONS: Final = 8
_FEWEST_RESERVED: Final = 24
_AT_ONCE: Final = 32
"""Connections that are accepted before others get their turn."""
_LINGER_SECONDS: Final = 2.0
"""How long the unwanted rest of a body is read, so that the client gets to read why."""
_RETRY_SECONDS: Final = 1.0
_WARN_SECONDS: Final = 60.0
_NO_ROOM: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_CLIENT_ERRORS: Final = (ConnectionError, HttpProcessingError, web.RequestPayloadError)

log = logging.getLogger(__name__)


def raise_open_files() -> None:
    """Let this process open as many files as the system allows, up to MOST_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (MOST_FILES, 10_240):  # macOS refuses more, though it calls the hard limit infinite
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        return


def max_connections() -> int:
    """Return how many connections the process has descriptors for, by its limit of this moment."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_FILES
    return max(_FEWEST_CONNECTIONS, soft - _reserved(soft))


def max_control_connections() -> int:
    """Return how many connections to the control port there may be: a quarter of the reserve."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (RESERVE if soft == resource.RLIM_INFINITY else _reserved(soft)) // 4


def _reserved(soft: int) -> int:
    return min(RESERVE, max(_FEWEST_RESERVED, soft // 2))


class ConnectionLimit:
    """The open connections of some ports, at most as many as `max_connections` says.

    A connection is anonymous until a request on it was authorised. If there is no place for a new connection,
    the anonymous one that has been silent for longest gives way; if there is none, the new one is refused.

    Args:
        max_connections: how many there may be, asked each time.
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
        self._anonymous: dict[HttpConnection, float] = {}  # the longest silent first
        self._authorized: set[HttpConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._full = RareWarning("No place for connections beyond %d; %d did not get or keep theirs.")

    def __len__(self) -> int:
        return len(self._anonymous) + len(self._authorized)

    @property
    def is_full(self) -> bool:
        """True if there is no place for another connection."""
        return len(self) >= self._max_connections()

    def admit(self, connection: "HttpConnection") -> bool:
        """Take a new connection; False if there is no place for it."""
        if self.is_full:
            self._full.count(len(self))
            if not self.drop_one():
                return False
        self._anonymous[connection] = self._clock()
        self._set_timer()
        return True

    def drop_one(self) -> bool:
        """End the anonymous connection that has been silent for longest; False if there is none."""
        oldest = next(iter(self._anonymous), None)  # each request moves its connection to the end
        if oldest is not None:
            del self._anonymous[oldest]
            oldest.drop()
        return oldest is not None

    def requested(self, connection: "HttpConnection") -> None:
        """Note that the head of a request came: the time of an anonymous connection starts again."""
        if self._anonymous.pop(connection, None) is not None:
            self._anonymous[connection] = self._clock()

    def authorized(self, connection: "HttpConnection") -> None:
        """Note that a request was authorised: the connection keeps its place until it is closed."""
        if self._anonymous.pop(connection, None) is not None:
            self._authorized.add(connection)

    def left(self, connection: "HttpConnection") -> None:
        """Note that a connection is closed."""
        self._anonymous.pop(connection, None)
        self._authorized.discard(connection)

    def close(self) -> None:
        """End no connection by time any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._full.close()

    def _set_timer(self) -> None:
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
    """A warning that is logged at once, and after that once a minute with how often it was meant.

    `message` has two places (`%d`): for the number that is given, and for the count.
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
        """Log what was counted since the last time."""
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
    """One connection, as aiohttp serves it; counted, and silent about what clients do wrong."""

    __slots__ = ("_limit", "opening")

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
        self._limit = limit
        self.opening: asyncio.Task[Any] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self._limit.left(self)
        super().connection_lost(exc)

    def log_exception(self, *args: object, **kw: object) -> None:
        """Log what is a defect of ours, not what a client sent or that it is gone."""
        if not isinstance(kw.get("exc_info"), _CLIENT_ERRORS):
            super().log_exception(*args, **kw)

    def requested(self) -> None:
        """Start the time of an anonymous connection again: the head of a request came."""
        self._limit.requested(self)

    def authorized(self) -> None:
        """Keep the connection until it is closed: a request on it was authorised."""
        self._limit.authorized(self)

    def drop(self) -> None:
        """End the connection at once, be it during the TLS handshake."""
        if self.transport is not None:
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
        self._retry: asyncio.TimerHandle | None = None
        self._exhausted = RareWarning("No connection can be accepted (error %d, %d times).")

    def start(self) -> None:
        """Accept from now on."""
        self._loop.add_reader(self._listener, self._accept)

    async def stop(self) -> None:
        """Accept no more; connections that are open stay."""
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
            if self._limit.is_full:  # one that gave way has its descriptor until the loop's next turn
                return

    def _pause(self, code: int) -> None:
        """Accept nothing for a moment: the listener stays readable while connections wait for it."""
        self._exhausted.count(code)
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
        task.add_done_callback(self._opening.discard)

    async def _open(self, accepted: socket.socket, connection: HttpConnection) -> None:
        """Hand a socket to its connection, after the TLS handshake if there is one."""
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=ANONYMOUS_SECONDS if self._tls else None,
            )
        except OSError:  # it is gone, or does not speak TLS
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
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    server = runner.server
    assert server is not None, "it was set up"
    acceptor = Acceptor(listener, server, limit, tls=tls)
    acceptor.start()
    try:
        yield
    finally:
        await acceptor.stop()
        await runner.cleanup()


class Usage:
    """How the cloud is used: by its start, and by requests and sockets that are authorised.

    Attributes:
        open_sockets: Authorised realtime sockets that are open now.
        last_used: When the cloud was last used, in seconds of `clock`.
    """

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self.open_sockets = 0
        self.last_used = clock()

    def touch(self) -> None:
        """Note a request."""
        self.last_used = self._clock()

    @contextmanager
    def of_socket(self) -> Iterator[None]:
        """Count a socket that is open during the block."""
        self.open_sockets += 1
        self.touch()
        try:
            yield
        finally:
            self.open_sockets -= 1
            self.touch()
