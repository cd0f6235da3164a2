"""The plain chat on pipes: slow readers, and programs that write faster than messages can be sent."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import UTC
from pathlib import Path

import pytest

from globalchat.cli.commands import chat, plain_terminal
from globalchat.cli.commands.chat import ChatOptions
from globalchat.cli.commands.plain_terminal import KeptState, Pipe, PlainRun
from globalchat.cli.streams import Input, Output
from globalchat.client.messages import Draft
from globalchat.client.state import Phase
from globalchat.core.errors import ExitCode
from globalchat.ui.interfaces import ProfileOpeners
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.plain_chat import PlainChat, command_for
from globalchat.ui.settings import Loaded, NotifySettings, Settings
from globalchat.ui.state_store import StateStore
from tests.ui.helpers.fake_session import NOON, FakeSession, open_profile, profile

TIMEOUT = 15.0


async def test_two_that_print_wait_for_a_slow_reader_in_turn() -> None:
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        filled = 0
        with suppress(BlockingIOError):
            while True:
                filled += os.write(writing, b"x" * 4096)
        pipe = Pipe(Input(reading), Output(writing))
        prints = [asyncio.ensure_future(pipe.print([each * 5000])) for each in "ab"]
        read = bytearray()

        def drain() -> bool:
            with suppress(BlockingIOError):
                read.extend(os.read(reading, 65_536))
            return all(each.done() for each in prints) and len(read) >= filled + 2 * 5001

        await until(drain)
        assert read[filled:].split() == [b"a" * 5000, b"b" * 5000]
    finally:
        os.close(reading)
        os.close(writing)


def test_the_settings_hold_line_by_line_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    ran: list[ChatViewModel] = []

    async def run_plain(_open: object, view_model: ChatViewModel, *_: object, **_more: object) -> ExitCode:
        ran.append(view_model)
        return ExitCode.DONE

    monkeypatch.setattr(plain_terminal, "run_plain", run_plain)
    given = ChatOptions(
        region=None, channel="tech", ascii=False, plain=True, name="bo", person=None, profile=None
    )
    settings = Loaded(Settings(time="h:MM:SS AM", notify=NotifySettings(level="all")))
    openers = ProfileOpeners(open_profile, open_profile)
    assert chat._run_plain(given, "local", openers, None, settings) is ExitCode.DONE
    (view_model,) = ran
    assert view_model.model.calendar.message_time(NOON).endswith(("AM", "PM"))
    assert view_model.model.levels.counts("tech", mention=False)


class Program:
    """Yields a number of lines; `taken` counts those that were read."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self.taken = 0

    async def lines(self) -> AsyncIterator[str]:
        for number in range(self._lines):
            self.taken += 1
            await asyncio.sleep(0)
            yield f"line {number}"

    async def print(self, lines: Iterable[str]) -> None:
        pass


class Backlog(FakeSession):
    """A session whose drafts wait until the test has them accepted."""

    def send(self, channel: str, text: str) -> Draft:
        draft = super().send(channel, text)
        self.left.append(draft)
        return draft


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not is_so():  # noqa: ASYNC110 (nothing signals it)
            await asyncio.sleep(0)


async def test_no_more_is_read_while_many_messages_wait() -> None:
    session, program = Backlog(), Program(10)
    model = ChatModel(sender="bo", calendar=Calendar(UTC), clock=lambda: NOON)
    view_model = ChatViewModel(model, "local", "tech", command_for)
    view_model.begin_session(profile(), "oregon", NOON)
    run = PlainRun(
        PlainChat(view_model, session),
        session,
        program,
        KeptState(StateStore(None, "local"), view_model),
        open_profile=open_profile,
        last_seconds=0.0,
        most_waiting=3,
    )
    running = asyncio.ensure_future(run.run())
    await until(lambda: session.drained and program.taken == 3)
    session.go_live()
    await until(lambda: session.drained and len(session.left) == 3)
    assert program.taken == 3
    session.accept(session.left.pop(0))
    await until(lambda: session.drained and len(session.left) == 3)
    assert [draft.text for draft in session.left] == ["line 1", "line 2", "line 3"]
    assert program.taken == 4
    # The end of the input is found where nothing can be sent any more.
    session.change(Phase.FAILED)
    async with asyncio.timeout(TIMEOUT):
        assert await running is ExitCode.DONE
    assert program.taken == 10


async def test_changes_are_written_meanwhile_and_nothing_while_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_terminal, "SAVE_AFTER", 0.0)
    model = ChatModel(sender="bo", calendar=Calendar(UTC), clock=lambda: NOON)
    view_model, store = ChatViewModel(model, "local", "tech", command_for), StateStore(tmp_path, "local")
    state = KeptState(store, view_model)
    saving = asyncio.ensure_future(state.save_changes())
    await asyncio.sleep(0)
    # It waits for a change, not for a time.
    assert not state._changed.is_set()
    view_model.choices.nick = "ana"
    await until(lambda: store.load().get("chosen:nick") == "ana")
    saving.cancel()
    await asyncio.wait({saving})
