"""Every kind of caller at every field of the API, over loopback: each answer exact."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import AppSyncIAMAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from globalchat.core.errors import UsageError
from globalchat.core.resources import TEMPLATES, TEMPLATES_VERIFIED
from globalchat.localcloud import people
from globalchat.localcloud.definition import JSON, Role, Statement
from globalchat.localcloud.iam import session, user
from globalchat.localcloud.people import IssuedKey
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.region import RunningRegion

ACCOUNT = "000000000000"
STS = f"arn:aws:sts::{ACCOUNT}:assumed-role"
ANYTHING = (Statement("Allow", ("*",), ("*",)),)
DOCUMENTS = {
    "channels": "{ channels }",
    "limits": "{ limits { message } }",
    "history": '{ history(name: "tech") { next } }',
    "whoami": "{ whoami }",
    "publish": 'mutation { publish(name: "tech", message: "hi", sender: "eve") { author sender } }',
    "publishFromBus": 'mutation { publishFromBus(id: "1", name: "tech", message: "hi", author: "eve", '
    'region: "us-west-2", sentAt: "2026-01-02T03:04:05Z") { author } }',
    "unsubscribe": 'mutation { unsubscribe(name: "tech") { name } }',
    "subscribe": 'subscription { subscribe(name: "tech") { author message } }',
}
TYPES = {
    "channels": "Query",
    "limits": "Query",
    "history": "Query",
    "whoami": "Query",
    "publish": "Mutation",
    "publishFromBus": "Mutation",
    "unsubscribe": "Mutation",
    "subscribe": "Subscription",
}
OWN = ("channels", "limits", "history", "whoami", "publish", "subscribe")
"""What a chatter may use."""
ADMINISTERED = (*OWN, "unsubscribe")
INVALID = (403, "UnrecognizedClientException", "The security token included in the request is invalid.")


@dataclass(frozen=True, slots=True)
class Expected:
    """The fields that a caller may use, and its author; or the refusal of every request."""

    fields: tuple[str, ...] = ()
    author: str | None = None
    refusal: tuple[int, str, str] | None = None


@dataclass
class Clock:
    now: float = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Signer:
    """Sends requests to one region as one caller: with the API key, or signed."""

    region: RunningRegion
    key: IssuedKey | None = None
    scope: str = "us-west-2"

    def headers(self, path: str, body: str) -> dict[str, str]:
        if self.key is None:
            return {"x-api-key": self.region.api_key, "host": self.region.graphql_url.split("/")[2]}
        url = self.region.graphql_url.removesuffix("/graphql") + path
        request = AWSRequest("POST", url, data=body, headers={"content-type": "application/json"})
        held = Credentials(self.key.access_key, self.key.secret_key, self.key.token)
        SigV4Auth(held, "appsync", self.scope).add_auth(request)
        host = self.region.graphql_url.split("/")[2]
        return {"host": host, **dict(request.headers.items())}

    async def post(self, document: str) -> tuple[int, Any]:
        body = json.dumps({"query": document})
        headers = self.headers("/graphql", body)
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.region.graphql_url, data=body, headers=headers) as response,
        ):
            return response.status, await response.json()

    async def start(self, document: str) -> dict[str, Any]:
        """The answer to a subscription, on a socket that the caller has opened; or that to its opening."""
        async with aiohttp.ClientSession() as http, self._connected(http) as socket:
            first: dict[str, Any] = await socket.receive_json(timeout=30)
            if first["type"] != "connection_ack":
                return first
            data = json.dumps({"query": document, "variables": {}})
            start = {"data": data, "extensions": {"authorization": self.headers("/graphql", data)}}
            await socket.send_json({"id": "1", "type": "start", "payload": start})
            frame: dict[str, Any] = {"type": "ka"}
            while frame["type"] == "ka":
                frame = await socket.receive_json(timeout=30)
            return frame

    @asynccontextmanager
    async def _connected(self, http: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        header = json.dumps(self.headers("/graphql/connect", "{}")).encode()
        carried = f"header-{base64.urlsafe_b64encode(header).decode().rstrip('=')}"
        async with http.ws_connect(self.region.realtime_url, protocols=["graphql-ws", carried]) as socket:
            await socket.send_json({"type": "connection_init"})
            yield socket


CALLERS: dict[str, Expected] = {
    "the API key": Expected(OWN),
    "an IAM user": Expected(ADMINISTERED, f"arn:aws:iam::{ACCOUNT}:user/ops"),
    "an IAM user without a policy": Expected(()),
    "an assumed role, in a session named after a person": Expected(ADMINISTERED, f"{STS}/Admin"),
    "a person": Expected(OWN, "ana@example.com"),
    "the Broadcast role": Expected(("publishFromBus",)),
    "an expired session": Expected(
        refusal=(403, "ExpiredTokenException", "The security token included in the request is expired")
    ),
    "a session without its token": Expected(refusal=INVALID),
    "a session with the token of another": Expected(refusal=INVALID),
    "a signature for another region": Expected(
        refusal=(
            400,
            "BadRequestException",
            "Credential should be scoped to a valid region, not 'ap-southeast-2'.",
        )
    ),
}


def callers(cloud: LocalCloud, clock: Clock) -> dict[str, Signer]:
    region, keys = cloud.regions[0], cloud.people.keys
    ana = cloud.people.sign_in("ana@example.com")
    ben = cloud.people.sign_in("ben")
    expired = cloud.people.sign_in("ana@example.com", 1)
    clock.now += 1
    admin = Role(f"arn:aws:iam::{ACCOUNT}:role/team/Admin", (), ANYTHING)
    api = f"arn:aws:appsync:us-west-2:{ACCOUNT}:apis/{region.api_id}"
    broadcast = Role(
        f"arn:aws:iam::{ACCOUNT}:role/globalchat.oregon.broadcast",
        (),
        (Statement("Allow", ("appsync:GraphQL",), (f"{api}/types/Mutation/fields/publishFromBus",)),),
    )

    def signer(key: IssuedKey | None, scope: str = "us-west-2") -> Signer:
        return Signer(region, key, scope)

    tokenless = IssuedKey(ana.access_key, ana.secret_key)
    mixed = IssuedKey(ana.access_key, ana.secret_key, ben.token)
    return {
        "the API key": signer(None),
        "an IAM user": signer(keys.issue(user("ops", ACCOUNT, ANYTHING))),
        "an IAM user without a policy": signer(keys.issue(user("idle", ACCOUNT))),
        "an assumed role, in a session named after a person": signer(
            keys.issue(session(admin, "ana@example.com"), seconds=900)
        ),
        "a person": signer(ana),
        "the Broadcast role": signer(keys.issue(session(broadcast, "0123456789abcdef"), seconds=900)),
        "an expired session": signer(expired),
        "a session without its token": signer(tokenless),
        "a session with the token of another": signer(mixed),
        "a signature for another region": signer(ana, scope="ap-southeast-2"),
    }


def denial(name: str) -> dict[str, JSON]:
    return {
        "errorType": "Unauthorized",
        "message": f"Not Authorized to access {name} on type {TYPES[name]}",
    }


def allowed(name: str, author: str | None) -> JSON:
    answers: dict[str, JSON] = {
        "channels": {"channels": ["cars", "robots", "tech", "music", "media"]},
        "limits": {"limits": {"message": 2000}},
        "history": {"history": {"next": None}},
        "whoami": {"whoami": author},
        "publish": {"publish": {"author": author, "sender": "eve"}},
        "publishFromBus": {"publishFromBus": {"author": "eve"}},
        "unsubscribe": {"unsubscribe": {"name": "tech"}},
    }
    return answers[name]


async def check(signer: Signer, name: str, expected: Expected) -> None:
    if name == "subscribe":
        await check_subscription(signer, expected)
        return
    status, body = await signer.post(DOCUMENTS[name])
    if expected.refusal is not None:
        code, error_type, message = expected.refusal
        assert (status, body) == (code, {"errors": [{"errorType": error_type, "message": message}]})
        return
    assert status == 200, body
    if name in expected.fields:
        assert body == {"data": allowed(name, expected.author)}
    else:
        (error,) = body["errors"]
        assert {key: error[key] for key in ("errorType", "message")} == denial(name)
        # channels and limits are never null.
        assert body["data"] == (None if name in ("channels", "limits") else {name: None})


async def check_subscription(signer: Signer, expected: Expected) -> None:
    frame = await signer.start(DOCUMENTS["subscribe"])
    if expected.refusal is not None:
        code, error_type, message = expected.refusal
        assert frame["type"] == "connection_error"
        assert frame["payload"]["errors"] == [
            {"errorType": error_type, "message": message, "errorCode": code}
        ]
    elif "subscribe" in expected.fields:
        assert frame["type"] == "start_ack"
    else:
        assert frame["type"] == "error"
        (error,) = frame["payload"]["errors"]
        assert {key: error[key] for key in ("errorType", "message")} == denial("subscribe")


@asynccontextmanager
async def opened(verified: bool) -> AsyncIterator[tuple[LocalCloud, Clock]]:
    # botocore signs with this machine's time.
    clock = Clock(time.time())
    templates = TEMPLATES_VERIFIED if verified else TEMPLATES
    async with LocalCloud.open(templates, options=CloudOptions(clock=clock)) as cloud:
        yield cloud, clock


@pytest.mark.parametrize("verified", [False, True], ids=["anyone", "verified"])
async def test_every_caller_at_every_field(verified: bool) -> None:
    async with opened(verified) as (cloud, clock), asyncio.timeout(60):
        signers = callers(cloud, clock)
        assert signers.keys() == CALLERS.keys()
        for kind, signer in signers.items():
            expected = CALLERS[kind]
            if verified and signer.key is None:
                assert cloud.regions[0].api_key == ""
                message = "You are not authorized to make this call."
                expected = Expected(refusal=(401, "UnauthorizedException", message))
            for name in DOCUMENTS:
                await check(signer, name, expected)


async def test_the_author_reaches_subscribers_and_the_history_of_both_regions() -> None:
    async with opened(False) as (cloud, _), asyncio.timeout(30):
        ana = cloud.people.sign_in("ana@example.com")
        oregon, sydney = cloud.regions
        async with aiohttp.ClientSession() as http, Signer(sydney)._connected(http) as socket:
            await socket.receive_json(timeout=30)
            data = json.dumps({"query": DOCUMENTS["subscribe"], "variables": {}})
            extensions = {"authorization": {"x-api-key": sydney.api_key}}
            start = {"data": data, "extensions": extensions}
            await socket.send_json({"id": "1", "type": "start", "payload": start})
            frame: dict[str, Any] = {}
            await Signer(oregon, ana).post(DOCUMENTS["publish"])
            while frame.get("type") != "data":
                frame = await socket.receive_json(timeout=30)
        assert frame["payload"]["data"] == {"subscribe": {"author": "ana@example.com", "message": "hi"}}
        _, body = await Signer(sydney).post('{ history(name: "tech") { messages { author } } }')
        assert body == {"data": {"history": {"messages": [{"author": "ana@example.com"}]}}}


def test_a_person_needs_a_name_that_a_session_can_have() -> None:
    for name in ("a", "", "ana:b", "a/b", "a b", "é" * 4, "x" * 65, "arn:aws:iam::1:user/x"):
        with pytest.raises(UsageError):
            people.person(name, ACCOUNT, ())
    for name in ("ana", "ana.b@example.com", "x" * 64, "a+b=c,d"):
        assert people.person(name, ACCOUNT, ()).arn.endswith(f"/{name}")


async def test_gql_s_own_iam_transports_work_unchanged() -> None:
    async with opened(True) as (cloud, _), asyncio.timeout(30):
        region, ana = cloud.regions[0], cloud.people.sign_in("ana")
        auth = AppSyncIAMAuthentication(
            host=region.graphql_url.split("/")[2],
            region_name="us-west-2",
            credentials=Credentials(ana.access_key, ana.secret_key, ana.token),
        )
        socket = Client(transport=AppSyncWebsocketsTransport(region.realtime_url, auth=auth))
        http = Client(transport=AIOHTTPTransport(region.graphql_url, auth=auth))
        async with socket as listener, http as sender:
            published = await sender.execute(gql(DOCUMENTS["publish"]))
            assert published == {"publish": {"author": "ana", "sender": "eve"}}
            publishing = asyncio.create_task(publish_until(sender))
            async for answer in listener.subscribe(gql(DOCUMENTS["subscribe"])):
                assert answer == {"subscribe": {"author": "ana", "message": "hi"}}
                break
            publishing.cancel()


async def publish_until(sender: Any) -> None:  # noqa: ANN401 - gql's session
    """Publish until the task ends: gql does not show when a subscription is live."""
    while True:
        await sender.execute(gql(DOCUMENTS["publish"]))
        await asyncio.sleep(0.05)
