"""The chat in terminals that send, say or lack what others do not."""

import json
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.e2e.helpers.terminal_leftovers import leftovers
from tests.ui.helpers.terminal_bytes import REPLIES

pytestmark = pytest.mark.e2e

QUIT = "\x11"  # Ctrl+Q
ODD = [
    b"\xe9",  # Latin-1
    b"\xff\xfe",
    b"\x1b[97;1:1;97u",
    b"\x1b[1;1:1B",
    b"\x1b[1114112u",
    b"\x1b[55296;;55296u",
    b"\x1b[999;1~",
]


def open_chat(home: Home) -> Terminal:
    chat = Terminal(home, "oregon", "--name", "ana", "--channel", "tech")
    chat.wait_for("● Oregon us-west-2 live")
    return chat


def test_odd_bytes_and_late_answers_are_neither_text_nor_the_end(shared_home: Home) -> None:
    chat = Terminal(shared_home, "oregon", "--name", "ana", "--channel", "tech")
    chat.wait_for_output(b"\x1b]11;?\x1b\\")
    chat.press("beg\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\in:")
    chat.wait_for_output(b"48;5;253m")  # the ground of the light theme
    chat.wait_for("● Oregon us-west-2 live")
    for data in [*ODD, *REPLIES]:
        chat.send(data)
    chat.press(":end")
    chat.wait_for("ana › begin:\ufffd\ufffd\ufffda:end")
    chat.press(QUIT)
    assert chat.end() == 0
    assert leftovers(chat.raw) == []


def test_lines_in_one_read_are_asked_about_and_kept(shared_home: Home) -> None:
    chat = open_chat(shared_home)
    chat.send(b"zzz first\rsecond\rthird\rfourth\rfifth\rsixth\r")
    chat.wait_for("6 lines were pasted")
    chat.press("\x1b[13u")
    chat.wait_for("sixth")
    chat.wait(lambda screen: "were pasted" not in screen, "the answer")
    assert "✓" not in chat.text
    chat.press(QUIT)
    assert chat.end() == 0


def test_a_russian_keyboard_picks_and_quits(shared_home: Home) -> None:
    chat = open_chat(shared_home)
    chat.wait_for_output(b"\x1b[=4;2u")  # it asks where keys lie
    chat.send(b"\x1b[1083::107;5u")
    chat.wait_for("Go to a channel")
    chat.send(b"\x1b[1081;5u")
    assert chat.end() == 0


@pytest.mark.parametrize(
    ("constant", "value", "kind"),
    [
        ("globalchat.ui.screens.paste_guard:_PREVIEW_LINES", 0.5, "TypeError"),
        ("globalchat.ui.terminal_driver:_PASTE_PAUSE", -1, "ValueError"),
    ],
    ids=["in a dialog", "in the thread that reads"],
)
def test_a_defect_ends_it_with_a_sentence_and_exit_code_1(
    home: Home, tmp_path: Path, constant: str, value: float, kind: str
) -> None:
    log = tmp_path / "log"
    broken = replace(home, constants={constant: value})
    chat = Terminal(broken, "oregon", "--channel", "tech", "--log-file", str(log))
    chat.wait_for("# tech ─")
    chat.press("unsent")
    chat.wait_for("unsent")
    chat.send(b"1\r2\r")
    assert chat.end() == 1
    assert leftovers(chat.raw) == []
    assert chat.line_after == chat.line_before
    assert f"The chat ended because of an error in it ({kind})" in chat.text.replace("\n", "")
    assert "Traceback" not in chat.text
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(entry["event"], entry["error"]) for entry in entries if entry["level"] == "error"] == [
        ("chat crashed", kind)
    ]
    assert entries[-1]["event"] == "command ended"
    assert entries[-1]["code"] == 1
    again = Terminal(home, "oregon", "--channel", "tech")
    again.wait_for("unsent")


def test_a_signal_is_in_the_log(home: Home, tmp_path: Path) -> None:
    log = tmp_path / "log"
    chat = Terminal(home, "oregon", "--channel", "tech", "--log-file", str(log))
    chat.wait_for("# tech ─")
    chat.process.send_signal(signal.SIGTERM)
    assert chat.end() == 143
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert "SIGTERM" in [entry.get("signal") for entry in entries]
    assert entries[-1]["code"] == 143


@pytest.mark.parametrize("variables", [("120", "40"), ("60", "20"), ("300", "5")])
def test_the_window_has_the_size_that_it_has(home: Home, variables: tuple[str, str]) -> None:
    """The window of the tests has 120 × 36."""
    columns, lines = variables
    odd = replace(home, environment={"COLUMNS": columns, "LINES": lines})
    chat = Terminal(odd, "oregon", "--channel", "tech")
    chat.wait(lambda screen: "Ctrl+P palette" in screen.split("\n")[35], "the footer in the last line")
    chat.resize(110, 34)
    chat.wait(lambda screen: "Ctrl+P palette" in screen.split("\n")[33], "the footer in the last line")
    assert len(chat.text.split("\n")[-1]) <= 110
    chat.press(QUIT)
    assert chat.end() == 0


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_where_nothing_can_be_drawn_it_says_so(home: Home, term: str) -> None:
    chat = Terminal(replace(home, environment={"TERM": term}), "oregon")
    assert chat.end() == 2
    assert "globalchat --plain" in chat.text.replace("\n", "")
    assert b"\x1b" not in chat.raw


@pytest.mark.parametrize(("value", "is_grey"), [("", False), ("1", True), ("0", True)])
def test_no_color_counts_if_it_is_not_empty(home: Home, value: str, is_grey: bool) -> None:
    chat = Terminal(replace(home, environment={"NO_COLOR": value, "COLORTERM": "truecolor"}), "oregon")
    chat.wait_for("live")
    colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", chat.raw))
    assert colours
    assert all(red == green == blue for red, green, blue in colours) is is_grey
    chat.press(QUIT)
    assert chat.end() == 0
