"""The chat in terminals that send, say or lack what others do not."""

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
    b"\x1b[1;5:1B",
    b"\x1b[1114112u",
    b"\x1b[55296;;55296u",
    b"\x1b[999;1~",
]


def open_chat(home: Home) -> Terminal:
    chat = Terminal(home, "oregon", "--name", "ana", "--channel", "tech")
    chat.wait_for("● Oregon us-west-2 live")
    return chat


def test_odd_bytes_and_late_answers_are_neither_text_nor_the_end(shared_home: Home) -> None:
    chat = open_chat(shared_home)
    chat.press("begin:")
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
