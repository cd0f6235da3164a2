"""Runs the server until it is asked to end."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from globalchat.core.errors import UsageError
from globalchat.web.access import HOST, Access, Secrets
from globalchat.web.site import Site
from globalchat.web.slots import Slots
from globalchat.web.tabs import CLOSE_SECONDS, CommandFor, Tabs

# Otherwise Python writes what aiohttp logs to standard error: a traceback with parts of each bad request,
# which may be the token or the cookie.
logging.getLogger("aiohttp.server").addHandler(logging.NullHandler())


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of loopback; 0 is any port that is free.

    Raises:
        UsageError: the port is taken, or only the administrator may use it.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HOST, port))
        # At once: two sockets may be bound to a port with SO_REUSEADDR as long as neither listens.
        found.listen()
    except OSError as error:
        found.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is taken" if error.errno == errno.EADDRINUSE else "may not be used by you"
        raise UsageError(
            f"The port {port} {why}.", remedy="Give another; --port 0 takes any that is free."
        ) from None
    return found


def listen_at_best(port: int) -> socket.socket:
    """Return a socket that listens on this port of loopback, or on any other if it cannot."""
    try:
        return listen(port)
    except UsageError:
        return listen(0)


@asynccontextmanager
async def serving(
    listening: socket.socket,
    *,
    state: Path,
    command: CommandFor,
    base: Mapping[str, str],
    signs: bool,
) -> AsyncIterator[Access]:
    """Serve during the block; at its end, close the socket and end all chats.

    Args:
        listening: The socket.
        state: The folder in which each tab has one.
        command: Returns the command of a chat.
        base: The environment from which the chats get what they need.
        signs: Whether the chats need AWS's variables.
    """
    port = listening.getsockname()[1]
    access = Access(Secrets.make(), port)
    tabs = Tabs(Slots(state), command, base, signs=signs)
    # No log of requests: the link is in one of them.
    application = Site(access, tabs, port).application()
    # The end does not wait for a browser that has stopped to read a file.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    site = web.SockSite(runner, listening)
    try:
        await site.start()
        yield access
        # First: a page whose connection is closed asks at once whether it can open its chat again.
        tabs.is_closing = True
        await site.stop()
    finally:
        await tabs.close()
        await runner.cleanup()


async def serve(
    listening: socket.socket,
    *,
    state: Path,
    command: CommandFor,
    base: Mapping[str, str],
    signs: bool,
    ready: Callable[[str], object],
) -> None:
    """Serve as `serving` does until SIGINT, SIGTERM or SIGHUP; `ready` gets the link once it works."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with serving(listening, state=state, command=command, base=base, signs=signs) as access:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        ready(access.link)
        await stop.wait()
