from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from globalchat.core.clock import read_stale_signature
from globalchat.localcloud.iam import AccessKey, user
from globalchat.localcloud.sigv4 import (
    Problem,
    SignatureError,
    SignedRequest,
    authenticate,
    check_scope,
    parse,
    verify,
)
from tests.localcloud.helpers.signed_requests import ACCESS, HOST, SECRET, signed


def check(request: SignedRequest, secret: str = SECRET, later: float = 0) -> None:
    signature = parse(request.headers["Authorization"], request.headers)
    sent = datetime.strptime(signature.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    verify(request, signature, secret, sent + later)


PAIRS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=3,
)


@given(
    body=st.binary(max_size=40),
    method=st.sampled_from(["GET", "POST"]),
    pairs=PAIRS,
    header=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    path=st.sampled_from(["/graphql", "/graphql/connect", "/a%20b", "/a/../graphql", "/a//b/", "/~x*", "/"]),
)
@example(b"", "GET", {"a": "b c+d/é", "A": "&="}, "  two  spaces ", "/graphql")
@settings(deadline=None, max_examples=100)
def test_agrees_with_botocore(
    body: bytes, method: str, pairs: dict[str, str], header: str, path: str
) -> None:
    query = urlencode(pairs, quote_via=quote, safe="-_.~")
    request = signed(body, method, f"{path}?{query}" if query else path, {"X-Custom": header})
    check(request)
    for other in (
        SignedRequest(request.method, request.path, request.headers, body + b" "),
        SignedRequest("PUT", request.path, request.headers, body),
        SignedRequest(request.method, "/other", request.headers, body),
        SignedRequest(request.method, request.path, {**request.headers, "X-Custom": header + "x"}, body),
        SignedRequest(request.method, request.path, {**request.headers, "Host": "elsewhere"}, body),
    ):
        with pytest.raises(SignatureError, match="does not match"):
            check(other)


def test_another_secret_does_not_match() -> None:
    with pytest.raises(SignatureError, match="does not match"):
        check(signed(), "other")


@pytest.mark.parametrize(("later", "fits"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_the_time_may_differ_by_five_minutes(later: float, fits: bool) -> None:
    if fits:
        check(signed(), later=later)
    else:
        with pytest.raises(SignatureError, match=r"Signature (expired|not yet current)"):
            check(signed(), later=later)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "Hashed with SHA-256"),
        ("Signature=", "Sig=", "requires 'Signature' parameter"),
        ("Credential=", "Cred=", "requires 'Credential' parameter"),
        ("SignedHeaders=", "Headers=", "requires 'SignedHeaders' parameter"),
        ("/appsync/", "/app/sync/", "exactly 5 slash-delimited elements"),
        ("/aws4_request", "/aws3_request", "valid terminator: 'aws4_request', not 'aws3_request'"),
        ("host;", "", "'Host' or ':authority' must be a 'SignedHeader'"),
        (";x-amz-date", "", "'X-Amz-Date' must be a 'SignedHeader'"),
        (
            "host;",
            "host;x-absent;",
            "'x-absent' is named as a SignedHeader, but it does not exist",
        ),
    ],
)
def test_incomplete_signatures(old: str, new: str, message: str) -> None:
    request = signed()
    headers = {**request.headers, "Authorization": request.headers["Authorization"].replace(old, new)}
    with pytest.raises(SignatureError, match=message):
        check(SignedRequest(request.method, request.path, headers, request.body))


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("now", "ISO-8601 'basic format'"),
        ("", "existence of either a 'X-Amz-Date'"),
        ("20200101T000000Z", "Date in Credential scope does not match"),
    ],
)
def test_the_time_must_be_that_of_the_scope(time: str, message: str) -> None:
    request = signed()
    headers = {**request.headers, "X-Amz-Date": time}
    with pytest.raises(SignatureError, match=message):
        check_at_the_time(SignedRequest("POST", "/graphql", headers, b"{}"), 1577836800)


def check_at_the_time(request: SignedRequest, now: float) -> None:
    verify(request, parse(request.headers["Authorization"], request.headers), SECRET, now)


def test_a_wrong_signature_is_answered_with_what_should_have_been_signed() -> None:
    request = signed(b"{}")
    with pytest.raises(SignatureError) as raised:
        check(request, "other")
    assert raised.value.problem is Problem.WRONG
    said = str(raised.value)
    assert said.startswith("The request signature we calculated does not match the signature you provided.")
    assert "\n\nThe Canonical String for this request should have been\n'POST\n/graphql\n\nhost:" in said
    assert "\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in said


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (400, r"Signature expired: (\w+) is now earlier than (\w+) \(\w+ - 5 min\.\)"),
        (-400, r"Signature not yet current: (\w+) is still later than (\w+) \(\w+ \+ 5 min\.\)"),
    ],
)
def test_a_wrong_clock_is_named_with_both_times(later: float, message: str) -> None:
    with pytest.raises(SignatureError, match=message) as raised:
        check(signed(), later=later)
    assert read_stale_signature(str(raised.value)) == (True, -later)


def test_the_port_may_be_left_out_of_the_host() -> None:
    request = signed(host="127.0.0.1")
    check(SignedRequest(request.method, request.path, {**request.headers, "Host": HOST}, request.body))
    with pytest.raises(SignatureError, match="does not match"):
        check(SignedRequest("POST", "/graphql", {**request.headers, "Host": "localhost:5001"}, request.body))


@pytest.mark.parametrize(
    ("region", "service", "message"),
    [
        ("us-west-2", "execute-api", "Credential should be scoped to correct service: 'execute-api'."),
        ("eu-west-1", "appsync", "Credential should be scoped to a valid region, not 'us-west-2'."),
        (
            "eu-west-1",
            "events",
            "Credential should be scoped to a valid region, not 'us-west-2'. "
            "Credential should be scoped to correct service: 'events'.",
        ),
    ],
)
def test_a_difference_in_the_scope_is_named(region: str, service: str, message: str) -> None:
    request = signed()
    signature = parse(request.headers["Authorization"], request.headers)
    with pytest.raises(SignatureError) as raised:
        check_scope(signature, region=region, service=service)
    assert (raised.value.problem, str(raised.value)) == (Problem.WRONG, message)


TEMPORARY = AccessKey(SECRET, user("u", "000000000000"), token="session-token", expires=1_000.0)


@pytest.mark.parametrize(
    ("token", "now", "problem"),
    [
        (None, 0.0, Problem.UNKNOWN_KEY),
        ("another", 0.0, Problem.UNKNOWN_KEY),
        ("session-token", 1_000.0, Problem.EXPIRED),
    ],
)
def test_temporary_credentials_need_their_token_and_end(
    token: str | None, now: float, problem: Problem
) -> None:
    request = signed(headers={} if token is None else {"X-Amz-Security-Token": token})
    signature = parse(request.headers["Authorization"], request.headers)
    with pytest.raises(SignatureError) as raised:
        authenticate(request, signature, {ACCESS: TEMPORARY}, now)
    assert raised.value.problem is problem
    now = datetime.strptime(signature.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    lasting = replace(TEMPORARY, token=token, expires=now + 1)
    assert authenticate(request, signature, {ACCESS: lasting}, now) == TEMPORARY.principal


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=100)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(SignatureError):
        parse(f"AWS4-HMAC-SHA256 {text}", {})


def test_secrets_are_not_shown() -> None:
    request = signed()
    shown = repr(request) + repr(parse(request.headers["Authorization"], request.headers))
    assert request.headers["Authorization"].rpartition("=")[2] not in shown
