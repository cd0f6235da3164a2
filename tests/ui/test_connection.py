"""The connection on the screen: opening, failing, retrying, switching."""

import asyncio
from dataclasses import replace

import pytest

from globalchat.client.events import DraftAccepted, DraftWaiting, EventsSkipped, GapReason, GapRecorded
from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.core.errors import ProfileError, Unreachable, UserError
from globalchat.ui.screens.switchers import RegionSwitcher
from tests.ui.helpers.chat_driver import SMALL, Chat, make, running, spied
from tests.ui.helpers.fake_session import NOON, FakeSession, open_profile, profile


def head(chat: Chat) -> str:
    return next(iter(chat.screen_lines()), "")


async def test_nothing_is_claimed_before_it_is_true() -> None:
    gate = asyncio.Event()

    async def slow() -> Profile:
        await gate.wait()
        return profile()

    async with running(live=False, opener=slow) as chat:
        await chat.pilot.pause()
        assert "◌ opening" in head(chat)
        assert "live" not in head(chat)
        assert "Oregon" not in head(chat)
        assert chat.status == "Opening local cloud …"
        gate.set()
        await chat.until(lambda: "Oregon" in head(chat))
        chat.session.change(Phase.CONNECTING)
        await chat.settle()
        assert chat.status == "Connecting to Oregon …"
        chat.session.go_live(latency_ms=None)
        await chat.settle()
        assert "● Oregon us-west-2 live   ○ Sydney" in head(chat)
        assert "local cloud" in head(chat)
        assert chat.status == ""


async def test_a_profile_that_cannot_be_opened_says_why_and_opens_by_key() -> None:
    outcomes: list[UserError | None] = [
        ProfileError("The profile file is damaged: it is not JSON.", remedy="Delete it [/b] then deploy."),
        None,
    ]

    async def opener() -> Profile:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome
        return profile()

    async with running(SMALL, live=False, opener=opener) as chat:
        await chat.until(lambda: "failed" in head(chat))
        assert (
            chat.status == "The profile file is damaged: it is not JSON. Delete it [/b] then deploy. "
            "`globalchat doctor` shows more. F5 tries again."
        )
        await chat.until(lambda: "F5 tries again" in " ".join(" ".join(chat.screen_lines()).split()))
        await chat.pilot.press("enter")
        await chat.until(lambda: "Oregon" in head(chat))


async def test_an_unknown_region_is_a_failed_opening() -> None:
    session = FakeSession()
    app = make(session, region="mars")
    async with app.run_test(size=SMALL) as pilot:
        chat = Chat(app, pilot, session)
        await chat.until(lambda: "failed" in head(chat))
        assert 'has no region "mars"' in chat.status


async def test_retrying_counts_down_and_comes_back() -> None:
    now = [NOON]
    async with running(clock=lambda: now[0]) as chat:
        chat.session.change(
            Phase.RETRYING, attempt=1, next_try_at=NOON + 4000, reason="The connection was lost"
        )
        await chat.settle()
        assert "◐ Oregon us-west-2 retrying in 4 s" in head(chat)
        assert chat.status.startswith("The connection was lost. Next try in 4 s (no. 1).")
        now[0] += 2500
        await chat.until(lambda: "retrying in 2 s" in head(chat))
        await chat.pilot.press("f5")
        assert chat.session.calls == [("retry_now", None)]
        chat.session.change(Phase.CONNECTING, reason=None)
        chat.session.emit(GapRecorded(("tech",), NOON, NOON + 2500))
        chat.session.change(Phase.LIVE)
        await chat.settle()
        assert chat.status == "Back after 2 s"
        assert chat.toasts() == ["Back after 2 s"]
        assert "messages from 12:00:00–12:00:02 may be missing" in "".join(chat.lines())


async def test_a_message_may_be_written_while_the_connection_is_away() -> None:
    async with running() as chat:
        chat.session.change(Phase.RETRYING, attempt=1, next_try_at=NOON + 4000)
        await chat.type("hi")
        await chat.pilot.press("enter")
        assert chat.session.calls == [("send", ("tech", "hi"))]


async def test_a_failure_names_its_cause_and_the_way_out() -> None:
    async with running(SMALL) as chat:
        chat.session.change(
            Phase.FAILED, reason="The API key of Oregon has expired", remedy="Run `globalchat deploy`"
        )
        await chat.settle()
        assert "✖ Oregon failed" in head(chat)
        said = "The API key of Oregon has expired. Run `globalchat deploy`. `globalchat doctor` shows more."
        assert chat.status == f"{said} F5 tries again."
        await chat.pilot.click("#status")
        assert chat.session.calls == [("retry_now", None)]


async def test_regions_by_toggle_and_by_list() -> None:
    async with running() as chat:
        await chat.pilot.press("alt+r")
        assert chat.session.calls == [("switch", "sydney")]
        chat.session.change(Phase.LIVE, switching_to="sydney")
        await chat.settle()
        assert "● Oregon us-west-2 live 38 ms   ◌ Sydney connecting" in head(chat)
        assert chat.status == "Connecting to Sydney … Oregon stays until it is live."
        chat.session.change(Phase.LIVE, region="sydney", switching_to=None, latency_ms=180)
        chat.session.receive("tech", "from home", region="us-west-2", transit_ms=170)
        await chat.settle()
        assert "● Sydney ap-southeast-2 live 180 ms   ○ Oregon" in head(chat)
        assert "Oregon +170ms" in chat.lines()[-1]
        await chat.pilot.press("f2", "enter")
        await chat.until(lambda: chat.session.calls[-1] == ("switch", "oregon"))
        await chat.pilot.click("#header", offset=(head(chat).index("Sydney"), 0))
        await chat.until(lambda: isinstance(chat.app.screen, RegionSwitcher))
        await chat.pilot.press("escape")
        await chat.until(lambda: len(chat.app.screen_stack) == 1)
        assert len(chat.session.calls) == 2
        await chat.pilot.click("#header", offset=(head(chat).index("○ Oregon") + 3, 0))
        assert chat.session.calls[-1] == ("switch", "oregon")


async def test_the_region_that_answers_is_one_key_or_click_away() -> None:
    async with running() as chat:
        chat.session.fail_over("Lost")
        await chat.until(lambda: any("Alt+R switches" in line for line in chat.screen_lines()))
        assert "○ Sydney answers" in head(chat)
        await chat.pilot.press("alt+r")
        await chat.click_on("Alt+R switches")
        assert chat.session.calls == [("switch", "sydney")] * 2
        await chat.click_on("F5 tries")
        assert chat.session.calls[-1] == ("retry_now", None)


async def test_a_flood_is_shown_in_batches_and_its_losses_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(SMALL) as chat:
        flushes: list[object] = []
        monkeypatch.setattr(chat.pane, "sync", spied(chat.pane.sync, flushes))
        for number in range(3000):
            chat.session.receive("tech", f"flood {number}", at=NOON + number)
        chat.session.emit(EventsSkipped(412), GapRecorded(("tech",), NOON, NOON, GapReason.SKIPPED))
        await chat.settle()
        assert "412 messages skipped" in " ".join(chat.lines()[-2:])
        assert "flood 2999" in "".join(chat.lines())
        assert len(flushes) < 100
        conversation = chat.pane.conversation
        assert conversation is not None
        assert 1900 < len(conversation.rows) <= 2000


async def test_leaving_closes_the_session() -> None:
    async with running() as chat:
        await chat.pilot.press("f5", "f8")
        assert chat.toasts() == ["There is nothing to try again.", "Nothing is unread."]
        await chat.pilot.press("ctrl+q")
    assert chat.session.closed


async def test_opens_what_the_profile_lists_first_without_a_region() -> None:
    session = FakeSession()
    app = make(session, region=None, opener=open_profile)
    async with app.run_test(size=SMALL) as pilot:
        chat = Chat(app, pilot, session)
        await chat.until(lambda: "Oregon" in head(chat))


@pytest.mark.parametrize("works", [True, False])
async def test_trying_again_starts_the_local_cloud_that_ended(works: bool) -> None:
    opened: list[bool] = []

    async def opener() -> Profile:
        opened.append(True)
        if len(opened) > 1 and not works:
            raise Unreachable("It cannot start.", remedy="Look.")
        return await open_profile()

    async with running(opener=opener) as chat:
        chat.session.change(Phase.RETRYING, reason="No local cloud runs.", remedy="globalchat local up")
        await chat.settle()
        await chat.pilot.press("f5")
        await chat.until(lambda: chat.session.calls == [("retry_now", None)])
        assert len(opened) == 2
        assert chat.toasts() == ([] if works else ["It cannot start. Look."])


@pytest.mark.parametrize(("throttled", "word"), [(True, "live, throttled"), (False, "live, cannot send")])
async def test_the_header_says_what_keeps_messages_from_being_sent(throttled: bool, word: str) -> None:
    async with running() as chat:
        draft = chat.session.send("tech", "one")
        assert "live 38 ms" in head(chat)
        chat.session.emit(DraftWaiting(draft, "It is busy.", None, 1, NOON + 4000, throttled=throttled))
        await chat.until(lambda: f"◐ Oregon us-west-2 {word}" in head(chat))
        chat.session.emit(DraftAccepted(draft, "us-west-2", NOON))
        await chat.until(lambda: "● Oregon us-west-2 live 38 ms" in head(chat))  # no latency: it waited


async def test_the_header_shows_the_latest_answer_not_the_quickest() -> None:
    now = [NOON]
    async with running(clock=lambda: now[0]) as chat:
        for took in (20, 412, 90):
            draft = replace(chat.session.send("tech", "one"), created_at=now[0])
            now[0] += took
            chat.session.emit(DraftAccepted(draft, "us-west-2", now[0]))
            await chat.until(lambda took=took: f"live {took} ms" in head(chat))  # type: ignore[misc]
        chat.session.change(Phase.RETRYING, reason="gone")
        chat.session.change(Phase.LIVE, reason=None, latency_ms=40)
        await chat.until(lambda: "live 40 ms" in head(chat))
