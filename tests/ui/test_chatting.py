"""Channels, sending and receiving, as a person does it."""

import asyncio

import pytest
from textual import events

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftRefused,
    DraftUnsent,
)
from globalchat.client.messages import Backend
from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.ui import screen_updater
from globalchat.ui.screens.help import Help
from globalchat.ui.screens.switchers import QuickSwitcher
from globalchat.ui.widgets.channel_list import ChannelList
from tests.ui.helpers.chat_driver import SMALL, running
from tests.ui.helpers.fake_session import LIMITS


async def test_pick_a_channel_type_send_and_see_the_ticks() -> None:
    async with running() as chat:
        await chat.pilot.press("ctrl+k")
        await chat.type("mu", "enter")
        await chat.until(lambda: chat.channel == "music")
        await chat.type("hi you")
        await chat.pilot.press("enter")
        await chat.settle()
        assert chat.session.calls == [("send", ("music", "hi you"))]
        assert chat.composer.text == ""
        assert chat.lines()[-1].split() == ["12:00", "bo", "hi", "you", "…"]
        draft = chat.session.drafts[0]
        chat.session.accept(draft)
        await chat.settle()
        assert chat.lines()[-1].endswith(" ✓")
        chat.session.echo(draft)
        await chat.settle()
        assert chat.lines()[-1].split() == ["12:00", "bo", "hi", "you", "+12ms", "✓✓"]


async def test_what_comes_in_quick_succession_is_shown_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(screen_updater, "monotonic", lambda: now[0])
    async with running(SMALL) as chat:
        now[0] = 0.0  # the last time is long to come: nothing is shown by itself
        chat.session.receive("tech", "one")
        await chat.until(lambda: chat.session.drained)
        assert "one" not in "\n".join(chat.lines())
        chat.session.receive("tech", "two")
        await chat.settle()
        assert [line.split()[-2] for line in chat.lines()[-2:]] == ["one", "two"]
        chat.session.receive("tech", "three")  # what was shown just now: a thirtieth of a second from here
        await chat.until(lambda: "three" in chat.lines()[-1])


async def test_unread_counts_and_the_way_to_them() -> None:
    async with running() as chat:
        chat.session.receive("cars", "one")
        chat.session.receive("cars", "two")
        chat.session.receive("music", "hey @bo")
        chat.session.receive("tech", "seen at once")
        await chat.settle()
        listed = {
            line.split()[1]: line.split()[2:]
            for line in channel_lines(chat.app.screen.query_one(ChannelList))
        }
        assert listed == {"cars": ["2"], "robots": [], "tech": [], "music": ["@1", "1"], "media": []}
        await chat.pilot.press("f8")
        assert chat.channel == "music"
        await chat.pilot.press("alt+a")
        assert chat.channel == "cars"
        await chat.settle()
        assert any("new" in line and "──" in line for line in chat.lines())
        assert not any(line.split()[2:] for line in channel_lines(chat.app.screen.query_one(ChannelList)))


def channel_lines(channels: ChannelList) -> list[str]:
    return [channels.render_line(y).text.replace("›", " ") for y in range(5)]


async def test_an_unknown_channel_is_refused_and_nothing_typed_is_lost() -> None:
    async with running() as chat:
        chat.composer.put("/join nope")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.channel == "nope")
        assert chat.session.calls == [("join", "nope")]
        chat.composer.insert("for nobody")
        chat.session.emit(ChannelRefused("nope", "UnknownChannel", 'There is no channel "nope". [/x] [bold]'))
        await chat.settle()
        (said,) = chat.toasts()
        assert said.startswith('There is no channel "nope". [/x] [bold] An administrator adds one with ')
        assert said.endswith("globalchat channels add nope`; then /join nope goes there.")
        assert chat.channel == "tech"
        assert chat.composer.text == "for nobody"
        assert "nope" not in "".join(channel_lines(chat.app.screen.query_one(ChannelList)))


async def test_a_channel_of_the_command_line_that_the_backend_does_not_list_is_asked_for() -> None:
    async with running(channel="nope") as chat:
        assert chat.session.calls == [("join", "nope")]
        chat.session.emit(ChannelRefused("nope", "UnknownChannel", "There is no channel."))
        await chat.settle()
        assert chat.channel == "cars"


async def test_the_switcher_can_be_left() -> None:
    async with running() as chat:
        await chat.pilot.press("ctrl+k")
        assert isinstance(chat.app.screen, QuickSwitcher)
        await chat.pilot.press("c", "escape")
        assert chat.channel == "tech"
        await chat.pilot.press("ctrl+k", "down", "down", "enter")
        assert chat.channel == "music"


async def test_the_switcher_finds_a_channel_that_was_added_since_the_last_connect() -> None:
    async with running() as chat:
        await chat.pilot.press("ctrl+k")
        await chat.type("ops")
        assert chat.session.refreshed == 1
        assert "There is no channel ops." in " ".join(" ".join(chat.screen_lines()).split())
        chat.session.emit(BackendDescribed(Backend(("cars", "ops"), LIMITS)))
        await chat.settle()
        await chat.pilot.press("enter")
        assert chat.channel == "ops"


async def test_each_channel_keeps_its_draft() -> None:
    async with running() as chat:
        chat.composer.insert("for tech")
        await chat.pilot.press("ctrl+down")
        assert chat.composer.text == ""
        chat.composer.insert("for music")
        await chat.pilot.press("ctrl+up")
        assert chat.composer.text == "for tech"
        await chat.pilot.press("ctrl+down")
        assert chat.composer.text == "for music"


async def test_a_refused_text_comes_back_with_arrow_up_but_never_over_another() -> None:
    async with running() as chat:
        chat.composer.insert("too long")
        await chat.pilot.press("enter")
        await chat.settle()
        chat.session.emit(DraftRefused(chat.session.drafts[0], "MessageTooLong", "The text is too long."))
        await chat.settle()
        assert chat.lines()[-1].strip() == (
            "refused: The text is too long. ↑ or a click here brings the text back."
        )
        await chat.type("x")
        await chat.pilot.press("up")
        assert chat.composer.text == "x"
        await chat.pilot.press("delete", "up")
        assert chat.composer.text == "too long"
        await chat.pilot.press("down")
        assert chat.composer.text == ""


async def test_lines_are_kept_in_a_paste_and_by_ctrl_j_and_blank_text_is_not_sent() -> None:
    async with running() as chat:
        await chat.pilot.press("space", "enter", "backspace")
        await chat.pilot.press("a", "ctrl+j")
        await chat.composer._on_paste(events.Paste("b\nc"))
        await chat.pilot.press("enter")
        assert chat.session.calls == [("send", ("tech", "a\nb\nc"))]


async def test_nothing_is_sent_or_lost_before_there_is_a_session() -> None:
    async with running(live=False, opener=never) as chat:
        chat.composer.insert("early")
        await chat.pilot.press("enter")
        assert chat.composer.text == "early"
        assert chat.toasts() == ["Not connected yet: your text stays here."]


async def never() -> Profile:
    await asyncio.Event().wait()
    raise AssertionError


async def test_unsent_messages_go_again_by_one_key() -> None:
    async with running() as chat:
        chat.composer.insert("hi")
        await chat.pilot.press("enter")
        await chat.settle()
        draft = chat.session.drafts[0]
        chat.session.emit(DraftUnsent(draft, "no connection"))
        await chat.settle()
        assert chat.status == "1 message was not sent. F5 sends it again. Shift+F5 discards it."
        assert "✗" in "".join(chat.lines())
        await chat.pilot.press("f5")
        assert chat.session.calls[-1] == ("resend", draft.id)


async def test_a_revoked_channel_says_so_and_can_be_joined_again() -> None:
    async with running() as chat:
        chat.session.emit(ChannelRevoked("tech"))
        chat.session.change(Phase.LIVE, revoked=frozenset({"tech"}))
        await chat.settle()
        assert chat.status == "An administrator ended # tech. F5 joins it again."
        assert "ended" in "".join(channel_lines(chat.app.screen.query_one(ChannelList)))
        await chat.pilot.press("f5")
        assert chat.session.calls == [("join", "tech")]
        chat.session.change(Phase.LIVE, revoked=frozenset())
        await chat.settle()
        assert chat.status == ""

        # It stays open, and is not joined by itself, while the region does not list it.
        chat.session.channels = ("cars",)
        chat.session.emit(ChannelRevoked("tech", is_removed=True))
        chat.session.change(Phase.LIVE, revoked=frozenset({"tech"}))
        chat.session.emit(BackendDescribed(Backend(("cars",), LIMITS)))
        await chat.settle()
        assert chat.status == "An administrator removed # tech. F5 joins it again, once it is there."
        assert chat.session.calls == [("join", "tech")]


async def test_the_list_is_a_drawer_in_a_small_window() -> None:
    async with running(SMALL) as chat:
        boxes = chat.app.screen.query("#list-box")
        chat.session.receive("cars", "hi")
        await chat.settle()
        assert [box.display for box in boxes] == [False]
        assert chat.screen_lines()[1].split() == ["cars", "1", "robots", "›tech", "music", "media"]
        assert chat.status == ""
        assert "unread" not in chat.screen_lines()[0]
        assert "F8 unread" in chat.screen_lines()[-1]
        await chat.pilot.press("ctrl+b")
        assert [box.display for box in boxes] == [True]
        await chat.pilot.press("escape")
        assert [box.display for box in boxes] == [False]
        await chat.pilot.press("ctrl+b")
        await chat.pilot.click("#channels", offset=(4, 0))
        await chat.until(lambda: chat.channel == "cars" and not boxes.first().display)


async def test_help_and_palette_offer_the_registry() -> None:
    async with running() as chat:
        await chat.pilot.press("f1")
        assert isinstance(chat.app.screen, Help)
        assert "Next channel" in "\n".join(chat.screen_lines())
        await chat.pilot.press("escape", "ctrl+p")
        await chat.type("other reg")
        await chat.until(lambda: "Switch to the other region" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.session.calls == [("switch", "sydney")])


async def test_a_mention_while_the_terminal_is_elsewhere_stays_unread() -> None:
    async with running() as chat:
        chat.app.app_focus = False
        chat.session.receive("tech", "psst @bo")
        await chat.settle()
        conversation = chat.pane.conversation
        assert conversation is not None
        assert (conversation.mark.unread, conversation.mark.mentions) == (1, 1)
        chat.app.app_focus = True
        await chat.pilot.pause()
        assert conversation.mark.unread == 0
