"""`globalchat --plain` as a process: on pipes, and at a prompt."""

import re
from dataclasses import replace

import pytest

from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e

CLEAR = "\x15"  # Ctrl+U
EARLIER = "\x12"  # Ctrl+R
END = "\x04"  # Ctrl+D


@pytest.mark.parametrize(("channel", "end"), [("music", ""), ("tech", "\n/quit\n")])
def test_a_pipe_is_sent_and_what_came_back_is_printed(shared_home: Home, channel: str, end: str) -> None:
    lines = f"/join {channel}\nfrom a pipe\n/nope\nand the end{end}".encode()
    done = shared_home.run("sydney", "--plain", "--name", "pia", stdin=lines)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Connected to Sydney." in done.stdout
    assert "Unknown command: /nope" in done.stdout
    for text in ("from a pipe", "and the end"):
        assert sum(line.endswith(f" pia: {text}") for line in done.stdout.splitlines()) == 1


@pytest.mark.parametrize(("term", "channel"), [("xterm-256color", "media"), ("dumb", "robots")])
def test_what_comes_while_one_types_leaves_the_typed_text(shared_home: Home, term: str, channel: str) -> None:
    # A locale in which Python takes no invalid bytes.
    environment = {**shared_home.environment, "TERM": term, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"}
    home = replace(shared_home, environment=environment)
    chat = Terminal(home, "oregon", "--plain", "--name", "pia", "--channel", channel)
    chat.wait_for("Connected to Oregon.")
    chat.press("half a sen")
    chat.wait_for("half a sen")
    assert shared_home.run("publish", channel, "hello pia", "--name", "eve").returncode == 0
    chat.wait(lambda screen: "eve: hello pia" in screen and screen.rstrip().endswith("half a sen"), "both")
    chat.press("tence\r")
    both = shared_home.run("subscribe", channel, "--since", "1h", "--count", "2")
    assert both.stdout.count("half a sentence") == 1
    chat.press("/sent\r")
    chat.wait(lambda screen: re.search('(delivered|accepted): .*"half a sentence"', screen) is not None, "it")
    # At the next prompt: in between the line editing is the terminal's own.
    chat.wait(lambda screen: screen.rstrip().endswith("pia>"), "the prompt")
    chat.press(f"{EARLIER}half")
    chat.wait(lambda screen: re.search("i-search.*half a sentence", screen) is not None, "what was sent")
    chat.press(f"\x07{CLEAR}")
    chat.send(b"/h\xffelp\r")
    chat.wait_for("Unknown command: /h\ufffdelp.")
    chat.wait(lambda screen: screen.rstrip().endswith("pia>"), "the prompt")
    chat.press(END)
    assert chat.end() == 0
    assert chat.line_after == chat.line_before
    assert b"\x1b[?1049h" not in chat.raw
    assert term != "dumb" or b"\x1b[" not in chat.raw
