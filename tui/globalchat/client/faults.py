"""Turns what servers and sockets say of a failure into the client's errors. Pure; imports no transport.

The sentences name a host, never a URL (it may hold the key) and never the text of a transport's exception.
"""

import errno
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from globalchat.core.clock import duration_in_words
from globalchat.core.errors import Refused, Unauthorized, Unreachable
from globalchat.core.text import suggest

_RETRYABLE = frozenset(
    {
        "ExecutionTimeout",
        "InternalFailure",
        "LimitExceededError",
        "LimitExceededException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# Names of aiohttp's and websockets' errors (this module imports neither) for a connection that was cut.
_CUT = frozenset({"ClientOSError", "ConnectionClosedError", "ConnectionClosedOK", "ServerDisconnectedError"})
_NO_CHANNEL = re.compile(r'There is no channel "(.*)"\. The channels are: (.*)\.', re.DOTALL)
"""How the resolvers refuse a channel (`infra/resolvers/publish.js`, `subscribe.js`)."""
_LONGEST = 500
_LONGEST_THROTTLE = 300.0

KEY_REMEDY = "Get the current key with `globalchat outputs --refresh`, then try again."
SIGNATURE_REMEDY = "Check the AWS credentials: which ones are used is told by `aws sts get-caller-identity`."
CLOCK_REMEDY = "Set this machine's clock (turn on network time), then try again."
SIGNATURE_WINDOW = 300.0
"""Seconds that a signature's time may be off (SigV4)."""
DENIED_REMEDY = "Use AWS credentials whose policy allows appsync:GraphQL on that field."


@dataclass(frozen=True, slots=True)
class Fault:
    """One GraphQL error, as far as it could be read. `code` is the `errorCode` of socket errors."""

    message: str
    error_type: str = "GraphQLError"
    code: int | None = None
    retryable: bool = False


def read_faults(payload: object) -> list[Fault]:
    """The errors of a response or frame: under `errors` (a list, sometimes one object) or bare."""
    if isinstance(payload, Mapping) and "errors" in payload:
        payload = payload["errors"]
    items = payload if isinstance(payload, list) else [payload]
    return [_read(item) for item in items if item]


def refusal(faults: list[Fault], where: str, *, signed: bool = False, skew: float | None = None) -> Refused:
    """The error that the first fault stands for.

    `where` is the host, `signed` if no API key was used, `skew` the seconds that our clock is ahead of it.
    """
    fault = faults[0] if faults else Fault("The backend refused without saying why.")
    kind = fault.error_type
    if kind == "WAFForbiddenException":
        return blocked(where)
    if kind.endswith("UnauthorizedException") or fault.code in (401, 403):
        stale = "signature expired" in fault.message.lower() or "not yet current" in fault.message.lower()
        return unauthorized(where, signed=signed, skew=skew, stale=stale)
    if kind == "Unauthorized":
        return Unauthorized(fault.message, error_type=kind, remedy=DENIED_REMEDY)
    told = _suggest_channel(fault.message) if kind == "UnknownChannel" else fault.message
    return Refused(told, error_type=kind, retryable=fault.retryable or kind in _RETRYABLE)


def unauthorized(
    where: str, *, signed: bool = False, skew: float | None = None, stale: bool = False
) -> Unauthorized:
    """The API-level check failed: key, signature, or a clock so wrong that no signature holds (`stale`)."""
    if signed and (stale or (skew is not None and abs(skew) > SIGNATURE_WINDOW)):
        return wrong_clock(skew, where)
    what = "signature" if signed else "API key"
    return Unauthorized(
        # AWS gives one answer to both, so this is all that can be known of a key that never worked.
        f"The {what} was not accepted by {where}: it is wrong or has expired.",
        error_type="UnauthorizedException",
        remedy=SIGNATURE_REMEDY if signed else KEY_REMEDY,
    )


def no_longer_accepted(where: str) -> Unauthorized:
    """The API key worked before and does not now."""
    return Unauthorized(
        f"The API key is no longer accepted by {where}: it has expired or was removed.",
        error_type="UnauthorizedException",
        remedy=KEY_REMEDY,
    )


def wrong_clock(skew: float | None, where: str) -> Unauthorized:
    """This machine's clock is off: `skew` seconds ahead (negative: behind), None if unknown."""
    if skew is None:
        told = f"This machine's clock is too far from that of {where}."
    else:
        way = "ahead of" if skew > 0 else "behind"
        told = f"This machine's clock is {duration_in_words(abs(skew))} {way} {where}."
    return Unauthorized(told, error_type="WrongClock", remedy=CLOCK_REMEDY)


def throttled(where: str, retry_after: str | None) -> Refused:
    """The API was called too often. `retry_after` is the header of that name, if the answer had one."""
    return Refused(
        f"{where} is called too often at the moment.",
        error_type="TooManyRequestsException",
        retryable=True,
        retry_after=read_retry_after(retry_after),
    )


def blocked(where: str) -> Refused:
    """A web firewall before the API blocks this address; ours does so for its rate, until that has sunk."""
    return Refused(
        f"The firewall of {where} blocks this address: too many requests came from it.",
        error_type="WAFForbiddenException",
        retryable=True,
        remedy="Wait some minutes; `globalchat deploy --waf-rate` sets how many it takes.",
    )


def read_retry_after(header: str | None) -> float | None:
    """The seconds of a `Retry-After` header, at most 5 minutes; None if it holds no number of seconds.

    Its other form, a date, would need this machine's clock and the server's to agree.
    """
    if header is None or not header.isascii() or not header.strip().isdigit():
        return None
    return min(float(header), _LONGEST_THROTTLE)


def unreachable(cause: BaseException | None, where: str, *, proxied: bool = False) -> Unreachable:
    """What a failed connection or call comes down to, by its cause; `proxied` if it went to a proxy."""
    failure = _unreachable(cause, where, proxied=proxied)
    name = type(cause).__name__
    # aiohttp's errors of connecting; all others may come after the request went out.
    failure.sent = not (name.startswith("ClientConnector") or name == "ClientProxyConnectionError")
    return failure


def _unreachable(cause: BaseException | None, where: str, *, proxied: bool) -> Unreachable:
    root = getattr(cause, "os_error", None) or getattr(cause, "certificate_error", None) or cause
    response = getattr(cause, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(status, int):
        return not_the_api(where, f"HTTP status {status} instead of a WebSocket")
    refused = getattr(root, "errno", None) == errno.ECONNREFUSED or "Connect call failed" in str(root)
    if "Proxy" in type(cause).__name__ or (proxied and (refused or isinstance(root, socket.gaierror))):
        return Unreachable(
            f"The proxy did not let the connection to {where} through, or could not be reached.",
            remedy="Check HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(root, socket.gaierror):
        return Unreachable(
            f"The name {where} could not be resolved.",
            remedy="Check the network; if the region was destroyed, deploy it again.",
        )
    if isinstance(root, ssl.SSLError):
        return Unreachable(
            f"No secure connection to {where}: its certificate or TLS is not acceptable.",
            remedy="Check this machine's clock and whatever inspects its TLS traffic.",
        )
    if refused:
        return Unreachable(
            f"Nothing listens at {where}: the connection was refused.",
            remedy="Is it running? `globalchat local status` tells for the local cloud.",
        )
    if isinstance(root, TimeoutError):
        return timed_out(where)
    name = type(root).__name__
    # websockets' InvalidMessage, if the answer to the handshake was cut off.
    cut_short = root is not None and isinstance(root.__cause__, EOFError | ConnectionError)
    if isinstance(root, ConnectionError) or name in _CUT or cut_short:
        return lost(where)
    name = "" if root is None else f" ({name})"
    return Unreachable(f"The connection to {where} failed{name}.", remedy="Check the network.")


def timed_out(where: str) -> Unreachable:
    """No answer in time."""
    return Unreachable(f"{where} did not answer in time.", remedy="Check the network.")


def lost(where: str) -> Unreachable:
    """The other side ended the connection."""
    return Unreachable(f"The connection to {where} was closed.")


def not_the_api(where: str, what: str) -> Unreachable:
    """Something answered, but not the way this API does."""
    return Unreachable(
        f"{where} answered {what}: it does not speak like the API.", remedy="Check the URL in the profile."
    )


def _read(item: object) -> Fault:
    if not isinstance(item, Mapping):
        return Fault(str(item)[:_LONGEST])
    message, kind, code, info = (item.get(key) for key in ("message", "errorType", "errorCode", "errorInfo"))
    kind = kind[:_LONGEST] if isinstance(kind, str) and kind else "GraphQLError"
    text = message[:_LONGEST] if isinstance(message, str) and message else f"The backend refused: {kind}."
    return Fault(
        message=text,
        error_type=kind,
        code=code if isinstance(code, int) else None,
        retryable=isinstance(info, Mapping) and info.get("retryable") is True,
    )


def _suggest_channel(refusal: str) -> str:
    """Append the channel that may have been meant to the backend's refusal of one."""
    match = _NO_CHANNEL.fullmatch(refusal)
    return suggest(refusal, match[1], match[2].split(", ")) if match else refusal
