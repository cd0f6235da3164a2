"""A defect ends the chat as one: exit code 1, an entry in the log, and nothing unsent is lost."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.strip import Strip

from globalchat.core import redaction
from globalchat.ui.app import ChatApp
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.state_store import StateStore
from globalchat.ui.terminal_driver import TerminalDriver
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.widgets.message_pane import MessagePane
from tests.ui.helpers.chat_driver import SMALL, Chat, make, running
from tests.ui.helpers.fake_session import FakeSession


@pytest.fixture(autouse=True)
def _redacted() -> None:
    """Mask keys in the log, as the command does before anything else."""
    redaction.install()


class DefectError(Exception):
    """What the tests raise."""


def fail(*_: object, **__: object) -> NoReturn:
    raise DefectError("with the secret da2-0123456789abcdef")


async def fail_later() -> NoReturn:
    fail()


def in_a_key_of_the_screen(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ChatScreen, "action_perform", fail)
    chat.app.post_message(events.Key("f1", None))


def in_the_composer(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Composer, "submit", fail)
    chat.composer.post_message(events.Key("ctrl+j", None))
    patch.setattr(chat.composer, "_by_key", {"ctrl+j": fail})


def in_a_timer(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    chat.app.screen.set_timer(0.001, fail)


def in_a_worker(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    chat.app.screen.run_worker(fail_later())


def in_a_worker_thread(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    chat.app.run_worker(lambda: fail(), thread=True)


def while_drawing(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    def draw(_: MessagePane, y: int) -> Strip:
        fail(y)

    patch.setattr(MessagePane, "render_line", draw)
    chat.pane.refresh()


def in_a_callback(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    chat.app.call_after_refresh(fail)


def in_the_app(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ChatApp, "on_descendant_focus", fail)
    chat.app.post_message(events.DescendantFocus(chat.composer))


def in_the_input_thread(chat: Chat, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TerminalDriver, "_read_input", fail)
    driver = object.__new__(TerminalDriver)
    driver._app = chat.app
    driver._run_input_thread()


DEFECTS = [
    in_a_key_of_the_screen,
    in_the_composer,
    in_a_timer,
    in_a_worker,
    in_a_worker_thread,
    while_drawing,
    in_a_callback,
    in_the_app,
    in_the_input_thread,
]


@pytest.mark.parametrize("break_down", DEFECTS)
async def test_a_defect_ends_the_chat_as_one(
    break_down: Callable[[Chat, pytest.MonkeyPatch], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        async with running(SMALL, state=tmp_path) as chat:
            await chat.type("unsent")
            break_down(chat, patch)
            assert chat.app._task is not None
            async with asyncio.timeout(60):
                await chat.app._task
            chat.app._exception, failure = None, chat.app.failure  # the driver of the tests raises it
    assert isinstance(failure, DefectError)
    assert chat.app.return_code == 1
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [(record.name, record.getMessage()) for record in errors] == [("globalchat.ui", "chat crashed")]
    assert "0123456789abcdef" not in caplog.text
    assert "".join(capsys.readouterr()) == ""
    assert StateStore(tmp_path, "local").load()["draft:tech"] == "unsent"


def with_a_broken_stylesheet(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ChatApp, "CSS", "Screen { color: ")


def before_the_stylesheets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ChatApp, "_init_devtools", fail)


def without_a_terminal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HeadlessDriver, "start_application_mode", fail)


def in_the_first_screen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ChatApp, "get_default_screen", fail)


def while_ending(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HeadlessDriver, "start_application_mode", fail)
    patch.setattr(ChatApp, "_shutdown", fail)


@pytest.mark.parametrize(
    "break_down",
    [
        with_a_broken_stylesheet,
        before_the_stylesheets,
        without_a_terminal,
        in_the_first_screen,
        while_ending,
    ],
)
def test_a_defect_at_the_start_or_the_end_is_one_like_others(
    break_down: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = make(FakeSession())
    with monkeypatch.context() as patch:
        break_down(patch)
        app.run(headless=True, size=SMALL)
    assert app.failure is not None
    assert app.return_code == 1
    crashes = [record for record in caplog.records if record.getMessage() == "chat crashed"]
    assert crashes
    assert "0123456789abcdef" not in caplog.text
    assert "".join(capsys.readouterr()) == ""


async def test_one_who_quits_has_no_failure() -> None:
    async with running(SMALL) as chat:
        chat.app.exit()
        assert chat.app.failure is None
