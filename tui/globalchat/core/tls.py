"""Explains why TLS failed and which setting helps; makes the client's SSL context.

Each library trusts different authorities: Python's `ssl` (the chat) those of the machine or
SSL_CERT_FILE, AWS's SDK its own or those of AWS_CA_BUNDLE, Node.js its own and those of NODE_EXTRA_CA_CERTS.
"""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import get_ident

from globalchat.core.net import Proxy, host_and_port
from globalchat.core.text import sanitize

_EXPIRED = 10
_NOT_YET_VALID = 9
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_STRICT_RULES = range(79, 95)
"""What VERIFY_X509_STRICT checks, on by default since Python 3.13. All numbers are OpenSSL's X509_V_ERR_*."""
_NODE_CODES: Mapping[str, int] = {
    "CERT_NOT_YET_VALID": _NOT_YET_VALID,
    "certificate is not yet valid": _NOT_YET_VALID,
    "CERT_HAS_EXPIRED": _EXPIRED,
    "certificate has expired": _EXPIRED,
    "ERR_TLS_CERT_ALTNAME_INVALID": 62,
    "does not match certificate's altnames": 62,
    "UNABLE_TO_GET_ISSUER_CERT": 20,
    "unable to get local issuer certificate": 20,
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE": 21,
    "unable to verify the first certificate": 21,
    "SELF_SIGNED_CERT": 19,
    "self-signed certificate": 19,
    "self signed certificate": 19,
}
"""Node.js's names of OpenSSL's reasons (lib/internal/tls, `X509_verify_cert_error_string`)."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Trust:
    """Where a part of the program finds the authorities that it trusts.

    `variables` name a file with them, and the first that is set applies; `advice` says how to add one.
    """

    variables: tuple[str, ...]
    advice: str


CHAT = Trust(("SSL_CERT_FILE",), "set SSL_CERT_FILE to a PEM file that holds it and the usual ones")
AWS = Trust(
    ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    "set AWS_CA_BUNDLE (for AWS's SDK and the CDK), NODE_EXTRA_CA_CERTS (for npm) and SSL_CERT_FILE (for the "
    "chat) to a PEM file that holds it and the usual ones",
)
NODE = Trust(
    ("NODE_EXTRA_CA_CERTS",),
    "set NODE_EXTRA_CA_CERTS to a PEM file that holds it (npm has a setting `cafile`, which comes first)",
)


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """The reason for a TLS failure, a clause without a full stop, and a remedy."""

    reason: str
    remedy: str


@cache
def context() -> ssl.SSLContext:
    """Return the SSL context that all connections of the client share: each costs 18 ms of CPU and 860 KB."""
    # As aiohttp does for its own contexts: the server must not choose HTTP/2, which the client does not
    # speak.
    made = ssl.create_default_context()
    made.set_alpn_protocols(["http/1.1"])
    return made


@contextmanager
def no_authorities() -> Iterator[None]:
    """Let SSL contexts that this thread makes meanwhile trust no authority: for the import of aiohttp.

    It makes two contexts of its own while it is imported, which nothing here uses: all connections have that
    of `context`. To read the machine's authorities for them takes 40 ms of CPU and 1.7 MB, a sixth of what
    the client's imports take.
    """
    thread = get_ident()

    def read(self: ssl.SSLContext) -> None:
        if get_ident() != thread:
            super(ssl.SSLContext, self).set_default_verify_paths()

    ssl.SSLContext.set_default_verify_paths = read  # type: ignore[method-assign]
    try:
        yield
    finally:
        # The inherited one is back.
        del ssl.SSLContext.set_default_verify_paths


def wrapped(error: BaseException | None) -> Iterator[object]:
    """Yield a library's error and all that it wraps, wherever aiohttp, urllib3 and botocore keep it."""
    # Errors may refer to each other in a circle.
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += (each.__cause__, each.__context__, *each.args)
            # Not properties: websockets warns on access to obsolete ones.
            for value in vars(each).values():
                waiting += value.values() if isinstance(value, dict) else (value,)


def find_ssl_error(error: BaseException | None) -> ssl.SSLError | None:
    """Return the TLS error that a library's error wraps, if there is one."""
    # requests and urllib3 have their own SSLError.
    found = (each for each in wrapped(error) if isinstance(each, ssl.SSLError))
    return next((each for each in found if type(each).__module__ == "ssl"), None)


def problem_of(file: str) -> str | None:
    """Return the reason (a clause) why a file of authorities cannot be used; None if it can."""
    try:
        content = Path(file).read_bytes()
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    # OpenSSL ignores everything else in the file (PEM_read_bio_X509_AUX).
    has_one = re.search(rb"-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----", content)
    return None if has_one else "holds no certificate"


def explain(
    error: ssl.SSLError,
    environ: Mapping[str, str],
    trust: Trust = CHAT,
    *,
    issuer: str | None = None,
    look: Callable[[str], str | None] = problem_of,
) -> TlsFailure:
    """Return why TLS failed.

    Args:
        error: what the library raised.
        environ: the variables of the environment.
        trust: which part of the program the connection belongs to.
        issuer: the issuer of the certificate that the server presented, if known.
        look: returns the problem with a file of authorities, None if there is none.
    """
    missing = _useless_file(environ, trust, look)
    if not isinstance(error, ssl.SSLCertVerificationError):
        return missing or _no_handshake(error)
    code, said = getattr(error, "verify_code", 0), getattr(error, "verify_message", "no reason")
    return _by_code(code, said, missing, trust, issuer)


def explain_node(
    output: str,
    environ: Mapping[str, str],
    *,
    look: Callable[[str], str | None] = problem_of,
) -> TlsFailure | None:
    """Return why TLS failed in a Node.js program, by its output; None if it failed for another reason."""
    code = next((number for text, number in _NODE_CODES.items() if text in output), None)
    return None if code is None else _by_code(code, "", _useless_file(environ, NODE, look), NODE, None)


def _by_code(
    code: int, said: str, missing: TlsFailure | None, trust: Trust, issuer: str | None
) -> TlsFailure:
    """Return the failure for OpenSSL's code and message of a failed verification."""
    if code in (_EXPIRED, _NOT_YET_VALID):
        reason = "its certificate has expired" if code == _EXPIRED else "its certificate is not valid yet"
        return TlsFailure(
            reason, "Check this machine's clock. If it is right, the certificate has to be renewed there."
        )
    by = f" It was issued by {issuer}." if issuer else ""
    if code in _UNKNOWN_AUTHORITY:
        if missing is not None:
            return missing
        whose = f"was issued by {issuer}, which" if issuer else "is of an authority that"
        return TlsFailure(
            f"its certificate {whose} this machine does not trust",
            f"If your network inspects TLS, get the certificate of its authority"
            f"{'' if issuer else ' (`globalchat doctor` names it)'} and {trust.advice}.",
        )
    if code in _OTHER_NAME:
        return TlsFailure(
            "its certificate is for another name",
            f"Check the URL, and whatever answers in its place (a proxy, a sign-in page of the network).{by}",
        )
    if code in _STRICT_RULES:
        return TlsFailure(
            f"its certificate breaks a rule that Python 3.13 and later check ({said})",
            "Those who inspect TLS have to renew the certificate of their authority; Python 3.12 accepts "
            f"this one.{by}",
        )
    return TlsFailure(f"its certificate is not accepted ({said})", f"Check the URL.{by}")


def _useless_file(
    environ: Mapping[str, str], trust: Trust, look: Callable[[str], str | None]
) -> TlsFailure | None:
    """Return the failure if a variable names an unusable file, which libraries do not report."""
    name = next((each for each in trust.variables if environ.get(each)), None)
    problem = None if name is None else look(environ[name])
    if name is None or problem is None:
        return None
    return TlsFailure(f"{name} names {environ[name]}, which {problem}", f"Correct {name}, or unset it.")


def _no_handshake(error: ssl.SSLError) -> TlsFailure:
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return TlsFailure(
            "the connection was closed during the TLS handshake",
            "Whatever is on the way (a firewall, a proxy) may block the host.",
        )
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"):
        return TlsFailure(
            "what answers does not speak TLS", "Check the scheme and port of the URL, and the proxy."
        )
    detail = f" ({reason.replace('_', ' ').lower()})" if reason else ""
    return TlsFailure(f"TLS failed{detail}", "Check whatever inspects this machine's TLS traffic.")


def issuer_of(certificate: bytes) -> str | None:
    """Return the issuer of a certificate (DER): common name, else organisation; None if it has neither."""
    try:
        _, outer, _ = _element(certificate, 0)
        _, content, _ = _element(outer, 0)
        tag, _, at = _element(content, 0)
        if tag == 0xA0:  # The version, absent in X.509 v1.
            _, _, at = _element(content, at)  # The serial number.
        _, _, at = _element(content, at)  # The signature algorithm.
        _, issuer, _ = _element(content, at)
        names = dict(_names(issuer))
    # The certificate is damaged.
    except (IndexError, ValueError):
        # The object identifiers 2.5.4.3 and 2.5.4.10 in DER.
        return None
    name = names.get(b"\x55\x04\x03") or names.get(b"\x55\x04\x0a")
    return sanitize(name[:_LONGEST_NAME], multiline=False) if name else None


def _names(issuer: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the object identifier and the text of each part of a distinguished name."""
    at = 0
    while at < len(issuer):
        _, group, at = _element(issuer, at)
        _, pair, _ = _element(group, 0)
        _, kind, after = _element(pair, 0)
        # 0x1E is a BMPString; the other types in use are ASCII or UTF-8.
        tag, value, _ = _element(pair, after)
        yield kind, value.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Return the tag and content of the DER element at an offset, and the offset of the next element."""
    tag, length, start = data[at], data[at + 1], at + 2
    # The long form: the low bits count the bytes of the length.
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size]), start + size
    if start + length > len(data):
        raise ValueError("cut short")
    return tag, data[start : start + length], start + length


def presented_issuer(url: str, proxy: Proxy | None, *, seconds: float = 4.0) -> str | None:
    """Return the issuer of the certificate that a URL's host presents; None if it cannot be read.

    For a sentence about a failed connection. Verifies nothing, and sends only a handshake.
    """
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    host, port = host_and_port(url)
    with suppress(OSError, ValueError):
        place = (proxy.host, proxy.port) if proxy is not None else (host, port)
        with socket.create_connection(place, seconds) as plain:
            # With TLS to the proxy itself, a second handshake is not worth the effort.
            if proxy is not None and (proxy.scheme != "http" or not _tunnel(plain, url, proxy)):
                return None
            with unverified.wrap_socket(plain, server_hostname=host) as wrapped:
                certificate = wrapped.getpeercert(binary_form=True)
                return issuer_of(certificate) if certificate else None
    return None


def _tunnel(plain: socket.socket, url: str, proxy: Proxy) -> bool:
    """Ask a proxy for a tunnel to a URL's host; return True if it opened one."""
    plain.sendall(proxy.tunnel_request(url))
    answer = b""
    # What answers may not be a proxy, and send without end.
    while b"\r\n\r\n" not in answer and len(answer) < 65_536:
        part = plain.recv(4096)
        if not part:
            return False
        answer += part
    return answer.split(b" ", 2)[1:2] == [b"200"]
