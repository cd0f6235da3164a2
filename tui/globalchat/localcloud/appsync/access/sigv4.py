"""AWS Signature Version 4, the verifying side.

Source: AWS general reference, "Create a signed AWS API request".
"""

import hashlib
import hmac
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
WINDOW_SECONDS: Final = 300
"""How far a request's time may be from the server's."""

_CREDENTIAL: Final = re.compile(r"([^/\s]+)/(\d{8})/([^/\s]+)/([^/\s]+)/aws4_request")
_UNRESERVED: Final = "-_.~"


class SignatureError(Exception):
    """A signature lacks a part, is stale or wrong. The message is AWS's where that is known."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers. `path` is as it was sent, with its query string if any."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed `Authorization` header. `date` is the scope's day, `time` the request's `x-amz-date`."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)
    time: str

    @property
    def scope(self) -> str:
        """The credential scope that is signed."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def parse(authorization: str, headers: Mapping[str, str]) -> Signature:
    """Read the signature of a request; header names in any case.

    Raises:
        SignatureError: the header is incomplete, or `host` or the time is not signed.
    """
    algorithm, _, rest = authorization.strip().partition(" ")
    parts = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        parts[name] = value
    credential = _CREDENTIAL.fullmatch(parts.get("Credential", ""))
    names = tuple(parts.get("SignedHeaders", "").split(";"))
    if algorithm != ALGORITHM or credential is None or not parts.get("Signature"):
        raise SignatureError("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'.")
    time = _lower(headers).get("x-amz-date", "")
    if "host" not in names:
        raise SignatureError("'Host' must be a signed header.")
    if "x-amz-date" not in names:
        raise SignatureError("'X-Amz-Date' must be a signed header.")
    access_key, date, region, service = credential.groups()
    return Signature(access_key, date, region, service, names, parts["Signature"], time)


def verify(request: SignedRequest, signature: Signature, secret_key: str, now: float) -> None:
    """Check a signature against the secret key; `now` is epoch seconds.

    Raises:
        SignatureError: the request's time is more than five minutes from `now`, or the signature is another.
    """
    _check_time(signature, now)
    expected = sign(request, signature, secret_key)
    if not hmac.compare_digest(expected.encode(), signature.signature.encode("utf-8", "replace")):
        raise SignatureError("The request signature we calculated does not match the signature you provided.")


def sign(request: SignedRequest, signature: Signature, secret_key: str) -> str:
    """Compute the signature that a request must carry."""
    key = f"AWS4{secret_key}".encode()
    for part in (*signature.scope.split("/"), string_to_sign(request, signature)):
        key = hmac.new(key, part.encode("utf-8", "replace"), hashlib.sha256).digest()
    return key.hex()


def string_to_sign(request: SignedRequest, signature: Signature) -> str:
    """Make the text whose keyed hash is the signature."""
    canonical = canonical_request(request, signature.signed_headers).encode("utf-8", "replace")
    return "\n".join((ALGORITHM, signature.time, signature.scope, hashlib.sha256(canonical).hexdigest()))


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...]) -> str:
    """Put a request into its canonical form.

    Raises:
        SignatureError: a signed header is absent.
    """
    headers = _lower(request.headers)
    missing = [name for name in signed_headers if name not in headers]
    if missing:
        raise SignatureError(f"The signed header '{missing[0]}' is missing.")
    path, _, query = request.path.partition("?")
    return "\n".join(
        (
            request.method.upper(),
            _canonical_path(path),
            _canonical_query(query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in signed_headers),
            "",
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _canonical_path(path: str) -> str:
    # Every service but S3 encodes the already encoded path once more.
    normal = posixpath.normpath(path) if path else "/"
    if path.endswith("/") and normal != "/":
        normal += "/"
    return quote(normal.replace("//", "/"), safe=f"/{_UNRESERVED}")


def _canonical_query(query: str) -> str:
    pairs = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        pairs.append((_recode(name), _recode(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _recode(text: str) -> str:
    return quote(unquote(text, errors="surrogateescape"), safe=_UNRESERVED, errors="surrogateescape")


def _check_time(signature: Signature, now: float) -> None:
    try:
        sent = datetime.strptime(signature.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise SignatureError("Date must be in ISO-8601 'basic format'.") from None
    if not signature.time.startswith(signature.date):
        raise SignatureError(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date."
        )
    if abs(now - sent) > WINDOW_SECONDS:
        what = "expired" if sent < now else "not yet current"
        raise SignatureError(
            f"Signature {what}: {signature.time} is more than 5 minutes from the server's time."
        )


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
