"""A chat that is left alone sleeps: it waits for what happens, and looks at the clock only to count down."""

import asyncio
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.drivers.linux_driver import LinuxDriver
from textual.events import AppBlur, AppFocus

from globalchat.client.events import DraftAccepted, DraftQueued, DraftWaiting, StateChanged
from globalchat.client.messages import Draft
from globalchat.client.state import Phase, SessionState
from globalchat.ui import terminal_driver
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.header import header
from globalchat.ui.model.startup import DRAFT
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.state_store import StateStore
from globalchat.ui.terminal_driver import TerminalDriver
from tests.ui.helpers.chat_driver import Chat, running
from tests.ui.helpers.fake_session import NOON

BLINKS = 40
SECOND = 1_000


def timers() -> list[asyncio.TimerHandle]:
    """Everything that would wake the chat though nothing happened."""
    scheduled: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return [handle for handle in scheduled if not handle.cancelled()]


async def leave_alone(chat: Chat) -> None:
    """Let so much time pass without a key that the cursor blinks no more."""
    await chat.settle()
    for _ in range(BLINKS):
        chat.composer._toggle_cursor_blink_visible()


@pytest.mark.parametrize("focused", [True, False], ids=["focused", "not focused"])
async def test_nothing_wakes_a_chat_that_is_left_alone(focused: bool, tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        chat.app.post_message(AppFocus() if focused else AppBlur())
        chat.session.receive("tech", "hello")
        await chat.pilot.press("f10", "escape")  # the list of people
        await chat.type("half a thought")
        await leave_alone(chat)
        await chat.until(lambda: not timers(), "a chat without a timer")


async def test_it_counts_down_while_it_waits_for_a_try_and_sleeps_after_that() -> None:
    now = [NOON]
    async with running(clock=lambda: now[0]) as chat:
        await leave_alone(chat)
        await chat.until(lambda: not timers())
        chat.session.change(Phase.RETRYING, next_try_at=NOON + 9 * SECOND, attempt=2)
        await chat.settle()
        assert "in 9 s" in chat.status
        now[0] += 3 * SECOND
        await chat.until(lambda: "in 6 s" in chat.status, "the countdown")

        chat.session.change(Phase.LIVE, next_try_at=None, attempt=0)
        await chat.settle()
        await chat.pilot.press("escape")
        await leave_alone(chat)
        await chat.until(lambda: not timers(), "a chat without a timer")


async def test_what_the_channel_list_said_is_said_elsewhere_at_once_in_a_smaller_window() -> None:
    async with running() as chat:
        chat.session.receive("cars", "@bo hello")
        await chat.settle()
        await chat.resize(60, 24)
        await chat.until(lambda: "cars @1 1" in chat.screen_lines()[1])
        await chat.resize(120, 24)
        await chat.pilot.press("ctrl+b")
        await chat.until(lambda: "# cars @1 1" in chat.status)


@pytest.mark.parametrize("failing", [False, True], ids=["", "at the second try"])
async def test_a_text_is_written_down_soon_after_it_changed(
    failing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globalchat.ui.state_persister._SOON", 0.01)
    monkeypatch.setattr("globalchat.ui.state_persister._RETRY", 0.01)
    merge, merged = StateStore.merge, list[object]()

    def fail_once(memory: StateStore, changes: dict[str, str | None]) -> None:
        if changes:
            merged.append(changes)
            if failing and len(merged) == 1:
                raise OSError(28, "No space left on device")
        merge(memory, changes)

    monkeypatch.setattr(StateStore, "merge", fail_once)
    async with running(state=tmp_path) as chat:
        await chat.type("half a thought")
        kept = DRAFT + "tech"
        await chat.until(lambda: StateStore(tmp_path, "local").load().get(kept) == "half a thought")
        assert len(merged) <= 4  # and not with every key


Happened = Callable[[ChatModel, Draft], None]


def is_down(phase: Phase) -> Happened:
    return lambda model, _: model.reduce(
        StateChanged(SessionState(phase, "oregon", attempt=2, next_try_at=NOON + 90 * SECOND))
    )


def was_accepted(model: ChatModel, draft: Draft) -> None:
    model.reduce(DraftQueued(draft))
    model.reduce(DraftAccepted(draft, "us-west-2", NOON))


def waits(model: ChatModel, draft: Draft) -> None:
    model.reduce(DraftQueued(draft))
    model.reduce(DraftWaiting(draft, "throttled", None, 1, NOON + 90 * SECOND, throttled=True))


HAPPENED: dict[str, Happened] = {
    "nothing": lambda *_: None,
    **{phase.name: is_down(phase) for phase in Phase},
    "a message is on its way": lambda model, draft: model.reduce(DraftQueued(draft)),
    "a message was accepted": was_accepted,
    "a message waits": waits,
}
COUNTING = {"RETRYING", "SUSPENDED", "a message was accepted", "a message waits"}


@pytest.mark.parametrize("what", HAPPENED)
@pytest.mark.parametrize("channel", ["tech", "cars"])
def test_what_may_change_with_time_alone_is_looked_at(what: str, channel: str) -> None:
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: NOON)
    model.reduce(StateChanged(SessionState(Phase.LIVE, "oregon")))
    view_model = ChatViewModel(model, "local", "tech", DEFAULT_KEYS.title)
    HAPPENED[what](model, Draft("01", channel, "hello", "bo", NOON))

    def shown(seconds: int) -> object:
        now = NOON + seconds * SECOND
        frame = view_model.frame(now)
        return header(frame.header, 120, now), frame.banner

    changes = any(shown(seconds) != shown(0) for seconds in (1, 10, 60, 3600))
    assert view_model.frame(NOON).is_counting_down == changes
    assert changes == (what in COUNTING and (channel == "tech" or what.isupper()))


def test_the_input_thread_sleeps_until_there_is_input_or_it_is_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float | None] = []

    def wait(*arguments: object) -> object:
        waited.append(arguments[3])  # type: ignore[arg-type]
        return select.select(*arguments)  # type: ignore[arg-type]

    read = threading.Event()
    monkeypatch.setattr(terminal_driver, "select", SimpleNamespace(select=wait))
    monkeypatch.setattr(LinuxDriver, "_disable_mouse_support", lambda _: None)
    monkeypatch.setattr(terminal_driver.TerminalDriver, "process_message", lambda *_: read.set())
    reading, keyboard = os.pipe()
    driver = object.__new__(TerminalDriver)
    driver.fileno, driver._debug, driver.exit_event = reading, False, threading.Event()
    driver._ending = os.pipe()
    driver._key_thread = threading.Thread(target=driver.run_input_thread)
    driver._key_thread.start()
    os.write(keyboard, b"a")
    assert read.wait(10)

    driver.disable_input()  # comes back at once, or the test never ends

    assert not driver._key_thread.is_alive()
    assert vars(driver)["_ending"] is None
    assert set(waited) <= {None, terminal_driver._PASTE_PAUSE, terminal_driver._TYPING_PAUSE}
    assert None in waited
    os.close(reading)
    os.close(keyboard)
