"""`globalchat publish` as a process: what it prints, says and comes to, also when things go wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.helpers.piped_commands import fault, piped, unread
from tests.e2e.helpers.processes import COMMAND, SECONDS, Home, texts
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e

BAD = {7: b"\xff\xfe", 500: b"", 501: b"   ", 1999: b"x" * 2001}
"""Lines that no backend takes, by number."""


def test_the_id_alone_is_on_standard_output(shared_home: Home) -> None:
    done = shared_home.run("publish", "tech", "hi")
    plain = shared_home.run("publish", "tech", "-", stdin=b"a\nb")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().isalnum()
    assert len(done.stdout.split()) == 1
    assert (plain.returncode, plain.stderr) == (0, "")
    assert len(set(plain.stdout.split())) == 2


def test_a_text_is_repeated_filled_in_and_padded(shared_home: Home) -> None:
    many = shared_home.run(
        *("publish", "tech", "{n} {{}} {region} {time}", "--count", "3", "--rate", "200", "--size", "60"),
        *("--region", "sydney", "--json"),
    )
    messages = [json.loads(line) for line in many.stdout.splitlines()]

    assert (many.returncode, many.stderr) == (0, "")
    assert [len(message["message"]) for message in messages] == [60, 60, 60]
    fields = sorted(message["message"].split() for message in messages)
    assert [each[:3] for each in fields] == [[str(n), "{}", "sydney"] for n in (1, 2, 3)]
    assert all(each[3].endswith("Z") for each in fields)
    assert "line" not in messages[0]


def test_a_single_text_is_no_template_and_that_is_said(shared_home: Home) -> None:
    done = shared_home.run("publish", "tech", '{"a": 1} {n}', "--json")

    assert json.loads(done.stdout)["message"] == '{"a": 1} {n}'
    assert done.stderr == "{n} went out as written; --template fills it in.\n"


def test_lines_are_templates_only_if_asked_and_a_bad_one_is_refused(shared_home: Home) -> None:
    lines = b"{n} of {region}\n{nope}\n{{n}}\n"
    plain = shared_home.run("publish", "tech", "-", "--json", stdin=lines)
    filled = shared_home.run("publish", "tech", "-", "--json", "--template", stdin=lines)

    assert texts([json.loads(line) for line in plain.stdout.splitlines()]) == lines.decode().split("\n")[:-1]
    assert texts([json.loads(line) for line in filled.stdout.splitlines()]) == ["1 of oregon", "{n}"]
    assert (plain.returncode, filled.returncode) == (0, 1)
    assert "globalchat: line 2: The text has an unknown placeholder {nope}." in filled.stderr


def test_one_publish_at_a_time_keeps_the_order(shared_home: Home) -> None:
    follower = shared_home.follow("oregon", "music")
    lines = [f"line {number}" for number in range(100)]

    done = shared_home.run("publish", "music", "-", "--json", stdin="\n".join(lines).encode())

    accepted = [json.loads(line) for line in done.stdout.splitlines()]
    assert texts(accepted) == lines
    assert [message["line"] for message in accepted] == list(range(1, 101))
    assert [message["id"] for message in accepted] == sorted(message["id"] for message in accepted)
    assert texts(follower.messages(100)) == lines
    follower.interrupt()


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
UNITS_OF_MEMORY = 1 if sys.platform == "darwin" else 1024


def feed(home: Home, count: int) -> tuple[subprocess.CompletedProcess[bytes], int]:
    """Publish lines, the bad ones among them; return the ended process and its largest memory in bytes."""
    lines = b"".join(BAD.get(number, b"line %d" % number) + b"\n" for number in range(1, count + 1))
    arguments = ["publish", "cars", "-", "--window", "16", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, COMMAND, *arguments],
        input=lines,
        env=home.env,
        capture_output=True,
        check=False,
    )
    return done, int(done.stderr.splitlines()[-1]) * UNITS_OF_MEMORY


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_long_pipe_is_accepted_or_refused_line_by_line(shared_home: Home, count: int) -> None:
    done, memory = feed(shared_home, count)

    accepted = [json.loads(line) for line in done.stdout.splitlines()]
    refused = [line for line in done.stderr.decode().splitlines() if ": line " in line]
    assert done.returncode == 1
    assert sorted(each["line"] for each in accepted) == [n for n in range(1, count + 1) if n not in BAD]
    assert all(each["message"] == f"line {each['line']}" for each in accepted)
    assert len({each["id"] for each in accepted}) == count - len(BAD)
    assert sorted(int(line.split("line ")[1].split(":")[0]) for line in refused) == sorted(BAD)
    assert f"{count - len(BAD):,} accepted, 4 refused" in done.stderr.decode()
    assert memory < 150e6, "memory holds the window, not the pipe"


def test_a_line_goes_out_while_the_next_one_is_awaited_and_ctrl_c_says_where_to_go_on(
    shared_home: Home,
) -> None:
    with piped(shared_home, "publish", "tech", "-") as one:
        one.feed("first")
        one.out.wait(lambda lines: len(lines) == 1)
        one.feed("second")
        one.out.wait(lambda lines: len(lines) == 2)

        assert one.interrupt() == 130
        assert one.err.all() == ["globalchat: interrupted: 2 accepted; resume at line 3."]


def test_ctrl_c_while_the_region_throttles(shared_home: Home) -> None:
    with piped(shared_home, "publish", "tech", "-", "--window", "2", "--retry-for", "1h") as one:
        one.feed("first")
        one.out.wait(lambda lines: len(lines) == 1)
        with fault(shared_home, "throttle"):
            one.feed("second", "third", "fourth")
            one.err.wait_for("Trying again")
            assert one.interrupt() == 130
        assert one.err.all()[-1] == "globalchat: interrupted: 1 accepted; resume at line 2."
        assert len(one.out.all()) == 1


def test_what_was_throttled_goes_out_in_order_once_that_is_over(shared_home: Home) -> None:
    follower = shared_home.follow("oregon", "media")
    with piped(shared_home, "publish", "media", "-", "--json") as one:
        with fault(shared_home, "throttle"):
            one.feed("a", "b", "c")
            one.err.wait_for("Trying again")
        one.stdin.close()
        assert one.wait() == 0
        assert texts([json.loads(line) for line in one.out.all()]) == ["a", "b", "c"]
        assert len(one.err.all()) == 1, "one outage is reported once"
    assert texts(follower.messages(3)) == ["a", "b", "c"]
    follower.interrupt()


def test_a_region_that_stays_away_ends_it_with_the_line_to_go_on_at(shared_home: Home) -> None:
    with piped(shared_home, "publish", "tech", "-", "--retry-for", "200ms") as one:
        one.feed("first")
        one.out.wait(lambda lines: len(lines) == 1)
        with fault(shared_home, "region-down", region="oregon"):
            one.feed("second", "third")
            assert one.wait() == 3
        *_, summary, why = one.err.all()
        assert summary.startswith(
            "globalchat: stopped: 1 accepted; resume at line 2 (line 2 may have been accepted"
        )
        assert "was closed" in why


def test_a_throttle_that_lasts_too_long_is_a_refusal(shared_home: Home) -> None:
    with fault(shared_home, "throttle"):
        done = shared_home.run("publish", "tech", "hi", "--retry-for", "0")
        many = shared_home.run("publish", "tech", "x", "--count", "5", "--retry-for", "100ms")

    assert (done.returncode, done.stdout) == (1, "")
    assert "called too often" in done.stderr
    assert many.returncode == 1
    assert "globalchat: stopped: 0 accepted; resume at message 1." in many.stderr


def test_what_every_line_would_meet_ends_it_at_the_first(shared_home: Home) -> None:
    done = shared_home.run("publish", "nope", "-", stdin=b"a\nb\nc\n")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "globalchat: stopped: 0 accepted; resume at line 1.",
        'globalchat: There is no channel "nope". The channels are: cars, robots, tech, music, media.',
    ]


def test_sigterm_is_an_interruption(shared_home: Home) -> None:
    with piped(shared_home, "publish", "tech", "-") as one:
        one.feed("first")
        one.out.wait(lambda lines: len(lines) == 1)
        one.process.send_signal(signal.SIGTERM)
        assert one.wait() == 130
        assert "resume at line 2" in one.err.all()[-1]


def test_a_reader_that_goes_ends_it_quietly_while_it_waits_for_a_line(shared_home: Home) -> None:
    with unread(shared_home, "publish", "tech", "-") as one:
        assert one.process.stdin is not None
        one.process.stdin.write(b"first\n")
        one.process.stdin.flush()
        assert os.read(one.reading, 100)
        one.close()

        assert one.process.wait(SECONDS) == 0
        assert one.err.all() == []


def test_ctrl_c_ends_it_also_when_its_output_is_not_read(shared_home: Home) -> None:
    follower = shared_home.follow("oregon", "robots")
    many = ("publish", "robots", "--size", "1000", "--count", "100", "--json", "--window", "16")
    with unread(shared_home, *many) as one:
        follower.messages(100)  # more than the pipe takes
        one.process.send_signal(signal.SIGINT)

        assert one.process.wait(SECONDS) == 130
        assert one.err.all() == ["globalchat: interrupted: 100 accepted."]
    follower.interrupt()


def test_a_user_who_types_lines_sees_what_happens(shared_home: Home) -> None:
    terminal = Terminal(shared_home, "publish", "tech", "-", "--json")
    terminal.wait_for("Each line is a message; Ctrl-D ends.")
    terminal.press("typed\r")
    terminal.wait_for('"line": 1')
    terminal.press("\x04")

    assert terminal.end() == 0
    assert "1 accepted in " in terminal.text


def test_a_user_who_sends_one_text_sees_where_it_went(shared_home: Home) -> None:
    terminal = Terminal(shared_home, "publish", "tech", "hi", "--region", "sydney")

    assert terminal.end() == 0
    assert "sent to tech in ap-southeast-2" in terminal.text


def test_closed_standard_streams_are_no_traceback(shared_home: Home) -> None:
    for shell, code in (
        ("publish tech hi >&-", 0),
        ("publish tech hi 2>&-", 0),
        ("publish tech - <&-", 2),
        (f"publish tech - <{Path('/')}", 1),
        ("publish tech - </dev/null", 0),
    ):
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$0" {shell}', COMMAND],
            env=shared_home.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (shell, done.stderr)
