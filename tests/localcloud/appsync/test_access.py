"""Callers, and the fields that they may use."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.access import KeyAndSignatureAuthenticator
from globalchat.localcloud.appsync.model import Caller, UnauthorizedCaller
from globalchat.localcloud.definition import AuthMode, Statement
from globalchat.localcloud.iam import AccessKey, user
from tests.localcloud.helpers.api_harness import ADMIN, KEY, TREE, Harness, only_error, small_api
from tests.localcloud.helpers.resolver_code import returning
from tests.localcloud.helpers.signed_requests import ACCESS, SECRET, signed

STATEMENTS = (Statement("Allow", ("*",), ("*",)),)
SIGNER = user("admin", "000000000000", STATEMENTS)


def authenticator(
    keys: dict[str, float] | None = None,
    modes: tuple[AuthMode, ...] = ("API_KEY", "AWS_IAM"),
    region: str = "us-west-2",
) -> KeyAndSignatureAuthenticator:
    found = {"da2-key": 2_000_000_000.0} if keys is None else keys
    return KeyAndSignatureAuthenticator(region, found, {ACCESS: AccessKey(SECRET, SIGNER)}, time.time, modes)


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
    with pytest.raises(UnauthorizedCaller) as raised:
        authenticate(headers)
    assert raised.value.message == "You are not authorized to make this call."


def test_keys_expire_and_may_be_changed() -> None:
    keys = {"da2-key": time.time() + 100, "other": 2_000_000_000}
    checker = authenticator(keys)
    assert authenticate({"x-api-key": "da2-key"}, checker).mode == "API_KEY"
    keys["da2-key"] = time.time() - 1
    with pytest.raises(UnauthorizedCaller):
        authenticate({"x-api-key": "da2-key"}, checker)
    assert authenticate({"x-api-key": "other"}, checker).mode == "API_KEY"


def test_a_signature() -> None:
    request = signed()
    caller = authenticate(dict(request.headers))
    assert (caller.mode, caller.principal) == ("AWS_IAM", SIGNER)


def test_a_signature_counts_before_a_key() -> None:
    headers = {**signed().headers, "x-api-key": "da2-key"}
    assert authenticate(headers).mode == "AWS_IAM"
    with pytest.raises(UnauthorizedCaller, match="does not match"):
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
    with pytest.raises(UnauthorizedCaller, match=message) as raised:
        authenticate(headers)
    assert (raised.value.status, raised.value.error_type) == (status, error_type)


def test_a_session_token_that_was_not_issued() -> None:
    with pytest.raises(UnauthorizedCaller, match="security token"):
        authenticate({**signed().headers, "X-Amz-Security-Token": "t"})


def test_only_the_modes_of_the_api_count() -> None:
    with pytest.raises(UnauthorizedCaller):
        authenticate({"x-api-key": "da2-key"}, authenticator(modes=("AWS_IAM",)))
    with pytest.raises(UnauthorizedCaller):
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
    with pytest.raises(UnauthorizedCaller):
        authenticate(headers)


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(AccessKey(SECRET, SIGNER))
    assert "da2-key" not in repr(authenticate({"x-api-key": "da2-key"}))


@pytest.mark.parametrize(
    ("type_directives", "field_directives", "key_may", "iam_may"),
    [
        ("", "", True, False),
        ("", "@aws_iam", False, True),
        ("", "@aws_api_key @aws_iam", True, True),
        ("@aws_iam", "", False, True),
        ("@aws_iam", "@aws_api_key", True, False),
        ("@aws_api_key @aws_iam", "@aws_iam", False, True),
    ],
)
async def test_directives(type_directives: str, field_directives: str, key_may: bool, iam_may: bool) -> None:
    schema = f"type Query {type_directives} {{ a: Int {field_directives} }}"
    api = small_api(schema, {"Query.a": returning("1")})
    for caller, may in ((KEY, key_may), (ADMIN, iam_may)):
        body = await Harness(api).run("{ a }", caller=caller)
        assert body["data"] == {"a": 1 if may else None}


async def test_the_default_mode_is_the_first() -> None:
    api = small_api("type Query { a: Int }", {"Query.a": returning("1")}, modes=("AWS_IAM", "API_KEY"))
    assert (await Harness(api).run("{ a }", caller=KEY))["data"] == {"a": None}
    assert (await Harness(api).run("{ a }", caller=ADMIN))["data"] == {"a": 1}


async def test_a_mode_that_the_api_lacks_permits_nothing() -> None:
    schema = "type Query { a: Int @aws_iam b: Int @aws_api_key @aws_iam }"
    api = small_api(schema, {"Query.a": returning("1"), "Query.b": returning("2")}, modes=("API_KEY",))
    assert (await Harness(api).run("{ a b }", caller=ADMIN))["data"] == {"a": None, "b": None}
    assert (await Harness(api).run("{ a b }", caller=KEY))["data"] == {"a": None, "b": 2}


async def test_fields_of_a_returned_type_have_their_own_modes() -> None:
    api = small_api(TREE, {"Query.node": returning("{ id: '1', secret: 's' }")})
    body = await Harness(api).run("{ node { id secret } }")
    assert body["data"] == {"node": {"id": "1", "secret": None}}
    assert only_error(body)["message"] == "Not Authorized to access secret on type Node"
    assert only_error(body)["path"] == ["node", "secret"]
