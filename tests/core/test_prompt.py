"""Questions go to the controlling terminal, which is left as it was whatever happens."""

import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.core.helpers.controlling_terminal import ControllingTerminal

Start = Callable[..., ControllingTerminal]

ASK = """
from globalchat.core.prompt import TerminalPrompter, kept_terminal
person = TerminalPrompter()
with kept_terminal():
    print("answer:", repr(person.ask("Code, please: ")), flush=True)
"""
WITHOUT_ECHO = """
import subprocess, sys, time
from globalchat.core.prompt import kept_terminal
with kept_terminal():
    subprocess.run(["stty", "-echo"], check=True)
    print("dark", flush=True)
    {}
"""
WAIT = "sys.stdin.readline()"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a Python program at a terminal of its own."""
    started: list[ControllingTerminal] = []

    def run(program: str, *, piped: bool = False) -> ControllingTerminal:
        started.append(ControllingTerminal([sys.executable, "-c", program], os.environ, piped=piped))
        return started[-1]

    yield run
    for each in started:
        each.close()


def test_an_answer_is_read_and_shown(start: Start) -> None:
    terminal = start(ASK)
    terminal.wait_for("Code, please: ")
    terminal.press("123456\n")
    terminal.wait_for("answer: '123456'")
    assert "Code, please: 123456" in terminal.text
    assert terminal.end() == 0
    assert terminal.is_as_before


def test_it_asks_on_the_terminal_even_if_standard_input_is_something_else(start: Start) -> None:
    terminal = start(ASK, piped=True)
    terminal.wait_for("Code, please: ")
    terminal.press("123456\n")
    terminal.wait_for("answer: '123456'")


def test_ctrl_c_and_ctrl_d_at_a_question(start: Start) -> None:
    for keys, error in (("\x03", "KeyboardInterrupt"), ("\x04", "EOFError")):
        terminal = start(ASK)
        terminal.wait_for("Code, please: ")
        terminal.press(keys)
        assert terminal.end() != 0
        terminal.wait_for(error)
        assert terminal.is_as_before


@pytest.mark.parametrize(
    "end", ["raise ValueError", "raise KeyboardInterrupt", "sys.exit(3)"], ids=["error", "Ctrl-C", "exit"]
)
def test_what_others_did_to_the_terminal_is_undone(end: str, start: Start) -> None:
    terminal = start(WITHOUT_ECHO.format(end))
    terminal.wait_for("dark")
    assert terminal.end() != 0
    assert terminal.is_as_before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_is_undone_before_a_signal_ends_the_program(number: signal.Signals, start: Start) -> None:
    terminal = start(WITHOUT_ECHO.format(WAIT))
    terminal.wait_for("dark")
    assert not terminal.is_as_before
    terminal.process.send_signal(number)
    assert terminal.end() == -number
    assert terminal.is_as_before


def test_handlers_of_others_are_left_alone(start: Start) -> None:
    terminal = start(
        """
from signal import *
from globalchat.core.prompt import kept_terminal
signal(SIGTERM, SIG_IGN)
with kept_terminal():
    inside = getsignal(SIGTERM) == SIG_IGN, callable(getsignal(SIGHUP))
print("inside:", *inside, "after:", getsignal(SIGTERM) == SIG_IGN, getsignal(SIGHUP) == SIG_DFL, flush=True)
"""
    )
    terminal.wait_for("inside: True True after: True True")


def test_where_there_is_a_person(start: Start) -> None:
    program = "from globalchat.core.prompt import *\nprint(TerminalPrompter().has_user, flush=True)"
    start(program).wait_for("True")
    # Everything of the program goes elsewhere: no person expects a question.
    start(program, piped=True).wait_for("False")
