"""Talks to a real local cloud over loopback, as a client would."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.localcloud.server.region import RunningRegion

PUBLISH = "mutation P($name: String!, $message: String!) { publish(name: $name, message: $message) { id } }"
SUBSCRIBE = "subscription S($name: String!) { subscribe(name: $name) { id name message region sentAt } }"
CHANNEL = "tech"


class Listener:
    """A socket with one subscription."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, region: RunningRegion) -> None:
        self.socket = socket
        self._region = region

    async def start(self, name: str = "1") -> dict[str, Any]:
        """Subscribe; gives the answer, whatever it is."""
        payload = {
            "data": json.dumps({"query": SUBSCRIBE, "variables": {"name": CHANNEL}}),
            "extensions": {"authorization": {"x-api-key": self._region.api_key}},
        }
        await self.socket.send_json({"id": name, "type": "start", "payload": payload})
        return await self.frame()

    async def frame(self) -> dict[str, Any]:
        """The next frame; keep-alives are none."""
        while True:
            frame: dict[str, Any] = await self.socket.receive_json(timeout=30)
            if frame["type"] != "ka":
                return frame

    async def text(self) -> str:
        """The next message's text."""
        frame = await self.frame()
        assert frame["type"] == "data", frame
        return str(frame["payload"]["data"]["subscribe"]["message"])

    async def texts(self) -> list[str]:
        """Everything that has been delivered, then the end of the subscription."""
        await self.socket.send_json({"id": "1", "type": "stop"})
        found: list[str] = []
        while (frame := await self.frame())["type"] != "complete":
            found.append(frame["payload"]["data"]["subscribe"]["message"])
        return found

    async def end(self) -> aiohttp.WSMsgType:
        """Return the type of the message that ends the socket, keep-alives aside."""
        while (message := await self.socket.receive(timeout=30)).type is aiohttp.WSMsgType.TEXT:
            assert json.loads(message.data)["type"] == "ka"
        return message.type


@asynccontextmanager
async def connected(region: RunningRegion) -> AsyncIterator[Listener]:
    """A socket that had its ack."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            region.realtime_url, protocols=["graphql-ws"], headers={"x-api-key": region.api_key}
        ) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=30))["type"] == "connection_ack"
        yield Listener(socket, region)


@asynccontextmanager
async def listening(region: RunningRegion) -> AsyncIterator[Listener]:
    """A live subscription to the channel."""
    async with connected(region) as listener:
        assert (await listener.start())["type"] == "start_ack"
        yield listener


async def publish(region: RunningRegion, text: str = "hi") -> Mapping[str, Any]:
    """Publish; gives the response body."""
    status, answer = await call(region, PUBLISH, {"name": CHANNEL, "message": text})
    assert status == 200, answer
    assert isinstance(answer, dict)
    return answer


async def call(region: RunningRegion, query: str, variables: Mapping[str, JSON]) -> tuple[int, JSON]:
    """Status and body of one request with the region's key."""
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession() as session,
        session.post(
            region.graphql_url,
            json={"query": query, "variables": dict(variables)},
            headers={"x-api-key": region.api_key},
        ) as response,
    ):
        return response.status, await response.json()


async def unsubscribe(cloud: LocalCloud, region: RunningRegion) -> None:
    """End the channel's subscriptions, as the administrator."""
    text = json.dumps({"query": f'mutation {{ unsubscribe(name: "{CHANNEL}") {{ name }} }}'})
    request = AWSRequest("POST", region.graphql_url, data=text, headers={"content-type": "application/json"})
    credentials = Credentials(cloud.admin.access_key, cloud.admin.secret_key)
    SigV4Auth(credentials, "appsync", region.region).add_auth(request)
    async with (
        aiohttp.ClientSession() as session,
        session.post(region.graphql_url, data=text, headers=dict(request.headers.items())) as response,
    ):
        assert await response.json() == {"data": {"unsubscribe": {"name": CHANNEL}}}
