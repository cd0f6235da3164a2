"""Quitting in a real terminal: of input that comes in the same read nothing is handled, and nothing lost."""

import json

import pytest

from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.e2e.helpers.terminal_leftovers import leftovers

pytestmark = pytest.mark.e2e

QUIT = "\x11"  # Ctrl+Q
CLICK = "\x1b[<0;30;1M\x1b[<0;30;1m"
PASTE = "\x1b[200~pasted\x1b[201~"
LINES = "\x1b[200~one\rtwo\rthree\rfour\rfive\x1b[201~"
AFTER = {
    "Ctrl+K": "\x0b",
    "Ctrl+P": "\x10",
    "Ctrl+R": "\x12",
    "Alt+R": "\x1br",
    "F1": "\x1bOP",
    "F4": "\x1bOS",
    "F9": "\x1b[20~",
    "a click": CLICK,
    "the wheel": "\x1b[<64;50;10M",
    "a paste": PASTE,
    "a paste of lines": LINES,
    "Ctrl+C": "\x03",
    "a letter and Enter": "x\r",
    "Ctrl+Q": QUIT,
    "the focus": "\x1b[O\x1b[I",
}
"""What is written together with Ctrl+Q, by what a terminal sends it for."""

ALONE = ("Ctrl+K", "Ctrl+P", "F9", "a click", "a paste of lines")
EVERYTHING = "".join(AFTER.values())


def open_chat(home: Home, channel: str = "tech") -> Terminal:
    chat = Terminal(home, "oregon", "--name", "ana", "--channel", channel)
    chat.wait_for("● Oregon us-west-2 live")
    return chat


def check_end(chat: Terminal, code: int = 0) -> None:
    assert chat.end() == code, chat.text
    assert leftovers(chat.raw) == []
    assert b"\x1b[?1049h" in chat.raw  # the check saw what was to be undone
    assert chat.line_after == chat.line_before
    assert "Traceback" not in chat.text
    assert "Error" not in chat.text


def drafts(home: Home) -> dict[str, str]:
    values = json.loads((home.root / "state" / "chat" / "local.json").read_text())["values"]
    return {key: text for key, text in values.items() if key.startswith("draft:")}


@pytest.mark.parametrize("after", [*(AFTER[name] for name in ALONE), EVERYTHING], ids=[*ALONE, "everything"])
def test_what_comes_with_ctrl_q_is_not_handled(shared_home: Home, after: str) -> None:
    chat = open_chat(shared_home)
    chat.press(QUIT + after)
    check_end(chat)


@pytest.mark.parametrize("opens", ["\x0b", "\x10", LINES], ids=["switcher", "palette", "paste guard"])
def test_it_quits_while_something_is_being_opened(shared_home: Home, opens: str) -> None:
    chat = open_chat(shared_home, "cars")
    chat.press(opens + QUIT + EVERYTHING)
    check_end(chat)


def test_a_slash_command_quits_as_well(shared_home: Home) -> None:
    chat = open_chat(shared_home)
    chat.press("/quit\r" + EVERYTHING)
    check_end(chat)


def test_what_was_typed_before_ctrl_q_is_sent_or_kept(shared_home: Home) -> None:
    follower = shared_home.follow("oregon", "music")
    chat = open_chat(shared_home, "music")
    chat.press("goodbye\rhalf a thought" + QUIT + EVERYTHING)
    check_end(chat)
    assert drafts(shared_home)["draft:music"] == "half a thought"
    (message,) = follower.messages(1)
    assert message["message"] == "goodbye"

    chat = open_chat(shared_home, "music")
    chat.wait_for("half a thought")
    chat.press(QUIT)
    check_end(chat)


def test_quitting_in_the_first_frame_keeps_what_was_typed_in_it(shared_home: Home) -> None:
    chat = Terminal(shared_home, "oregon", "--name", "ana", "--channel", "media")
    chat.wait_for_output(b"\x1b[?25l")  # the terminal is in its mode now; nothing has been drawn
    chat.press("early" + QUIT + EVERYTHING)
    check_end(chat)
    assert drafts(shared_home)["draft:media"] == "early"
