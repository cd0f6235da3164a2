"""What came while the chat was closed, away or not looked at: unread, divided, counted, filled in."""

from pathlib import Path

import pytest

from globalchat.client.events import GapFilled, GapReason, GapRecorded
from globalchat.client.messages import Message
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.settings import Loaded, NotifySettings, Settings
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, running
from tests.ui.helpers.fake_session import NOON, said

YESTERDAY = NOON - 86_400_000
LOUD = Loaded(Settings(notify=NotifySettings(bell=True, desktop="osc9", level="all")))


def text(chat: Chat) -> str:
    return "\n".join(chat.lines())


def listed(chat: Chat, channel: str) -> list[str]:
    """Return what the list shows of a channel, behind its name."""
    inside = (line.split("│")[1] for line in chat.screen_lines() if line.startswith("│"))
    return next(line.split(channel)[1].split() for line in inside if f"# {channel} " in line)


def below_divider(chat: Chat) -> list[str]:
    """Return the messages below the line *new*."""
    lines = chat.lines()
    start = next((y for y, line in enumerate(lines) if " new ─" in line), None)
    assert start is not None, text(chat)
    return [word for line in lines[start:] for word in line.split() if word.startswith("#")]


async def first_run(folder: Path, *seen: Message, sender: str = "bo") -> None:
    """Run a chat yesterday that read these messages in # tech, and has seen those of # cars come unseen."""
    async with running(SMALL, state=folder, clock=lambda: YESTERDAY, sender=sender) as chat:
        for each in seen:
            chat.session.deliver(each)
        await chat.settle()


@pytest.mark.parametrize("brought_by", ["page", "fill"])
async def test_what_came_while_the_chat_was_closed_is_below_the_divider(
    tmp_path: Path, brought_by: str
) -> None:
    await first_run(tmp_path, said(0), said(1))
    async with running(SMALL, state=tmp_path, live=False) as chat:
        chat.session.answers_pages = False
        await chat.until(lambda: chat.session.asked == ["tech"])
        if brought_by == "page":
            chat.session.store("tech", *map(said, range(4)))
            chat.session.answer_page("tech")
            await chat.settle()
            chat.session.go_live()
        else:
            chat.session.go_live()
            chat.session.fill("tech", said(2), said(3))
            await chat.settle()
            chat.session.store("tech", said(0), said(1))
            chat.session.answer_page("tech")
        await chat.settle()
        assert below_divider(chat) == ["#2", "#3"]
        screen = chat.app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        assert not any(each.unread for each in screen.view_model.entries())
        chat.session.receive("tech", "#live")
        await chat.settle()
        assert below_divider(chat) == ["#2", "#3", "#live"]


async def test_the_second_start_shows_no_divider_where_nothing_came(tmp_path: Path) -> None:
    await first_run(tmp_path, said(0), said(1))
    async with running(SMALL, state=tmp_path, live=False) as chat:
        chat.session.store("tech", said(0), said(1))
        chat.session.go_live()
        await chat.settle()
        assert "#1" in text(chat)
        assert "new" not in text(chat)


async def test_another_name_has_read_nothing_of_it(tmp_path: Path) -> None:
    await first_run(tmp_path, said(0), said(1))
    async with running(SMALL, state=tmp_path, live=False, sender="cyd") as chat:
        chat.session.store("tech", *map(said, range(4)))
        chat.session.go_live()
        await chat.settle()
        assert "#3" in text(chat)
        assert "new" not in text(chat)  # what was said before the first start is no news


async def test_the_first_messages_of_an_empty_channel_are_new_at_the_next_start(tmp_path: Path) -> None:
    await first_run(tmp_path)
    async with running(SMALL, state=tmp_path, live=False) as chat:
        chat.session.store("tech", said(0), said(1))
        chat.session.go_live()
        await chat.settle()
        assert below_divider(chat) == ["#0", "#1"]


async def test_unread_and_mentions_are_counted_across_starts(tmp_path: Path) -> None:
    async with running(WIDE, state=tmp_path, clock=lambda: YESTERDAY) as chat:
        for number, words in enumerate(("one", "@bo two", "three")):
            chat.session.deliver(said(number, channel="cars", text=words))
        await chat.settle()
        assert listed(chat, "cars") == ["@1", "3"]
    async with running(WIDE, state=tmp_path, live=False) as chat:
        chat.session.store(
            "cars", *(said(number, channel="cars", text=f"#{number}") for number in range(-9, 0))
        )
        chat.session.store("cars", *(said(number, channel="cars", text=f"#{number}") for number in range(3)))
        chat.session.go_live()
        await chat.settle()
        assert listed(chat, "cars") == ["@1", "3"]  # before anything of it is loaded
        chat.session.fill("cars", said(3, channel="cars", text="#3 @bo"), said(4, channel="cars", text="#4"))
        await chat.settle()
        assert listed(chat, "cars") == ["@2", "5"]
        await chat.pilot.press("f8")
        await chat.until(lambda: chat.channel == "cars")
        await chat.settle()
        assert listed(chat, "cars") == []
        assert below_divider(chat) == ["#0", "#1", "#2", "#3", "#4"]
    async with running(WIDE, state=tmp_path) as chat:
        assert listed(chat, "cars") == []


async def test_a_late_relayed_message_counts_though_it_is_above_what_was_read(tmp_path: Path) -> None:
    await first_run(tmp_path, said(10, channel="cars"))
    async with running(WIDE, state=tmp_path) as chat:
        chat.session.fill("cars", said(5, channel="cars", text="late"))
        await chat.settle()
        assert listed(chat, "cars") == ["2"]
        chat.session.fill("cars", said(12, channel="cars", text="later"))
        await chat.settle()
        assert listed(chat, "cars") == ["3"]


async def test_one_line_says_what_was_filled_in_and_the_view_stays() -> None:
    async with running(SMALL) as chat:
        for number in range(40):
            chat.session.receive("tech", f"#{number}", at=NOON + number * 60_000)
        await chat.settle()
        await chat.pilot.press("pageup", "pageup")
        await chat.settle()
        seen = chat.lines()[:-1]
        times = [NOON + 30 * 60_000 + number * 1_000 for number in (1, 2, 3)]
        chat.session.fill(
            "tech", *(said(900 + n, at=at, text=f"#missed{n}") for n, at in enumerate(times)), ends=False
        )
        chat.session.emit(GapFilled("tech", NOON + 30 * 60_000, NOON + 35 * 60_000, 3))
        await chat.settle()
        assert chat.lines()[:-1] == seen
        assert chat.lines()[-1].endswith("3 new ↓")
        await chat.pilot.press("escape")
        await chat.settle()
        (line,) = [
            y for y, line in enumerate(chat.lines()) if "3 messages from 12:30–12:35 filled in" in line
        ]
        following = "".join(chat.lines()[line : line + 5])
        assert all(f"#missed{n}" in following for n in range(3))
        assert "#30" in chat.lines()[line - 1] or "#30" in chat.lines()[line - 2]


async def test_nothing_is_said_of_a_gap_in_which_nothing_was_missed() -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", "hi")
        chat.session.emit(GapFilled("tech", NOON, NOON + 60_000, 0))
        await chat.settle()
        assert "filled" not in text(chat)


async def test_gaps_that_stay_are_one_line_with_the_reason() -> None:
    async with running(WIDE) as chat:
        for minute in range(5):
            at = NOON + minute * 600_000
            chat.session.emit(GapRecorded(("tech",), at, at + 60_000 * 3, GapReason.HISTORY_OFF))
        await chat.settle()
        lines = [line for line in chat.lines() if "may be missing" in line]
        assert len(lines) == 1
        assert "messages from 12:00–12:43 may be missing: the region keeps no history ─" in lines[0]
        chat.session.receive("tech", "between", at=NOON + 50 * 60_000)
        chat.session.emit(GapRecorded(("tech",), NOON + 3_600_000, NOON + 3_660_000, GapReason.HISTORY_OFF))
        await chat.settle()
        assert text(chat).count("may be missing") == 2


@pytest.mark.parametrize("way", ["f5", "click"])
async def test_a_gap_with_too_many_messages_is_read_on_demand(way: str) -> None:
    async with running(WIDE) as chat:
        chat.session.receive("tech", "before", at=NOON)
        gap = GapRecorded(("tech",), NOON + 60_000, NOON + 600_000, GapReason.TOO_MANY)
        chat.session.emit(gap)
        chat.session.receive("tech", "after", at=NOON + 700_000)
        await chat.settle()
        said_it = "there are more messages than are filled automatically · F5 reads them"
        assert said_it in " ".join(text(chat).split())
        for turn in range(2):
            if way == "f5":
                await chat.pilot.press("f5")
            else:
                await chat.click_on("messages from")
            await chat.until(lambda: "reading the messages from 12:01–12:10 …" in text(chat))
            assert chat.session.calls == [("load_gap", ("tech", NOON + 60_000))] * (turn + 1)
            if not turn:
                chat.session.emit(gap)
                await chat.settle()
                assert text(chat).count("may be missing") == 1
        chat.session.fill("tech", said(900, at=NOON + 90_000, text="missed"), ends=False)
        chat.session.emit(GapFilled("tech", NOON + 60_000, NOON + 600_000, 1))
        await chat.settle()
        assert "missing" not in text(chat)
        assert "reading" not in text(chat)
        assert "1 message from 12:01–12:10 filled in" in text(chat)


async def test_a_night_of_missed_messages_is_one_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOON]
    async with running(WIDE, settings=LOUD, clock=lambda: now[0]) as chat:
        written: list[str] = []
        screen = chat.app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        monkeypatch.setattr(screen._notifier, "_write", written.append)
        chat.app.app_focus = False
        await chat.settle()
        for batch in range(4):
            chat.session.fill("tech", *map(said, range(batch * 50, batch * 50 + 50)), ends=False)
            await chat.settle()
            now[0] += 1_000
        chat.session.fill("cars", *(said(n, channel="cars") for n in range(7)))
        await chat.settle()
        alerts = [each for each in written if "\x1b]0;" not in each]
        assert alerts == []
        now[0] += 2_500
        await chat.until(lambda: [each for each in written if each.startswith("\x1b]9;")])
        await chat.settle()
        alerts = [each for each in written if "\x1b]0;" not in each]
        assert alerts == ["\a", "\x1b]9;207 missed messages # tech 200, # cars 7\a"]


async def test_a_channel_that_was_left_and_joined_again_has_its_messages() -> None:
    async with running(WIDE) as chat:
        chat.session.receive("tech", "hello")
        await chat.settle()
        await chat.type("/leave")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.channel != "tech")
        chat.session.receive("tech", "on its way")
        await chat.settle()
        assert not any("# tech " in line for line in chat.screen_lines())
        await chat.type("/join tech")
        await chat.pilot.press("enter", "enter")
        await chat.until(lambda: "on its way" in text(chat))
        assert "hello" in text(chat)


async def test_a_gap_that_the_session_fills_at_last_is_no_longer_missing() -> None:
    async with running(WIDE) as chat:
        for since in (0, 60_000):
            chat.session.emit(
                GapRecorded(("tech",), NOON + since, NOON + since + 30_000, GapReason.UNREACHABLE)
            )
        await chat.settle()
        assert text(chat).count("may be missing") == 1
        await chat.pilot.press("f5")
        assert chat.session.calls == [("load_gap", ("tech", NOON + since)) for since in (0, 60_000)]
        chat.session.emit(GapFilled("tech", NOON, NOON + 30_000, 0))
        await chat.settle()
        assert "reading the messages from 12:01:00–12:01:30 …" in text(chat)
        chat.session.emit(GapRecorded(("tech",), NOON + 60_000, NOON + 90_000, GapReason.UNREACHABLE))
        await chat.settle()
        assert "messages from 12:01:00–12:01:30 may be missing" in text(chat)
        chat.session.emit(GapFilled("tech", NOON + 50_000, NOON + 95_000, 0))
        await chat.settle()
        assert "missing" not in text(chat)
