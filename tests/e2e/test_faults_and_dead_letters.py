"""Faults and dead letters of a cloud in a process of its own."""

import json
from pathlib import Path

import pytest

from tests.e2e.helpers.processes import Home
from tests.localcloud.helpers.edited_templates import edit, forget_a_variable

pytestmark = pytest.mark.e2e


def test_faults_are_set_shown_and_cleared_while_messages_flow(shared_home: Home) -> None:
    there = shared_home.follow("sydney", "tech")
    done = shared_home.run("local", "faults", "set", "relay-partition", "--from", "oregon", "--json")
    partition = {"name": "relay-partition", "amount": None, "from": "oregon", "to": None}
    assert (done.returncode, json.loads(done.stdout)) == (0, partition)
    shared_home.publish("held")
    shared_home.publish("passes", region="sydney")
    (first,) = there.messages(1)
    assert first["message"] == "passes"

    done = shared_home.run(
        "local", "faults", "set", "relay-delay=10ms..20ms", "throttle", "--region", "sydney"
    )
    assert done.returncode == 2
    done = shared_home.run("local", "faults", "set", "relay-delay=10ms..20ms")
    assert done.stdout.splitlines() == [
        "relay-partition                     from oregon",
        "relay-delay          10ms..20ms     everywhere",
    ]
    assert shared_home.run("local", "faults").stdout == done.stdout
    status = json.loads(shared_home.run("local", "status", "--json").stdout)
    assert status["faults"] == 2

    done = shared_home.run("local", "faults", "set", "throttle", "--region", "mars")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The regions are: oregon, sydney." in done.stderr
    done = shared_home.run("local", "faults", "clear")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No fault is set.\n")
    assert [message["message"] for message in there.messages(2)] == ["passes", "held"]


def test_dropped_sockets_are_reported_and_the_follower_comes_back(shared_home: Home) -> None:
    there = shared_home.follow("sydney", "tech")
    done = shared_home.run("local", "faults", "set", "drop-sockets")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Done, once: drop-sockets.\n")
    there.err.wait(lambda lines: sum("connected to" in line for line in lines) >= 2)
    shared_home.publish("after")
    (message,) = there.messages(1)
    assert message["message"] == "after"


def test_dead_letters_are_shown_and_redriven(home: Home, tmp_path: Path) -> None:
    edit(tmp_path / "mine", "globalchat-sydney-api.template.json", forget_a_variable)
    arguments = ("--templates", str(tmp_path / "mine"), "--appsync-errors", "dead-lettered")
    serving = home.start("local", "serve", *arguments)
    serving.err.wait_for("ready")
    here = home.follow("oregon", "tech")
    home.publish("secret text", region="sydney")
    here.messages(1)

    done = home.run("local", "dlq", "--json")
    letter = json.loads(done.stdout)
    assert (letter["queue"], letter["region"]) == ("globalchat-broadcast-dlq", "ap-southeast-2")
    assert letter["errorCode"] == "ERROR_FROM_TARGET"
    assert "sentAt" in letter["errorMessage"]
    assert "secret text" not in done.stdout
    done = home.run("local", "dlq")
    assert "ERROR_FROM_TARGET" in done.stdout
    assert "secret text" not in done.stdout
    assert "tech: secret text" in home.run("local", "dlq", "--text").stdout

    done = home.run("local", "dlq", "redrive")
    assert (done.returncode, done.stderr) == (1, "0 delivered. 1 failed again and stay.\n")
    done = home.run("local", "dlq", "redrive", "--queue", "globalchat-relay-dlq", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"delivered": 0, "failed": 0})
    done = home.run("local", "dlq", "redrive", "--queue", "nope")
    assert done.returncode == 2
    assert (
        "The queues are: globalchat-broadcast-dlq, globalchat-malformed-dlq, globalchat-relay-dlq."
        in done.stderr
    )
