"""The bytes of a terminal, all the way into the running chat: nothing is sent or typed that was not meant."""

import asyncio
import random
from itertools import islice

import pytest
from textual import events
from textual.app import App
from textual.message import Message

from globalchat.ui.safe_app import UnbracketedPaste
from globalchat.ui.screens.help import Help
from globalchat.ui.screens.paste_guard import PasteGuard
from globalchat.ui.screens.switchers import QuickSwitcher
from globalchat.ui.widgets.messages_panel import SearchBar
from tests.ui.helpers.chat_driver import SMALL, Chat, running
from tests.ui.helpers.terminal_bytes import REPLIES, Input, mutated

FEW, MANY = 150, 10_000
TOGETHER = 25
"""Reads that the chat handles between two looks."""

HARMLESS = (events.Key, events.Paste, events.MouseEvent, events.AppFocus, events.AppBlur)


async def send(chat: Chat, *reads: bytes, terminal: Input | None = None) -> None:
    """Let the terminal send bytes, and the chat handle them."""
    terminal = terminal or Input()
    messages: list[Message] = []
    for data in reads:
        messages += terminal.read(data)
    for message in [*messages, *terminal.silence()]:
        if isinstance(message, HARMLESS):
            message.set_sender(chat.app)
            chat.app.post_message(message)
    await chat.pilot.pause()


async def asked(chat: Chat) -> PasteGuard:
    await chat.until(lambda: isinstance(chat.app.screen, PasteGuard) and chat.screen_lines(), "the question")
    assert isinstance(chat.app.screen, PasteGuard)
    return chat.app.screen


async def test_late_answers_leave_the_draft_alone() -> None:
    async with running(SMALL) as chat:
        await send(chat, b"a")
        await send(chat, *REPLIES)
        await send(chat, b"b")
        assert chat.composer.text == "ab"
        assert len(chat.app.screen_stack) == 1
        assert not chat.app.screen.query_one(SearchBar).is_open
        assert chat.session.calls == []


CTRL_K = (b"\x1b[1083::107;5u", b"\x1b[1083;5u", b"\x1b[27;5;1083~", b"\x1b[107;5u", b"\x0b")
SHIFT_ENTER = (b"\x1b[27;2;13~", b"\x1b[13;2u", b"\x1b[13;2:1u", b"\x1b[13;130u")


async def test_keys_and_characters_of_every_keyboard() -> None:
    async with running(SMALL) as chat:
        for sent in CTRL_K:
            await send(chat, sent)
            await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher), repr(sent))
            await chat.app.pop_screen()
        for sent in SHIFT_ENTER:
            chat.composer.put("")
            await send(chat, b"one", sent, b"two")
            assert chat.composer.text == "one\ntwo", sent
        chat.composer.put("")
        await send(chat, b"caf\xe9 au lait \xd0")
        assert chat.composer.text == "caf\ufffd au lait \ufffd"


LINES = [
    ([b"1\r2\r3\r4\r5\r6\r"], "1\n2\n3\n4\n5\n6"),
    ([b"one\rtwo\r"], "one\ntwo"),
    ([b"a\rb\r", b"c\rd\r"], "a\nb\nc\nd"),
    ([b"/quit\r/nick x\r"], "/quit\n/nick x"),
]


async def test_lines_that_come_at_once_are_asked_about_and_can_be_sent_one_by_one() -> None:
    async with running(SMALL) as chat:
        for reads, text in LINES:
            chat.composer.put("so: ")
            await send(chat, *reads)
            guard = await asked(chat)
            assert guard.text.strip("\n") == text
            assert chat.session.calls == []
            await chat.pilot.press("enter")
            await chat.until(lambda text=text: chat.composer.text == "so: " + text)  # type: ignore[misc]
        chat.composer.put("")
        await send(chat, b"one\rtwo\r")
        await asked(chat)
        await chat.pilot.press("down", "down", "enter")
        assert chat.session.calls == [("send", ("tech", "one")), ("send", ("tech", "two"))]


async def test_what_comes_while_the_question_is_open_belongs_to_it() -> None:
    async with running(SMALL) as chat:
        await send(chat, b"1\r2\r")
        guard = await asked(chat)
        await send(chat, b"3\r4\r")
        await send(chat, b"\x1b[200~5\x1b[201~")
        assert guard.text == "1\n2\n3\n4\n5"
        assert "5 lines were pasted" in "\n".join(chat.screen_lines())
        assert chat.session.calls == []


async def test_lines_that_come_while_something_else_has_the_focus_are_asked_about() -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", "hello")
        await chat.settle()
        for key in ("f6", "ctrl+o"):
            chat.composer.focus()
            await chat.pilot.press(key)
            assert chat.composer.has_focus == (key != "f6")
            await send(chat, b"y\rx\r")
            guard = await asked(chat)
            assert guard.text == "y\nx\n", key
            assert chat.session.calls == []
            await chat.pilot.press("escape")
            await chat.until(lambda: not isinstance(chat.app.screen, PasteGuard))


async def test_lines_in_a_dialog_are_keys_there_and_the_others_are_asked_about() -> None:
    async with running(SMALL) as chat:
        await chat.pilot.press("ctrl+k")
        await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher) and chat.app.focused)
        await send(chat, b"cars\rone\rtwo\r")
        await asked(chat)
        assert chat.channel == "cars"
        assert [call for call in chat.session.calls if call[0] == "send"] == []


async def test_lines_in_a_search_are_keys_there() -> None:
    async with running(SMALL) as chat:
        await chat.pilot.press("ctrl+g")
        await chat.until(lambda: chat.app.screen.query_one(SearchBar).is_open)
        await send(chat, b"one\rtwo\r")
        await chat.until(lambda: chat.app.screen.query_one(SearchBar).query_one("Input").value == "onetwo")  # type: ignore[attr-defined]
        assert chat.session.calls == []


async def test_lines_that_come_before_the_chat_is_there_are_not_sent() -> None:
    async with running(SMALL, live=False) as chat:
        chat.app.post_message(UnbracketedPaste("1\n2\n"))
        await asked(chat)


TOO_LONG_TO_EDIT = "Put it into the composer  (too long to edit)"


async def test_a_text_much_longer_than_a_message_is_asked_about() -> None:
    async with running(SMALL) as chat:
        await send(chat, b"\x1b[200~" + b"x" * 8_000 + b"\x1b[201~")
        await chat.until(lambda: chat.composer.text == "x" * 8_000)
        for size, choice in (
            (10_000, "Put it into the composer"),
            (100_000, TOO_LONG_TO_EDIT),
            (1_000_000, TOO_LONG_TO_EDIT),
        ):
            chat.composer.put("")
            await send(chat, b"\x1b[200~" + b"x" * size + b"\x1b[201~")
            await asked(chat)
            shown = "\n".join(chat.screen_lines())
            assert f"{size:,} characters were pasted" in shown
            assert all(each in shown for each in (choice, "characters too long)", "Drop it"))
            await chat.pilot.press("enter")
            await chat.until(lambda: not isinstance(chat.app.screen, PasteGuard))
            assert chat.composer.text == ("x" * size if size == 10_000 else "")


async def test_many_lines_of_which_one_is_too_long_are_only_to_be_edited_or_dropped() -> None:
    async with running(SMALL) as chat:
        await send(chat, b"\x1b[200~" + b"x" * 2_001 + b"\ny\nz\nw\x1b[201~")
        await asked(chat)
        assert "Send 4 messages, one per line  (a line is too long)" in "\n".join(chat.screen_lines())


@pytest.mark.parametrize(("seed", "count"), [(3, FEW), pytest.param(4, MANY, marks=pytest.mark.soak)])
async def test_the_chat_goes_on_whatever_the_terminal_sends(
    seed: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "open_url", lambda *_, **__: None)
    chance, terminal = random.Random(seed), Input()
    async with asyncio.timeout(1200), running(SMALL) as chat:
        with monkeypatch.context() as patched:
            patched.setattr(chat.app, "exit", lambda *_: None)
            reads = mutated(chance)
            for _ in range(count // TOGETHER):
                await send(chat, *islice(reads, TOGETHER), terminal=terminal)
        for _ in range(6):
            await chat.pilot.press("escape")
        assert len(chat.app.screen_stack) == 1
        chat.composer.put("")
        await send(chat, b"z", terminal=terminal)
        assert chat.composer.text == "z"


async def test_the_help_names_keys_that_work() -> None:
    async with running(SMALL) as chat:
        await send(chat, b"\x1b[P")
        await chat.until(lambda: isinstance(chat.app.screen, Help))
