"""The next start of a chat finds what the last one was left with; so does a switch to another profile."""

import json
from pathlib import Path
from typing import Any

from globalchat.client.messages import Draft
from globalchat.ui.screens.switchers import ProfileSwitcher
from globalchat.ui.widgets.bars import Footer
from globalchat.ui.widgets.composer_bar import ComposerBar
from tests.ui.helpers.chat_driver import Chat, running
from tests.ui.helpers.fake_catalog import FakeCatalog
from tests.ui.helpers.fake_session import FakeSession
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
    # A name that was given holds in every profile.
    work = FakeSession()
    options = {"catalog": FakeCatalog(), "others": {"work": work}, "is_sender_given": True}
    async with later(tmp_path, **options) as chat:
        assert chat.toasts() == []
        await command(chat, "/profile work")
        await chat.until(lambda: work.opened == ("work", "oregon", "bo"))
        await chat.there()


async def test_another_profile_is_opened_in_place_of_this_one(tmp_path: Path) -> None:
    work, again = FakeSession(), FakeSession()
    catalog, others = FakeCatalog(), {"work": work}
    async with later(tmp_path, catalog=catalog, others=others) as chat:
        await command(chat, "/nick ana")
        await command(chat, "/join music")
        await chat.type("for the local cloud")
        await chat.pilot.press("ctrl+p")
        await chat.type("another profile")
        await chat.pilot.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, ProfileSwitcher))
        listed = "\n".join(chat.screen_lines())
        assert "✖ broken  The profile file is damaged: it is not JSON." in listed
        assert "○ work  oregon, sydney  IAM (work)" in listed
        assert "● local  oregon, sydney  on this machine  here" in listed
        local, footer = chat.session, chat.app.screen_stack[0].query_one(Footer)
        local.left = [Draft("1", "music", "waits", "ana", 0)]
        await chat.pilot.press("enter")
        await chat.until(lambda: work.opened == ("work", "oregon", "bo"))
        await chat.there()
        assert local.closed
        kept = (
            "local: 1 message could not be sent yet: it is kept, and goes out when the chat is opened again."
        )
        await chat.until(lambda: chat.toasts()[-1] == kept)
        await chat.until(lambda: len(chat.app._registry) and "chat-0" not in chat.app._screen_stacks)
        footer.bindings_changed(chat.app.screen)  # A change of keys may be shown late.
        # Everything is that of the other profile.
        chat.session = work
        work.go_live()
        await chat.settle()
        assert (chat.channel, chat.composer.text, prompt(chat)) == ("cars", "", "bo ›")
        assert "profile work" in chat.screen_lines()[0]
        await command(chat, "/nick boss")
        await command(chat, "/join tech")
        work.receive("tech", "hello from work")
        await chat.settle()
        assert any("hello from work" in line for line in chat.lines())
        # What cannot be opened is refused, and the chat stays.
        for name, reason in (("broken", "The profile file is damaged"), ("wrk", 'Did you mean "work"?')):
            await command(chat, f"/profile {name}")
            await chat.until(lambda reason=reason: reason in chat.toasts()[-1])
        # And back, as it was left.
        others["local"] = again
        await command(chat, "/profile local")
        await chat.until(lambda: again.opened == ("local", "oregon", "ana"))
        await chat.there()
        chat.session = again
        again.go_live()
        await chat.settle()
        assert (chat.channel, chat.composer.text) == ("music", "for the local cloud")
        assert work.closed
    assert json.loads((tmp_path / "work.json").read_text())["values"]["chosen:nick"] == "boss"
