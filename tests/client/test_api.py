"""One region's API over HTTP."""

import hashlib
import json
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signer

from globalchat.client.api import RegionApi
from globalchat.client.messages import Backend, Draft, Message, MessageLimits
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError
from tests.client.helpers.fake_appsync import CHANNELS, KEY, FakeAppSync

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-the-test", "token-of-the-test")
DRAFT = Draft("01ABC", "tech", 'a "quoted" \\ text\n😀 ${x}', "ada", 0)


async def test_describes(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint) as api:
        assert await api.describe() == Backend(CHANNELS, MessageLimits(2000, 32, 64))


async def test_publishes_the_text_unchanged(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint) as api:
        message = await api.publish(DRAFT)
    assert DRAFT.is_echoed_by(message)
    assert (message.id, message.region) == (DRAFT.id, "us-west-2")
    assert message.sent_at > 1_700_000_000_000
    assert oregon.requests[-1]["variables"] == {
        "name": "tech",
        "message": DRAFT.text,
        "id": "01ABC",
        "sender": "ada",
    }


async def test_sender_may_be_missing(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint) as api:
        message = await api.publish(Draft("1", "tech", "hi", None, 0))
    assert isinstance(message, Message)
    assert message.sender is None
    assert "sender" not in oregon.requests[-1]["variables"]


async def test_refusals_and_bad_keys(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint) as api:
        with pytest.raises(Refused) as caught:
            await api.publish(Draft("1", "teck", "hi", None, 0))
        assert caught.value.error_type == "UnknownChannel"
        listed = ", ".join(oregon.channels)
        expected = f'There is no channel "teck". The channels are: {listed}. Did you mean "tech"?'
        assert str(caught.value) == expected
        oregon.key = "another"
        with pytest.raises(Unauthorized, match="API key was not accepted") as bad_key:
            await api.describe()
        assert bad_key.value.remedy


async def test_connection_is_kept_and_its_loss_survived(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint) as api:
        await api.describe()
        await api.describe()
        assert len(oregon.peers_seen) == 1
        await oregon.stop()
        with pytest.raises(Unreachable, match=r"refused|closed"):
            await api.describe()
        await oregon.start()
        await api.describe()


async def test_slow_answer_times_out(oregon: FakeAppSync) -> None:
    oregon.start_gate.clear()

    async def never(request: web.Request) -> web.StreamResponse:
        await oregon.start_gate.wait()
        return web.Response()

    oregon._http = never  # type: ignore[method-assign]
    await oregon.stop()
    oregon.start_gate.clear()
    await oregon.start()
    async with RegionApi(oregon.endpoint, timeout=0.05) as api:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await api.describe()
    oregon.start_gate.set()


async def test_unsubscribe_is_signed_as_aws_wants_it(oregon: FakeAppSync) -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    async def record(request: web.Request) -> web.StreamResponse:
        seen.append(({key.lower(): value for key, value in request.headers.items()}, await request.read()))
        return web.json_response({"data": {"unsubscribe": {"name": "tech"}}})

    oregon._http = record  # type: ignore[method-assign]
    await oregon.stop()
    await oregon.start()
    async with RegionApi(oregon.endpoint, credentials=CREDENTIALS) as api:
        assert await api.unsubscribe("tech") == "tech"
    headers, body = seen[0]
    assert headers["host"] == urlsplit(oregon.endpoint.graphql_url).netloc
    assert "x-api-key" not in headers
    assert headers["x-amz-security-token"] == CREDENTIALS.token
    assert json.loads(body)["variables"] == {"name": "tech"}
    assert headers["authorization"] == signature(oregon.endpoint.graphql_url, headers, body)


def signature(url: str, headers: dict[str, str], body: bytes) -> str:
    """The Authorization header that AWS would compute for what arrived."""
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(signed)
    assert "/us-west-2/appsync/aws4_request" in headers["authorization"]
    request = AWSRequest("POST", url, data=body, headers={name: headers[name] for name in signed})
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(
        Signer(CREDENTIALS.access_key, CREDENTIALS.secret_key, CREDENTIALS.token), "appsync", "us-west-2"
    )
    assert signer.payload(request) == hashlib.sha256(body).hexdigest()
    text = signer.string_to_sign(request, signer.canonical_request(request))
    scope = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"
    return f"{scope}, SignedHeaders={';'.join(signed)}, Signature={signer.signature(text, request)}"


async def test_unsubscribe_without_credentials_says_so(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint) as api:
        with pytest.raises(UserError, match="AWS credentials"):
            await api.unsubscribe("tech")
    assert not oregon.requests


async def test_signature_refusals_blame_the_signature(oregon: FakeAppSync) -> None:
    async with RegionApi(oregon.endpoint, credentials=CREDENTIALS) as api:
        with pytest.raises(Unauthorized, match="signature was not accepted"):
            await api.unsubscribe("tech")
        denied = {"errorType": "Unauthorized", "message": "Not Authorized to access unsubscribe"}
        oregon.on_http = lambda body: web.json_response({"data": {"unsubscribe": None}, "errors": [denied]})
        with pytest.raises(Unauthorized, match="Not Authorized") as caught:
            await api.unsubscribe("tech")
        assert "policy" in str(caught.value.remedy)


@pytest.mark.parametrize(
    "data", [{}, {"publish": None}, {"publish": {"id": "1"}}, {"publish": []}, {"unsubscribe": {"name": 1}}]
)
async def test_odd_answers_are_reported(oregon: FakeAppSync, data: object) -> None:
    oregon.on_http = lambda body: web.json_response({"data": data})
    async with RegionApi(oregon.endpoint) as api:
        with pytest.raises(Unreachable, match="it is not the API"):
            await api.publish(DRAFT)
    async with RegionApi(oregon.endpoint, credentials=CREDENTIALS) as api:
        with pytest.raises(Unreachable, match="it is not the API"):
            await api.unsubscribe("tech")


def test_key_is_not_in_the_documents(oregon: FakeAppSync) -> None:
    assert KEY not in json.dumps(oregon.requests)


@pytest.mark.parametrize("answered", ["EVIL", "", "01ABC ", "01abc", "01ABC\x1b[31mRED\x1b#8"])
async def test_an_answer_about_another_message_is_a_refusal(oregon: FakeAppSync, answered: str) -> None:
    oregon.answered_id = answered
    async with RegionApi(oregon.endpoint) as api:
        with pytest.raises(Refused, match="answered with another id") as caught:
            await api.publish(DRAFT)
    assert (caught.value.error_type, caught.value.retryable) == ("AnotherId", False)
    assert answered not in str(caught.value) or not answered
    assert len(oregon.requests) == 1
