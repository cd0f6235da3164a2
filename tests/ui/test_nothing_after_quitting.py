"""Nothing is handled once quitting has begun, whichever way it began; what came before is, and is kept."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events, messages
from textual.app import App
from textual.message import Message
from textual.screen import Screen

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message as Received
from globalchat.core.errors import UserError
from globalchat.ui import safe_app
from globalchat.ui.actions import ACTIONS
from globalchat.ui.app import ChatApp
from globalchat.ui.model.startup import READ
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.paste_guard import PasteGuard
from globalchat.ui.screens.splash import SplashScreen
from globalchat.ui.state_store import StateStore
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.workers import SessionEvents
from tests.ui.helpers.chat_driver import SMALL, Chat, make, running, spied
from tests.ui.helpers.fake_session import NOON, FakeSession
from tests.ui.helpers.fake_watch import FakeWatch

OTHERS = ("enter", "escape", "tab", "ctrl+c", "up", "x", "/")
KEYS = [*(key for action in ACTIONS for key in action.keys), *OTHERS]
LINES = "one\ntwo\nthree\nfour\nfive"


@pytest.fixture(autouse=True)
def harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let keys that export or open something do so where it does not matter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(App, "open_url", lambda *_, **__: None)


def key(name: str) -> events.Key:
    return events.Key(name, {"enter": "\r", "space": " "}.get(name, name if len(name) == 1 else None))


def mouse(kind: type[events.MouseEvent], x: int, y: int) -> events.MouseEvent:
    return kind(None, x, y, 0, 0, 1, False, False, False, x, y)


def click(x: int, y: int) -> list[Message]:
    return [mouse(events.MouseDown, x, y), mouse(events.MouseUp, x, y)]


def post(chat: Chat, *sent: Message) -> None:
    """Let events arrive in one go, as from one read of the terminal."""
    for each in sent:
        each.set_sender(chat.app)
        chat.app.post_message(each)


def everything() -> Iterator[Message]:
    """Every key that does something, clicks all over the window, pastes."""
    yield from map(key, KEYS)
    for y in range(0, 36, 5):
        yield from click(y * 3, y)
    yield mouse(events.MouseScrollUp, 60, 10)
    yield events.Paste("pasted")
    yield events.Paste(LINES)


async def end(chat: Chat) -> None:
    """Wait until the app has ended by itself."""
    assert chat.app._task is not None
    async with asyncio.timeout(60):
        await chat.app._task


def by_key(chat: Chat) -> None:
    post(chat, key("ctrl+q"))


def by_command(chat: Chat) -> None:
    chat.composer.put("/quit")
    chat.composer.submit()


def by_signal(chat: Chat) -> None:
    chat.app.call_later(chat.app.exit, None, 143)


def by_driver(chat: Chat) -> None:
    chat.app.post_message(messages.ExitApp())


@pytest.mark.parametrize("quitting", [by_key, by_command, by_signal, by_driver])
async def test_no_input_is_handled_after_quitting(
    quitting: Callable[[Chat], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as chat:
        quitting(chat)
        await chat.until(lambda: chat.app.is_quitting)
        acted: list[object] = []
        monkeypatch.setattr(chat.app, "run_action", spied(chat.app.run_action, acted))
        monkeypatch.setattr(chat.app, "push_screen", spied(chat.app.push_screen, acted))
        monkeypatch.setattr(ChatScreen, "_forward_event", lambda _, event: acted.append(event))
        monkeypatch.setattr(Composer, "_forward_event", lambda _, event: acted.append(event))
        post(chat, *everything())
        await end(chat)
    assert acted == []
    assert chat.session.calls == []
    assert chat.app.return_code == (143 if quitting is by_signal else 0)


@pytest.mark.parametrize("name", ["ctrl+k", "ctrl+p", "f9"])
async def test_a_key_that_opens_something_is_not_handled_after_the_one_that_quits(name: str) -> None:
    async with running(watch_factory=lambda *_: FakeWatch()) as chat:
        post(chat, key("ctrl+q"), key(name))
        await end(chat)
    assert chat.app.return_code == 0


@pytest.mark.parametrize("name", ["ctrl+f", "ctrl+k", "ctrl+p", "alt+r", "f1", "f4", "f9"])
async def test_it_ends_while_something_is_being_opened(name: str) -> None:
    async with running(watch_factory=lambda *_: FakeWatch()) as chat:
        post(chat, key(name), key("ctrl+q"), *everything())
        await end(chat)
    assert chat.app.return_code == 0


@pytest.mark.parametrize("name", ["ctrl+k", "ctrl+p", "f9"])
async def test_it_ends_while_something_is_open(name: str) -> None:
    async with running(watch_factory=lambda *_: FakeWatch()) as chat:
        await chat.pilot.press(name)
        post(chat, key("ctrl+q"), *everything())
        await end(chat)
    assert chat.app.return_code == 0


async def test_a_command_of_the_palette_quits_and_nothing_after_it_is_handled() -> None:
    async with running() as chat:
        await chat.pilot.press("ctrl+p")
        await chat.type("quit")
        await chat.until(lambda: any("Quit" in line for line in chat.screen_lines()))
        post(chat, key("enter"))
        await chat.until(lambda: chat.app.is_quitting)
        post(chat, *everything())
        await end(chat)
    assert chat.session.calls == []


@pytest.mark.parametrize("turns", [0, 5, 20])
async def test_nothing_is_handled_in_an_app_that_is_being_closed(turns: int) -> None:
    async with running() as chat:
        post(chat, *map(key, [name for name in KEYS if name != "ctrl+q"] * 3))
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_messages_of_the_background_work_and_timers_are_not_handled_after_the_end() -> None:
    ticks: list[None] = []
    async with running() as chat:
        screen = chat.app.screen
        screen.set_interval(0.001, lambda: ticks.append(None))
        await chat.until(lambda: ticks)
        chat.app.exit()
        await chat.until(lambda: chat.app._exit)
        seen = len(ticks)
        message = Received("an-id", "tech", "too late", "ana", "us-west-2", NOON)
        arrived = SessionEvents(chat.session, [MessageReceived(message, "oregon", NOON, 1)], asyncio.Event())
        screen.post_message(arrived)
        screen.post_message(
            events.Timer(next(iter(screen._timers)), NOON, callback=lambda: ticks.append(None))
        )
        await end(chat)
    assert not arrived.consumed.is_set()
    assert len(ticks) == seen


async def test_a_failure_is_one_failure_whatever_is_typed_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[None] = []

    def fail(_: ChatScreen, action: str) -> None:
        failed.append(None)
        raise LookupError(action)

    monkeypatch.setattr(ChatScreen, "action_perform", fail)
    async with running() as chat:
        post(chat, key("f1"), key("ctrl+k"), *everything())
        await end(chat)
        assert isinstance(chat.app._exception, LookupError)
        chat.app._exception = None  # the driver of the tests raises it
    assert len(failed) == 1


async def test_a_screen_that_finds_no_widgets_since_the_app_ends_is_no_failure() -> None:
    class Late(Screen[None]):
        def on_mount(self) -> None:
            App.exit(self.app)
            self.query_one(".not-mounted-any-more")

    async with running() as chat:
        chat.app.push_screen(Late())
        await end(chat)
        assert chat.app.failure is None


async def test_a_widget_that_is_busy_does_not_keep_the_chat_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = asyncio.Event()
    leave = App.exit

    def free_and_leave(app: App[None], *arguments: Any) -> None:  # noqa: ANN401 (Textual's)
        free.set()
        leave(app, *arguments)

    monkeypatch.setattr(safe_app, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(App, "exit", free_and_leave)
    async with running() as chat:
        chat.composer.call_later(free.wait)
        post(chat, key("ctrl+q"))
        await end(chat)


async def test_the_first_reason_to_end_is_the_one_that_is_reported() -> None:
    async with running() as chat:
        chat.app.exit(None, 143)
        chat.app.exit(None, 129)
        await end(chat)
    assert chat.app.return_code == 143


# -- what came before ----------------------------------------------------------------------------------


def kept(folder: Path) -> dict[str, str]:
    """Return what is stored, but for how far the channels are read."""
    loaded = StateStore(folder, "local").load()
    return {name: text for name, text in loaded.items() if not name.startswith(READ)}


async def test_what_was_typed_just_before_is_kept(tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        post(chat, *map(key, "half"), events.Paste(" a thought"), key("ctrl+q"), *map(key, "xyz"))
        await end(chat)
    assert kept(tmp_path)["draft:tech"] == "half a thought"
    async with running(state=tmp_path) as chat:
        assert chat.composer.text == "half a thought"


async def test_what_was_sent_just_before_is_sent(tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        post(chat, *map(key, "bye"), key("enter"), *map(key, "and"), key("ctrl+q"))
        await end(chat)
    assert chat.session.calls == [("send", ("tech", "bye"))]
    assert kept(tmp_path)["draft:tech"] == "and"


async def test_what_was_typed_before_a_dialog_is_kept(tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        post(chat, *map(key, "half"), key("ctrl+k"), *map(key, "ca"), key("ctrl+q"))
        await end(chat)
    assert kept(tmp_path)["draft:tech"] == "half"


@pytest.mark.parametrize("already_asked", [True, False])
async def test_pasted_lines_that_nothing_was_decided_on_are_kept(tmp_path: Path, already_asked: bool) -> None:
    async with running(state=tmp_path) as chat:
        chat.composer.put("before after")
        chat.composer.move_cursor((0, len("before ")))
        post(chat, events.Paste(LINES + "\n"))
        if already_asked:
            await chat.until(lambda: isinstance(chat.app.screen, PasteGuard))
        post(chat, key("ctrl+q"))
        await end(chat)
    assert kept(tmp_path)["draft:tech"] == f"before {LINES}after"


async def test_pasted_lines_that_were_dropped_are_not_kept(tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        post(chat, events.Paste(LINES))
        await chat.until(lambda: isinstance(chat.app.screen, PasteGuard))
        await chat.pilot.press("escape")
        post(chat, key("ctrl+q"))
        await end(chat)
    assert "draft:tech" not in kept(tmp_path)


@pytest.mark.parametrize("channel", ["tech", None])
@pytest.mark.parametrize("raised", [False, True], ids=["first frame", "chat on its way"])
async def test_what_was_typed_before_the_chat_was_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channel: str | None, raised: bool
) -> None:
    StateStore(tmp_path, "local").merge({f"draft:{channel or ''}": "older, "})
    show_chat = ChatApp._show_chat

    def quit_meanwhile(app: ChatApp, splash: SplashScreen) -> None:
        if raised:
            show_chat(app, splash)
        for each in (*map(key, "early"), key("ctrl+q"), *everything()):
            each.set_sender(app)
            app.post_message(each)
        if not raised:
            splash.call_after_refresh(show_chat, app, splash)

    monkeypatch.setattr(ChatApp, "_show_chat", quit_meanwhile)
    session = FakeSession()
    app = make(session, channel=channel, state=tmp_path)
    async with app.run_test(size=SMALL) as pilot:
        await end(Chat(app, pilot, session))
    assert kept(tmp_path) == {f"draft:{channel or ''}": "older, early"}
    assert app.return_code == 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), UserError("no folder")])
async def test_what_could_not_be_kept_is_said_when_the_terminal_is_the_shells_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        async with running(state=tmp_path) as chat:
            patched.setattr(StateStore, "merge", fail)
            post(chat, *map(key, "lost"), key("ctrl+q"))
            await end(chat)
        (said,) = chat.app.exit_message
        assert said.startswith("Your texts cannot be kept for the next time: ")
        app = make(FakeSession(), state=tmp_path)
        app._keep_typed("early")
        assert app.exit_message == [said]
