"""Translates servers' error responses to the client's errors. Pure; imports no transport.

The sentences name a host, never a URL, which may contain the key.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from globalchat.client.profiles import RegionEndpoint, exposure
from globalchat.client.retry import THROTTLES
from globalchat.core.aws_errors import (
    EXPIRED,
    INCOMPLETE,
    INCOMPLETE_REMEDY,
    NOT_ACCEPTED,
    SIGN_IN,
    WRONG_SIGNATURE,
)
from globalchat.core.clock import CLOCK_REMEDY, SIGNATURE_WINDOW, read_stale_signature, skew_sentence
from globalchat.core.errors import Reason, Refused, Unauthorized, UserError
from globalchat.core.net import host_of, is_loopback
from globalchat.core.text import suggest

_BAD_REQUEST = "BadRequestException"
"""AppSync's error type for a wrong signature, among others."""
_OF_SCOPE = re.compile(r"(?i)credential should be scoped")
_OF_SIGNATURE = re.compile(rf"{_OF_SCOPE.pattern}|signature we calculated|SignedHeader|credential scope")
_RETRYABLE = THROTTLES | {
    "ExecutionTimeout",
    "HistoryFailed",  # infra/resolvers/history.js: the table could not be read, most often as it is throttled
    "InternalFailure",
    "LimitExceededError",
    "LimitExceededException",
}
_LONGEST = 500
_LONGEST_CHANNEL = 50
_MOST_CHANNELS = 256
"""More names do not fit into the 512 characters that a deployment has for them."""
# A wrong header must not silence a chat for a day.
_LONGEST_THROTTLE = 300.0

_UNDEFINED_FIELD = "Validation error of type FieldUndefined"

HISTORY_OFF = "HistoryOff"
"""The `errorType` of a region that stores no messages (`infra/resolvers/without_history/history.js`)."""
NO_HISTORY = "NoHistory"
"""Our own type of refusal: the region was deployed before there was a history."""

UNKNOWN_CHANNEL = "UnknownChannel"
"""The `errorType` of a refused channel (`infra/resolvers/publish.js`, `subscribe.js`, `unsubscribe.js`)."""
KEY_REMEDY = "Get the current key with `globalchat outputs --refresh`, then try again."
LOCAL_KEY_REMEDY = (
    "Try again: a local cloud that was restarted has a new key. If it lasts, see `globalchat local faults`."
)
SIGNATURE_REMEDY = "Check the AWS credentials: `aws sts get-caller-identity` shows which ones are used."
REGION_REMEDY = "Compare region and URL in the profile with `globalchat outputs`."
DENIED_REMEDY = "Use AWS credentials whose policy allows appsync:GraphQL on that field."


@dataclass(frozen=True, slots=True)
class ResponseError:
    """One GraphQL error, as far as it could be parsed.

    `code` is the `errorCode` of socket errors; `retryable` and `channels` (the existing ones) come from
    `errorInfo`, which a socket's `error` frame lacks.
    """

    message: str
    error_type: str = "GraphQLError"
    code: int | None = None
    retryable: bool = False
    channels: tuple[str, ...] = ()


def read_errors(payload: object) -> list[ResponseError]:
    """Parse the errors of a response or frame: under `errors` (a list, sometimes one object) or bare."""
    if isinstance(payload, Mapping) and "errors" in payload:
        payload = payload["errors"]
    items = payload if isinstance(payload, list) else [payload]
    return [_read(item) for item in items if item]


def refusal(
    errors: list[ResponseError],
    where: str,
    *,
    channel: str | None = None,
    known: Sequence[str] = (),
    signed: bool = False,
    skew: float | None = None,
) -> Refused:
    """Return the client's error for the first error of an answer.

    Args:
        errors: The errors of an answer or a frame.
        where: The host.
        channel: The channel that was requested, if any.
        known: The channels that the backend is known to have; an `errorInfo` overrides them.
        signed: True if the request was signed, instead of carrying an API key.
        skew: Seconds that this machine's clock is ahead of the host's, if known.
    """
    # Each operation has one root field, so further errors are consequences of the first.
    error = errors[0] if errors else ResponseError("The backend refused without saying why.")
    kind = error.error_type
    if kind == "WAFForbiddenException":
        return firewall_error(where)
    if (refused := _signature_refused(error, where, skew)) is not None:
        return refused
    if kind.endswith("UnauthorizedException") or error.code in (401, 403):
        stale, by = read_stale_signature(error.message)
        return unauthorized_error(where, signed=signed, skew=by if skew is None else skew, stale=stale)
    if kind == "Unauthorized":
        return Unauthorized(error.message, error_type=kind, remedy=DENIED_REMEDY)
    if kind == UNKNOWN_CHANNEL and channel is not None:
        return unknown_channel_error(channel, error.channels or known)
    return Refused(error.message, error_type=kind, retryable=error.retryable or kind in _RETRYABLE)


def is_undefined_field(error: UserError) -> bool:
    """Return True if a document asks for a field that the API's schema does not have: it is an older one.

    AppSync answers GraphQL's validation without an `errorType`, so the message has to say it.
    """
    return isinstance(error, Refused) and _UNDEFINED_FIELD in str(error)


def _signature_refused(error: ResponseError, where: str, skew: float | None) -> Unauthorized | None:
    """Return the error for a signature that AWS rejected; None for any other answer.

    AWS's own text is left out, since it may contain the canonical request with the session token.
    """
    # AWS writes types also as `namespace#Type` and `Type:URL`.
    kind = error.error_type.rpartition("#")[2].partition(":")[0]
    stale, by = read_stale_signature(error.message)
    of_signature = kind in WRONG_SIGNATURE or (kind == _BAD_REQUEST and _OF_SIGNATURE.search(error.message))
    if stale and (of_signature or kind == _BAD_REQUEST):
        return wrong_clock_error(skew if by is None else by, where)
    if kind in EXPIRED:
        return Unauthorized(
            "The AWS credentials have expired.", error_type=kind, retryable=True, remedy=SIGN_IN
        )
    if kind in NOT_ACCEPTED:
        message = f"The access key or session token was not accepted by {where}: AWS does not know it."
        return Unauthorized(message, error_type=kind, retryable=True, remedy=SIGNATURE_REMEDY)
    if kind in INCOMPLETE:
        message = f"The signature could not be read by {where}: it arrived incomplete."
        return Unauthorized(message, error_type=kind, remedy=INCOMPLETE_REMEDY)
    if not of_signature:
        return None
    if skew is not None and abs(skew) > SIGNATURE_WINDOW:
        return wrong_clock_error(skew, where)
    if _OF_SCOPE.search(error.message):
        message = f"The signature was not accepted by {where}: it is for another region or service."
        return Unauthorized(message, error_type=kind, remedy=REGION_REMEDY)
    message = f"The signature was not accepted by {where}: the secret access key is wrong."
    return Unauthorized(message, error_type=kind, remedy=SIGNATURE_REMEDY)


def unknown_channel_error(name: str, channels: Sequence[str], *, remedy: str | None = None) -> Refused:
    """Return the refusal of an unknown channel; it lists existing ones (if known) and suggests one."""
    message = f'There is no channel "{name[:_LONGEST_CHANNEL]}".'
    if channels:
        message = suggest(f"{message} The channels are: {', '.join(channels)}.", name, channels)
    return Refused(message, error_type=UNKNOWN_CHANNEL, remedy=remedy)


def unauthorized_error(
    where: str, *, signed: bool = False, skew: float | None = None, stale: bool = False
) -> Unauthorized:
    """Return the error for a refused key or signature, or a clock too wrong for signatures (`stale`)."""
    if signed and (stale or (skew is not None and abs(skew) > SIGNATURE_WINDOW)):
        return wrong_clock_error(skew, where)
    what = "signature" if signed else "API key"
    return Unauthorized(
        # AWS answers both in the same way, so nothing more is known of a key that never worked.
        f"The {what} was not accepted by {where}: it is wrong or has expired.",
        error_type="UnauthorizedException",
        retryable=signed,
        remedy=SIGNATURE_REMEDY if signed else _key_remedy(where),
    )


def expired_key_error(where: str) -> Unauthorized:
    """Return the error for an API key that worked before and no longer does."""
    return Unauthorized(
        f"The API key is no longer accepted by {where}: it has expired or was removed.",
        error_type="UnauthorizedException",
        remedy=_key_remedy(where),
    )


def _key_remedy(where: str) -> str:
    """Return the remedy for a key; a local cloud makes a new one when it starts."""
    return LOCAL_KEY_REMEDY if is_loopback(f"http://{where}") else KEY_REMEDY


def wrong_clock_error(skew: float | None, where: str) -> Unauthorized:
    """Return the error for a clock that is `skew` seconds ahead (negative: behind; None if unknown)."""
    return Unauthorized(skew_sentence(skew, where), error_type="WrongClock", remedy=CLOCK_REMEDY)


def throttled_error(where: str, retry_after: str | None) -> Refused:
    """Return the error for too many calls; `retry_after` is the header of that name."""
    return Refused(
        f"{where} is called too often at the moment.",
        error_type="TooManyRequestsException",
        retryable=True,
        retry_after=read_retry_after(retry_after),
    )


def unavailable_error(trouble: UserError, retry_after: str | None) -> Refused:
    """Return the error for a failing server that said when to try again."""
    return Refused(
        str(trouble),
        error_type="ServiceUnavailable",
        retryable=True,
        retry_after=read_retry_after(retry_after),
        remedy=trouble.remedy,
    )


def firewall_error(where: str) -> Refused:
    """Return the error for a web firewall that blocks this address.

    Ours does so until the rate has dropped.
    """
    return Refused(
        f"The firewall of {where} blocks this address: too many requests came from it.",
        error_type="WAFForbiddenException",
        retryable=True,
        remedy="Wait some minutes; `globalchat deploy --waf-rate` sets how many it takes.",
    )


def read_retry_after(header: str | None) -> float | None:
    """Parse the seconds of a `Retry-After` header, at most 5 minutes; None without a number.

    The header's other form, a date, would require this machine's and the server's clocks to agree.
    """
    if header is None or not header.isascii() or not header.strip().isdigit():
        return None
    return min(float(header), _LONGEST_THROTTLE)


def _read(item: object) -> ResponseError:
    if not isinstance(item, Mapping):
        return ResponseError(str(item)[:_LONGEST])
    message, kind, code, info = (item.get(key) for key in ("message", "errorType", "errorCode", "errorInfo"))
    kind = kind[:_LONGEST] if isinstance(kind, str) and kind else "GraphQLError"
    text = message[:_LONGEST] if isinstance(message, str) and message else f"The backend refused: {kind}."
    info = info if isinstance(info, Mapping) else {}
    channels = info.get("channels")
    return ResponseError(
        message=text,
        error_type=kind,
        code=code if isinstance(code, int) else None,
        retryable=info.get("retryable") is True,
        channels=_read_names(channels) if isinstance(channels, list) else (),
    )


def _read_names(items: list[object]) -> tuple[str, ...]:
    """Return the strings of a list, limited to the length and number of a deployment's channels."""
    return tuple(each[:_LONGEST_CHANNEL] for each in items[:_MOST_CHANNELS] if isinstance(each, str))


def contextualize(error: UserError, endpoint: RegionEndpoint, *, accepted_before: bool) -> Reason:
    """Return an error of a region in its context.

    A key that was accepted there before is not wrong, but expired. `endpoint` is where the request went,
    which may differ from before if the profile has changed.
    """
    if accepted_before and isinstance(error, Unauthorized) and endpoint.auth == "apiKey":
        return expired_key_error(host_of(endpoint.graphql_url)).reason
    return error.reason


def live_warning(
    here: RegionEndpoint, *, skew: float | None, tolerance: float, with_exposure: bool
) -> Reason | None:
    """Return a warning for a session that is live in region `here`; None without any.

    Args:
        here: The region.
        skew: Seconds that this machine's clock is ahead (None if unknown); mentioned beyond `tolerance`.
        tolerance: Seconds.
        with_exposure: Warn that the key is sent unencrypted, which is done once.
    """
    if with_exposure and (exposed := exposure(here.urls)) is not None:
        return exposed
    if skew is not None and abs(skew) > tolerance:
        return wrong_clock_error(skew, host_of(here.graphql_url)).reason
    return None
