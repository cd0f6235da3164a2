import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.access import KeyAndSignatureAuthenticator
from globalchat.localcloud.appsync.model import Caller, Unauthorized
from globalchat.localcloud.definition import AuthMode, Statement
from globalchat.localcloud.principals import AccessKey, user
from tests.localcloud.helpers.signed_requests import ACCESS, SECRET, signed

STATEMENTS = (Statement("Allow", ("*",), ("*",)),)
ADMIN = user("admin", "000000000000", STATEMENTS)


def authenticator(
    keys: dict[str, float] | None = None,
    modes: tuple[AuthMode, ...] = ("API_KEY", "AWS_IAM"),
    region: str = "us-west-2",
) -> KeyAndSignatureAuthenticator:
    found = {"da2-key": 2_000_000_000.0} if keys is None else keys
    return KeyAndSignatureAuthenticator(region, found, {ACCESS: AccessKey(SECRET, ADMIN)}, time.time, modes)


def authenticate(
    headers: dict[str, str], checker: KeyAndSignatureAuthenticator | None = None, body: bytes = b"{}"
) -> Caller:
    return (checker or authenticator()).authenticate(
        headers=headers, method="POST", path="/graphql", body=body, source_ip="127.0.0.9"
    )


@pytest.mark.parametrize("name", ["x-api-key", "X-API-KEY", "X-Api-Key"])
def test_an_api_key(name: str) -> None:
    caller = authenticate({name: "da2-key", "Cookie": "c", "X-Other": "o"})
    assert (caller.mode, caller.principal, caller.source_ip) == ("API_KEY", None, "127.0.0.9")
    assert caller.headers == {"x-api-key": "da2-key", "x-other": "o"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "da2-ke"},
        {"x-api-key": "da2-keyé"},
        {"x-api-key": "\ud800"},
        {"Authorization": "da2-key"},
    ],
)
def test_no_or_another_key(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized) as raised:
        authenticate(headers)
    assert raised.value.message == "You are not authorized to make this call."


def test_keys_expire_and_may_be_changed() -> None:
    keys = {"da2-key": time.time() + 100, "other": 2_000_000_000}
    checker = authenticator(keys)
    assert authenticate({"x-api-key": "da2-key"}, checker).mode == "API_KEY"
    keys["da2-key"] = time.time() - 1
    with pytest.raises(Unauthorized):
        authenticate({"x-api-key": "da2-key"}, checker)
    assert authenticate({"x-api-key": "other"}, checker).mode == "API_KEY"


def test_a_signature() -> None:
    request = signed()
    caller = authenticate(dict(request.headers))
    assert (caller.mode, caller.principal) == ("AWS_IAM", ADMIN)


def test_a_signature_counts_before_a_key() -> None:
    headers = {**signed().headers, "x-api-key": "da2-key"}
    assert authenticate(headers).mode == "AWS_IAM"
    with pytest.raises(Unauthorized, match="does not match"):
        authenticate(headers, body=b"{} ")


@pytest.mark.parametrize(
    ("change", "status", "error_type", "message"),
    [
        (
            ("AKIATEST", "AKIAREST"),
            403,
            "UnrecognizedClientException",
            "security token included in the request is invalid",
        ),
        (("us-west-2", "us-east-1"), 400, "BadRequestException", "a valid region, not 'us-east-1'"),
        (("/appsync/", "/execute-api/"), 400, "BadRequestException", "scoped to correct service: 'appsync'"),
        (("Signature=", "Signature=0"), 400, "BadRequestException", "does not match"),
        (("Signature=", "Signature=é"), 400, "BadRequestException", "does not match"),
        (("Credential=", "Cred="), 400, "IncompleteSignatureException", "requires 'Credential' parameter"),
        (("host;", "accept;host;"), 400, "IncompleteSignatureException", "'accept' is named as a Signed"),
    ],
)
def test_wrong_signatures(change: tuple[str, str], status: int, error_type: str, message: str) -> None:
    headers = dict(signed().headers)
    headers["Authorization"] = headers["Authorization"].replace(*change)
    with pytest.raises(Unauthorized, match=message) as raised:
        authenticate(headers)
    assert (raised.value.status, raised.value.error_type) == (status, error_type)


def test_a_session_token_that_nobody_gave_out() -> None:
    with pytest.raises(Unauthorized, match="security token"):
        authenticate({**signed().headers, "X-Amz-Security-Token": "t"})


def test_only_the_modes_of_the_api_count() -> None:
    with pytest.raises(Unauthorized):
        authenticate({"x-api-key": "da2-key"}, authenticator(modes=("AWS_IAM",)))
    with pytest.raises(Unauthorized):
        authenticate(dict(signed().headers), authenticator(modes=("API_KEY",)))


@given(
    st.dictionaries(
        st.sampled_from(["authorization", "x-api-key", "host", "x-amz-date"]), st.text(max_size=30)
    )
)
@settings(deadline=None, max_examples=100)
def test_garbage_is_refused(headers: dict[str, str]) -> None:
    if "authorization" in headers:
        headers["authorization"] = "AWS4-HMAC-SHA256 " + headers["authorization"]
    with pytest.raises(Unauthorized):
        authenticate(headers)


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(AccessKey(SECRET, ADMIN))
    assert "da2-key" not in repr(authenticate({"x-api-key": "da2-key"}))
