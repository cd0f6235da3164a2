"""What AWS answers to a signature that it does not accept becomes one sentence with a remedy."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiohttp import web

from globalchat.client.api import RegionApi
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.aws_errors import EXPIRED
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unauthorized
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, running

SECRET_TOKEN = "IQoJb3JpZ2luX2VjEAwaCXVz"
CANONICAL = f"""The request signature we calculated does not match the signature you provided. \
Check your AWS Secret Access Key and signing method. Consult the service documentation for details.

The Canonical String for this request should have been
'POST
/graphql

accept:*/*
host:x.appsync-api.us-east-1.amazonaws.com
x-amz-date:20210408T193145Z
x-amz-security-token:{SECRET_TOKEN}

accept;host;x-amz-date
abc'
"""
INCOMPLETE = (
    "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
    "parameter. Authorization header requires 'SignedHeaders' parameter. "
    "Authorization=AWS4-HMAC-SHA256 Credential=AKIAX"
)
STALE = "Signature expired: 20260331T094828Z is now earlier than 20260331T095852Z (20260331T100352Z - 5 min.)"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-the-key", SECRET_TOKEN)

ANSWERS = [
    (400, "BadRequestException", CANONICAL, "the secret access key is wrong"),
    (403, "InvalidSignatureException", CANONICAL, "the secret access key is wrong"),
    (400, "com.amazonaws.deepdish.graphql.auth#BadRequestException", CANONICAL, "access key is wrong"),
    (
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        "not know",
    ),
    (403, "ExpiredTokenException", "The security token included in the request is expired", "have expired"),
    (400, "IncompleteSignatureException", INCOMPLETE, "it arrived incomplete"),
    (
        400,
        "IncompleteSignatureException",
        "'accept' is named as a SignedHeader, but it does not exist in the HTTP request.",
        "it arrived incomplete",
    ),
    (400, "BadRequestException", STALE, "clock is 15 minutes behind"),
    (403, "InvalidSignatureException", STALE, "clock is 15 minutes behind"),
    (
        400,
        "BadRequestException",
        "Credential should be scoped to correct service: 'appsync'.",
        "for another region or service",
    ),
]
"""Status, type and message as AWS was seen to answer, and what the sentence says."""


def is_one_sentence_with_a_remedy(text: str, remedy: str | None, says: str) -> None:
    assert says in text
    assert remedy
    for shown in (text, remedy):
        assert "\n" not in shown
        assert len(shown) < 160
        for hidden in (SECRET_TOKEN, CREDENTIALS.secret_key, "Canonical", "x-amz-", "AKIA"):
            assert hidden not in shown


@pytest.mark.parametrize("body_is", ["graphql", "plain"])
@pytest.mark.parametrize(("status", "kind", "message", "says"), ANSWERS)
async def test_over_http(
    oregon: FakeAppSync, status: int, kind: str, message: str, says: str, body_is: str
) -> None:
    error = {"errorType": kind, "message": message}
    answer = {"errors": [error]} if body_is == "graphql" else {"message": message}
    oregon.on_http = lambda body: web.json_response(answer, status=status, headers={"x-amzn-ErrorType": kind})
    async with RegionApi(oregon.endpoint, credentials=CREDENTIALS) as api:
        with pytest.raises(Unauthorized) as raised:
            await api.unsubscribe("tech")
    is_one_sentence_with_a_remedy(str(raised.value), raised.value.remedy, says)


@pytest.mark.parametrize("frame", ["connection_error", "error"])
@pytest.mark.parametrize(("status", "kind", "message", "says"), ANSWERS)
async def test_on_the_socket(
    oregon: FakeAppSync, status: int, kind: str, message: str, says: str, frame: str
) -> None:
    error: dict[str, object] = {"errorType": kind, "message": message}
    if frame == "connection_error":
        oregon.on_init = json.dumps({"type": frame, "payload": {"errors": [{**error, "errorCode": status}]}})
    else:
        oregon.on_start = json.dumps({"type": frame, "id": "ID", "payload": {"errors": [error]}})
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        # Other credentials may be there the next time; everything else needs the user.
        state = await chat.phase(Phase.RETRYING if kind in EXPIRED else Phase.FAILED)
    is_one_sentence_with_a_remedy(str(state.reason), state.remedy, says)


def another(text: str) -> str:
    """Return a text of the same length that differs in its last character."""
    return text[:-1] + ("A" if text[-1] != "A" else "B")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda mine: replace(mine, secret_key=another(mine.secret_key)), "the secret access key is wrong"),
        (lambda mine: replace(mine, access_key=another(mine.access_key)), "does not know"),
        (lambda mine: replace(mine, token="a-session-token"), "does not know"),
    ],
    ids=["secret", "key", "token"],
)
async def test_by_the_local_cloud(
    local_cloud: LocalCloud, profile: Profile, change: Callable[[Credentials], Credentials], says: str
) -> None:
    credentials = change(Credentials(local_cloud.admin.access_key, local_cloud.admin.secret_key))
    async with RegionApi(profile.regions["oregon"], credentials=credentials) as api:
        with pytest.raises(Unauthorized) as raised:
            await api.unsubscribe("tech")
    is_one_sentence_with_a_remedy(str(raised.value), raised.value.remedy, says)


async def test_by_the_local_cloud_for_the_region_of_another(
    local_cloud: LocalCloud, profile: Profile
) -> None:
    oregon = replace(profile.regions["oregon"], region="ap-southeast-2")
    credentials = Credentials(local_cloud.admin.access_key, local_cloud.admin.secret_key)
    async with RegionApi(oregon, credentials=credentials) as api:
        with pytest.raises(Unauthorized) as raised:
            await api.unsubscribe("tech")
    is_one_sentence_with_a_remedy(str(raised.value), raised.value.remedy, "for another region or service")
