"""Networks on loopback: a throw-away certificate authority, and a proxy that leads where a test says."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority; `file` is what its clients have to trust.

    `strict` is False for one as inspecting proxies often have it, whose certificate breaks RFC 5280.
    """

    def __init__(self, folder: Path, name: str = "Throw-away Authority", *, strict: bool = True) -> None:
        self.name = name
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - timedelta(days=800))
            .not_valid_after(_now() + timedelta(days=800))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=strict)
        )
        if strict:
            builder = builder.add_extension(_KEY_USAGE, critical=True).add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *names: str, days: float = 30, valid_in: float = -1) -> ssl.SSLContext:
        """Return a server's context with a certificate for some names, valid in and for so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        begin = _now() + timedelta(days=valid_in)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(begin, _now() + timedelta(days=days - 1)))
            .not_valid_after(_now() + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        file = self.folder / f"server-{certificate.serial_number}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        return made


_KEY_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came to a proxy or a server: `headers` by their names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)


class LoopbackProxy:
    """An HTTP proxy: CONNECT, and whole URLs in requests. Every host lies at `ports` of this machine.

    Attributes:
        asked: The requests that came, tunnels and others.
        authorization: What `Proxy-Authorization` must be; else the answer is 407.
        answer: Answers a CONNECT instead of opening a tunnel, if set.
    """

    def __init__(self, ports: Mapping[str, int], *, tls: ssl.SSLContext | None = None) -> None:
        """`ports` gives the port of each host; `tls` makes it a proxy that is spoken to over TLS."""
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
        """Where CONNECT led, in order."""
        return [each.target for each in self.asked if each.method == "CONNECT"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
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
        except* ConnectionError:
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
