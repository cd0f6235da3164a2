"""`bench` and `latency` as processes against one local cloud: every output, every exit code."""

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.helpers.processes import SECONDS, Home
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e

BENCH = ("bench", "--subscribers", "20", "--rate", "40", "--for", "500ms", "--channels", "tech")
LATENCY = ("latency", "--count", "5", "--rate", "100", "--warmup", "1", "--channel", "tech")
AWS = {
    alias: {
        "region": region,
        "graphqlUrl": f"https://{alias}.invalid/graphql",
        "realtimeUrl": f"wss://{alias}.invalid/graphql",
        "apiId": "x",
        "eventBus": "bus",
        "apiKey": "da2-keykeykeykeykeykeykeykeyke",
    }
    for alias, region in (("oregon", "us-west-2"), ("sydney", "ap-southeast-2"))
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("bench") / "home")
    profiles = made.root / "config" / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "aws.json").write_text(json.dumps({"version": 1, "regions": AWS}))
    made.run("local", "up")
    yield made
    made.close()


@pytest.fixture
def faulty(home: Home) -> Iterator[Home]:
    yield home
    home.run("local", "faults", "clear")


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in listed.read_text().split()] if listed.exists() else []


def await_ends(processes: list[int]) -> None:
    for each in processes:
        ended, _, _ = select.select([each], [], [], SECONDS)
        os.close(each)
        assert ended


def test_bench_as_json_accounts_for_everything(home: Home) -> None:
    done = home.run(*BENCH, "--processes", "2", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = (json.loads(each) for each in done.stdout.splitlines())
    assert (report["profile"], report["complete"], report["channels"]) == ("local", True, ["tech"])
    assert report["published"] == {"due": 20, "accepted": 20, "failed": 0, "unsent": 0, "failures": {}}
    assert (report["deliveries"], report["expectedDeliveries"], report["lost"]) == (400, 400, 0)
    assert (report["duplicates"], report["orderViolations"], report["subscriptionsEnded"]) == (0, 0, 0)
    assert {(route["from"], route["to"], route["count"]) for route in report["routes"]} == {
        (source, target, 100) for source in ("oregon", "sydney") for target in ("oregon", "sydney")
    }
    assert report["cpuPerDeliveryUs"]["generator"] > 0
    assert "draining" in done.stderr
    assert "\x1b" not in done.stderr


def test_bench_as_text_in_ascii(home: Home) -> None:
    done = home.run(*BENCH, "--ascii", "--regions", "sydney", "--per-socket", "5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    facts = done.stdout.splitlines()
    assert facts[0] == "subscribers          20 in sydney on tech"
    assert facts[1].startswith("generator            1 process with 5 subscriptions to a socket")
    assert "lost                 0" in facts
    assert any(each.startswith("sydney echo") for each in facts)
    assert any("#" in each for each in facts)


def test_bench_counts_what_faults_do(faulty: Home) -> None:
    faulty.run("local", "faults", "set", "duplicate=100%", "--from", "sydney", "--to", "sydney")
    faulty.run("local", "faults", "set", "relay-partition", "--from", "oregon", "--to", "sydney")
    report = json.loads(faulty.run(*BENCH, "--drain", "1s", "--json").stdout)
    assert (report["deliveries"], report["lost"]) == (300, 100)
    # Sydney's own broadcast doubles what was published there.
    assert report["duplicates"] == 100


def test_bench_in_a_terminal_shows_a_live_line_and_ends_early_with_what_there_is(home: Home) -> None:
    terminal = Terminal(home, *BENCH[:-4], "--for", "60s", "--channels", "tech")
    terminal.wait_for(" delivered (")
    workers = [os.pidfd_open(pid) for pid in children(terminal.process.pid)]
    os.killpg(terminal.process.pid, signal.SIGINT)  # as Ctrl-C does
    terminal.wait_for("ended early")
    assert terminal.process.wait(SECONDS) == 130
    assert "CPU per delivery" in terminal.text
    assert "█" in terminal.text
    assert " delivered (" not in terminal.text
    assert "Traceback" not in terminal.text
    await_ends(workers)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_bench_killed_outright_leaves_no_worker(home: Home) -> None:
    running = home.start(*BENCH[:-4], "--for", "60s", "--channels", "tech")
    running.err.wait_for("running")
    workers = children(running.process.pid)
    assert len(workers) == 3  # with the resource tracker of multiprocessing
    held = [os.pidfd_open(pid) for pid in workers]
    running.process.send_signal(signal.SIGKILL)
    await_ends(held)


def test_bench_on_aws_asks_and_refuses_without_a_terminal(home: Home) -> None:
    aws = ("bench", "--profile", "aws", "--channels", "tech", "--subscribers", "1000")
    done = home.run(*aws)
    assert (done.returncode, done.stdout) == (2, "")
    assert "1,000 subscribers, 100 messages in 10 s, 100,000 deliveries" in done.stderr
    assert "It costs about USD 0." in done.stderr
    assert "give --yes" in done.stderr
    done = home.run(*aws, "--yes", "--rate", "1000", "--for", "10m")
    assert done.returncode == 2
    assert "more than USD 5.00" in done.stderr
    done = home.run(*aws, "--yes", "--subscribers", "10", "--max-cost", "1")
    assert done.returncode == 3
    assert "could not be resolved" in done.stderr
    assert "da2-" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*BENCH, "--regions", "paris"), 2, 'no region "paris"'),
        ((*BENCH, "--channels", "nope"), 1, 'no channel "nope"'),
        ((*BENCH, "--size", "2001"), 1, "64 to 2000 characters"),
        ((*LATENCY, "--channel", "nope"), 1, 'no channel "nope"'),
        ((*LATENCY, "--size", "2001"), 1, "2000 characters"),
        ((*LATENCY, "--from", "paris"), 2, 'no region "paris"'),
        ((*LATENCY, "--profile", "aws"), 3, "could not be resolved"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    home: Home, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = home.run(*arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_latency_as_json(home: Home) -> None:
    done = home.run(*LATENCY, "--matrix", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = (json.loads(each) for each in done.stdout.splitlines())
    assert [(route["from"], route["to"], route["count"], route["lost"]) for route in report["routes"]] == [
        ("oregon", "oregon", 5, 0),
        ("oregon", "sydney", 5, 0),
        ("sydney", "sydney", 5, 0),
        ("sydney", "oregon", 5, 0),
    ]
    assert {alias: each["count"] for alias, each in report["accepted"].items()} == {"oregon": 5, "sydney": 5}
    for route in report["routes"]:
        assert 0 < route["minMs"] <= route["p50Ms"] <= route["p90Ms"] <= route["p99Ms"] <= route["maxMs"]
        assert sum(count for _, _, count in route["histogram"]) == 5


def test_latency_as_a_table_with_a_route_that_loses_everything(faulty: Home) -> None:
    faulty.run("local", "faults", "set", "relay-partition", "--from", "sydney")
    faulty.run("local", "faults", "set", "duplicate=100%", "--from", "sydney", "--to", "sydney")
    done = faulty.run(*LATENCY, "--from", "sydney", "--to", "us-west-2", "--timeout", "1s", "--ascii")
    assert done.returncode == 1
    assert done.stdout.isascii()
    head, accepts, echo, across, *_ = done.stdout.splitlines()
    assert head.split()[-2:] == ["lost", "duplicates"]
    assert accepts.split()[:3] == ["sydney", "accepts", "5"]
    assert echo.split()[2] == "5"
    assert echo.split()[-2:] == ["0", "5"]
    assert across.split()[-3:] == ["5", "(100.0%)", "0"]


def test_latency_ends_early_with_what_there_is(home: Home) -> None:
    terminal = Terminal(home, "latency", "--count", "1000", "--rate", "20", "--channel", "tech")
    terminal.wait_for("measuring in the channel tech")
    follower = home.follow("sydney", "tech")
    follower.messages(3)
    follower.interrupt()
    terminal.process.send_signal(signal.SIGINT)
    terminal.wait_for("ended early")
    assert terminal.process.wait(SECONDS) == 130
    assert "oregon → sydney" in terminal.text


@pytest.mark.parametrize(
    ("subscribers", "seconds"), [("100", "1s"), pytest.param("10000", "30s", marks=pytest.mark.soak)]
)
def test_a_large_load_nothing_is_lost_doubled_or_out_of_order(
    home: Home, subscribers: str, seconds: str
) -> None:
    arguments = ("--subscribers", subscribers, "--for", seconds, "--rate", "2", "--drain", "60s", "--json")
    running = home.start("bench", *arguments)
    # Longer than a test may usually wait: ten thousand connect first.
    assert running.process.wait(10 * SECONDS) == 0, running.err.all()
    report = json.loads(running.out.all()[0])
    assert report["published"]["accepted"] == report["published"]["due"] == 2 * int(seconds[:-1])
    assert (
        report["deliveries"] == report["expectedDeliveries"] == int(subscribers) * report["published"]["due"]
    )
    assert (report["lost"], report["duplicates"], report["orderViolations"]) == (0, 0, 0)
