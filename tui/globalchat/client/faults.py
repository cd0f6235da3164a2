"""Turns what servers and sockets say of a failure into the client's errors. Pure; imports no transport.

The sentences name a host, never a URL (it may hold the key) and never the text of a transport's exception.
"""

import errno
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from globalchat.core.clock import CLOCK_REMEDY, SIGNATURE_WINDOW, skew_sentence
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
_LONGEST = 500
_LONGEST_CHANNEL = 50
_MOST_CHANNELS = 256
"""More names do not fit into the 512 characters that a deployment has for them."""
_LONGEST_THROTTLE = 300.0

UNKNOWN_CHANNEL = "UnknownChannel"
"""The `errorType` of a refused channel (`infra/resolvers/publish.js`, `subscribe.js`, `unsubscribe.js`)."""
KEY_REMEDY = "Get the current key with `globalchat outputs --refresh`, then try again."
SIGNATURE_REMEDY = "Check the AWS credentials: which ones are used is told by `aws sts get-caller-identity`."
DENIED_REMEDY = "Use AWS credentials whose policy allows appsync:GraphQL on that field."


@dataclass(frozen=True, slots=True)
class Fault:
    """One GraphQL error, as far as it could be read.

    `code` is the `errorCode` of socket errors; `retryable` and `channels` (those that there are) come from
    the `errorInfo`, which an `error` frame of a socket lacks.
    """

    message: str
    error_type: str = "GraphQLError"
    code: int | None = None
    retryable: bool = False
    channels: tuple[str, ...] = ()


def read_faults(payload: object) -> list[Fault]:
    """The errors of a response or frame: under `errors` (a list, sometimes one object) or bare."""
    if isinstance(payload, Mapping) and "errors" in payload:
        payload = payload["errors"]
    items = payload if isinstance(payload, list) else [payload]
    return [_read(item) for item in items if item]


def refusal(
    faults: list[Fault],
    where: str,
    *,
    channel: str | None = None,
    known: Sequence[str] = (),
    signed: bool = False,
    skew: float | None = None,
) -> Refused:
    """Return the error that the first fault stands for.

    Args:
        faults: The errors of an answer or a frame.
        where: The host.
        channel: The channel that was asked for, if any.
        known: The channels that the backend is known to have; an `errorInfo` knows better.
        signed: True if the request was signed, instead of carrying an API key.
        skew: Seconds that this machine's clock is ahead of the host's, if known.
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
    if kind == UNKNOWN_CHANNEL and channel is not None:
        return unknown_channel(channel, fault.channels or known)
    return Refused(fault.message, error_type=kind, retryable=fault.retryable or kind in _RETRYABLE)


def unknown_channel(name: str, channels: Sequence[str], *, remedy: str | None = None) -> Refused:
    """Return the refusal of a channel, which lists those that there are (if known) and names the nearest."""
    told = f'There is no channel "{name[:_LONGEST_CHANNEL]}".'
    if channels:
        told = suggest(f"{told} The channels are: {', '.join(channels)}.", name, channels)
    return Refused(told, error_type=UNKNOWN_CHANNEL, remedy=remedy)


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
    return Unauthorized(skew_sentence(skew, where), error_type="WrongClock", remedy=CLOCK_REMEDY)


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
    info = info if isinstance(info, Mapping) else {}
    channels = info.get("channels")
    return Fault(
        message=text,
        error_type=kind,
        code=code if isinstance(code, int) else None,
        retryable=info.get("retryable") is True,
        channels=_read_names(channels) if isinstance(channels, list) else (),
    )


def _read_names(items: list[object]) -> tuple[str, ...]:
    """Return the texts of a list, cut to what a channel may be called and a deployment may have."""
    return tuple(each[:_LONGEST_CHANNEL] for each in items[:_MOST_CHANNELS] if isinstance(each, str))
