"""`globalchat subscribe` as a process: what it shows, what it says, and how each run ends."""

import json
import os
import re
import signal
from dataclasses import replace

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


def test_a_command_runs_for_each_mention_and_for_no_other_message(shared_home: Home) -> None:
    one = shared_home.start(
        *("subscribe", "media", "--mentions", "--name", "bo", "--count", "2"),
        *("--exec", 'echo "for $GLOBALCHAT_SENDER: $GLOBALCHAT_MESSAGE"'),
    )
    one.err.wait_for("connected to")
    shared_home.run(
        "publish", "media", "-", "--name", "eve", stdin=b"not you\n@bo one\nbo alone\n@bo $(two)\n"
    )

    assert one.wait() == 0
    assert [line.rsplit("  ", 1)[1] for line in one.out.all()] == ["@bo one", "@bo $(two)"]
    assert one.err.all()[1:] == ["for eve: @bo one", "for eve: @bo $(two)"]


def test_it_ends_when_the_time_is_over(shared_home: Home) -> None:
    assert shared_home.run("subscribe", "tech", "--for", "700ms").returncode == 0

    done = shared_home.run("subscribe", "tech", "--for", "700ms", "--count", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "0 of 1 messages came within 700 ms"


def test_a_time_without_any_connection_is_no_success(shared_home: Home) -> None:
    with fault(shared_home, "half-open", "region-down"):
        done = shared_home.run("subscribe", "tech", "--for", "300ms", "--region", "all")

    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr


def test_a_lost_socket_is_reported_and_the_rest_still_comes(shared_home: Home) -> None:
    one = shared_home.start("subscribe", "tech", "--json", "--count", "2")
    one.err.wait_for("connected to")
    shared_home.publish("before")
    one.messages(1)
    with fault(shared_home, "drop-sockets", region="oregon"):
        one.err.wait(lambda lines: sum("connected to" in line for line in lines) == 2)
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


def test_with_since_what_arrived_before_comes_first_and_everything_once(home: Home) -> None:
    for number in range(3):
        home.publish(f"before {number}", channel=("tech", "cars", "tech")[number])
    done = home.start("subscribe", "tech", "cars", "--since", "1h", "--json", "--count", "5")
    done.err.wait_for("connected to")
    done.messages(3)
    home.publish("live 1")
    home.publish("live 2", channel="cars", region="sydney")

    assert done.wait() == 0
    found = [json.loads(line) for line in done.out.all()]
    assert texts(found) == ["before 0", "before 1", "before 2", "live 1", "live 2"]
    assert [each["filled"] for each in found] == [True] * 3 + [False] * 2
    assert [each["transitMs"] is None for each in found] == [True] * 3 + [False] * 2
    assert {each["via"] for each in found} == {"oregon"}
    arrivals: list[str] = [each["arrival"] for each in found]
    assert arrivals == sorted(arrivals)


def test_with_since_no_message_is_lost_or_doubled_while_others_publish(home: Home) -> None:
    home.run("local", "up")
    lines = [f"n{number}" for number in range(150)]
    publishing = home.start("publish", "tech", "-", "--window", "4", stdin="\n".join(lines))
    publishing.out.wait(lambda published: len(published) > 30)
    followers = [
        home.start("subscribe", "tech", "--since", "1h", "--json", "--count", "150", "--region", region)
        for region in ("oregon", "sydney")
    ]
    assert publishing.wait() == 0
    for follower in followers:
        assert follower.wait() == 0, follower.err.all()
        found = [json.loads(line) for line in follower.out.all()]
        assert sorted(map(str, texts(found))) == sorted(lines)
        filled = [each["filled"] for each in found]
        assert filled[:30] == [True] * 30


def test_with_since_every_region_brings_its_own_past(home: Home) -> None:
    there = home.follow("sydney", "robots")
    home.publish("old", channel="robots")
    there.messages(1)
    done = home.run("subscribe", "robots", "--since", "1h", "--region", "all", "--json", "--count", "2")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, {str(each["via"]) for each in found}) == (0, {"oregon", "sydney"})
    assert len({str(each["arrival"]) for each in found}) == 2


def test_a_past_that_cannot_be_read_ends_in_a_sentence(shared_home: Home) -> None:
    impatient = {"globalchat.cli.commands.subscribe_backlog:RETRY_FOR": 0.2}
    with fault(shared_home, "history-failing"):
        done = replace(shared_home, constants=impatient).run("subscribe", "tech", "--since", "1h")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "globalchat: The history could not be read."


@pytest.mark.parametrize("fill", [True, False])
def test_what_a_silent_socket_missed_is_read_from_the_history(home: Home, fill: bool) -> None:
    there = home.follow("sydney", "tech", "cars", fill=fill)
    here = home.follow("oregon", "tech")
    home.publish("before")
    there.messages(1)
    home.run("local", "faults", "set", "half-open", "--region", "sydney")
    for number in range(5):
        home.publish(f"missed {number}")
    here.messages(6)
    # The silent sockets end with the fault.
    home.run("local", "faults", "clear")
    there.err.wait(lambda lines: sum("connected to" in line for line in lines) == 2)
    if fill:
        there.messages(6)
        there.err.wait_for("gap filled: 5 messages of tech that arrived between ")
    else:
        there.err.wait_for("Filling gaps is switched off.")
    home.publish("after")
    expected = [("before", False), *((f"missed {number}", True) for number in range(5)), ("after", False)]
    found = there.messages(7 if fill else 2)
    assert [(each["message"], each["filled"]) for each in found] == [
        each for each in expected if fill or not each[1]
    ]


def test_a_gap_that_is_too_long_for_one_reading_is_read_to_its_end(home: Home) -> None:
    few = replace(home, constants={"globalchat.cli.commands.subscribe_run:FILL_LIMIT": 100})
    there = few.follow("sydney", "tech")
    here = home.follow("oregon", "tech")
    missed = [f"missed {number}" for number in range(130)]
    with fault(home, "half-open", region="sydney"):
        home.run("publish", "tech", "-", stdin="\n".join(missed).encode())
        here.messages(130)
    found = there.messages(130)
    assert sorted(map(str, texts(found))) == sorted(missed)
    assert all(each["filled"] for each in found)
    there.err.wait_for("gap: more messages of tech than are read at once: reading on")
    home.publish("after")
    assert texts(there.messages(131))[130:] == ["after"]
