"""Older pages of history, loaded on demand, against the local cloud."""

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from globalchat.cli.local_cloud import profile_of
from globalchat.client import history
from globalchat.client.api import RegionApi
from globalchat.client.events import (
    BackendDescribed,
    GapReason,
    GapRecorded,
    MessageReceived,
    PageFailed,
    PageLoaded,
    StateChanged,
)
from globalchat.client.messages import Draft, IdFactory
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.clock import now_ms
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers import fake_appsync
from tests.client.helpers.fake_appsync import FakeAppSync
from tests.client.helpers.session_driver import Driver, quick, running
from tests.localcloud.helpers.edited_templates import before_history

OPTIONS = quick(page_size=3)


async def publish(cloud: LocalCloud, *texts: str, region: str = "oregon") -> None:
    """Publish texts to the channel tech, one after the other, until all are stored everywhere."""
    ids = IdFactory()
    async with RegionApi(profile_of(cloud.regions).resolve(region)) as api:
        for text in texts:
            await api.publish(Draft(ids.new(), "tech", text, "ana", 0))
            await cloud.events.settled()


async def load(chat: Driver) -> tuple[list[str], bool]:
    """Load the next older page; return its texts and whether nothing older is kept."""
    chat.session.load_older("tech")
    page = await chat.next(PageLoaded)
    return [message.text for message in page.messages], page.is_start


async def test_pages_go_back_to_the_start(local_cloud: LocalCloud, profile: Profile) -> None:
    await publish(local_cloud, *(f"m{number}" for number in range(7)))
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        assert await load(chat) == (["m4", "m5", "m6"], False)
        chat.session.load_older("tech")
        assert chat.session.is_loading("tech")
        chat.session.load_older("tech")  # one is being read
        assert [m.text for m in (await chat.next(PageLoaded)).messages] == ["m1", "m2", "m3"]
        assert not chat.session.is_loading("tech")
        assert await load(chat) == (["m0"], True)
        assert await load(chat) == ([], True)
        assert len(chat.of(PageLoaded)) == 4


async def test_what_came_already_is_not_in_a_page(local_cloud: LocalCloud, profile: Profile) -> None:
    await publish(local_cloud, "before", "also before")
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        await publish(local_cloud, "a", "b", "c", "d")
        await chat.text("d")
        # The last page has nothing new, so the one before it is read, too.
        assert await load(chat) == (["before", "also before"], False)
        assert len(chat.of(MessageReceived)) == 4


async def test_a_page_can_be_loaded_before_the_session_is_live(
    local_cloud: LocalCloud, profile: Profile
) -> None:
    await publish(local_cloud, "kept")
    session = Session(profile, "oregon", options=OPTIONS)
    session.load_older("tech")
    async with running(session) as chat:
        page = await chat.next(PageLoaded)
        assert [message.text for message in page.messages] == ["kept"]


async def test_a_switch_goes_on_where_the_other_region_was(local_cloud: LocalCloud, profile: Profile) -> None:
    await publish(local_cloud, *(f"m{number}" for number in range(6)))
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        assert await load(chat) == (["m3", "m4", "m5"], False)
        chat.session.switch("sydney")
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")
        assert await load(chat) == (["m0", "m1", "m2"], False)


@pytest.mark.parametrize("form", ["off", "before"])
async def test_without_history_there_is_an_empty_page(form: str, tmp_path: Path) -> None:
    templates = TEMPLATES_WITHOUT_HISTORY if form == "off" else before_history(tmp_path / "templates")
    async with LocalCloud.open(templates) as cloud:
        await publish(cloud, "not kept")
        async with running(Session(profile_of(cloud.regions), "oregon", options=OPTIONS)) as chat:
            backend = (await chat.next(BackendDescribed)).backend
            assert (backend.history is None) == (form == "before")
            assert await load(chat) == ([], True)


async def test_a_page_that_fails_can_be_asked_for_again(oregon: FakeAppSync) -> None:
    failing = True

    def script(body: dict[str, object]) -> web.StreamResponse | None:
        if "history(" not in str(body["query"]):
            return None
        if failing:
            return web.Response(status=503)
        return web.json_response({"data": {"history": {"messages": [], "next": None}}})

    oregon.on_http = script
    async with running(Session(fake_appsync.profile_of(oregon), "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.load_older("tech")
        failed = await chat.next(PageFailed)
        assert (failed.channel, bool(failed.reason)) == ("tech", True)
        failing = False
        assert await load(chat) == ([], True)


async def test_a_page_that_hangs_holds_up_neither_messages_nor_the_end(oregon: FakeAppSync) -> None:
    oregon.history_gate.clear()
    async with running(Session(fake_appsync.profile_of(oregon), "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.load_older("tech")
        await oregon.broadcast(oregon.message("1", "tech", "meanwhile"))
        await chat.text("meanwhile")
        chat.session.close()
        await chat.phase(Phase.CLOSED)
    assert not chat.of(PageLoaded)


async def test_a_stored_message_that_cannot_be_read_is_a_gap_and_hides_no_other(oregon: FakeAppSync) -> None:
    oregon.history_days = 7
    at = 1_795_000_000_000
    oregon.stored = [
        oregon.message("1", text="before", arrival=history.cursor_at(at)),
        {**oregon.message("2", arrival=history.cursor_at(at + 1_000)), "sentAt": None},
        oregon.message("3", text="after", arrival=history.cursor_at(at + 2_000)),
    ]
    own = Session(fake_appsync.profile_of(oregon), "oregon", options=OPTIONS, channels=["tech"])
    async with running(own) as chat:
        await chat.phase(Phase.LIVE)
        assert await load(chat) == (["before", "after"], True)
        assert await load(chat) == ([], True)
        gap = GapRecorded(("tech",), at + 1_000, at + 1_000, GapReason.UNREADABLE)
        assert chat.of(GapRecorded) == [gap], "once, though a page and a comparison bring it"


async def test_a_missed_message_that_cannot_be_read_is_a_gap(oregon: FakeAppSync) -> None:
    oregon.history_days = 7
    own = Session(
        fake_appsync.profile_of(oregon),
        "oregon",
        options=replace(OPTIONS, history_interval=0.05),
        channels=["tech"],
    )
    async with running(own) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.until(lambda: sum("history(" in str(each["query"]) for each in oregon.requests) > 1)
        at = now_ms() - 3_000
        oregon.stored = [
            {**oregon.message("1", arrival=history.cursor_at(at)), "message": None},
            oregon.message("2", text="missed", arrival=history.cursor_at(at + 1)),
        ]
        gap = await chat.next(GapRecorded)
        assert (gap.since, gap.reason) == (at, GapReason.UNREADABLE)
        chat.rewind()
        assert (await chat.text("missed")).filled
        assert len(chat.of(GapRecorded)) == 1


def test_the_time_of_a_cursor() -> None:
    for moment in (0, 1, 1_469_918_176_385, (1 << 48) - 1):
        assert history.cursor_time(history.cursor_at(moment)) == moment
