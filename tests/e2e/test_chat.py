"""The chat itself, in pseudo-terminals, beside the headless followers."""

import os
import re
import signal

import pytest

from globalchat.localcloud.process import state
from tests.e2e.helpers.processes import Home, texts
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e

QUIT = "\x11"  # Ctrl+Q


def open_chat(
    home: Home, region: str, name: str, channel: str = "tech", *, installed: bool = False
) -> Terminal:
    chat = Terminal(home, region, "--name", name, "--channel", channel, installed=installed)
    chat.wait_for("live")
    chat.wait_for(f"# {channel} ─")
    return chat


def test_a_message_appears_in_both_chats_and_both_followers_exactly_once(shared_home: Home) -> None:
    ana = open_chat(shared_home, "oregon", "ana", installed=True)
    bo = open_chat(shared_home, "sydney", "bo")
    oregon, sydney = shared_home.follow("oregon", "tech"), shared_home.follow("sydney", "tech")

    ana.say("hello from Oregon")
    bo.wait_for("hello from Oregon")
    ana.wait(
        lambda screen: any("hello from Oregon" in line and "✓✓" in line for line in screen.split("\n")),
        "echo",
    )
    bo.say("and from Sydney")
    ana.wait_for("and from Sydney")
    shared_home.publish("the last one", region="sydney")
    for chat in (ana, bo):
        chat.wait_for("the last one")
        for text in ("hello from Oregon", "and from Sydney", "the last one"):
            assert chat.text.count(text) == 1, chat.text

    for follower in (oregon, sydney):
        received = follower.messages(3)
        follower.interrupt()
        assert len(follower.out.all()) == 3
        assert texts(received) == ["hello from Oregon", "and from Sydney", "the last one"]
        assert [message["sender"] for message in received[:2]] == ["ana", "bo"]
        assert [message["region"] for message in received[:2]] == ["us-west-2", "ap-southeast-2"]


def test_a_person_signs_and_is_named_by_the_author(shared_home: Home) -> None:
    chat = Terminal(shared_home, "sydney", "--as", "ana@example.com", "--channel", "tech")
    chat.wait_for("live")
    chat.wait_for("ana ›")  # the name, unless another is given
    follower = shared_home.follow("oregon", "tech")
    chat.say("signed by a person")
    chat.wait(
        lambda screen: any(
            "signed by a person" in line and line.count("✓") == 3 for line in screen.split("\n")
        ),
        "its mark and its echo",
    )
    (message,) = follower.messages(1)
    assert (message["author"], message["sender"]) == ("ana@example.com", "ana")


def test_hostile_text_is_shown_as_text(shared_home: Home) -> None:
    chat = open_chat(shared_home, "sydney", "bo")

    shared_home.publish("[bold]not markup[/bold] [/ ${x} $ctx \x1b[2J\x1b]0;title\x07 end")

    chat.wait(lambda screen: "[bold]not markup[/bold] [/ ${x} $ctx" in screen, "the text as it is")
    chat.wait_for("live")
    assert "Channels" in chat.text  # the screen was not cleared


def test_an_administrator_ends_a_channel_and_the_chat_says_so(shared_home: Home) -> None:
    chat = open_chat(shared_home, "oregon", "ana")

    assert shared_home.run("unsubscribe", "tech").returncode == 0

    chat.wait(lambda screen: "administrator" in screen.lower(), "who ended it")
    chat.wait_for("Back after")  # AWS closes the whole socket: the other channels come back on a new one
    shared_home.publish("still heard", channel="cars")
    chat.wait(lambda screen: re.search(r"# cars +1 ", screen) is not None, "the unread count")


def test_quitting_leaves_the_cloud_and_exits_0(shared_home: Home) -> None:
    chat = open_chat(shared_home, "auto", "ana")

    chat.press(QUIT)

    assert chat.process.wait(30) == 0
    assert shared_home.run("local", "status").returncode == 0


def test_ctrl_c_in_the_chat_does_not_stop_the_cloud(shared_home: Home) -> None:
    chat = open_chat(shared_home, "oregon", "ana")
    shared_home.run("publish", "tech", "before")
    chat.press("\x03")
    chat.process.send_signal(signal.SIGINT)

    shared_home.publish("after", region="sydney")
    assert shared_home.run("local", "status").returncode == 0


def test_a_chat_and_a_follower_go_on_in_the_cloud_that_replaces_a_killed_one(home: Home) -> None:
    chat, follower = open_chat(home, "oregon", "ana"), home.follow("sydney", "tech")
    killed = state.read(home.cloud_folder)
    assert killed is not None
    os.kill(killed.pid, signal.SIGKILL)
    chat.wait_for("No local cloud runs")
    chat.say("typed meanwhile")

    assert home.run("local", "up").returncode == 0

    chat.wait_for("Back after")
    chat.wait(
        lambda screen: any("typed meanwhile" in line and "✓✓" in line for line in screen.split("\n")), "echo"
    )
    follower.err.wait(lambda lines: sum("connected to sydney" in line for line in lines) == 2)
    home.publish("to whoever came along")
    chat.wait_for("to whoever came along")
    follower.out.wait_for("to whoever came along")


@pytest.mark.parametrize("arguments", [[], ["oregon"], ["--channel", "tech"]], ids=" ".join)
def test_without_a_terminal_it_says_so(home: Home, arguments: list[str]) -> None:
    done = home.run(*arguments)

    assert done.returncode == 2
    assert "globalchat subscribe" in done.stderr
    assert not home.cloud_folder.exists()
