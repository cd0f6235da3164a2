"""Both regions at once on the screen: the side-by-side view and the latency panel."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from globalchat.client.events import GapFilled, MessageReceived
from globalchat.client.profiles import Profile
from globalchat.client.watch import FromRegion
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.widgets.side_by_side_view import SideBySidePane
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, running
from tests.ui.helpers.fake_session import NOON, profile
from tests.ui.helpers.fake_watch import FakeWatch, message

Both = tuple[Chat, list[FakeWatch]]


@asynccontextmanager
async def watched(size: tuple[int, int] = WIDE) -> AsyncIterator[Both]:
    """A live chat, and the watches that it made."""
    watches: list[FakeWatch] = []

    def factory(watched: Profile, within: float) -> FakeWatch:
        watches.append(FakeWatch())
        return watches[-1]

    async with running(size, watch_factory=factory) as chat:
        yield chat, watches


def dual(chat: Chat) -> SideBySidePane | None:
    screen = chat.app.screen_stack[0]
    assert isinstance(screen, ChatScreen)
    return screen.side_by_side.pane


async def opened(chat: Chat, watches: list[FakeWatch], count: int = 1) -> FakeWatch:
    await chat.until(lambda: len(watches) == count and dual(chat) is not None)
    return watches[-1]


async def shown(chat: Chat, watch: FakeWatch) -> None:
    """Wait until the chat has shown the events of the watch."""
    screen = chat.app.screen_stack[0]
    assert isinstance(screen, ChatScreen)
    await chat.until(lambda: watch.drained and screen.updater.settled)
    await chat.pilot._wait_for_screen()


def line_with(chat: Chat, text: str) -> str:
    return next((line for line in chat.screen_lines() if text in line), "")


async def test_a_message_is_shown_in_both_regions_on_one_line() -> None:
    async with watched() as (chat, watches):
        await chat.pilot.press("f9")
        watch = await opened(chat, watches)
        await chat.until(lambda: "Waiting for messages in # tech" in "\n".join(chat.screen_lines()))
        watch.go_live("oregon", "sydney")
        watch.arrive(message(1, "[b]hello[/] \x1b[2J"), oregon=0)
        await shown(chat, watch)
        assert line_with(chat, "Sydney ● live 38 ms").count("live 38 ms") == 2
        assert "… →" in line_with(chat, "hello")
        watch.arrive(message(1, "[b]hello[/] \x1b[2J"), oregon=0, sydney=161)
        watch.arrive(message(2, "never there"), oregon=200)
        watch.give_up(message(2, "never there"), "sydney")
        await shown(chat, watch)
        assert line_with(chat, "hello").count("ana: [b]hello[/] ␛[2J") == 2
        assert "12:00:00.000" in line_with(chat, "hello")
        assert "+161ms →" in line_with(chat, "hello")
        assert "✖ not received in 10 s" in line_with(chat, "never there")


async def test_f5_tries_the_regions_beside_too() -> None:
    async with watched() as (chat, watches):
        await chat.pilot.press("f9")
        watch = await opened(chat, watches)
        watch.go_live("oregon")
        await shown(chat, watch)
        await chat.pilot.press("f5")
        await chat.until(lambda: watch.retried == 1)
        assert "nothing to try" not in "\n".join(chat.screen_lines())
        watch.go_live("sydney")
        await shown(chat, watch)
        await chat.pilot.press("f5")
        await chat.until(lambda: "nothing to try" in "\n".join(chat.screen_lines()))


async def test_one_writes_and_changes_channels_beside_the_dual_view() -> None:
    async with watched() as (chat, watches):
        await chat.pilot.press("f9")
        watch = await opened(chat, watches)
        watch.arrive(message(1, "in tech"), oregon=0, sydney=1)
        await chat.type("hi")
        await chat.pilot.press("enter")
        assert chat.session.calls == [("send", ("tech", "hi"))]
        await shown(chat, watch)
        assert line_with(chat, "in tech")
        await chat.pilot.press("ctrl+down")
        await chat.until(lambda: line_with(chat, "# music in both regions"))
        assert not line_with(chat, "in tech")
        await chat.pilot.press("ctrl+up")
        await chat.until(lambda: line_with(chat, "in tech"))


async def test_closing_it_ends_the_watch_and_brings_the_messages_back() -> None:
    async with watched() as (chat, watches):
        chat.session.receive("tech", "an ordinary message")
        await chat.settle()
        await chat.pilot.press("f9")
        first = await opened(chat, watches)
        first.arrive(message(1, "gone later"), oregon=0)
        await shown(chat, first)
        await chat.pilot.press("escape")
        await chat.until(lambda: line_with(chat, "an ordinary message"))
        assert first.closed
        await chat.pilot.press("f9")
        await opened(chat, watches, 2)
        assert not line_with(chat, "gone later")  # it would wait for ever
    assert watches[1].closed


async def test_the_dual_view_scrolls_and_follows_its_end() -> None:
    async with watched(SMALL) as (chat, watches):
        await chat.pilot.press("f9")
        watch = await opened(chat, watches)
        for number in range(60):
            watch.arrive(message(number, f"number {number}"), oregon=number, sydney=number)
        await shown(chat, watch)
        assert line_with(chat, "number 59")
        await chat.pilot.press("pageup", "pageup")
        await chat.until(lambda: not line_with(chat, "number 59"))
        top = chat.screen_lines()[2]
        watch.arrive(message(60, "number 60"), oregon=60, sydney=60)
        await shown(chat, watch)
        assert chat.screen_lines()[2] == top
        await chat.pilot.press("escape")  # first to the end, and not out of the view
        await chat.until(lambda: line_with(chat, "number 60"))
        await chat.resize(50, 20)
        await chat.until(lambda: line_with(chat, "SYD 12:00:00.060"))
        assert line_with(chat, "number 60")


async def test_the_latency_panel_shows_measurements_as_they_come() -> None:
    async with watched() as (chat, watches):
        await chat.click_on("live")
        await chat.until(lambda: line_with(chat, "here → Sydney    no data yet: write something in Sydney"))
        await chat.until(lambda: len(watches) == 1)
        for number in range(3):
            watches[0].arrive(message(number, "x"), oregon=number, sydney=number + 150 + number)
        await shown(chat, watches[0])
        await chat.until(lambda: "p50  151 ms" in line_with(chat, "Oregon → Sydney"))
        assert "3×" in line_with(chat, "Oregon → Sydney")
        await chat.pilot.press("f4")
        await chat.until(lambda: not line_with(chat, "Oregon → Sydney"))
        assert watches[0].closed


async def test_before_the_profile_is_open_there_is_nothing_to_compare() -> None:
    async with running(live=False, opener=never) as chat:
        await chat.pilot.press("f4", "f9")
        await chat.until(lambda: chat.toasts() == ["Not connected yet: there is nothing to compare."] * 2)


async def test_one_region_has_no_other_side() -> None:
    async def alone() -> Profile:
        both = profile()
        return replace(both, regions={"oregon": both.regions["oregon"]})

    async with running(opener=alone) as chat:
        await chat.pilot.press("f9")
        await chat.until(chat.toasts)
        assert chat.toasts() == ["This profile has one region: there is nothing to compare."]


async def never() -> Profile:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_long_messages_are_shown_whole_by_key_and_by_click(size: tuple[int, int]) -> None:
    async with watched(size) as (chat, watches):
        await chat.pilot.press("f9")
        watch = await opened(chat, watches)
        watch.go_live("oregon", "sydney")
        watch.arrive(message(1, "\n".join(["top", *map(str, range(300)), "the end"])), oregon=0)
        await shown(chat, watch)
        await chat.until(lambda: "more lines: Shift+F4" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("shift+f4")
        await chat.until(lambda: "more lines" not in "\n".join(chat.screen_lines()))
        assert line_with(chat, "top")
        await chat.pilot.press("ctrl+end")
        await chat.until(lambda: line_with(chat, "the end"))
        await chat.pilot.press("shift+f4", "ctrl+end")
        await chat.click_on("more lines")
        await chat.until(lambda: "more lines" not in "\n".join(chat.screen_lines()))


async def test_it_says_since_when_it_shows_arrivals() -> None:
    async with watched() as (chat, watches):
        await chat.pilot.press("f9")
        watch = await opened(chat, watches)
        watch.go_live("oregon", "sydney")
        watch.arrive(message(1, "hello"), oregon=0, sydney=30)
        missed = MessageReceived(message(2, "missed"), "sydney", NOON, None, filled=True)
        watch.emit(
            FromRegion("sydney", missed), FromRegion("sydney", GapFilled("tech", NOON, NOON + 5_000, 1))
        )
        await shown(chat, watch)
        pane = dual(chat)
        assert pane is not None
        lines = "\n".join(pane.render_line(y).text for y in range(pane.size.height))
        assert "arrivals since 12:00: F9 shows what was said before" in lines
        assert "hello" in lines
        assert "1 message missed 12:00:00–12:00:05" in lines
        assert lines.count("missed") == 1
