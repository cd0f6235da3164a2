"""Notices: where they are shown, how many, and how they end."""

from globalchat.ui.widgets.composer import Composer
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, running


def toasts(chat: Chat) -> list[str]:
    return [each.message for each in chat.app._notifications]


def composer_row(chat: Chat) -> str:
    return chat.screen_lines()[chat.app.screen.query_one(Composer).region.y]


async def test_the_same_refusal_is_shown_once_and_the_composer_stays_in_sight() -> None:
    async with running() as chat:
        for size in (WIDE, SMALL, (40, 10)):
            await chat.resize(*size)
            chat.composer.put("/foo")
            for _ in range(12):
                await chat.pilot.press("enter")
            await chat.until(lambda: len(chat.app.screen.query("Toast")) == 1)
            assert len(toasts(chat)) == 1
            for number in range(12):
                chat.app.notify(f"problem {number} " * 20, severity="error", timeout=60)
            latest = ["problem 10", "problem 11"]
            await chat.until(lambda latest=latest: [each[:10] for each in toasts(chat)] == latest)  # type: ignore[misc]
            await chat.until(lambda: "/foo" in composer_row(chat))
            rack = chat.app.screen.query_one("ToastRack")
            assert rack.region.bottom <= chat.app.screen.query_one("#status").region.y, size
            chat.forget_toasts()
            await chat.until(lambda: not chat.app.screen.query("Toast"))


async def test_esc_closes_notices_and_nothing_else() -> None:
    async with running() as chat:
        await chat.pilot.press("ctrl+f")
        for severity in ("error", "warning"):
            chat.app.notify("a problem", severity=severity, timeout=60)
            chat.app.screen.set_focus(chat.composer)
            await chat.pilot.press("escape")
            await chat.until(lambda: not toasts(chat))
            assert chat.app.screen.query_one("SearchBar").display, severity


async def test_notices_are_in_sight_however_many_were_closed_before() -> None:
    async with running(SMALL) as chat:
        for _ in range(12):
            chat.app.notify("a problem", severity="error", timeout=60)
            await chat.until(lambda: any("a problem" in line for line in chat.screen_lines()))
            await chat.pilot.press("escape")
            await chat.until(lambda: not toasts(chat))
        await chat.until(lambda: not chat.app.screen.query("ToastHolder"))


async def test_success_goes_to_the_status_line_until_esc() -> None:
    async with running() as chat:
        await chat.type("/mute", "enter")
        await chat.until(lambda: "muted" in chat.status)
        assert toasts(chat) == []
        assert any("muted" in line for line in chat.screen_lines())
        await chat.pilot.press("escape")
        await chat.until(lambda: "muted" not in chat.status)
