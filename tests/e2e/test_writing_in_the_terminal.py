"""Writing in a real terminal: a new line, the user's editor (which has the terminal), and what was sent."""

import signal
from pathlib import Path

import pytest

from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.e2e.helpers.terminal_leftovers import leftovers

pytestmark = pytest.mark.e2e

ALT_ENTER, CTRL_X_CTRL_E, CTRL_R, QUIT = "\x1b\r", "\x18\x05", "\x12", "\x11"
EDITOR = """#!/bin/sh
echo "the editor has $(ls -l "$1" | cut -c 1-10)"
read word
echo "$word" >> "$1"
"""


def test_a_draft_goes_to_the_editor_and_back(
    shared_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "my editor"
    editor.write_text(EDITOR)
    editor.chmod(0o700)
    monkeypatch.setattr(shared_home, "environment", {"VISUAL": f"'{editor}'"})
    chat = Terminal(shared_home, "oregon", "--name", "ana", "--channel", "tech")
    chat.wait_for("Message # tech · Alt+Enter new line")

    chat.press("one" + ALT_ENTER + "two")
    chat.wait_for("       two")
    chat.press(CTRL_X_CTRL_E)
    chat.wait_for("the editor has -rw-------")
    assert leftovers(chat.raw) == ["the title is not restored"]
    for number in (signal.SIGINT, signal.SIGTSTP):  # Ctrl+C and Ctrl+Z send them to all in the terminal
        chat.process.send_signal(number)
    assert shared_home.run("publish", "tech", "meanwhile", "--name", "bo").returncode == 0
    chat.press("three\r")
    chat.wait_for("       three")
    chat.wait_for("meanwhile")

    chat.press("\r" + CTRL_R + "WO thr")
    chat.wait_for("│ one two three ")
    chat.press("\r")
    chat.wait_for("       three")
    chat.press(QUIT)
    assert chat.end() == 0
    assert leftovers(chat.raw) == []
    assert chat.line_after == chat.line_before
