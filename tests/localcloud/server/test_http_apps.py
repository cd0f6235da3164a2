"""GraphQL over HTTP through the real server: what the shell adds to the pure responder."""

import io
import json

import aiohttp
import pytest

from globalchat.localcloud.server.cloud import LocalCloud


async def test_get_post_and_options_are_served(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    headers = {"X-API-Key": oregon.api_key}
    expected = {"data": {"channels": ["cars", "robots", "tech", "music", "media"]}}
    async with aiohttp.ClientSession() as session:
        async with session.post(
            oregon.graphql_url, json={"query": "{ channels }"}, headers=headers
        ) as answer:
            assert (answer.status, await answer.json()) == (200, expected)
            assert answer.headers["x-amzn-RequestId"]
        query = {"query": "query Q { channels }", "variables": "{}", "operationName": "Q"}
        async with session.get(oregon.graphql_url, params=query, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, expected)
        async with session.options(oregon.graphql_url) as answer:
            assert answer.status == 200
            assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("body", "status", "error_type"),
    [
        (b"", 400, "MalformedHttpRequestException"),
        (b"meow", 400, "MalformedHttpRequestException"),
        (b"\xff", 400, "MalformedHttpRequestException"),
    ],
)
async def test_a_malformed_body_gets_the_answer_of_appsync(
    local_cloud: LocalCloud, body: bytes, status: int, error_type: str
) -> None:
    oregon = local_cloud.region("oregon")
    async with (
        aiohttp.ClientSession() as session,
        session.post(oregon.graphql_url, data=body, headers={"x-api-key": oregon.api_key}) as answer,
    ):
        assert answer.status == status
        assert json.loads(await answer.read())["errors"][0]["errorType"] == error_type


async def test_requests_that_are_not_calls_of_the_api_are_refused(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    async with aiohttp.ClientSession() as session:
        async with session.post(oregon.graphql_url, data=io.BytesIO(b"x" * 2**21)) as answer:
            assert answer.status == 413
        async with session.get(oregon.graphql_url.removesuffix("graphql")) as answer:
            assert answer.status == 404
        async with session.get(oregon.graphql_url + "/realtime") as answer:
            assert answer.status == 400
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        async with session.get(oregon.graphql_url, headers=upgrade) as answer:
            assert answer.status == 400
    assert local_cloud.open_sockets == 0


async def test_a_request_without_a_key_is_not_executed(local_cloud: LocalCloud) -> None:
    oregon = local_cloud.region("oregon")
    async with (
        aiohttp.ClientSession() as session,
        session.post(oregon.graphql_url, json={"query": "{ channels }"}) as answer,
    ):
        assert answer.status == 401
        assert await answer.json() == {
            "errors": [
                {
                    "errorType": "UnauthorizedException",
                    "message": "You are not authorized to make this call.",
                }
            ]
        }
