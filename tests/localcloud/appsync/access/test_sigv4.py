from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.access.sigv4 import SignatureError, SignedRequest, parse, verify
from tests.localcloud.helpers.signed_requests import SECRET, signed


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
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "requires"),
        ("Signature=", "Sig=", "requires"),
        ("Credential=", "Cred=", "requires"),
        ("/aws4_request", "/aws3_request", "requires"),
        ("host;", "", "'Host' must be a signed header"),
        (";x-amz-date", "", "'X-Amz-Date' must be a signed header"),
        ("host;", "host;x-absent;", "'x-absent' is missing"),
    ],
)
def test_incomplete_signatures(old: str, new: str, message: str) -> None:
    request = signed()
    headers = {**request.headers, "Authorization": request.headers["Authorization"].replace(old, new)}
    with pytest.raises(SignatureError, match=message):
        check(SignedRequest(request.method, request.path, headers, request.body))


@pytest.mark.parametrize(
    ("time", "message"), [("now", "ISO-8601"), ("", "ISO-8601"), ("20200101T000000Z", "does not match")]
)
def test_the_time_must_be_that_of_the_scope(time: str, message: str) -> None:
    request = signed()
    headers = {**request.headers, "X-Amz-Date": time}
    signature = parse(headers["Authorization"], headers)
    with pytest.raises(SignatureError, match=message):
        verify(SignedRequest("POST", "/graphql", headers, b"{}"), signature, SECRET, 1577836800)


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=100)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(SignatureError):
        parse(f"AWS4-HMAC-SHA256 {text}", {})


def test_secrets_are_not_shown() -> None:
    request = signed()
    shown = repr(request) + repr(parse(request.headers["Authorization"], request.headers))
    assert request.headers["Authorization"].rpartition("=")[2] not in shown
