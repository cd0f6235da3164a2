"""Drafts survive what happens to a chat: outages, `kill -9`, a switch of region, a bad disk, neighbours."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import globalchat
from globalchat.cli import local_cloud as local
from globalchat.client.events import (
    DraftAccepted,
    DraftHeld,
    DraftUnsent,
    DraftWaiting,
    MessageReceived,
    OutboxUnavailable,
)
from globalchat.client.profiles import Profile, save
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.errors import Unreachable
from globalchat.core.files import user_folders
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, Driver, quick, running
from tests.paths import CHILD_PATH, ROOT

SCRIPT = ROOT / "tests" / "client" / "helpers" / "chat_process.py"


@pytest.fixture(autouse=True)
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    return user_folders().state / "outbox"


@asynccontextmanager
async def script(profile: Profile, prefix: str, count: int) -> AsyncIterator[Process]:
    """The script in a process of its own, killed at the end if it still lives."""
    save(Profile("fake", profile.regions), user_folders().config)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        prefix,
        str(count),
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": CHILD_PATH},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process, what: str, count: int) -> None:
    """Wait until the script said something so many times."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while count:
            line = await process.stdout.readline()
            assert line, "the script ended"
            count -= what in line.decode()


def texts_of(chat: Driver, prefix: str, channel: str) -> list[str]:
    """Return what a chat shows of one writer: the history is ordered by when the backend took a message."""
    messages = sorted((event.message for event in chat.of(MessageReceived)), key=lambda each: each.order)
    return [each.text for each in messages if each.text.startswith(prefix) and each.channel == channel]


async def until_all(chat: Driver, count: int) -> None:
    while len(chat.of(MessageReceived)) < count:
        await chat.next(MessageReceived)


def expected(prefix: str, count: int, channel: str) -> list[str]:
    first = {"tech": 0, "cars": 1}[channel]
    return [f"{prefix} {number}" for number in range(first, count, 2)]


async def test_killed_between_store_and_answer(oregon: FakeAppSync, outbox: Path) -> None:
    """The backend takes a publish, and the chat is killed before the answer reaches it."""
    profile = Profile("fake", profile_of(oregon).regions)
    listener = Session(profile, "oregon", options=QUICK)
    async with running(listener) as receiver, script(profile, "ada", 20) as process:

        def kill_at_the_eighth(body: dict[str, Any]) -> web.StreamResponse | None:
            if len(oregon.published) == 7 and process.returncode is None:
                process.kill()
            return None

        await receiver.phase(Phase.LIVE)
        oregon.on_http = kill_at_the_eighth
        assert await asyncio.wait_for(process.wait(), 30) == -9
        await until_all(receiver, 8)
        oregon.on_http = None
        async with running(Session(profile, "oregon", options=QUICK, outbox=outbox)) as again:
            await again.phase(Phase.LIVE)
            await until_all(receiver, 20)
            assert not again.session.waiting
        for channel in ("tech", "cars"):
            assert texts_of(receiver, "ada", channel) == expected("ada", 20, channel)
        published = Counter(raw["id"] for raw in oregon.published)
        assert len(published) == 20
        assert sum(published.values()) in (21, 22)  # one in flight per channel
        assert {raw["sender"] for raw in oregon.published} == {"ada"}
        assert listener.duplicates == sum(published.values()) - 20


async def test_killed_while_offline_then_sent_in_another_region(oregon: FakeAppSync, outbox: Path) -> None:
    profile = profile_of(oregon)
    await oregon.stop()
    async with script(profile, "ada", 20) as process:
        await said(process, "DraftQueued", 20)
        process.kill()
        await process.wait()
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        both = Profile("fake", {**profile.regions, "sydney": sydney.endpoint})
        async with running(Session(both, "sydney", sender="bob", options=QUICK, outbox=outbox)) as chat:
            await until_all(chat, 20)
            assert all(event.own for event in chat.of(MessageReceived))
            for channel in ("tech", "cars"):
                assert texts_of(chat, "ada", channel) == expected("ada", 20, channel)
            assert {raw["sender"] for raw in sydney.published} == {"ada"}
            assert not chat.session.waiting


async def test_killed_again_and_again_in_traffic(local_cloud: LocalCloud, outbox: Path) -> None:
    """Whenever a chat is killed: both regions get each message once, each channel in order."""
    profile = Profile("fake", local.profile_of(local_cloud.regions).regions)
    one, two = (Session(profile, alias, options=QUICK) for alias in ("oregon", "sydney"))
    async with running(one) as oregon, running(two) as sydney:
        for chat in (oregon, sydney):
            await chat.phase(Phase.LIVE)
        for number in range(2):
            async with script(profile, f"life{number}", 60) as process:
                await said(process, "DraftAccepted life", 20)
                process.kill()
                await process.wait()
        async with running(Session(profile, "sydney", options=QUICK, outbox=outbox)) as last:
            for chat in (oregon, sydney):
                await until_all(chat, 120)
            assert not last.of(DraftUnsent)
        for chat in (oregon, sydney):
            assert len(chat.of(MessageReceived)) == 120
            assert not chat.gaps
            assert not chat.session.conflicts
        for number in range(2):
            for channel in ("tech", "cars"):
                for chat in (oregon, sydney):
                    writer = f"life{number}"
                    assert texts_of(chat, writer, channel) == expected(writer, 60, channel)
    async with running(Session(profile, "oregon", options=QUICK, outbox=outbox)) as empty:
        assert not empty.session.waiting


async def test_chats_share_a_home_and_send_only_their_own(oregon: FakeAppSync, outbox: Path) -> None:
    profile = profile_of(oregon)
    gone = FakeAppSync()
    await gone.start()
    unreachable = profile_of(gone)
    await gone.stop()
    async with running(Session(unreachable, "oregon", sender="ada", options=QUICK, outbox=outbox)) as first:
        mine = first.session.send("tech", "first")
        await first.next(DraftWaiting)
        async with running(Session(profile, "oregon", sender="bob", options=QUICK, outbox=outbox)) as second:
            await second.phase(Phase.LIVE)
            second.session.send("tech", "second")
            await second.text("second")
            assert first.session.waiting == (mine,)
    assert [raw["message"] for raw in oregon.published] == ["second"]
    async with running(Session(profile, "oregon", options=QUICK, outbox=outbox)) as third:
        assert (await third.text("first")).message.sender == "ada"


async def test_the_outbox_follows_a_switch(oregon: FakeAppSync, outbox: Path) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        session = Session(
            profile_of(oregon, sydney),
            "oregon",
            options=quick(backoff_base=60.0, backoff_cap=60.0, publish_anyway_after=60.0),
            outbox=outbox,
        )
        async with running(session) as chat:
            await chat.phase(Phase.LIVE)
            oregon.on_http = lambda body: web.Response(status=503)
            drafts = [session.send("tech", str(number)) for number in range(5)]
            assert (await chat.next(DraftWaiting)).draft == drafts[0]
            session.switch("sydney")
            await chat.text("4")
            assert [raw["message"] for raw in sydney.published] == list("01234")
            assert not oregon.published
            assert not session.waiting


async def test_offline_messages_go_when_the_region_is_back(oregon: FakeAppSync, outbox: Path) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK, outbox=outbox)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        await chat.phase(Phase.RETRYING)
        for number in range(10):
            chat.session.send("tech", str(number))
        assert (await chat.next(DraftWaiting)).reason
        await oregon.start()
        await chat.text("9")
        assert chat.texts == [str(number) for number in range(10)]
        assert not chat.of(DraftUnsent)
        assert len(chat.of(DraftAccepted)) == 10


async def test_old_drafts_are_offered_at_the_next_start(oregon: FakeAppSync, outbox: Path) -> None:
    profile = profile_of(oregon)
    first = Session(profile, "oregon", options=QUICK, outbox=outbox)
    drafts = [first.send("tech", text) for text in ("yes", "no")]
    first.close()
    later = drafts[1].created_at + 15 * 60_000 + 1
    session = Session(profile, "oregon", options=QUICK, outbox=outbox, clock=lambda: later)
    async with running(session) as chat:
        assert [(await chat.next(DraftHeld)).draft for _ in drafts] == drafts
        await chat.phase(Phase.LIVE)
        assert session.held == tuple(drafts)
        assert session.discard(drafts[1].id)
        assert session.resend(drafts[0].id)
        await chat.text("yes")
        assert not session.held
        assert [raw["id"] for raw in oregon.published] == [drafts[0].id]


async def test_an_expired_key_holds_drafts_until_it_is_renewed(oregon: FakeAppSync, outbox: Path) -> None:
    good, oregon.key = oregon.key, "da2-other"
    async with running(Session(profile_of(oregon), "oregon", options=QUICK, outbox=outbox)) as chat:
        draft = chat.session.send("tech", "patience")
        await chat.phase(Phase.FAILED)
        waiting = await chat.next(DraftWaiting)
        assert (waiting.draft, waiting.next_try_at) == (draft, None)
        assert "key" in waiting.reason
        assert waiting.remedy
        oregon.key = good
        chat.session.retry_now()
        assert (await chat.text("patience")).own


async def test_a_throttled_publish_comes_through(oregon: FakeAppSync, outbox: Path) -> None:
    answers = [
        web.Response(status=429, headers={"Retry-After": "0"}),
        web.Response(status=503, headers={"Retry-After": "0"}, text="busy"),
        web.json_response({"errors": [{"errorType": "ThrottlingException", "message": "Slow down."}]}),
    ]
    async with running(Session(profile_of(oregon), "oregon", options=QUICK, outbox=outbox)) as chat:
        await chat.phase(Phase.LIVE)
        oregon.on_http = lambda body: answers.pop(0) if answers else None
        chat.session.send("tech", "at last")
        reasons = [(await chat.next(DraftWaiting)).reason for _ in range(3)]
        await chat.text("at last")
        assert "too often" in reasons[0]
        assert "in trouble" in reasons[1]
        assert reasons[2] == "Slow down."


@pytest.fixture
def damaged(outbox: Path) -> None:
    outbox.mkdir(parents=True)
    (outbox / "outbox.sqlite3").write_bytes(b"no database" * 500)


@pytest.mark.usefixtures("damaged")
async def test_a_damaged_outbox_is_reported_and_the_chat_goes_on(oregon: FakeAppSync, outbox: Path) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK, outbox=outbox)) as chat:
        assert "damaged" in (await chat.next(OutboxUnavailable)).reason
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", "all the same")
        await chat.text("all the same")
        oregon.on_http = lambda body: web.Response(status=503)
        lost = chat.session.send("tech", "not kept")
        await chat.next(DraftWaiting)
    assert [event.draft for event in chat.of(DraftUnsent)] == [lost]


async def test_the_short_form_keeps_drafts_too(oregon: FakeAppSync, outbox: Path) -> None:
    profile = profile_of(oregon)
    async with globalchat.connect(profile, "oregon", ["tech"], options=QUICK, outbox=outbox) as chat:
        asked = asyncio.Event()

        def busy(body: dict[str, Any]) -> web.Response:
            asked.set()
            return web.Response(status=503)

        oregon.on_http = busy
        publishing = asyncio.create_task(chat.publish("tech", "later"))
        await asyncio.wait_for(asked.wait(), 15)
    with pytest.raises(Unreachable, match="closed"):
        await publishing
    oregon.on_http = None
    async with globalchat.connect(profile, "oregon", ["tech"], options=QUICK, outbox=outbox) as chat:
        async for message in chat:
            assert message.text == "later"
            break


async def test_a_publish_that_reaches_the_region_ends_the_wait_for_its_socket(
    oregon: FakeAppSync, outbox: Path
) -> None:
    oregon.on_init = "close"
    options = quick(suspend_after=0.0, suspend_interval=600.0)
    async with running(Session(profile_of(oregon), "oregon", options=options, outbox=outbox)) as chat:
        await chat.phase(Phase.SUSPENDED)
        oregon.on_init = "ack"
        chat.session.send("tech", "over HTTP")
        await chat.next(DraftAccepted)
        chat.rewind()
        await chat.phase(Phase.LIVE)
