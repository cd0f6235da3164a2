"""`globalchat purge` on the local cloud, through its AWS endpoint."""

import json

import pytest

from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e


def test_a_channel_is_purged_whatever_the_users_own_settings_of_aws_are(home: Home) -> None:
    there = home.follow("sydney", "tech", "cars")
    for number in range(30):
        home.publish(f"old {number}")
    home.publish("stays", channel="cars")
    there.messages(31)
    home.environment = {"AWS_PROFILE": "nope", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "mars"}

    asked = home.run("purge", "tech")
    assert asked.returncode == 1
    assert asked.stderr.startswith("the local cloud, as arn:aws:iam::000000000000:user/")
    assert "about 30 items in oregon (us-west-2), about 30 items in sydney" in asked.stderr
    done = home.run("purge", "tech", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["deleted"] for line in done.stdout.splitlines()] == [30, 30]

    for region in ("oregon", "sydney"):
        assert home.run("history", "tech", "--region", region).stdout == ""
        assert home.run("history", "cars", "--region", region).stdout.endswith("  stays\n")
    home.publish("new")
    there.messages(32)
    assert home.run("history", "tech").stdout.endswith("  new\n")


@pytest.mark.parametrize(("answer", "left", "code"), [("y", 0, 0), ("n", 1, 1)])
def test_a_purge_asks_at_a_terminal(home: Home, answer: str, left: int, code: int) -> None:
    there = home.follow("sydney", "tech")
    home.publish("old")
    there.messages(1)
    terminal = Terminal(home, "purge", "tech")
    terminal.wait_for("[y/N]")
    assert "about 1 item in oregon (us-west-2), about 1 item in sydney" in terminal.text
    terminal.press(f"{answer}\r")
    assert terminal.end() == code
    assert len(home.run("history", "tech").stdout.splitlines()) == left
