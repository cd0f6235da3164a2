"""`globalchat channels` on the local cloud: what live chats and followers see of it."""

import re

import pytest

from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e


def test_a_live_chat_joins_an_added_channel_and_loses_it_when_it_is_removed(home: Home) -> None:
    chat = Terminal(home, "oregon", "--name", "ana", "--channel", "tech")
    chat.wait_for("live")
    added = home.run("channels", "add", "ops", "--profile", "local")
    assert (added.returncode, added.stdout) == (0, ""), added.stderr
    assert added.stderr.startswith("the local cloud, as arn:aws:iam::000000000000:user/admin\n")
    assert "sydney (ap-southeast-2): added ops" in added.stderr
    there = home.follow("sydney", "ops", "cars")

    chat.say("/join ops")
    chat.wait_for("# ops ─")
    chat.say("hello operators")
    assert there.messages(1)[0]["channel"] == "ops"

    removed = home.run("channels", "remove", "ops", "--yes")
    assert removed.returncode == 0, removed.stderr
    chat.wait_for("An administrator removed # ops.")
    there.err.wait_for("an administrator removed ops")
    refused = home.run("publish", "ops", "too late")
    assert (refused.returncode, 'There is no channel "ops".' in refused.stderr) == (1, True)
    home.publish("still heard", channel="cars")
    assert there.messages(2)[1]["message"] == "still heard"
    chat.wait(lambda screen: re.search(r"# cars +1 ", screen) is not None, "the unread count")


def test_changed_channels_outlive_the_cloud_until_a_reset(home: Home) -> None:
    assert home.run("channels", "add", "ops").returncode == 0
    home.run("local", "down")
    assert home.run("channels", "list").stdout.split()[-1] == "ops"
    home.run("local", "down")
    unasked = home.run("local", "reset")
    assert "Delete what the local cloud keeps: its changed channels?" in unasked.stderr
    assert home.run("local", "reset", "--yes").returncode == 0
    assert home.run("channels", "list").stdout.split() == ["cars", "robots", "tech", "music", "media"]
