"""Messages between the regions, by the headless commands."""

import json
import os

import pytest

from globalchat.cli.main import root
from tests.e2e.helpers.processes import Home, texts
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e

HOSTILE = [
    "\"double\" 'single' `back`",
    r"back\slash \n \u0041 \\",
    "emoji 👍🏽 👨‍👩‍👧 🇦🇺 and 𝒳 of four bytes",
    "[bold]markup[/bold] [/",
    "${x} $ctx $util.error() #{y} {{z}} <% %>",
    '{"detail": {"id": 1}, "$": "$.detail"}',
    "</script><b>&amp;",
    "\u202eright to left\u202c \u200bzero width\ufeff",
    "\x1b[31mred\x1b[0m \x07 \x9b2J",
    "  leading and trailing blanks  ",
    "-dash first",
    "null",
]
AS_ARGUMENTS = ["two\nlines\n\tand a tab", "-dash first", "{n} {nope} {{}}"]


def test_hostile_texts_arrive_unchanged_in_both_regions(shared_home: Home) -> None:
    oregon = shared_home.follow("oregon", "tech", installed=True)
    sydney = shared_home.follow("sydney", "tech")

    lines = "\n".join(HOSTILE).encode()
    piped = shared_home.run("publish", "tech", "-", "--json", stdin=lines, installed=True)
    published = [json.loads(line) for line in piped.stdout.splitlines()]
    for text in AS_ARGUMENTS:
        done = shared_home.run("publish", "tech", "--json", "--", text)
        published.append(json.loads(done.stdout))

    assert texts(published) == [*HOSTILE, *AS_ARGUMENTS]
    for follower, alias in ((oregon, "oregon"), (sydney, "sydney")):
        received = follower.messages(len(published))
        assert texts(received) == texts(published)
        assert [message["id"] for message in received] == [message["id"] for message in published]
        assert {message["via"] for message in received} == {alias}
        assert {message["region"] for message in received} == {"us-west-2"}
        follower.interrupt()
        assert len(follower.out.all()) == len(published)


def test_a_line_of_json_has_the_documented_keys_and_only_ascii(shared_home: Home) -> None:
    follower = shared_home.follow("sydney", "music")
    done = shared_home.run("publish", "music", "é\x1b", "--region", "sydney", "--name", "ána", "--json")
    (line,) = follower.out.wait(lambda lines: len(lines) == 1)
    message = json.loads(line)

    keys = ["id", "channel", "message", "sender", "author", "region", "sentAt", "arrival"]
    assert list(message) == [*keys, "via", "transitMs", "transitErrorMs", "filled"]
    assert 0 <= message["transitMs"] < 60_000
    assert message["transitErrorMs"] == 0
    assert (message["channel"], message["message"], message["sender"]) == ("music", "é\x1b", "ána")
    assert message["sentAt"].endswith("Z")
    assert line.isascii()
    assert len(message["arrival"]) == 26
    assert {**{key: message[key] for key in keys}, "arrival": None} == json.loads(done.stdout)
    follower.interrupt()


def test_one_message_per_line_and_bad_lines_do_not_stop_the_others(shared_home: Home) -> None:
    follower = shared_home.follow("oregon", "cars")
    lines = [b"first", b"\xff\xfe", b"", b"x" * 2001, "zweite ü".encode(), b"x" * 2000]

    done = shared_home.run("publish", "cars", "-", stdin=b"\n".join(lines) + b"\n")

    assert done.returncode == 1
    assert len(done.stdout.split()) == 3
    assert texts(follower.messages(3)) == ["first", "zweite ü", "x" * 2000]
    errors = [line for line in done.stderr.splitlines() if line.startswith("globalchat:")]
    assert errors == [
        "globalchat: line 2: The line is not UTF-8.",
        "globalchat: line 3: The message is empty.",
        "globalchat: line 4: The message has 2001 characters; at most 2000 are allowed.",
        errors[-1],
    ]
    assert errors[-1].startswith("globalchat: 3 accepted, 3 refused in ")
    follower.interrupt()


def test_lines_are_sent_as_they_come(shared_home: Home) -> None:
    done = shared_home.run("publish", "cars", "-", "--json", stdin=b"a\r\nb")

    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == ["a", "b"]
    assert done.returncode == 0


def test_unsubscribe_ends_one_channel_and_the_other_resumes(shared_home: Home) -> None:
    both = shared_home.follow("oregon", "tech", "cars")
    only = shared_home.follow("sydney", "tech")

    done = shared_home.run("unsubscribe", "tech", "--json", installed=True)

    assert (done.returncode, done.stderr) == (0, "")
    ended = sorted(json.loads(line)["region"] for line in done.stdout.splitlines())
    assert ended == ["ap-southeast-2", "us-west-2"]
    assert only.wait() == 1
    assert any("administrator" in line for line in only.err.all())
    both.err.wait_for("administrator")
    both.err.wait(lambda lines: sum("connected to" in line for line in lines) == 2)
    shared_home.publish("still here", channel="cars", region="sydney")
    shared_home.publish("gone", channel="tech")
    shared_home.publish("last", channel="cars")
    both.out.wait_for('"last"')
    # A channel that was ended before its first reading reads what was sent shortly before, too.
    received = [text for text in texts(both.messages(2)) if text in ("still here", "gone", "last")]
    assert received == ["still here", "last"]
    assert both.interrupt() == 130


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["publish", "nope", "hi"], 1, 'There is no channel "nope". The channels are: cars, robots, tech'),
        (["publish", "tech", "  "], 1, "The message is empty."),
        (["publish", "tech", "x" * 2001], 1, "2001 characters"),
        (["publish", "tech", "hi", "--name", "x" * 33], 1, "sender name"),
        (["publish", "tech", "hi", "--region", "paris"], 2, "oregon (us-west-2), sydney (ap-southeast-2)"),
        (["subscribe", "nope"], 1, 'There is no channel "nope". The channels are: cars, robots, tech'),
        (["subscribe", "teck"], 1, 'Did you mean "tech"?'),
        (["subscribe", "tech", "--region", "paris"], 2, "sydney (ap-southeast-2)"),
        (["unsubscribe", "nope"], 1, 'There is no channel "nope". The channels are: cars, robots, tech'),
        (["latency", "--channel", "teck", "--count", "1"], 1, 'Did you mean "tech"?'),
        (["publish", "tech", "hi", "--region", "all"], 2, "oregon (us-west-2), sydney (ap-southeast-2)"),
        (["publish", "tech", "hi", "--region", "auto"], 0, ""),
        (["publish", "tech", "hi", "--region", "AP-SOUTHEAST-2"], 0, ""),
        (["publish", "tech", "hi", "--profile", "local"], 0, ""),
        (["outputs"], 0, ""),
        (["local", "env"], 0, ""),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_exit_codes(
    shared_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    """In this process: what takes one of its own is in the other tests."""
    for name in set(os.environ) - set(shared_home.env):
        monkeypatch.delenv(name)
    for name, value in shared_home.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        root(arguments, prog_name="globalchat")

    errors = capfd.readouterr().err
    assert (ended.value.code or 0, "Traceback" in errors) == (code, False), errors
    assert said in errors


def test_outputs_and_env_are_the_only_places_that_show_credentials(shared_home: Home) -> None:
    masked = json.loads(shared_home.run("outputs", "--json").stdout)
    shown = json.loads(shared_home.run("outputs", "--json", "--show-key").stdout)
    human = shared_home.run("outputs").stdout
    env = shared_home.run("local", "env").stdout

    assert list(shown) == ["oregon", "sydney"]
    assert list(shown["oregon"]) == ["region", "graphqlUrl", "realtimeUrl", "apiId", "apiKey"]
    assert shown["oregon"]["apiKey"].startswith("da2-")
    assert masked["oregon"]["apiKey"] == "***"
    assert {**masked["sydney"], "apiKey": ""} == {**shown["sydney"], "apiKey": ""}
    assert shown["oregon"]["apiKey"] not in human
    assert "export AWS_ACCESS_KEY_ID=AKIA" in env
    assert "export AWS_SECRET_ACCESS_KEY=" in env
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in env
    assert "export AWS_REGION=us-west-2" in env
    assert "unset AWS_SESSION_TOKEN" in env

    person = shared_home.run("local", "env", "--as", "ana", "--expires-in", "15m").stdout
    assert "export AWS_ACCESS_KEY_ID=ASIA" in person
    assert "export AWS_SESSION_TOKEN=" in person
    assert "unset AWS_SESSION_TOKEN" not in person
    secrets = {line.partition("=")[2] for line in person.splitlines() if "SECRET" in line or "TOKEN" in line}
    assert not any(secret in env for secret in secrets)


def test_a_backend_that_does_not_answer_exits_3(home: Home, shared_home: Home) -> None:
    outputs = json.loads(shared_home.run("outputs", "--json", "--show-key").stdout)
    regions = {
        alias: {
            **each,
            "eventBus": "bus",
            "graphqlUrl": "http://127.0.0.1:1/graphql",
            "realtimeUrl": "ws://127.0.0.1:1/graphql",
        }
        for alias, each in outputs.items()
    }
    folder = home.root / "config" / "profiles"
    folder.mkdir(parents=True)
    (folder / "default.json").write_text(json.dumps({"version": 1, "regions": regions}))

    for arguments in (["publish", "tech", "hi"], ["subscribe", "tech"], ["publish", "tech", "-"]):
        done = home.run(*arguments, stdin=b"a\nb\n")
        assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert "globalchat: stopped: 0 accepted; resume at line 1." in done.stderr
    assert not home.cloud_folder.exists()


def test_a_terminal_gets_text_that_it_cannot_act_on(shared_home: Home) -> None:
    terminal = Terminal(shared_home, "subscribe", "media", "--region", "sydney")
    terminal.wait_for("connected to sydney")
    shared_home.publish("\x1b[2Jcleared? \u202e no\nnext", channel="media", region="sydney")

    terminal.wait_for("cleared?  no␊next")
    assert "connected to sydney" in terminal.text


def test_without_a_terminal_a_message_is_as_harmless_a_line(shared_home: Home) -> None:
    follower = shared_home.start("subscribe", "media")
    follower.err.wait_for("connected to")
    shared_home.publish("\x1b[31m red\n08:00:00  media  admin", channel="media")

    (line,) = follower.out.wait(lambda lines: len(lines) == 1)
    assert line.endswith("  ␛[31m red␊08:00:00  media  admin")
    assert follower.interrupt() == 130


def test_a_key_that_is_not_accepted_exits_1(home: Home, shared_home: Home) -> None:
    regions = json.loads(shared_home.run("outputs", "--json", "--show-key").stdout)
    for region in regions.values():
        region |= {"eventBus": "bus", "apiKey": "da2-wrongwrongwrongwrongwrongw"}
    folder = home.root / "config" / "profiles"
    folder.mkdir(parents=True)
    (folder / "default.json").write_text(json.dumps({"version": 1, "regions": regions}))

    for arguments in (["publish", "tech", "hi"], ["publish", "tech", "-"], ["subscribe", "tech"]):
        done = home.run(*arguments, stdin=b"a\nb\n")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "da2-" not in done.stderr
        assert "key" in done.stderr
