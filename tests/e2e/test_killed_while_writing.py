"""The chat is killed, or quits, while a text leaves the composer: it is neither lost nor sent twice."""

import json
import os
import re
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from globalchat.client import profiles
from globalchat.core.files import locked
from globalchat.localcloud.process import state
from tests.e2e.helpers.processes import SECONDS, Home, texts
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.ui.helpers.fake_session import profile

pytestmark = pytest.mark.e2e

QUIT = "\x11"  # Ctrl+Q
HALF = "half a thought"


def memory(home: Home, name: str = "local") -> Path:
    return home.root / "state" / "chat" / f"{name}.json"


def drafts(home: Home, name: str = "local") -> dict[str, str]:
    """Return the drafts of all chats."""
    file = memory(home, name)
    values = json.loads(file.read_text())["values"] if file.exists() else {}
    return {key: text for key, text in values.items() if re.match("draft[0-9]*:", key)}


def outbox(home: Home) -> list[str]:
    with closing(sqlite3.connect(home.root / "state" / "outbox" / "outbox.sqlite3")) as database:
        return [text for (text,) in database.execute("SELECT text FROM drafts")]


def until(seen: object, what: str) -> None:
    """Wait until a file that another process writes says so."""
    deadline = time.monotonic() + SECONDS
    assert callable(seen)
    while not seen():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


def kill(chat: Terminal) -> None:
    os.kill(chat.process.pid, signal.SIGKILL)
    chat.end()


def open_chat(home: Home, name: str, channel: str = "tech") -> Terminal:
    chat = Terminal(home, "oregon", "--name", name, "--channel", channel)
    chat.wait_for("● Oregon us-west-2 live")
    return chat


@pytest.mark.parametrize("other", ["bob", "ana"], ids=["another name", "the same name"])
def test_what_another_chat_delivered_is_no_draft_at_the_next_start(home: Home, other: str) -> None:
    follower = home.follow("oregon", "tech")
    early = open_chat(home, "ana") if other == "ana" else None  # which has drafts of its own
    killed = open_chat(home, "ana")
    killed.press("sent once")
    until(lambda: "sent once" in drafts(home).values(), "the draft")
    with locked(memory(home).with_suffix(".lock")):
        killed.press("\r")  # it waits for the lock to forget the draft
        until(lambda: outbox(home) == ["sent once"], "the outbox")
        kill(killed)
    if early is not None:
        early.press(QUIT)
        early.end()
    assert "sent once" in drafts(home).values()

    sender = open_chat(home, other, "cars" if other == "bob" else "tech")
    assert texts(follower.messages(1)) == ["sent once"]
    until(lambda: "sent once" not in drafts(home).values(), "the end of the draft")
    kill(sender)

    again = open_chat(home, "ana")
    again.wait(lambda screen: re.search("ana › Message # ", screen) is not None, "an empty composer")
    again.press("other\r")
    assert texts(follower.messages(2)) == ["sent once", "other"]


def test_a_text_of_another_chat_that_was_not_sent_stays_a_draft(home: Home) -> None:
    killed = open_chat(home, "ana")
    killed.press(HALF)
    until(lambda: HALF in drafts(home).values(), "the draft")
    kill(killed)
    other = open_chat(home, "bob")
    other.say(HALF)
    other.wait(lambda screen: "✓✓" in screen, "the echo")
    kill(other)
    open_chat(home, "ana").wait_for(f"ana › {HALF}")


@pytest.mark.parametrize("channel", [None, "tech", "music"])
def test_what_was_typed_before_any_channel_was_known_is_there_after_a_kill(
    home: Home, channel: str | None
) -> None:
    profiles.save(profile("away"), home.root / "config")
    first = Terminal(home, "--profile", "away", "--name", "ana")
    first.wait_for("ana ›")
    first.press(HALF)
    until(lambda: drafts(home, "away") == {"draft:": HALF}, "the draft")
    kill(first)

    arguments = () if channel is None else ("--channel", channel)
    again = Terminal(home, "--profile", "away", "--name", "ana", *arguments)
    again.wait_for(f"ana › {HALF}")
    again.press(QUIT)
    assert again.end() == 0
    assert drafts(home, "away") == {f"draft:{channel or ''}": HALF}


def test_a_draft_of_the_channel_stays_beside_what_was_typed_before_any_was_known(home: Home) -> None:
    profiles.save(profile("away"), home.root / "config")
    for text, arguments in (("of music", ["--channel", "music"]), ("of nowhere", [])):
        chat = Terminal(home, "--profile", "away", "--name", "ana", *arguments)
        chat.wait_for("ana ›")
        chat.press(text)
        until(lambda text=text: text in drafts(home, "away").values(), "the draft")
        kill(chat)
    chat = Terminal(home, "--profile", "away", "--name", "ana", "--channel", "music")
    chat.wait_for("ana › of music")
    chat.press("\x15")  # Ctrl+U
    chat.wait(lambda screen: "of music" not in screen, "an empty composer")
    chat.press("\x1b[A")  # ↑
    chat.wait_for("ana › of nowhere")


@pytest.mark.parametrize("size", [1_000, 150_000, 1_200_000])
def test_quitting_keeps_a_pasted_text_that_it_asks_about(home: Home, size: int) -> None:
    chat = open_chat(home, "ana")
    chat.press("before: ")
    chat.wait_for("before:")
    paste = "\n".join(f"{number:09}" for number in range(size // 10))
    chat.send(b"\x1b[200~" + paste.encode() + b"\x1b[201~")
    chat.wait_for("were pasted")
    chat.press(QUIT)
    assert chat.end() == 0
    kept = memory(home).parent / "local.unsent-1.txt"
    if size < 100_000:
        assert drafts(home) == {"draft:tech": f"before: {paste}"}
        assert not kept.exists()
    else:
        assert kept.read_text() == f"before: {paste}"
        assert kept.stat().st_mode & 0o777 == 0o600
        said = chat.text.replace("\n", "")
        assert f"An unsent text of {len(paste) + 8:,} characters is too long to be kept as a draft" in said
        assert str(kept) in said


def test_it_says_which_messages_are_not_confirmed_when_it_ends(home: Home) -> None:
    follower = home.follow("oregon", "tech")
    chat = open_chat(home, "ana")
    cloud = state.read(home.cloud_folder)
    assert cloud is not None
    os.kill(cloud.pid, signal.SIGSTOP)
    chat.say("into the dark")
    until(lambda: outbox(home) == ["into the dark"], "the outbox")
    chat.press(QUIT)
    assert chat.end() == 0
    assert "1 message is not confirmed yet: it is sent again when the chat is opened again." in chat.text
    os.kill(cloud.pid, signal.SIGCONT)

    chat = open_chat(home, "ana")
    chat.wait(lambda screen: "✓✓" in screen, "the echo")
    assert set(texts(follower.messages(1))) == {"into the dark"}
    chat.press(QUIT)
    assert chat.end() == 0
    assert "confirmed" not in chat.text
