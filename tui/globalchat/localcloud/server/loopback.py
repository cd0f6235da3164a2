"""Listening sockets on loopback, and a throw-away certificate authority for them.

`openssl` makes the authority at every start. It signs one certificate, and its key is deleted at once, so
trusting it means trusting nothing else.
"""

import errno
import secrets
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from globalchat.core.errors import UserError
from globalchat.core.files import replace_file

LOOPBACK: Final = "127.0.0.1"


CA_FILE: Final = "ca.pem"
_DAYS: Final = "365"
_TIMEOUT_SECONDS: Final = 20.0
_CONFIGURATION: Final = """
[req]
distinguished_name = name
prompt = no
[name]
CN = globalchat local cloud
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
nameConstraints = critical, @names
[names]
permitted;DNS.1 = localhost
permitted;IP.1 = 127.0.0.1/255.255.255.255
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


@contextmanager
def bound(ports: Sequence[int]) -> Iterator[list[socket.socket]]:
    """Bind one listening socket per port (0 means a free one); they are closed at the end of the block.

    Raises:
        UserError: a port is taken or may not be used.
    """
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            sockets.append(listener := socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            # Otherwise a cloud that is started again could not have its port while old connections are in
            # TIME_WAIT.
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
        # Many clients may connect while one turn of the event loop lasts.
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


@dataclass(frozen=True, slots=True)
class Certificates:
    """A server's TLS context, and the file with the certificate that its clients have to trust."""

    context: ssl.SSLContext
    authority: Path


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate for localhost; only `ca.pem` stays in the folder.

    Raises:
        UserError: there is no `openssl` command, or it fails.
    """
    with tempfile.TemporaryDirectory(prefix="globalchat-tls-") as made:
        work = Path(made)
        (work / "openssl.cnf").write_text(_CONFIGURATION)
        for key in ("ca.key", "server.key"):
            _openssl(work, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        _openssl(work, "req", "-new", "-x509", "-key", "ca.key", "-out", CA_FILE, "-days", _DAYS,
                 "-config", "openssl.cnf", "-extensions", "authority")  # fmt: skip
        _openssl(work, "req", "-new", "-key", "server.key", "-out", "server.csr", "-config", "openssl.cnf")
        # Every authority has the same name; some clients refuse a serial number that they have seen under it
        # before.
        _openssl(work, "x509", "-req", "-in", "server.csr", "-out", "server.pem", "-days", _DAYS,
                 "-CA", CA_FILE, "-CAkey", "ca.key", "-set_serial", str(secrets.randbits(127)),
                 "-extfile", "openssl.cnf", "-extensions", "server")  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(work / "server.pem", work / "server.key")
        authority = (work / CA_FILE).read_bytes()
    replace_file(folder / CA_FILE, authority)
    return Certificates(context, folder / CA_FILE)


def _openssl(folder: Path, *arguments: str) -> None:
    try:
        subprocess.run(
            ["openssl", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise UserError(
            "TLS needs the openssl command, which was not found.",
            remedy="Install OpenSSL, or serve without --tls.",
        ) from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        raise UserError(
            f"openssl {arguments[0]} failed: {said[-1] if said else type(error).__name__}.",
            remedy="Serve without --tls.",
        ) from error
