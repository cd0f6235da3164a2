"""`globalchat subscribe` as a process: what it shows, what it says, and how each run ends."""

import json
import os
import re
import signal

import pytest

from tests.e2e.helpers.piped_commands import fault, unread
from tests.e2e.helpers.processes import SECONDS, Home, texts
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e


def test_every_region_at_once_shows_each_arrival_with_its_region(shared_home: Home) -> None:
    both = shared_home.start("subscribe", "tech", "music", "--region", "all", "--json", "--count", "4")
    as_text = shared_home.start("subscribe", "tech", "music", "--region", "all", "--count", "4")
    for one in (both, as_text):
        one.err.wait(lambda lines: sum("connected to" in line for line in lines) == 2)
    shared_home.publish("one", channel="tech", region="oregon")
    shared_home.publish("two", channel="music", region="sydney")

    assert both.wait() == as_text.wait() == 0
    arrivals = {(each["message"], each["region"], each["via"]) for each in map(json.loads, both.out.all())}
    assert arrivals == {
        ("one", "us-west-2", "oregon"),
        ("one", "us-west-2", "sydney"),
        ("two", "ap-southeast-2", "oregon"),
        ("two", "ap-southeast-2", "sydney"),
    }
    # Without the time, and without how long it took, which is known before anything was published here.
    transit = re.compile(r" \+\d+ ms")
    assert all(transit.search(line) for line in as_text.out.all())
    shown = sorted(transit.sub("", line).split("  ", 1)[1] for line in as_text.out.all())
    assert [line.split() for line in shown] == [
        ["music", shown[0].split()[1], "ap-southeast-2", "via", via, "two"] for via in ("oregon", "sydney")
    ] + [["tech", shown[2].split()[1], "us-west-2", "via", via, "one"] for via in ("oregon", "sydney")]


def test_it_ends_after_so_many_messages_and_shows_no_more(shared_home: Home) -> None:
    one = shared_home.start("subscribe", "tech", "--raw", "--count", "2")
    one.err.wait_for("connected to")
    shared_home.run("publish", "tech", "-", stdin=b"a\n\x1b[31m b\nc\nd\n")

    assert one.wait() == 0
    assert one.out.all() == ["a", "\x1b[31m b"]
    assert one.err.all() == ["connected to oregon: tech"]


def test_it_ends_when_the_time_is_over(shared_home: Home) -> None:
    assert shared_home.run("subscribe", "tech", "--for", "700ms").returncode == 0

    done = shared_home.run("subscribe", "tech", "--for", "700ms", "--count", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "0 of 1 messages came within 700 ms"


def test_a_time_without_any_connection_is_no_success(shared_home: Home) -> None:
    with fault(shared_home, "half-open", "region-down"):
        done = shared_home.run("subscribe", "tech", "--for", "300ms", "--region", "all")

    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr


def test_a_lost_socket_is_reported_with_the_gap_and_the_rest_still_comes(shared_home: Home) -> None:
    one = shared_home.start("subscribe", "tech", "--json", "--count", "2")
    one.err.wait_for("connected to")
    shared_home.publish("before")
    one.messages(1)
    with fault(shared_home, "drop-sockets", region="oregon"):
        one.err.wait_for("gap: messages of tech between")
    shared_home.publish("after")

    assert one.wait() == 0
    assert texts(one.messages(2)) == ["before", "after"]
    errors = one.err.all()
    assert sum("connected to oregon: tech" in line for line in errors) == 2
    assert any("retrying oregon (attempt 1)" in line for line in errors)


def test_one_region_down_leaves_the_other_and_is_reported_by_name(shared_home: Home) -> None:
    with fault(shared_home, "region-down", region="sydney"):
        one = shared_home.start("subscribe", "tech", "--region", "all", "--json", "--count", "1")
        one.err.wait_for("connected to oregon")
        one.err.wait_for("retrying sydney (attempt 3)")
        shared_home.publish("still here")
        assert one.wait() == 0
    (message,) = one.messages(1)
    assert message["via"] == "oregon"


def test_a_closed_pipe_ends_it_at_once_though_no_message_comes(shared_home: Home) -> None:
    with unread(shared_home, "subscribe", "robots", "--json") as one:
        one.err.wait_for("connected to")
        one.close()

        assert one.process.wait(SECONDS) == 0
        assert one.err.all() == ["connected to oregon: robots"]


def test_ctrl_c_ends_it_also_when_its_output_is_not_read(shared_home: Home) -> None:
    with unread(shared_home, "subscribe", "robots", "--json") as one:
        other = shared_home.follow("oregon", "robots")
        one.err.wait_for("connected to")
        shared_home.run("publish", "robots", "--size", "1000", "--count", "100", "--window", "16")
        other.messages(100)
        other.interrupt()
        one.process.send_signal(signal.SIGINT)

        assert one.process.wait(SECONDS) == 130
        assert os.read(one.reading, 65_536).startswith(b'{"id": ')


def test_sigterm_ends_it_cleanly(shared_home: Home) -> None:
    plain, counting = (
        shared_home.start("subscribe", "tech"),
        shared_home.start("subscribe", "tech", "--count", "1"),
    )
    for one, code in ((plain, 0), (counting, 1)):
        one.err.wait_for("connected to")
        one.process.send_signal(signal.SIGTERM)
        assert one.wait() == code
        assert one.err.all() == ["connected to oregon: tech"]


def test_raw_texts_reach_a_terminal_only_by_force(shared_home: Home) -> None:
    refused = Terminal(shared_home, "subscribe", "media", "--raw")
    assert refused.end() == 2
    assert "say --force" in " ".join(refused.text.split())

    forced = Terminal(shared_home, "subscribe", "media", "--raw", "--force", "--count", "1")
    forced.wait_for("connected to")
    shared_home.publish("\x1b[31mred", channel="media")
    assert forced.end() == 0
    assert b"\x1b[31mred" in forced.raw
