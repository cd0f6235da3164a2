"""What a local cloud has accepted outlives its process, as dead letters do; `local reset` ends both."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from globalchat.localcloud.process.state import EVENTS
from tests.e2e.helpers.processes import SECONDS, Home, Running
from tests.localcloud.helpers.edited_templates import edit, forget_a_variable

pytestmark = pytest.mark.e2e


def serve(home: Home, *arguments: str) -> Running:
    serving = home.start("local", "serve", *arguments)
    serving.err.wait_for("is ready")
    return serving


def kill(serving: Running) -> None:
    os.kill(serving.process.pid, signal.SIGKILL)
    serving.wait()


def stored(home: Home, region: str) -> list[str]:
    """The texts that a region has stored."""
    done = home.run("history", "tech", "--region", region, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("fault", ["relay-partition", "relay-delay=1s"])
def test_messages_that_have_not_crossed_survive_a_kill(home: Home, fault: str) -> None:
    serving = serve(home)
    home.run("local", "faults", "set", fault, "--from", "oregon")
    texts = [f"held {number}" for number in range(10)]
    done = home.run("publish", "tech", "-", "--region", "oregon", stdin="\n".join(texts).encode())
    assert done.returncode == 0, done.stderr
    kill(serving)
    files = {each.name: stat.S_IMODE(each.stat().st_mode) for each in home.cloud_folder.glob(f"{EVENTS}*")}
    assert files[EVENTS] == 0o600
    assert set(files.values()) == {0o600}
    serve(home)
    home.publish("after")
    expected = sorted([*texts, "after"])
    assert sorted(stored(home, "oregon")) == expected
    wait_until(lambda: sorted(stored(home, "sydney")) == expected)


def test_dead_letters_survive_a_kill_and_can_be_redriven(home: Home, tmp_path: Path) -> None:
    edit(tmp_path / "mine", "globalchat-sydney-api.template.json", forget_a_variable)
    broken = ("--templates", str(tmp_path / "mine"), "--appsync-errors", "dead-lettered")
    serving = serve(home, *broken)
    for number in range(3):
        home.publish(f"lost {number}", region="sydney")
    wait_until(lambda: len(home.run("local", "dlq", "--json").stdout.splitlines()) == 3)
    letters = home.run("local", "dlq", "--json").stdout
    kill(serving)

    serving = serve(home)
    assert home.run("local", "dlq", "--json").stdout == letters
    assert stored(home, "sydney") == []
    done = home.run("local", "dlq", "redrive")
    assert (done.returncode, done.stderr) == (0, "3 delivered.\n")
    assert sorted(stored(home, "sydney")) == ["lost 0", "lost 1", "lost 2"]
    kill(serving)

    serve(home)
    assert home.run("local", "dlq").stderr == "There are no dead letters.\n"


def test_the_start_says_that_a_file_was_damaged_and_a_reset_deletes_it(home: Home) -> None:
    serving = serve(home)
    home.run("local", "faults", "set", "relay-partition")
    home.publish("held")
    serving.interrupt()
    unasked = home.run("local", "reset")
    assert unasked.returncode == 1
    kept = "1 item in its tables and 1 event or dead letter"
    assert f"Delete what the local cloud keeps: {kept}? There is no terminal to ask on" in unasked.stderr

    (home.cloud_folder / EVENTS).write_bytes(b"damaged" * 1000)
    serving = serve(home)
    serving.err.wait_for("The file of events was damaged;")
    assert (home.cloud_folder / f"{EVENTS}.damaged-1").read_bytes() == b"damaged" * 1000
    serving.interrupt()
    assert home.run("local", "reset", "--yes").returncode == 0
    assert not list(home.cloud_folder.glob(f"{EVENTS}*"))


def wait_until(holds: Callable[[], bool]) -> None:
    """Ask again and again: each question is a process."""
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until
