"""Whatever goes wrong while a session connects has its own sentence, and is tried again if that can help."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from globalchat.client.api import RegionApi
from globalchat.client.events import (
    ChannelRefused,
)
from globalchat.client.profiles import Profile
from globalchat.client.region_connection import RegionConnection
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.errors import Unreachable
from tests.client.helpers.fake_appsync import CHANNELS, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running


async def test_bad_key_fails_until_a_retry_is_asked_for(oregon: FakeAppSync) -> None:
    oregon.key = "da2-anotherkey"
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        state = await chat.phase(Phase.FAILED)
        assert "key" in str(state.reason)
        assert state.remedy is not None
        asked = len(oregon.requests)
        await asyncio.sleep(0.1)  # longer than the longest backoff
        assert len(oregon.requests) == asked
        oregon.key = oregon.endpoint.api_key
        chat.session.retry_now()
        await chat.phase(Phase.LIVE)


async def test_key_refused_by_the_socket_alone_fails(oregon: FakeAppSync) -> None:
    oregon.on_init = "unauthorized"
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.FAILED)
        assert oregon.opened == 1


async def test_key_refused_at_start_fails(oregon: FakeAppSync) -> None:
    oregon.on_start = (
        '{"type":"error","id":"ID","payload":'
        '{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}}'
    )
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.FAILED)
        await oregon.until(lambda: oregon.open_now == 0)


@pytest.mark.parametrize(
    "on_init",
    [
        "silent",
        "close",
        "abort",
        "http 403",
        "garbage",
        "[]",
        "null",
        '{"type":"connection_error"}',
        '{"type":"connection_error","payload":{"errors":{"message":"odd"}}}',
        '{"type":"error","id":null,"payload":null}',
        '{"type":"start_ack","id":"1"}',
        '{"type":"connection_ack","payload":{"connectionTimeoutMs":"soon"}}{',
        "[" * 100_000,
    ],
    ids=lambda text: text[:20],
)
async def test_recovers_from_a_handshake_that_goes_wrong(oregon: FakeAppSync, on_init: str) -> None:
    oregon.on_init = on_init
    options = quick(connect_timeout=0.1)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        state = await chat.phase(Phase.RETRYING)
        assert state.attempt == 1
        assert state.next_try_at is not None
        assert state.reason
        assert (await chat.phase(Phase.RETRYING)).attempt == 2
        oregon.on_init = "ack"
        await chat.phase(Phase.LIVE)
        assert not chat.gaps
        await oregon.until(lambda: oregon.open_now == 1)


@pytest.mark.parametrize(
    "on_start",
    [
        "silent",
        "garbage",
        '{"type":"error","id":null,"payload":{"errors":[{"message":"odd"}]}}',
        '{"type":"error","id":"","payload":{"errors":[{"errorType":"UnsupportedOperation","message":"odd"}]}}',
        '{"type":"error","id":"x1","payload":{}}',
        '{"type":"error","payload":{"errors":[{"errorType":"LimitExceededError","message":"slow"}]}}',
        '{"type":"error","id":"ID","payload":{"errors":[{"errorType":"LimitExceededError","message":"slow"}]}}',
    ],
    ids=lambda text: text[15:40],
)
async def test_recovers_from_a_subscription_that_goes_wrong(oregon: FakeAppSync, on_start: str) -> None:
    oregon.on_start = on_start
    options = quick(subscribe_timeout=0.1)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.RETRYING)
        assert not chat.of(ChannelRefused)
        oregon.on_start = "ack"
        await chat.phase(Phase.LIVE)
        await oregon.subscribed(*CHANNELS)


@pytest.mark.parametrize(
    ("payload", "error_type", "reason"),
    [
        (
            '{"errors":{"errorType":"MaxSubscriptionsReachedError","message":"Max number of 100"}}',
            "MaxSubscriptionsReachedError",
            "Max number of 100",
        ),
        ('{"errors":[{"message":"Validation error"}]}', "GraphQLError", "Validation error"),
        ("null", "GraphQLError", "The backend refused without saying why."),
        ('"text"', "GraphQLError", "text"),
    ],
)
async def test_refusals_of_any_shape_are_reported(
    oregon: FakeAppSync, payload: str, error_type: str, reason: str
) -> None:
    oregon.on_start = f'{{"type":"error","id":"ID","payload":{payload}}}'
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        refused = await chat.next(ChannelRefused)
        assert (refused.error_type, refused.reason) == (error_type, reason)
        await chat.phase(Phase.LIVE)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(text="<html>hello</html>"),
        lambda: web.Response(status=500, text="oops"),
        lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        lambda: web.json_response({"data": None}),
        lambda: web.json_response([1]),
        lambda: web.json_response(7),
        lambda: web.json_response({"data": {"channels": "no", "limits": 1}}),
        lambda: web.json_response({"data": {"channels": ["a"], "limits": {"message": True}}}),
        lambda: web.Response(body=b"\xff\xfe\x00garbage"),
        lambda: web.Response(text="[" * 200_000),
        lambda: web.Response(text=" " * 6_000_000),
        lambda: web.json_response({"errors": []}, status=400),
    ],
)
async def test_describe_survives_any_answer(oregon: FakeAppSync, answer: object) -> None:
    assert callable(answer)
    oregon.on_http = lambda body: answer()
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        state = await chat.phase(Phase.RETRYING)
        assert state.reason
        assert len(state.reason) < 300
        oregon.on_http = None
        await chat.phase(Phase.LIVE)


async def test_switch_while_retrying_retargets(oregon: FakeAppSync) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        oregon.on_init = "close"
        options = quick(backoff_base=60.0, backoff_cap=60.0)
        async with running(Session(profile_of(oregon, sydney), "oregon", options=options)) as chat:
            await chat.phase(Phase.RETRYING)
            chat.session.switch("sydney")
            state = await chat.phase(Phase.LIVE)
            assert state.region == "sydney"


async def test_switch_while_connecting_retargets(oregon: FakeAppSync) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        oregon.on_init = "silent"
        async with running(Session(profile_of(oregon, sydney), "oregon", options=QUICK)) as chat:
            await oregon.until(lambda: oregon.open_now == 1)
            chat.session.switch("sydney")
            assert (await chat.phase(Phase.LIVE)).region == "sydney"
            await oregon.until(lambda: oregon.open_now == 0)


async def test_retry_now_ends_the_wait(oregon: FakeAppSync) -> None:
    oregon.on_init = "close"
    options = quick(backoff_base=60.0, backoff_cap=60.0)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.RETRYING)
        oregon.on_init = "ack"
        chat.session.retry_now()
        await chat.phase(Phase.LIVE)


async def test_a_live_connection_is_made_anew_on_demand(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        chat.session.reconnect()  # there is none yet
        await chat.phase(Phase.LIVE)
        chat.session.reconnect()
        assert "given up" in str((await chat.phase(Phase.RETRYING)).reason)
        await chat.phase(Phase.LIVE)


async def test_refused_api_fails(oregon: FakeAppSync) -> None:
    error = {"message": "Validation error of type FieldUndefined: Field 'channels' is undefined"}
    oregon.on_http = lambda body: web.json_response({"data": None, "errors": [error]})
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        assert "FieldUndefined" in str((await chat.phase(Phase.FAILED)).reason)


async def test_tls_failure_has_its_own_sentence(oregon: FakeAppSync) -> None:
    endpoint = replace(oregon.endpoint, realtime_url=oregon.endpoint.realtime_url.replace("ws:", "wss:"))
    session = Session(Profile("fake", {"oregon": endpoint}), "oregon", options=QUICK)
    async with running(session) as chat:
        assert "secure" in str((await chat.phase(Phase.RETRYING)).reason)


async def test_server_that_accepts_and_says_nothing_is_given_up() -> None:
    """Neither HTTP nor the upgrade to a WebSocket is ever answered."""
    writers: list[asyncio.StreamWriter] = []

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        template = FakeAppSync()
        template.port = server.sockets[0].getsockname()[1]
        connection = RegionConnection(
            template.endpoint,
            on_message=lambda message: None,
            on_unreadable=lambda channel: None,
            on_revoked=lambda channel: None,
            options=quick(connect_timeout=0.05),
        )
        with pytest.raises(Unreachable, match="does not answer the request for a WebSocket"):
            await connection.open()
        await connection.close()
        async with RegionApi(template.endpoint, timeout=0.05) as api:
            with pytest.raises(Unreachable, match="did not answer in time"):
                await api.describe()
        secure = replace(template.endpoint, graphql_url=f"https://127.0.0.1:{template.port}/graphql")
        async with RegionApi(secure, timeout=0.05) as api:
            with pytest.raises(Unreachable):
                await api.describe()
        for writer in writers:
            writer.close()


async def test_https_to_a_plain_server_has_its_own_sentence(oregon: FakeAppSync) -> None:
    secure = replace(oregon.endpoint, graphql_url=f"https://127.0.0.1:{oregon.port}/graphql")
    async with RegionApi(secure, timeout=2) as api:
        with pytest.raises(Unreachable, match="secure"):
            await api.describe()
