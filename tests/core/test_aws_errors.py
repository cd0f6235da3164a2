"""Errors that AWS answers are reported by their cause, with what to do about it."""

import pytest

from globalchat.core.aws_errors import Answer, Busy, CallFailed, Denied, NotAccepted, error_from_answer
from globalchat.core.errors import UserError

NOW = 1_000_000_000.0
EXPIRED = (
    "Signature expired: 20261130T100000Z is now earlier than 20261130T101500Z (20261130T102000Z - 5 min.)"
)
EARLY = EXPIRED.replace("expired", "not yet current").replace("20261130T100000Z", "20261130T123000Z")
EARLY = EARLY.replace("now earlier", "still later").replace("- 5", "+ 5")


def error(
    code: str, text: str = "No.", *, status: int = 400, temporary: bool = False, date: str = ""
) -> UserError:
    """Return the error of an answer in the region us-west-2."""
    response = {
        "Error": {"Code": code, "Message": text},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"date": date} if date else {}},
    }
    return error_from_answer(Answer.of(response, now=NOW), "sts", "us-west-2", temporary=temporary)


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        ("ExpiredToken", UserError, "have expired"),
        ("InvalidClientTokenId", NotAccepted, "does not accept the credentials in us-west-2: No"),
        ("SignatureDoesNotMatch", UserError, "in us-west-2: the secret access key is wrong"),
        ("InvalidSignatureException", UserError, "in us-west-2: the secret access key is wrong"),
        ("IncompleteSignature", UserError, "cannot read the signature of what was sent to us-west-2"),
        ("MissingAuthenticationTokenException", UserError, "it arrived incomplete"),
        ("AccessDenied", Denied, "may not do this in us-west-2: No"),
        ("ValidationError", CallFailed, "answered ValidationError: No"),
    ],
)
def test_an_answer_is_one_sentence_of_its_kind(code: str, kind: type[UserError], expected: str) -> None:
    found = error(code)
    assert type(found) is kind
    assert expected in str(found)
    assert str(found).count(".") == 1


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("SignatureDoesNotMatch", EXPIRED, "20 minutes behind AWS"),
        ("InvalidSignatureException", EXPIRED, "20 minutes behind AWS"),
        ("SignatureDoesNotMatch", EARLY, "2 hours ahead of AWS"),
        ("AuthFailure", "Signature not yet current", "too far from that of AWS"),
        ("RequestTimeTooSkewed", "The difference is too large.", "too far from that of AWS"),
        ("RequestExpired", "Request has expired.", "too far from that of AWS"),
    ],
)
def test_a_wrong_clock_is_reported_with_a_remedy(code: str, text: str, expected: str) -> None:
    found = error(code, text)
    assert str(found) == f"This machine's clock is {expected}."
    assert "Set this machine's clock" in (found.remedy or "")


def test_the_date_of_the_answer_says_how_far_a_clock_is_off() -> None:
    an_hour_ago = "Sun, 09 Sep 2001 00:46:40 GMT"
    assert "60 minutes ahead of AWS" in str(error("RequestExpired", date=an_hour_ago, temporary=True))
    assert "60 minutes ahead of AWS" in str(
        error("InvalidSignatureException", "Signature expired", date=an_hour_ago)
    )


def test_a_request_that_expired_may_be_the_credentials_if_they_are_such_as_expire() -> None:
    on_time = "Sun, 09 Sep 2001 01:46:40 GMT"
    found = error("RequestExpired", date=on_time, temporary=True)
    assert "credentials have expired, or this machine's clock is wrong" in str(found)
    assert "clock is too far" in str(error("RequestExpired", date=on_time))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.\n\nThe Canonical "
            "String for this request should have been\n'POST\n/\n\nx-amz-security-token:SECRET\n'",
        ),
        ("InvalidSignatureException", "The Canonical String 'x-amz-security-token:SECRET'"),
        ("IncompleteSignature", "Authorization=AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=SECRET"),
    ],
)
def test_what_aws_repeats_of_a_request_is_not_shown(code: str, text: str) -> None:
    found = error(code, text)
    assert "SECRET" not in f"{found} {found.remedy}"
    assert "Canonical" not in str(found)


def test_a_wrong_secret_is_not_a_wrong_clock() -> None:
    found = error(
        "SignatureDoesNotMatch", "The request signature we calculated does not match", date="yesterday"
    )
    assert "does not accept the credentials" in str(found)
    assert "aws configure" in (found.remedy or "")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Throttling", "Rate exceeded"),
        ("ThrottlingException", "Rate exceeded"),
        ("RequestLimitExceeded", "Request limit exceeded."),
        ("TooManyRequestsException", ""),
        ("LimitExceededException", "Rate exceeded for operation"),
        ("ConcurrentModificationException", "Another modification is in progress at this time"),
    ],
)
def test_a_throttled_call_says_that_aws_is_busy(code: str, text: str) -> None:
    found = error(code, text)
    assert isinstance(found, Busy)
    assert found.throttled
    assert "is busy" in str(found)
    assert "run the same command again" in (found.remedy or "")


@pytest.mark.parametrize(
    ("code", "status"), [("503", 503), ("InternalFailure", 500), ("ServiceUnavailable", 400), ("Odd", 504)]
)
def test_an_outage_is_reported_as_one(code: str, status: int) -> None:
    found = error(code, status=status)
    assert isinstance(found, Busy)
    assert not found.throttled
    assert str(found) == f"AWS (sts in us-west-2) is in trouble at the moment: it answered {code}."
    assert "health.aws.amazon.com" in (found.remedy or "")


def test_an_answer_without_anything_is_still_reported() -> None:
    found = error_from_answer(Answer.of({}, now=NOW), "sqs", "us-west-2")
    assert str(found) == "sqs in us-west-2 answered an error without a name."
