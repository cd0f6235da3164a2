"""The session against a server that fails in every way we could think of."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from client.api import Api
from client.connection import Connection
from client.errors import Unreachable
from client.events import (
    ChannelRefused,
    DraftAccepted,
    DraftRefused,
    DraftUnsent,
    GapRecorded,
    MessageReceived,
)
from client.profiles import Profile
from client.session import Session
from client.state import Phase
from tests.client.driver import QUICK, Driver, quick, running
from tests.client.fake_server import CHANNELS, FakeAppSync, profile_of


async def test_bad_key_fails_until_told_to_retry(oregon: FakeAppSync) -> None:
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
async def test_refusals_of_any_shape_are_told(
    oregon: FakeAppSync, payload: str, error_type: str, reason: str
) -> None:
    oregon.on_start = f'{{"type":"error","id":"ID","payload":{payload}}}'
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        refused = await chat.next(ChannelRefused)
        assert (refused.error_type, refused.reason) == (error_type, reason)
        await chat.phase(Phase.LIVE)


async def test_dropped_socket_is_reconnected_with_a_gap(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech", "cars"], options=QUICK)
    async with running(session) as chat:
        for _ in range(3):
            await chat.phase(Phase.LIVE)
            oregon.drop_all()
            assert (await chat.phase(Phase.RETRYING)).attempt == 1
        await chat.phase(Phase.LIVE)
        gap = await chat.next(GapRecorded)
        assert gap.channels == ("cars", "tech")
        assert gap.since <= gap.until
        await oregon.broadcast(oregon.message("1", text="still here"))
        await chat.text("still here")
        assert len(chat.gaps) == 3


async def test_server_restart_is_survived(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        await chat.phase(Phase.RETRYING)
        state = await chat.phase(Phase.RETRYING)
        assert "refused" in str(state.reason)
        await oregon.start()
        await chat.phase(Phase.LIVE)
        await chat.next(GapRecorded)
        chat.session.send("tech", "back")
        await chat.text("back")


async def test_silent_socket_is_noticed_by_the_servers_limit(oregon: FakeAppSync) -> None:
    oregon.connection_timeout_ms = 150
    async with running(Session(profile_of(oregon), "oregon", options=quick(ping_interval=None))) as chat:
        await chat.phase(Phase.LIVE)
        oregon.connection_timeout_ms = 300_000
        state = await chat.phase(Phase.RETRYING)
        assert state.reason
        await chat.phase(Phase.LIVE)
        assert (await chat.next(GapRecorded)).channels == tuple(sorted(CHANNELS))


async def test_half_open_socket_is_noticed_by_pings(oregon: FakeAppSync) -> None:
    oregon.ping_answers = False
    async with running(Session(profile_of(oregon), "oregon", options=quick(ping_interval=0.05))) as chat:
        await chat.phase(Phase.LIVE)
        await chat.phase(Phase.RETRYING)
        oregon.ping_answers = True
        await chat.phase(Phase.LIVE)


async def test_error_that_ends_a_running_subscription_reconnects(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed(*CHANNELS)
        await socket.send(
            type="error", id=next(iter(socket.starts)), payload={"errors": [{"errorType": "InternalFailure"}]}
        )
        await chat.phase(Phase.RETRYING)
        await chat.phase(Phase.LIVE)
        await chat.next(GapRecorded)


async def test_odd_frames_change_nothing(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed("tech")
        for frame in (
            {"type": "novelty"},
            {},
            {"type": "data", "id": "999", "payload": {"data": {}}},
            {"type": "data", "id": None, "payload": None},
            {"type": "complete", "id": "999"},
            {"type": "complete"},
            {"type": "start_ack"},
            {"type": "start_ack", "id": "1"},
            {"type": "error", "id": "999", "payload": {}},
        ):
            await socket.send(**frame)
        await oregon.broadcast(oregon.message("1", text="fine"))
        await chat.text("fine")
        assert oregon.opened == 1
        assert not chat.gaps


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"data": None},
        {"data": []},
        {"data": {"subscribe": None}},
        {"data": {"subscribe": {"id": 1}}},
        {"data": None, "errors": [{"message": "Cannot return null"}]},
        {"data": {"subscribe": {"id": "1", "name": "tech", "message": "x", "region": "r", "sentAt": "now"}}},
    ],
)
async def test_unreadable_message_leaves_a_gap(oregon: FakeAppSync, payload: object) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed("tech")
        await socket.send(type="data", id=next(iter(socket.starts)), payload=payload)
        assert (await chat.next(GapRecorded)).channels == ("tech",)
        await oregon.broadcast(oregon.message("1", text="readable"))
        await chat.text("readable")


async def test_message_before_start_ack_is_kept(oregon: FakeAppSync) -> None:
    oregon.on_start = "data first"
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        received = await chat.next(MessageReceived)
        assert received.message.id == "early"
        await chat.phase(Phase.LIVE)


async def test_refused_draft_is_final(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        draft = chat.session.send("nosuch", "hello")
        refused = await chat.next(DraftRefused)
        assert (refused.draft, refused.error_type) == (draft, "UnknownChannel")
        assert not chat.session.resend(draft.id)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "x" * 200_000], ids=["half", "other half", "long"])
async def test_text_that_cannot_be_sent_is_refused(oregon: FakeAppSync, text: str) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", text)
        assert (await chat.next(DraftRefused)).error_type in ("BadMessage", "MessageTooLong")
        chat.session.send("tech", "fine")
        await chat.text("fine")
        assert len(oregon.published) == 1


async def test_retryable_refusal_is_tried_again_with_the_same_id(oregon: FakeAppSync) -> None:
    ids: list[str] = []

    def busy(body: dict[str, object]) -> web.Response | None:
        if "publish(" not in str(body["query"]):
            return None
        variables = body["variables"]
        assert isinstance(variables, dict)
        ids.append(variables["id"])
        if len(ids) > 2:
            return None
        error = {"errorType": "NotAccepted", "message": "busy", "errorInfo": {"code": "X", "retryable": True}}
        return web.json_response({"data": {"publish": None}, "errors": [error]})

    oregon.on_http = busy
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        draft = chat.session.send("tech", "patience")
        await chat.next(DraftAccepted)
        assert ids == [draft.id] * 3


async def test_unsent_draft_is_kept_and_sent_again(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        first = chat.session.send("tech", "first")
        second = chat.session.send("tech", "second")
        unsent = await chat.next(DraftUnsent)
        assert unsent.draft == first
        assert unsent.reason
        assert (await chat.next(DraftUnsent)).draft == second
        await oregon.start()
        await chat.phase(Phase.LIVE)
        assert chat.session.resend(first.id)
        assert (await chat.text("first")).message.id == first.id
        assert not chat.session.resend(first.id)


async def test_key_that_expired_hands_the_draft_back(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        oregon.key = "da2-renewed"
        draft = chat.session.send("tech", "hello")
        unsent = await chat.next(DraftUnsent)
        assert "key" in unsent.reason
        oregon.key = oregon.endpoint.api_key
        assert chat.session.resend(draft.id)
        await chat.text("hello")


async def test_closing_hands_back_what_is_in_flight(oregon: FakeAppSync) -> None:
    oregon.on_http = lambda body: web.Response(status=503) if "publish(" in body["query"] else None
    options = quick(send_attempts=1000, backoff_base=0.05, drain_timeout=0.05)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.LIVE)
        drafts = [chat.session.send("tech", text) for text in ("one", "two")]
        await oregon.until(lambda: True)
    assert [event.draft for event in chat.of(DraftUnsent)] == drafts


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


async def test_loss_during_a_switch_retargets(oregon: FakeAppSync) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        session = Session(profile_of(oregon, sydney), "oregon", options=QUICK)
        async with running(session) as chat:
            await chat.phase(Phase.LIVE)
            sydney.start_gate.clear()
            session.switch("sydney")
            await sydney.until(lambda: sydney.open_now == 1)
            oregon.drop_all()
            await chat.phase(Phase.RETRYING)
            sydney.start_gate.set()
            assert (await chat.phase(Phase.LIVE)).region == "sydney"
            await chat.next(GapRecorded)


async def test_retry_now_ends_the_wait(oregon: FakeAppSync) -> None:
    oregon.on_init = "close"
    options = quick(backoff_base=60.0, backoff_cap=60.0)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.RETRYING)
        oregon.on_init = "ack"
        chat.session.retry_now()
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
        connection = Connection(
            template.endpoint,
            on_message=lambda message: None,
            on_unreadable=lambda channel: None,
            on_revoked=lambda channel: None,
            options=quick(connect_timeout=0.05),
        )
        with pytest.raises(Unreachable, match="did not answer in time"):
            await connection.open()
        await connection.close()
        async with Api(template.endpoint, timeout=0.05) as api:
            with pytest.raises(Unreachable, match="did not answer in time"):
                await api.describe()
        secure = replace(template.endpoint, graphql_url=f"https://127.0.0.1:{template.port}/graphql")
        async with Api(secure, timeout=0.05) as api:
            with pytest.raises(Unreachable):
                await api.describe()
        for writer in writers:
            writer.close()


async def test_https_to_a_plain_server_has_its_own_sentence(oregon: FakeAppSync) -> None:
    secure = replace(oregon.endpoint, graphql_url=f"https://127.0.0.1:{oregon.port}/graphql")
    async with Api(secure, timeout=2) as api:
        with pytest.raises(Unreachable, match="secure"):
            await api.describe()


async def test_what_waits_behind_an_unsent_draft_is_handed_back_with_it(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        asked = len(oregon.requests)
        oregon.on_http = lambda body: web.Response(status=503)
        drafts = [session.send("tech", str(number)) for number in range(5)]
        for draft in drafts:
            assert (await chat.next(DraftUnsent)).draft == draft
        assert len(oregon.requests) - asked == QUICK.send_attempts
        oregon.on_http = None
        for draft in drafts:
            assert session.resend(draft.id)
        await chat.text("4")
        assert chat.texts == ["0", "1", "2", "3", "4"]


async def test_too_many_waiting_drafts_are_handed_back(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=quick(outgoing=3))
    drafts = [session.send("tech", str(number)) for number in range(5)]
    async with running(session) as chat:
        assert (await chat.next(DraftUnsent)).draft == drafts[3]
        assert (await chat.next(DraftUnsent)).draft == drafts[4]
        for draft in drafts[:3]:
            assert (await chat.next(DraftAccepted)).draft == draft


@pytest.mark.parametrize("cancel", [False, True], ids=["close", "cancel"])
@pytest.mark.parametrize("stage", ["describing", "handshake", "starting", "retrying", "failed", "switching"])
async def test_ends_from_every_stage(oregon: FakeAppSync, stage: str, cancel: bool) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        session = Session(
            profile_of(oregon, sydney), "oregon", options=quick(backoff_base=60.0, backoff_cap=60.0)
        )
        run = await enter(stage, session, oregon, sydney)
        if cancel:
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(run, 15)
        else:
            session.close()
            await asyncio.wait_for(run, 15)
        assert session.state.phase is Phase.CLOSED
        for server in (oregon, sydney):
            server.start_gate.set()
            await server.until(lambda server=server: server.open_now == 0)  # type: ignore[misc]
        while await session.next_events():
            pass


async def enter(
    stage: str, session: Session, oregon: FakeAppSync, sydney: FakeAppSync
) -> "asyncio.Task[None]":
    """Start a session and bring it to a stage."""
    oregon.on_init = {"handshake": "silent", "retrying": "close", "failed": "unauthorized"}.get(stage, "ack")
    if stage == "starting":
        oregon.start_gate.clear()
    run = asyncio.create_task(session.run())
    driver = Driver(session)
    pump = asyncio.create_task(driver.pump())
    if stage in ("handshake", "starting"):
        await oregon.until(lambda: oregon.open_now == 1)
    elif stage == "retrying":
        await driver.phase(Phase.RETRYING)
    elif stage == "failed":
        await driver.phase(Phase.FAILED)
    elif stage == "switching":
        sydney.on_init = "silent"
        await driver.phase(Phase.LIVE)
        session.switch("sydney")
        await sydney.until(lambda: sydney.open_now == 1)
    else:
        await driver.phase(Phase.CONNECTING)
    pump.cancel()
    return run
