"""The next start of a chat finds name, region, channel and panels as the last one left them."""

import json
from pathlib import Path
from typing import Any

from globalchat.ui.widgets.composer_bar import ComposerBar
from tests.ui.helpers.chat_driver import Chat, running
from tests.ui.helpers.fake_watch import FakeWatch


def later(state: Path, **options: Any) -> Any:  # noqa: ANN401 - as `running` returns it
    """Run a chat that is started without options, unless some are given."""
    given = {"channel": None, "region": None, "is_sender_given": False}
    return running(state=state, watch_factory=lambda *_: FakeWatch(), **(given | options))


async def command(chat: Chat, text: str) -> None:
    chat.composer.put(text)
    await chat.pilot.press("enter")


def prompt(chat: Chat) -> str:
    return str(chat.app.screen_stack[0].query_one(ComposerBar).query_one("#prompt").render())


async def test_the_next_start_is_as_the_last_one_was_left(tmp_path: Path) -> None:
    async with later(tmp_path) as chat:
        assert chat.session.opened == ("local", "oregon", "bo")
        assert chat.channel == "cars"
        await command(chat, "/nick Zoë")
        await command(chat, "/region sydney")
        await command(chat, "/join music")
        await chat.pilot.press("ctrl+b", "f9", "f4")
        await chat.until(
            lambda: chat.app.screen.query("#side-by-side-pane") and chat.app.screen.query("#latency")
        )
        await chat.type("not finished")
    async with later(tmp_path) as chat:
        assert chat.session.opened == ("local", "sydney", "Zoë")
        assert prompt(chat) == "Zoë ›"
        assert (chat.channel, chat.composer.text) == ("music", "not finished")
        await chat.until(
            lambda: chat.app.screen.query("#side-by-side-pane") and chat.app.screen.query("#latency")
        )
        assert not chat.app.screen.query_one("#list-box").display
        await chat.pilot.press("f9", "f4", "ctrl+b")
        await chat.until(lambda: not chat.app.screen.query("#latency"))
    # What is given at the start holds for that run, and is not kept.
    async with later(tmp_path, channel="robots", region="oregon", is_sender_given=True) as chat:
        assert chat.session.opened == ("local", "oregon", "bo")
        assert chat.channel == "robots"
        assert chat.app.screen.query_one("#list-box").display
        assert not chat.app.screen.query("#side-by-side-pane, #latency")
    async with later(tmp_path) as chat:
        assert chat.session.opened == ("local", "sydney", "Zoë")
        assert chat.channel == "music"


async def test_a_region_that_is_gone_is_reported_once(tmp_path: Path) -> None:
    values = {
        "chosen:region": "tokyo",
        "chosen:nick": "\ud800",
        "chosen:channel": "\x1b",
        "panel:both": "maybe",
    }
    (tmp_path / "local.json").write_text(json.dumps({"version": 1, "values": values}))
    async with later(tmp_path) as chat:
        assert chat.session.opened == ("local", "oregon", "bo")
        assert chat.toasts() == ["The profile has no region tokyo any more: oregon is opened instead."]
        assert chat.channel == "cars"
    async with later(tmp_path) as chat:
        assert chat.toasts() == []


async def test_of_two_chats_the_one_that_chose_last_holds(tmp_path: Path) -> None:
    async with later(tmp_path) as first:
        await command(first, "/join music")
        screen = first.app.screen_stack[0]
        screen.controller._persister.save()
        async with later(tmp_path, is_sender_given=True) as second:
            assert second.channel == "music"
            await command(second, "/join media")
        await command(first, "/nick ana")
    async with later(tmp_path) as chat:
        assert chat.session.opened == ("local", "oregon", "ana")
        assert chat.channel == "media"
