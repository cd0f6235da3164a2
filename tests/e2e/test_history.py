"""`globalchat history`: the lines and objects that it prints, and its wrong uses."""

import json
import re

import pytest

from tests.e2e.helpers.processes import Home

pytestmark = pytest.mark.e2e

LINE = re.compile(r"\d{4}-\d\d-\d\d  \d\d:\d\d:\d\d   (\S+)  (\S+)  (.*)")


def test_lines_are_one_per_message_and_cannot_drive_a_terminal(shared_home: Home) -> None:
    texts = [
        "plain",
        "two\nlines\tand a tab",
        "\x1b[2J\x07 \u202ehidden\u202c",
        "[bold]no markup[/]",
        "é👍🏽",
    ]
    for text in texts:
        shared_home.run("publish", "cars", "--name", "a\x1b[1mb", "--", text)
    done = shared_home.run("history", "cars")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [LINE.fullmatch(line) for line in done.stdout.splitlines()]
    assert [line and line.groups() for line in lines] == [
        ("a␛[1mb", "us-west-2", "plain"),
        ("a␛[1mb", "us-west-2", "two␊lines    and a tab"),
        ("a␛[1mb", "us-west-2", "␛[2J␇ hidden"),
        ("a␛[1mb", "us-west-2", "[bold]no markup[/]"),
        ("a␛[1mb", "us-west-2", "é👍🏽"),
    ]


def test_objects_hold_what_was_sent_and_where_it_stands_in_each_region(shared_home: Home) -> None:
    there = shared_home.follow("sydney", "music")
    sent = [shared_home.publish(f"é\x1b{number}", channel="music") for number in range(3)]
    there.messages(3)
    arrivals: list[str] = []
    for region in ("oregon", "sydney"):
        done = shared_home.run("history", "music", "--json", "--region", region)
        assert done.stdout.isascii()
        found = [json.loads(line) for line in done.stdout.splitlines()]
        keys = ["id", "channel", "message", "sender", "author", "region", "sentAt", "arrival"]
        assert [list(each) for each in found] == [keys] * 3
        assert [each["id"] for each in found] == [each["id"] for each in sent]
        assert [each["sentAt"] for each in found] == [each["sentAt"] for each in sent]
        assert {each["region"] for each in found} == {"us-west-2"}
        arrivals += [each["arrival"] for each in found]
    assert len(set(arrivals)) == 6
    assert arrivals[:3] == sorted(arrivals[:3])

    latest = shared_home.run("history", "music", "--json", "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["id"] for line in latest] == [each["id"] for each in sent[1:]]
    assert len(shared_home.run("history", "music", "--since", "1h").stdout.splitlines()) == 3
    compared = shared_home.run("history", "music", "--compare")
    assert (compared.returncode, compared.stdout) == (0, ""), compared.stderr
    assert "compared 3 messages sent since " in compared.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 1, 'There is no channel "nope". The channels are: cars, robots, tech'),
        (["teck"], 1, 'Did you mean "tech"?'),
        (["nope", "--compare"], 1, 'There is no channel "nope".'),
        (["tech", "--since", "soon"], 2, '"soon" is not a time: say 2h (ago), 09:30'),
        (["tech", "--limit", "0"], 2, "0 is not in the range"),
        (["tech", "--region", "paris"], 2, "oregon (us-west-2), sydney (ap-southeast-2)"),
        (["tech", "--repair"], 2, "--repair needs --compare."),
        (["tech", "--compare", "--limit", "5"], 2, "leave out --limit and --region"),
        (["tech", "--compare", "--region", "oregon"], 2, "leave out --limit and --region"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_uses_are_sentences(shared_home: Home, arguments: list[str], code: int, said: str) -> None:
    done = shared_home.run("history", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert said in " ".join(done.stderr.split())
