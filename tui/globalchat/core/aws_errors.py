"""Turns AWS's answers, and reasons for a missing answer, into errors for users. Imports no SDK."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from globalchat.core import tls
from globalchat.core.clock import CLOCK_REMEDY, SIGNATURE_WINDOW, read_stale_signature, skew_sentence
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.net import Proxy, proxy_for, proxy_refused_error, proxy_unreachable_error

SIGN_IN = "Run `aws configure` or `aws sso login`, or set AWS_PROFILE (or --aws-profile)."
INCOMPLETE_REMEDY = "Set the AWS credentials again, without spaces; else a proxy changes requests."
HEALTH = "Look at https://health.aws.amazon.com, then run the same command again."
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
"""Temporary credentials have ended."""
NOT_ACCEPTED = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidToken",
        "AuthFailure",
        "InvalidAccessKeyId",
    }
)
ALWAYS_ENABLED = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
        *("ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1"),
        *("eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2"),
        *("us-west-1", "us-west-2"),
    }
)
"""The regions that every account has (AWS account management guide, Enable or disable AWS Regions)."""
WRONG_SIGNATURE = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature"})
"""The secret access key is wrong, or the time."""
INCOMPLETE = frozenset(
    {
        *("IncompleteSignature", "IncompleteSignatureException"),
        *("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    }
)
"""The signature's header was changed on its way."""
_TOO_LATE = frozenset({"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"})
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""As botocore's `retries.throttling` has them."""
_OCCUPIED = frozenset({"ConcurrentModificationException"})
"""Another change of the same resource has to end first: AppSync's answer during a deployment, for example."""
_IN_TROUBLE = frozenset(
    {"InternalError", "InternalFailure", "InternalServerError", "InternalServiceError", "ServiceUnavailable"}
    | {"InternalFailureException", "InternalServerException", "ServiceUnavailableException", "Unavailable"}
)
_LONGEST = 500


class Denied(UserError):
    """The credentials may not make this call."""


class NotAccepted(UserError):
    """AWS does not know the credentials, in this region at least."""


class CallFailed(UserError):
    """AWS responded with an error; `code` is its name."""

    def __init__(self, message: str, *, code: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class Busy(CallFailed):
    """The same call may succeed later: AWS throttles calls (`throttled`), or has a failure of its own."""

    def __init__(self, message: str, *, code: str, remedy: str, throttled: bool) -> None:
        super().__init__(message, code=code, remedy=remedy)
        self.throttled = throttled


@dataclass(frozen=True, slots=True)
class Answer:
    """An error response of AWS.

    `code` and `text` are AWS's, `status` is that of HTTP (None if unknown), `skew` is the number of seconds
    by which this machine's clock is ahead of the response's Date header (None if it had none).
    """

    code: str
    text: str
    status: int | None = None
    skew: float | None = None

    @classmethod
    def of(cls, response: Mapping[str, object], *, now: float) -> "Answer":
        """Read the `response` of botocore's ClientError; `now` is in epoch seconds."""
        error, metadata = _mapping(response.get("Error")), _mapping(response.get("ResponseMetadata"))
        status = metadata.get("HTTPStatusCode")
        date = _epoch_of_header(_mapping(metadata.get("HTTPHeaders")).get("date"))
        return cls(
            code=str(error.get("Code") or "an error without a name"),
            text=" ".join(str(error.get("Message") or "").split())[:_LONGEST].rstrip("."),
            status=status if isinstance(status, int) else None,
            skew=None if date is None else now - date,
        )


def error_from_answer(answer: Answer, service: str, region: str, *, temporary: bool = False) -> UserError:
    """Return the error for a response of AWS; `temporary` is True for credentials that expire."""
    code, text = answer.code, answer.text
    # Checked first: AWS rejects a wrong clock with the codes for wrong credentials.
    if _is_stale(answer) or code in _TOO_LATE:
        return _clock(answer, temporary=temporary)
    if code in EXPIRED:
        return UserError("The AWS credentials have expired.", remedy=SIGN_IN)
    if code in NOT_ACCEPTED:
        return NotAccepted(
            f"AWS does not accept the credentials in {region}: {text or code}.", remedy=SIGN_IN
        )
    # AWS's own messages for these two may contain the canonical request, including the session token.
    if code in WRONG_SIGNATURE:
        wrong = f"AWS does not accept the credentials in {region}: the secret access key is wrong."
        return UserError(wrong, remedy=SIGN_IN)
    if code in INCOMPLETE:
        unread = f"AWS cannot read the signature of what was sent to {region}: it arrived incomplete."
        return UserError(unread, remedy=INCOMPLETE_REMEDY)
    if code in _DENIED:
        return Denied(
            f"These credentials may not do this in {region}: {text or code}.",
            remedy="Use credentials whose policy allows it.",
        )
    # Some services throttle with a code of their own but the same message.
    if code in _THROTTLED | _OCCUPIED or "rate exceeded" in text.lower():
        return Busy(
            f"AWS ({service} in {region}) is busy and refuses calls: {text or code}.",
            code=code,
            remedy="Wait a minute, then run the same command again.",
            throttled=True,
        )
    if code in _IN_TROUBLE or (answer.status or 0) >= 500:
        return service_unavailable_error(service, region, code)
    answer_text = f"{code}: {text}" if text else code
    return CallFailed(f"{service} in {region} answered {answer_text}.", code=code)


def service_unavailable_error(service: str, region: str, code: str) -> Busy:
    """Return the error for a response by which AWS itself failed; `code` is its name or HTTP status."""
    sentence = f"AWS ({service} in {region}) is in trouble at the moment: it answered {code}."
    return Busy(sentence, code=code, remedy=HEALTH, throttled=False)


def credentials_error(reason: str, remedy: str) -> UserError:
    """Return the error for credentials that this machine's AWS configuration does not provide."""
    return UserError(f"The AWS credentials cannot be had: {reason.rstrip('.')}.", remedy=remedy)


def configuration_error(error: Exception) -> UserError:
    """Return the error for AWS settings, of a profile or the environment, that the SDK rejects."""
    text = " ".join(str(error).split())[:_LONGEST].rstrip(".")
    return UserError(
        f"AWS's configuration on this machine is not usable: {text or type(error).__name__}.",
        remedy="Correct the AWS profile, or the variables AWS_… of the environment.",
    )


def region_disabled_error(region: str) -> UserError:
    """Return the error for a region whose services do not know credentials that other regions accept."""
    return UserError(
        f"The region {region} is not enabled in this account.",
        remedy=f"Run `aws account enable-region --region-name {region}`, which takes minutes.",
    )


def no_answer_error(
    error: BaseException, where: str, *, url: str = "", environ: Mapping[str, str] | None = None
) -> Unreachable:
    """Return the error for a call without an answer.

    The text of `error` is left out, since it may contain a URL with a password.

    Args:
        error: what botocore raised, or a TimeoutError.
        where: a description of the service that was called.
        url: its endpoint, if known.
        environ: the environment variables, if they may be the cause.
    """
    # Errors are recognised by the names of their classes, so that this module needs no SDK.
    environ, name = environ or {}, type(error).__name__
    proxy = proxy_for(url, environ) if url.startswith("http") else None
    if name == "SSLError":
        issuer = tls.presented_issuer(url, proxy) if url.startswith("https") else None
        # A missing bundle is an OSError underneath, not a TLS error.
        cause = tls.explain(tls.find_ssl_error(error) or ssl.SSLError(), environ, tls.AWS, issuer=issuer)
        return Unreachable(f"No secure connection to AWS ({where}): {cause.reason}.", remedy=cause.remedy)
    if proxy is not None and name == "ProxyConnectionError":
        return _no_way_through(error, where, proxy)
    through = f" through the proxy {proxy}" if proxy is not None else ""
    what = "did not answer in time" if "Timeout" in name else "could not be reached"
    return Unreachable(
        f"AWS ({where}) {what}{through}.",
        remedy="Check the network, and HTTPS_PROXY if there is a proxy.",
    )


def _no_way_through(error: BaseException, where: str, proxy: Proxy) -> Unreachable:
    """Return the error for a proxy that opens no tunnel; urllib3 gives its answer in the message only."""
    inner = " ".join(str(each) for each in tls.wrapped(error))
    answer = re.search(r"Tunnel connection failed: (\d{3})", inner)
    if answer is None:
        return proxy_unreachable_error(proxy, "there is no way to it")
    return proxy_refused_error(proxy, int(answer[1]), f"AWS ({where})")


def _is_stale(answer: Answer) -> bool:
    """Return True if a signature was rejected because of its time."""
    is_refused = answer.code in WRONG_SIGNATURE or answer.code == "AuthFailure"
    return is_refused and read_stale_signature(answer.text)[0]


def _clock(answer: Answer, *, temporary: bool) -> UserError:
    """Return the error for a wrong clock."""
    if _is_stale(answer):
        _, skew = read_stale_signature(answer.text)
        skew = answer.skew if skew is None else skew
        return UserError(skew_sentence(skew, "AWS"), remedy=CLOCK_REMEDY)
    if answer.skew is not None and abs(answer.skew) > SIGNATURE_WINDOW:
        return UserError(skew_sentence(answer.skew, "AWS"), remedy=CLOCK_REMEDY)
    if temporary and answer.code == "RequestExpired":
        # EC2 answers both with it (EC2 API reference, Error codes).
        return UserError(
            "The AWS credentials have expired, or this machine's clock is wrong.",
            remedy=f"Set the clock, if it is. {SIGN_IN}",
        )
    return UserError(skew_sentence(None, "AWS"), remedy=CLOCK_REMEDY)


def _epoch_of_header(value: object) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
