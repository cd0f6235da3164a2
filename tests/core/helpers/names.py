"""A resolver for tests: what look-ups answer without a network."""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

Place = tuple[str, int]


def resolve(patch: pytest.MonkeyPatch, places: Mapping[str, Sequence[Place]]) -> None:
    """Let names lead to addresses and ports of this machine, until the test is over; others are not found.

    The port that is asked for is ignored: only root may listen at 443.
    """
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **options: Any) -> Any:  # noqa: ANN401 - as the real one
        name = host.decode() if isinstance(host, bytes) else host
        if name in places:
            return [_address(place) for place in places[name]]
        if name is None or name.replace(".", "").isdigit() or ":" in name or name == "localhost":
            return real(host, port, *rest, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    patch.setattr(socket, "getaddrinfo", look_up)


def _address(place: Place) -> tuple[int, int, int, str, tuple[Any, ...]]:
    six = ":" in place[0]
    family = socket.AF_INET6 if six else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (*place, 0, 0) if six else place


class BlackHole:
    """An address at which connections are never answered: its queue is full, so that SYNs are dropped."""

    def __init__(self) -> None:
        six = socket.has_ipv6
        self._server = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
        self._server.bind(("::1" if six else "127.0.0.1", 0))
        self._server.listen(0)
        self.place: Place = self._server.getsockname()[:2]
        self._waiting = [socket.socket(self._server.family) for _ in range(4)]
        for each in self._waiting:
            each.setblocking(False)
            each.connect_ex(self.place)

    def close(self) -> None:
        """Give the address back."""
        for each in (*self._waiting, self._server):
            each.close()
