"""An HTTP proxy on loopback that leads where a test says, and remembers what it was asked."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came to a proxy or a server: `headers` by their names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)


class LoopbackProxy:
    """An HTTP proxy: CONNECT, and whole URLs in requests.

    `ports` maps each host to a port of this machine; `tls` makes it a proxy that is reached over TLS.

    Attributes:
        asked: The requests that came, tunnels and others.
        authorization: What `Proxy-Authorization` must be; else the answer is 407.
        answer: Answers a CONNECT instead of opening a tunnel, if set.
    """

    def __init__(self, ports: Mapping[str, int], *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.authorization: str | None = None
        self.answer: bytes | None = None
        self.port = 0
        self._ports = ports
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def tunnels(self) -> list[str]:
        """The targets of CONNECT requests, in order."""
        return [each.target for each in self.asked if each.method == "CONNECT"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the stream's own callback would log a cancellation as a crash
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked = read_head(head)
        self.asked.append(asked)
        if self.authorization not in (None, asked.headers.get("proxy-authorization")):
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif self.answer is not None:
            writer.write(self.answer)
        elif asked.method == "CONNECT":
            await self._tunnel(asked.target, reader, writer)
        else:
            host, _, path = asked.target.partition("://")[2].partition("/")
            line, _, rest = head.partition(b"\r\n")
            version = line.rpartition(b" ")[2].decode()
            passed_on = f"{asked.method} /{path} {version}\r\n".encode() + rest
            await self._join(host, reader, writer, passed_on)
        await writer.drain()

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._join(target, reader, writer, b"")

    async def _join(
        self, place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes
    ) -> None:
        host = place.rpartition(":")[0] or place
        there, back = await asyncio.open_connection("127.0.0.1", self._ports[host])
        back.write(first)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back))
                group.create_task(_pump(there, writer))
        except* OSError:
            pass
        finally:
            back.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


def read_head(head: bytes) -> Asked:
    """Read the head of an HTTP request."""
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ", 2)
    pairs = (each.partition(":") for each in rest)
    return Asked(method, target, {name.strip().lower(): value.strip() for name, _, value in pairs})
