"""A local cloud without an API key: every command signs as a person with the name of the login."""

import json

import pytest

from globalchat.cli.local_cloud import login_name
from tests.e2e.helpers.processes import Home


@pytest.mark.parametrize("how", ["in the foreground", "in the background"])
def test_commands_sign_as_the_login(home: Home, how: str) -> None:
    if how == "in the foreground":
        serving = home.start("local", "serve", "--senders", "verified")
        serving.err.wait_for("is ready")
    else:
        home.environment = {"GLOBALCHAT_LOCAL_SENDERS": "verified"}
    following = home.start("subscribe", "tech", "--count", "1", "--json")
    following.err.wait_for("connected to oregon")
    published = home.run("publish", "tech", "hello", "--json")
    assert published.returncode == 0, published.stderr
    assert following.wait() == 0
    history = home.run("history", "tech", "--json")
    assert [json.loads(line)["message"] for line in history.stdout.splitlines()] == ["hello"]
    shown = home.run("outputs", "--json", "--show-key")
    assert [each["auth"] for each in json.loads(shown.stdout).values()] == ["iam", "iam"]
    assert "apiKey" not in shown.stdout
    refused = home.run("bench", "--subscribers", "1", "--rate", "1")
    assert refused.returncode == 2
    assert "does not sign" in refused.stderr
    ended = home.run("unsubscribe", "tech")
    assert ended.returncode == 0, ended.stderr
    env = home.run("local", "env", "--as", login_name())
    assert "export AWS_SESSION_TOKEN=" in env.stdout


def test_two_snapshots_at_once_are_refused(home: Home) -> None:
    home.environment = {"GLOBALCHAT_LOCAL_SENDERS": "verified", "GLOBALCHAT_LOCAL_HISTORY": "off"}
    refused = home.run("local", "up")
    assert refused.returncode == 1
    assert "exclude each other. Unset one of them." in refused.stderr
