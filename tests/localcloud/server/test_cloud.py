"""The whole local cloud, as clients meet it: real sockets, real templates, real resolvers."""

import asyncio
import base64
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import websockets
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportServerError

from globalchat.core.errors import UserError
from globalchat.localcloud.appsync.model import SubscriptionPlan
from globalchat.localcloud.appsync.realtime.hub import Hub, HubSocket
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.region import RunningRegion

PUBLISH = "mutation P($name: String!, $message: String!) { publish(name: $name, message: $message) { id } }"
SUBSCRIBE = (
    "subscription S($name: String!) { subscribe(name: $name) { id name message region sentAt sender } }"
)
UNSUBSCRIBE = "mutation U($name: String!) { unsubscribe(name: $name) { name } }"

NASTY = 'quotes " \\ newline \n tab \t emoji 😀 [bold] ${x} $ctx <b> é 𝒳'


def host(region: RunningRegion) -> str:
    return region.graphql_url.split("/")[2]


def body(query: str, variables: Mapping[str, JSON]) -> str:
    return json.dumps({"query": query, "variables": dict(variables)})


def signed(cloud: LocalCloud, region: RunningRegion, path: str, text: str) -> dict[str, str]:
    """Sign a POST as AWS clients do; the headers to send."""
    request = AWSRequest(
        "POST",
        f"http://{host(region)}{path}",
        data=text,
        headers={
            "accept": "application/json, text/javascript",
            "content-encoding": "amz-1.0",
            "content-type": "application/json; charset=UTF-8",
            "host": host(region),
        },
    )
    SigV4Auth(Credentials(cloud.admin.access_key, cloud.admin.secret_key), "appsync", region.region).add_auth(
        request
    )
    return dict(request.headers.items())


async def post(url: str, text: str, headers: Mapping[str, str]) -> tuple[int, JSON]:
    async with aiohttp.ClientSession() as session, session.post(url, data=text, headers=headers) as response:
        return response.status, await response.json()


async def publish(region: RunningRegion, name: str, message: str) -> JSON:
    status, answer = await post(
        region.graphql_url, body(PUBLISH, {"name": name, "message": message}), {"x-api-key": region.api_key}
    )
    assert status == 200
    return answer


async def administer(
    cloud: LocalCloud, region: RunningRegion, query: str, variables: Mapping[str, JSON]
) -> JSON:
    text = body(query, variables)
    headers = signed(cloud, region, "/graphql", text)
    status, answer = await post(region.graphql_url, text, headers)
    assert status == 200
    return answer


def with_key(region: RunningRegion) -> Mapping[str, str]:
    return {"host": host(region), "x-api-key": region.api_key}


@asynccontextmanager
async def connected(
    region: RunningRegion, authorization: Mapping[str, str] | None = None, path: str = ""
) -> AsyncIterator[websockets.ClientConnection]:
    """A socket that has had its ack, by the query string."""
    header = base64.b64encode(json.dumps(authorization or with_key(region)).encode()).decode()
    url = f"{region.realtime_url}{path}?header={header}&payload=e30="
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("graphql-ws")], proxy=None) as ws:
        await ws.send('{"type":"connection_init"}')
        assert (await receive(ws))["type"] == "connection_ack"
        assert await receive(ws) == {"type": "ka"}
        yield ws


async def receive(ws: websockets.ClientConnection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(ws.recv(), 5))
    return frame


async def subscribe(
    ws: websockets.ClientConnection,
    region: RunningRegion,
    name: str,
    *,
    subscription: str = "1",
    authorization: Mapping[str, str] | None = None,
) -> None:
    await ws.send(
        json.dumps(
            {
                "id": subscription,
                "type": "start",
                "payload": {
                    "data": body(SUBSCRIBE, {"name": name}),
                    "extensions": {"authorization": authorization or with_key(region)},
                },
            }
        )
    )
    assert await receive(ws) == {"type": "start_ack", "id": subscription}


@pytest.mark.parametrize("path", ["", "/realtime"])
async def test_a_message_published_in_oregon_is_received_in_sydney_once(
    local_cloud: LocalCloud, path: str
) -> None:
    oregon, sydney = local_cloud.region("oregon"), local_cloud.region("ap-southeast-2")
    async with connected(oregon, path=path) as here, connected(sydney, path=path) as there:
        await subscribe(here, oregon, "tech")
        await subscribe(there, sydney, "tech")
        answer = await publish(oregon, "tech", NASTY)
        assert isinstance(answer, dict)
        assert "errors" not in answer
        first = [await receive(here), await receive(there)]
        await local_cloud.events.settled()
        await publish(oregon, "tech", "next")
        second = [await receive(here), await receive(there)]
    for frame, text in [(frame, NASTY) for frame in first] + [(frame, "next") for frame in second]:
        message = frame["payload"]["data"]["subscribe"]
        assert message["name"] == "tech"
        assert message["message"] == text
        assert message["region"] == "us-west-2"
    assert local_cloud.events.dead_letters == {queue: [] for queue in local_cloud.events.dead_letters}


@pytest.fixture
def subscribed(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a hub has taken a subscription: gql does not report it."""
    event, add = asyncio.Event(), Hub.add

    def record(hub: Hub, socket: HubSocket, name: str, plan: SubscriptionPlan) -> None:
        add(hub, socket, name, plan)
        event.set()

    monkeypatch.setattr(Hub, "add", record)
    return event


async def test_gql_subscribes(local_cloud: LocalCloud, subscribed: asyncio.Event) -> None:
    oregon, sydney = local_cloud.region("oregon"), local_cloud.region("sydney")
    transport = AppSyncWebsocketsTransport(
        sydney.realtime_url, auth=AppSyncApiKeyAuthentication(host=host(sydney), api_key=sydney.api_key)
    )
    async with asyncio.timeout(60), Client(transport=transport) as session:
        query = gql(SUBSCRIBE)
        query.variable_values = {"name": "tech"}
        results = session.subscribe(query)
        waiting = asyncio.create_task(anext(results))
        await subscribed.wait()
        await publish(oregon, "tech", NASTY)
        assert (await waiting)["subscribe"]["message"] == NASTY
        await results.aclose()


async def test_gql_reports_a_wrong_key(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    transport = AppSyncWebsocketsTransport(
        oregon.realtime_url, auth=AppSyncApiKeyAuthentication(host=host(oregon), api_key="da2-wrong")
    )
    with pytest.raises(TransportServerError, match="You are not authorized to make this call"):
        async with asyncio.timeout(60), Client(transport=transport):
            pass


async def test_an_iam_signed_subscription(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    connect = signed(local_cloud, oregon, "/graphql/connect", "{}")
    start = signed(local_cloud, oregon, "/graphql", body(SUBSCRIBE, {"name": "tech"}))
    async with connected(oregon, connect) as ws:
        await subscribe(ws, oregon, "tech", authorization=start)
        await publish(oregon, "tech", "to an administrator")
        assert (await receive(ws))["type"] == "data"
        # The signature of another text does not open this one.
        await ws.send(
            json.dumps(
                {
                    "id": "2",
                    "type": "start",
                    "payload": {
                        "data": body(SUBSCRIBE, {"name": "cars"}),
                        "extensions": {"authorization": start},
                    },
                }
            )
        )
        refusal = await receive(ws)
        assert (refusal["type"], refusal["id"]) == ("error", "2")
        [error] = refusal["payload"]["errors"]
        assert error["errorType"] == "BadRequestException"
        assert error["message"].startswith("The request signature we calculated does not match")


@pytest.mark.parametrize(
    ("part", "other", "error_type", "code", "message"),
    [
        ("Signature=", "Signature=0", "BadRequestException", 400, "The request signature we calculated"),
        ("Credential=AKIA", "Credential=AKIB", "UnrecognizedClientException", 403, "The security token"),
        ("SignedHeaders=", "Headers=", "IncompleteSignatureException", 400, "Authorization header requires"),
        ("/appsync/", "/events/", "BadRequestException", 400, "Credential should be scoped to correct"),
    ],
)
async def test_a_handshake_is_refused_in_the_words_of_aws(
    local_cloud: LocalCloud, part: str, other: str, error_type: str, code: int, message: str
) -> None:
    oregon = local_cloud.region("oregon")
    headers = signed(local_cloud, oregon, "/graphql/connect", "{}")
    headers["Authorization"] = headers["Authorization"].replace(part, other)
    header = base64.b64encode(json.dumps(headers).encode()).decode()
    url = f"{oregon.realtime_url}?header={header}&payload=e30="
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("graphql-ws")], proxy=None) as ws:
        refusal = await receive(ws)
    [error] = refusal["payload"]["errors"]
    assert (refusal["type"], error["errorType"], error["errorCode"]) == ("connection_error", error_type, code)
    assert error["message"].startswith(message)


async def test_one_socket_mixes_modes_and_subscriptions(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    async with connected(oregon, signed(local_cloud, oregon, "/graphql/connect", "{}")) as ws:
        for name, channel in (("a", "tech"), ("b", "cars"), ("c", "tech")):
            signature = signed(local_cloud, oregon, "/graphql", body(SUBSCRIBE, {"name": channel}))
            by_key = name == "a"
            await subscribe(
                ws, oregon, channel, subscription=name, authorization=None if by_key else signature
            )
        await publish(oregon, "tech", "to two")
        assert {(await receive(ws))["id"] for _ in range(2)} == {"a", "c"}
        await ws.send('{"type":"stop","id":"a"}')
        assert await receive(ws) == {"type": "complete", "id": "a"}
        await publish(oregon, "tech", "to one")
        assert (await receive(ws))["id"] == "c"
        await publish(oregon, "cars", "to the other")
        assert (await receive(ws))["id"] == "b"


async def test_unsubscribe_closes_the_whole_socket_in_that_region_alone(local_cloud: LocalCloud) -> None:
    oregon, sydney = local_cloud.region("oregon"), local_cloud.region("sydney")
    async with connected(oregon) as hit, connected(oregon) as spared, connected(sydney) as elsewhere:
        await subscribe(hit, oregon, "tech", subscription="a")
        await subscribe(hit, oregon, "cars", subscription="b")
        await subscribe(spared, oregon, "cars")
        await subscribe(elsewhere, sydney, "tech")
        answer = await administer(local_cloud, oregon, UNSUBSCRIBE, {"name": "tech"})
        assert answer == {"data": {"unsubscribe": {"name": "tech"}}}
        assert await receive(hit) == {"type": "complete", "id": "a"}
        with pytest.raises(websockets.ConnectionClosedOK):
            await receive(hit)
        await publish(oregon, "cars", "still here")
        assert (await receive(spared))["type"] == "data"
        await publish(oregon, "tech", "still there")
        assert (await receive(elsewhere))["type"] == "data"


async def test_not_even_an_administrator_hands_a_message_to_subscribers(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    query = (
        'mutation { publishFromBus(id: "1", name: "tech", message: "forged", region: "us-west-2", '
        'sentAt: "2026-01-01T00:00:00Z") { id } }'
    )
    async with connected(oregon) as ws:
        await subscribe(ws, oregon, "tech")
        answer = await administer(local_cloud, oregon, query, {})
        assert isinstance(answer, dict)
        assert answer["data"] == {"publishFromBus": None}
        assert "Not Authorized to access publishFromBus on type Mutation" in json.dumps(answer["errors"])
        await publish(oregon, "tech", "the first to arrive")
        assert "the first to arrive" in json.dumps(await receive(ws))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (
            'mutation { publishFromBus(id: "1", name: "tech", message: "x", region: "us-west-2", '
            'sentAt: "2026-01-01T00:00:00Z") { id } }',
            "publishFromBus",
        ),
        ('mutation { unsubscribe(name: "tech") { name } }', "unsubscribe"),
    ],
)
async def test_an_api_key_opens_no_administrative_field(
    local_cloud: LocalCloud, query: str, field: str
) -> None:
    oregon = local_cloud.region("oregon")
    async with connected(oregon) as ws:
        await subscribe(ws, oregon, "tech")
        status, answer = await post(oregon.graphql_url, body(query, {}), {"x-api-key": oregon.api_key})
        assert status == 200
        assert isinstance(answer, dict)
        assert answer["data"] == {field: None}
        assert f"Not Authorized to access {field} on type Mutation" in json.dumps(answer["errors"])
        await publish(oregon, "tech", "the first to arrive")
        frame = await receive(ws)
        assert "the first to arrive" in json.dumps(frame)


async def test_an_unknown_channel_is_refused_with_the_id(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    async with connected(oregon) as ws:
        data = body(SUBSCRIBE, {"name": "nowhere"})
        payload = {"data": data, "extensions": {"authorization": with_key(oregon)}}
        await ws.send(json.dumps({"id": "7", "type": "start", "payload": payload}))
        refusal = await receive(ws)
        assert (refusal["type"], refusal["id"]) == ("error", "7")
        error = {"errorType": "UnknownChannel", "message": "There is no such channel."}
        assert refusal["payload"] == {"errors": [error]}
        payload = {"data": body("query { channels }", {}), "extensions": {"authorization": with_key(oregon)}}
        await ws.send(json.dumps({"id": "8", "type": "start", "payload": payload}))
        refusal = await receive(ws)
        assert "id" not in refusal
        assert "query not supported through the realtime channel" in json.dumps(refusal)


async def test_the_key_of_one_region_is_not_that_of_the_other(local_cloud: LocalCloud) -> None:
    oregon, sydney = local_cloud.region("oregon"), local_cloud.region("sydney")
    status, answer = await post(sydney.graphql_url, body("{ channels }", {}), {"x-api-key": oregon.api_key})
    assert status == 401
    status, answer = await post(sydney.graphql_url, body("{ channels }", {}), {"x-api-key": sydney.api_key})
    assert answer == {"data": {"channels": ["cars", "robots", "tech", "music", "media"]}}


async def test_a_plus_in_the_query_string_survives(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    authorization = {**with_key(oregon), "x-note": "~>>>~>>>~"}
    assert "+" in base64.b64encode(json.dumps(authorization).encode()).decode()
    async with connected(oregon, authorization):
        assert local_cloud.metrics["oregon"]["ConnectSuccess"] == 1


async def test_keys_expire_after_a_year() -> None:
    now = time.time()
    async with LocalCloud.open(options=CloudOptions(clock=lambda: now)) as cloud:
        oregon = cloud.region("oregon")
        call = (oregon.graphql_url, body("{ channels }", {}), {"x-api-key": oregon.api_key})
        assert (await post(*call))[0] == 200
        now += 364 * 86_400
        assert (await post(*call))[0] == 200
        now += 86_400
        assert (await post(*call))[0] == 401


async def test_usage_tells_sockets_and_requests() -> None:
    now = 100.0
    async with LocalCloud.open(options=CloudOptions(monotonic=lambda: now)) as cloud:
        oregon = cloud.region("oregon")
        assert (cloud.open_sockets, cloud.usage.last_used) == (0, 100.0)
        now = 101.0
        await post(oregon.graphql_url, body("{ channels }", {}), {"x-api-key": oregon.api_key})
        assert cloud.usage.last_used == 101.0
        now = 102.0
        async with connected(oregon):
            assert (cloud.open_sockets, cloud.usage.last_used) == (1, 102.0)
            now = 103.0
    assert (cloud.open_sockets, cloud.usage.last_used) == (0, 103.0)


async def test_shutting_down_tells_clients() -> None:
    async with LocalCloud.open() as cloud:
        context = connected(cloud.region("oregon"))
        ws = await context.__aenter__()
        waiting = asyncio.create_task(ws.recv())
    with pytest.raises(websockets.ConnectionClosedOK) as closed:
        await waiting
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert cloud.open_sockets == 0
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(*host(cloud.region("oregon")).split(":"))
    await ws.close()


async def test_given_ports_are_taken_in_the_order_of_the_templates() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with LocalCloud.open(ports=[port]) as cloud:
        assert host(cloud.regions[0]) == f"127.0.0.1:{port}"
        with pytest.raises(UserError, match=f"^Port {port} is in use"):
            async with LocalCloud.open(ports=[0, port]):
                pass


async def test_more_ports_than_regions_are_refused() -> None:
    with pytest.raises(UserError, match=r"^There are 2 regions but 3 ports\.$"):
        async with LocalCloud.open(ports=[0, 0, 0]):
            pass


async def test_refused_templates_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        async with LocalCloud.open(tmp_path):
            pass


async def test_no_secret_is_in_a_repr(local_cloud: LocalCloud) -> None:
    text = repr(local_cloud) + repr(local_cloud.region("oregon")) + repr(local_cloud.admin)
    assert "AKIA" in text
    for secret in [local_cloud.admin.secret_key, *(region.api_key for region in local_cloud.regions)]:
        assert re.fullmatch(r"da2-[a-z0-9]{26}|[A-Za-z0-9+/]{40}", secret)
        assert secret not in text
