"""Ports on loopback, bound before anything else is made."""

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from globalchat.core.errors import UserError

LOOPBACK: Final = "127.0.0.1"


@contextmanager
def bound(ports: Sequence[int]) -> Iterator[list[socket.socket]]:
    """Bind one listening socket per port (0: a free one); they are closed at the end.

    Raises:
        UserError: a port is taken or may not be used.
    """
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            sockets.append(listener := socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            _bind(listener, port)
        yield sockets
    finally:
        for listener in sockets:
            listener.close()


def url(listener: socket.socket, *, tls: bool = False) -> str:
    """Make the base URL of a bound socket."""
    return f"{'https' if tls else 'http'}://{LOOPBACK}:{listener.getsockname()[1]}"


def _bind(listener: socket.socket, port: int) -> None:
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(1024)
    except OverflowError:
        raise UserError(f"{port} is not a port.", remedy="Choose one from 1024 to 65535.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"Port {port} is in use by another program."
        elif error.errno == errno.EACCES:
            problem = f"Port {port} may not be used without administrator rights."
        else:
            raise
        raise UserError(problem, remedy="Choose another port, or none to take a free one.") from None
