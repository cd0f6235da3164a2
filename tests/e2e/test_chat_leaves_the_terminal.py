"""The chat in a real terminal: typed in, resized, flooded, ended; the terminal is left as it was."""

import re
import signal

import pytest

from tests.e2e.helpers.piped_commands import piped
from tests.e2e.helpers.processes import SECONDS, Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.e2e.helpers.terminal_leftovers import leftovers

pytestmark = pytest.mark.e2e

QUIT = "\x11"  # Ctrl+Q
FLOOD = 800


def open_chat(home: Home, *, installed: bool = False) -> Terminal:
    chat = Terminal(home, "oregon", "--name", "ana", "--channel", "tech", installed=installed)
    chat.wait_for("● Oregon us-west-2 live")
    return chat


def check_clean(chat: Terminal) -> None:
    assert leftovers(chat.raw) == []
    assert b"\x1b[?1049h" in chat.raw  # the check saw what was to be undone
    assert b"\x1b[?2004h" in chat.raw
    assert b"\x1b[22;0t" in chat.raw
    assert chat.line_after == chat.line_before
    assert "Traceback" not in chat.text


def test_a_session_of_typing_resizing_and_flooding_ends_cleanly(shared_home: Home) -> None:
    chat = open_chat(shared_home, installed=True)
    chat.say("hello from a terminal")
    chat.wait(lambda screen: re.search("hello from a terminal .*✓✓", screen) is not None, "the echo")

    chat.resize(50, 20)
    chat.wait(lambda screen: "● Oregon live" in screen and "Channels" not in screen, "the narrow layout")
    chat.wait_for("hello from a terminal")
    chat.resize(30, 5)
    chat.wait_for("Too small")
    chat.resize(120, 36)
    chat.wait_for("╭─ Channels ─")

    flood = [f"flood {number} {'and more ' * (number % 7)}" for number in range(FLOOD)]
    with piped(shared_home, "publish", "tech", "-", "--window", "16") as publishing:
        publishing.feed(*flood[: FLOOD // 2])
        chat.wait(lambda screen: re.search(r"flood \d+ ", screen) is not None, "the flood")
        chat.press("typed in the flood")
        chat.wait_for("typed in the flood")
        chat.wait_for(f"flood {FLOOD // 2 - 1} ")
        chat.press("\x1b[5~")  # page up: it stops following, and says what is new
        publishing.feed(*flood[FLOOD // 2 :])
        chat.wait(lambda screen: re.search(r"\d new ↓", screen) is not None, "how many are new")
        publishing.stdin.close()
        assert publishing.wait() == 0
    chat.press("\x1b[1;5F")  # Ctrl+End
    chat.wait_for(f"flood {FLOOD - 1} ")
    chat.press("\r")
    chat.wait(lambda screen: re.search("typed in the flood .*✓✓", screen) is not None, "the echo")

    chat.press(QUIT)
    assert chat.end() == 0
    check_clean(chat)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_as_cleanly(shared_home: Home, number: signal.Signals) -> None:
    chat = open_chat(shared_home)
    chat.press("unfinished")
    chat.wait_for("unfinished")

    chat.process.send_signal(number)

    assert chat.end() == 128 + number
    check_clean(chat)


def test_the_check_finds_what_is_left_behind() -> None:
    dirty = b"\x1b[?1049h\x1b[?25l\x1b[?1000;1006h\x1b[?2004h\x1b[22;0t\x1b[>1u\x1b[?1006l"
    assert leftovers(dirty) == [
        "the alternate screen is on",
        "the cursor is off",
        "mouse reporting is on",
        "bracketed paste is on",
        "the title is not restored",
        "the keyboard protocol is not restored",
    ]
    assert leftovers(b"\x1b[?25l\x1b[?7l\x1b[?7h\x1b[?25h") == []


@pytest.mark.parametrize("with_signals", [True, False], ids=["as a terminal hangs up", "without a signal"])
def test_a_terminal_that_is_gone_ends_the_chat(shared_home: Home, with_signals: bool) -> None:
    chat = open_chat(shared_home)
    chat.say("before the window was closed")
    chat.hang_up()
    if with_signals:
        chat.process.send_signal(signal.SIGCONT)  # the kernel sends both to a terminal's session
        chat.process.send_signal(signal.SIGHUP)
    else:
        for number in range(200):  # the first thing that it draws ends its writer, the next one is missed
            if chat.process.poll() is None:
                shared_home.publish(f"what makes it draw, {number}")
    assert chat.process.wait(SECONDS) == 129
