"""The documents of the AWS sample that this replaces run as they are, through gql's own transports."""

import asyncio
from urllib.parse import urlsplit

from botocore.credentials import Credentials
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication, AppSyncIAMAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from graphql import ExecutionResult

from globalchat.localcloud.server.cloud import LocalCloud

PUBLISH = (
    "mutation Publish($message: String!, $name: String!) {publish(message:$message,name:$name){message name}}"
)
SUBSCRIBE = "subscription Subscribe($name: String!) {subscribe(name: $name) {message name}}"
UNSUBSCRIBE = "mutation Unsubscribe($name: String!) {unsubscribe(name: $name) {name}}"


class Acknowledged(AppSyncWebsocketsTransport):
    """Reports `start_ack`, which gql passes over."""

    def __init__(self, url: str, *, auth: AppSyncApiKeyAuthentication) -> None:
        super().__init__(url, auth=auth)
        self.acknowledged = asyncio.Event()

    def _parse_answer(self, answer: str) -> tuple[str, int | None, ExecutionResult | None]:
        kind, subscription, result = super()._parse_answer(answer)
        if kind == "start_ack":
            self.acknowledged.set()
        return kind, subscription, result


async def test_the_sample_s_documents_cross_the_ocean_and_end_as_they_did(local_cloud: LocalCloud) -> None:
    oregon, sydney = local_cloud.region("oregon"), local_cloud.region("sydney")
    host = urlsplit(sydney.graphql_url).netloc
    key = AppSyncApiKeyAuthentication(host=host, api_key=sydney.api_key)
    realtime = Acknowledged(sydney.realtime_url, auth=key)
    subscribe = gql(SUBSCRIBE)
    subscribe.variable_values = {"name": "tech"}
    received: asyncio.Queue[object] = asyncio.Queue()
    async with asyncio.timeout(60), Client(transport=realtime) as session, asyncio.TaskGroup() as tasks:

        async def follow() -> None:
            async for result in session.subscribe(subscribe):
                received.put_nowait(result)

        following = tasks.create_task(follow())
        await realtime.acknowledged.wait()
        message = {"message": 'quotes " and \\ and ${x}\n👍', "name": "tech"}
        assert await execute(oregon.graphql_url, oregon.api_key, PUBLISH, message) == {"publish": message}
        assert await received.get() == {"subscribe": message}
        assert await unsubscribe(local_cloud, sydney.graphql_url, sydney.region) == {
            "unsubscribe": {"name": "tech"}
        }
        await following
    assert received.empty()


async def execute(url: str, api_key: str, document: str, variables: dict[str, str]) -> dict[str, object]:
    auth = AppSyncApiKeyAuthentication(host=urlsplit(url).netloc, api_key=api_key)
    request = gql(document)
    request.variable_values = variables
    async with Client(transport=AIOHTTPTransport(url=url, auth=auth)) as session:
        result: dict[str, object] = await session.execute(request)
        return result


async def unsubscribe(cloud: LocalCloud, url: str, region: str) -> dict[str, object]:
    admin = Credentials(cloud.admin.access_key, cloud.admin.secret_key)
    auth = AppSyncIAMAuthentication(host=urlsplit(url).netloc, region_name=region, credentials=admin)
    request = gql(UNSUBSCRIBE)
    request.variable_values = {"name": "tech"}
    async with Client(transport=AIOHTTPTransport(url=url, auth=auth)) as session:
        result: dict[str, object] = await session.execute(request)
        return result
