"""An export since some time has what is loaded and what history has beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.client.history import HistoryPage, HistoryReader, cursor_at
from globalchat.client.messages import Message
from globalchat.client.profiles import Profile
from globalchat.core.errors import Unreachable
from globalchat.ui import exporter
from tests.ui.helpers.chat_driver import WIDE, Chat, running
from tests.ui.helpers.fake_session import NOON, said

MINUTE = 60_000


class StoredHistory:
    """A history that answers pages of 100, each once it may."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.pages = 0
        self.problem: Exception | None = None

    async def history(
        self, channel: str, *, after: str | None = None, before: str | None = None, limit: int = 100
    ) -> HistoryPage:
        assert before is None
        await self.may_answer.wait()
        if self.problem is not None:
            raise self.problem
        self.pages += 1
        found = [each for each in self.messages if (each.arrival or "") > (after or "")]
        page = tuple(found[:limit])
        return HistoryPage(page, page[-1].arrival if len(found) > limit else None)


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> StoredHistory:
    def arrived(number: int) -> Message:
        message = said(number, at=NOON - (400 - number) * MINUTE)
        return replace(message, arrival=cursor_at(message.sent_at + 5))

    stored = StoredHistory(*map(arrived, range(400)))

    @asynccontextmanager
    async def opened(profile: Profile, alias: str) -> AsyncIterator[HistoryReader]:
        assert alias in profile.regions
        yield stored

    def load() -> object:
        def open_history(profile: Profile, alias: str) -> AbstractAsyncContextManager[HistoryReader]:
            return opened(profile, alias)

        return open_history

    monkeypatch.setattr(exporter, "load_history_opener", load)
    return stored


async def command(chat: Chat, text: str) -> None:
    chat.composer.put(text)
    await chat.pilot.press("enter")


@pytest.mark.parametrize("since", ["5h", "2026-11-24 07:00"])
async def test_it_has_what_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: StoredHistory, since: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(WIDE, live=False) as chat:
        chat.session.store("tech", *history.messages[-150:])
        chat.session.go_live()
        chat.session.send("tech", "not sent yet")
        await chat.settle()
        await command(chat, f"/export all of it.txt --since {since}")
        await chat.until(lambda: (tmp_path / "all of it.txt").exists() and chat.toasts())
        lines = (tmp_path / "all of it.txt").read_text().splitlines()
        texts = [line.split(": ", 1)[1] for line in lines]
        assert texts == [*(f"#{number}" for number in range(100, 400)), "not sent yet (on its way)"]
        assert chat.toasts()[-1].endswith("all of it.txt (301 messages)")


async def test_it_shows_how_far_it_is_and_escape_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: StoredHistory
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exporter, "_PROGRESS_EVERY", 0.0)
    async with running(WIDE) as chat:
        await command(chat, "/export --since 7d")
        await chat.until(lambda: chat.toasts() and "Written" in chat.toasts()[-1])
        assert "Exporting # tech: 400 messages, up to 24 Nov 11:59 … Esc stops it." in chat.toasts()
        chat.forget_toasts()
        history.may_answer.clear()
        await command(chat, "/export --since 7d")
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.toasts() == ["The export was stopped: nothing was written."])
    assert len(list(tmp_path.iterdir())) == 1  # noqa: ASYNC240


async def refused(chat: Chat, arguments: str, start: str) -> None:
    """Wait until the chat refuses a command, and empty the composer."""
    await chat.pilot.press("ctrl+u")
    await command(chat, f"/export {arguments}")
    await chat.until(lambda: chat.toasts()[-1].startswith(start))
    await chat.pilot.press("ctrl+u")


async def test_what_cannot_be_exported_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: StoredHistory
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(WIDE, live=False) as chat:
        await command(chat, "/export --since 7d")
        await chat.until(lambda: chat.toasts() == ["Not connected yet: the history cannot be read."])
        chat.session.go_live()
        await chat.settle()
        await command(chat, "/export --since soon")
        await chat.until(lambda: chat.toasts()[-1].startswith('"soon" is not a time: say 2h (ago), 09:30'))
        assert chat.composer.text == "/export --since soon"
        await refused(chat, "--since 1h --since 2h y.txt", "--since? /export")
        await refused(chat, "x.txt --sinc 1h", "--sinc? /export")
        history.problem = Unreachable("Oregon did not answer.", remedy="Check the network.")
        await command(chat, "/export --since 7d")
        await chat.until(lambda: chat.toasts()[-1] == "Oregon did not answer. Check the network.")
        monkeypatch.setattr(exporter, "MOST", 100)
        history.problem = None
        await command(chat, "/export --since 7d")
        await chat.until(lambda: chat.toasts()[-1].startswith("These are more than 100 messages."))
        chat.session.go_live(history=None)
        await chat.settle()
        await command(chat, "/export --since 7d")
        await chat.until(lambda: chat.toasts()[-1].startswith("This deployment keeps no history"))
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240
