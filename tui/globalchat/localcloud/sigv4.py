"""Verifies AWS Signature Version 4.

Sources: IAM user guide, "Create a signed AWS API request"; error messages are those that AWS was observed to
send (aws-amplify/amplify-js#7906 and #14001, awslabs/aws-mobile-appsync-sdk-js#702).
"""

import base64
import hashlib
import hmac
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import quote, unquote

from globalchat.localcloud.iam import AccessKey, Principal

ALGORITHM: Final = "AWS4-HMAC-SHA256"
WINDOW_SECONDS: Final = 300
"""The most seconds between a request's time and the server's."""

_TERMINATOR: Final = "aws4_request"
_ELEMENTS: Final = 5
_PARAMETERS: Final = ("Credential", "Signature", "SignedHeaders")
_UNRESERVED: Final = "-_.~"
_DATE: Final = "%Y%m%dT%H%M%SZ"
_DAY: Final = re.compile(r"\d{8}")
_INVALID_TOKEN: Final = "The security token included in the request is invalid."
_EXPIRED_TOKEN: Final = "The security token included in the request is expired"


class Problem(Enum):
    """A problem with a signature. Each service and protocol has its own name for it."""

    INCOMPLETE = "incomplete"
    """The header is incomplete or malformed."""
    WRONG = "wrong"
    """It is stale, for another service or region, or does not match."""
    UNKNOWN_KEY = "unknown key"
    """There is no such access key, or the session token does not belong to it."""
    EXPIRED = "expired"
    """The temporary credentials have ended."""


class SignatureError(Exception):
    """A signature is refused. The message is AWS's if known."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request. `path` is as sent, with its query string if any."""

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
        return f"{self.date}/{self.region}/{self.service}/{_TERMINATOR}"


def parse(authorization: str, headers: Mapping[str, str]) -> Signature:
    """Parse the signature of a request; header names in any case.

    Raises:
        SignatureError: the header is incomplete, or `host` or the time is not signed.
    """
    _, _, rest = authorization.strip().partition(" ")
    parts = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        parts[name] = value
    time = _lower(headers).get("x-amz-date", "")
    absent = [
        f"Authorization header requires '{name}' parameter." for name in _PARAMETERS if not parts.get(name)
    ]
    if not time:
        absent.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if not authorization.startswith(ALGORITHM + " ") or absent:
        # AWS used to repeat the header here, and today its digest.
        digest = base64.b64encode(hashlib.sha256(authorization.encode("utf-8", "replace")).digest()).decode()
        absent.append(f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}")
        raise SignatureError(Problem.INCOMPLETE, " ".join(absent))
    access_key, date, region, service = _read_credential(parts["Credential"])
    names = tuple(parts["SignedHeaders"].split(";"))
    if "host" not in names:
        message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        raise SignatureError(Problem.WRONG, message)
    if "x-amz-date" not in names:
        raise SignatureError(Problem.WRONG, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.")
    return Signature(access_key, date, region, service, names, parts["Signature"], time)


def _read_credential(text: str) -> tuple[str, str, str, str]:
    elements = text.split("/")
    if len(elements) != _ELEMENTS or not all(elements):
        expected = "exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
        raise SignatureError(Problem.INCOMPLETE, f"Credential must have {expected}, got '{text}'")
    access_key, date, region, service, terminator = elements
    if not _DAY.fullmatch(date):
        raise SignatureError(Problem.WRONG, f"Date in Credential scope must be YYYYMMDD, not '{date}'.")
    if terminator != _TERMINATOR:
        wanted = f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{terminator}'."
        raise SignatureError(Problem.WRONG, wanted)
    return access_key, date, region, service


def check_scope(signature: Signature, *, region: str, service: str) -> None:
    """Check that a signature is meant for a service in a region.

    Raises:
        SignatureError: it is not; the message names what differs.
    """
    differing = []
    if signature.region != region:
        differing.append(f"Credential should be scoped to a valid region, not '{signature.region}'.")
    if signature.service != service:
        differing.append(f"Credential should be scoped to correct service: '{service}'.")
    if differing:
        raise SignatureError(Problem.WRONG, " ".join(differing))


def authenticate(
    request: SignedRequest, signature: Signature, access_keys: Mapping[str, AccessKey], now: float
) -> Principal:
    """Return who signed a request; `now` is epoch seconds.

    Raises:
        SignatureError: the key is unknown, its credentials have expired, or the signature is invalid.
    """
    key = access_keys.get(signature.access_key)
    token = _lower(request.headers).get("x-amz-security-token", "")
    # As bytes, since `compare_digest` refuses texts with other characters than ASCII.
    if key is None or not hmac.compare_digest(token.encode("utf-8", "replace"), (key.token or "").encode()):
        raise SignatureError(Problem.UNKNOWN_KEY, _INVALID_TOKEN)
    if key.expires is not None and now >= key.expires:
        raise SignatureError(Problem.EXPIRED, _EXPIRED_TOKEN)
    verify(request, signature, key.secret_key, now)
    return key.principal


def verify(request: SignedRequest, signature: Signature, secret_key: str, now: float) -> None:
    """Check a signature against the secret key; `now` is epoch seconds.

    A signature over `host` without its port is accepted as well: some signers leave the port out, which is
    right on AWS, where it is 443. It grants nothing more, since the scope names the region.

    Raises:
        SignatureError: the request's time is more than five minutes from `now`, or the signature differs.
    """
    _check_time(signature, now)
    given = signature.signature.encode("utf-8", "replace")
    if hmac.compare_digest(sign(request, signature, secret_key).encode(), given):
        return
    without_port = _without_port(request)
    if without_port is not None and hmac.compare_digest(
        sign(without_port, signature, secret_key).encode(), given
    ):
        return
    raise SignatureError(Problem.WRONG, _mismatch(request, signature))


def _without_port(request: SignedRequest) -> SignedRequest | None:
    headers = _lower(request.headers)
    host, colon, _ = headers.get("host", "").partition(":")
    return replace(request, headers={**headers, "host": host}) if colon else None


def _mismatch(request: SignedRequest, signature: Signature) -> str:
    """Return AWS's message, which contains the canonical request with all signed headers."""
    return (
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details.\n\n"
        "The Canonical String for this request should have been\n"
        f"'{canonical_request(request, signature.signed_headers)}'\n\n"
        f"The String-to-Sign should have been\n'{string_to_sign(request, signature)}'\n"
    )


def sign(request: SignedRequest, signature: Signature, secret_key: str) -> str:
    """Return the signature that a request must have."""
    key = f"AWS4{secret_key}".encode()
    for part in (*signature.scope.split("/"), string_to_sign(request, signature)):
        key = hmac.new(key, part.encode("utf-8", "replace"), hashlib.sha256).digest()
    return key.hex()


def string_to_sign(request: SignedRequest, signature: Signature) -> str:
    """Make the string whose keyed hash is the signature."""
    canonical = canonical_request(request, signature.signed_headers).encode("utf-8", "replace")
    return "\n".join((ALGORITHM, signature.time, signature.scope, hashlib.sha256(canonical).hexdigest()))


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...]) -> str:
    """Return the canonical form of a request.

    Raises:
        SignatureError: a signed header is absent.
    """
    headers = _lower(request.headers)
    for name in signed_headers:
        if name not in headers:
            message = f"'{name}' is named as a SignedHeader, but it does not exist in the HTTP request."
            raise SignatureError(Problem.INCOMPLETE, message)
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
    # `normpath` keeps two slashes at the start, as POSIX allows.
    return quote(normal.replace("//", "/"), safe=f"/{_UNRESERVED}")


def _canonical_query(query: str) -> str:
    pairs = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        pairs.append((_recode(name), _recode(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _recode(text: str) -> str:
    # Bytes that are not UTF-8 have to be the same after both steps.
    return quote(unquote(text, errors="surrogateescape"), safe=_UNRESERVED, errors="surrogateescape")


def _check_time(signature: Signature, now: float) -> None:
    try:
        sent = datetime.strptime(signature.time, _DATE).replace(tzinfo=UTC)
    except ValueError:
        wanted = "Date must be in ISO-8601 'basic format'."
        see = "See http://en.wikipedia.org/wiki/ISO_8601"
        raise SignatureError(Problem.INCOMPLETE, f"{wanted} Got '{signature.time}'. {see}") from None
    if not signature.time.startswith(signature.date):
        raise SignatureError(
            Problem.WRONG,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{signature.date}' != '{signature.time[:8]}', from '{signature.time}'.",
        )
    server, window = datetime.fromtimestamp(now, UTC), timedelta(seconds=WINDOW_SECONDS)
    minutes = f"{WINDOW_SECONDS // 60} min."
    if sent < server - window:
        limit = f"{server - window:{_DATE}} ({server:{_DATE}} - {minutes})"
        raise SignatureError(
            Problem.WRONG, f"Signature expired: {signature.time} is now earlier than {limit}"
        )
    if sent > server + window:
        limit = f"{server + window:{_DATE}} ({server:{_DATE}} + {minutes})"
        raise SignatureError(
            Problem.WRONG, f"Signature not yet current: {signature.time} is still later than {limit}"
        )


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
