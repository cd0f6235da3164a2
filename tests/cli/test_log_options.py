"""`--log-file` of commands that run as processes: what is in it, and what never is."""

import json
import stat
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from globalchat.cli.aws_deployment import LoggedView, print_step
from globalchat.cli.main import root
from globalchat.core import logs
from globalchat.localcloud.process import launch
from globalchat_infra.deployer.progress import PlainView, Progress
from tests.e2e.helpers.processes import Home

SECRET_TEXT = "what no other user may read"
SENDER = "anastasia"


def events(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]


def follow_one_message(home: Home, file: Path, *options: str) -> None:
    """Let one process follow a channel and another publish to it, both with this log."""
    level = ("--log-file", str(file), "--log-level", "debug", *options)
    follower = home.start("subscribe", "tech", "--json", *level)
    follower.err.wait_for("connected to")
    done = home.run("publish", "tech", SECRET_TEXT, "--name", SENDER, *level)
    assert done.returncode == 0, done.stderr
    follower.messages(1)
    follower.interrupt()


def key_forms(home: Home) -> list[str]:
    """The keys and secrets of the cloud, plain and in base 64."""
    state = launch.find(home.cloud_folder)
    assert state is not None
    secrets = [*(each.api_key for each in state.regions), state.secret_access_key, state.admin_token]
    encoded = [
        each(text.encode()).decode().rstrip("=")
        for text in secrets
        for each in (b64encode, urlsafe_b64encode)
    ]
    return [*secrets, *encoded]


def test_a_log_shows_what_happened_without_keys_and_texts(shared_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "log"
    follow_one_message(shared_home, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = events(file)
    logged = {(each["logger"], each["event"]) for each in found}
    assert {
        ("globalchat.cli", "command started"),
        ("globalchat.client.session", "state changed"),
        ("globalchat.client.session", "backend described"),
        ("globalchat.client.session", "message received"),
        ("globalchat.client.region_connection", "socket opened"),
        ("globalchat.client.region_connection", "subscribed"),
        ("globalchat.client.http", "call answered"),
        ("globalchat.cli", "command ended"),
    } <= logged
    (published,) = (each for each in found if each.get("operation") == "Publish")
    (received,) = (each for each in found if each["event"] == "message received")
    assert published["id"] == received["id"]
    assert len(str(published["requestId"])) == 36
    assert {each["pid"] for each in found} == {published["pid"], received["pid"]}
    text = file.read_text()
    for secret in (SECRET_TEXT, SENDER, *key_forms(shared_home)):
        assert secret not in text


def test_texts_if_asked_for_and_still_no_keys(shared_home: Home, tmp_path: Path) -> None:
    file = tmp_path / "log"
    follow_one_message(shared_home, file, "--log-messages")
    text = file.read_text()
    assert SECRET_TEXT in text
    assert SENDER in text
    assert any(str(each["logger"]).startswith("gql") for each in events(file))
    for secret in key_forms(shared_home):
        assert secret not in text


@pytest.fixture
def _stopped() -> Iterator[None]:
    yield
    logs.stop()


@pytest.mark.usefixtures("_stopped")
def test_the_environment_names_a_log_for_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log"
    monkeypatch.setenv("GLOBALCHAT_LOG", str(file))
    monkeypatch.setenv("GLOBALCHAT_LOG_LEVEL", "warning")
    done = CliRunner().invoke(root, ["doctor", "--profile", "secret-profile"], prog_name="globalchat")
    assert done.exit_code == 2
    (line,) = events(file)
    assert (line["event"], line["error"]) == ("command failed", "ProfileError")
    assert "secret-profile" not in file.read_text()


@pytest.mark.usefixtures("_stopped")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--log-messages"], "--log-messages needs a log"),
        (["--log-file", "/nowhere/log"], "cannot be written"),
        (["--log-level", "loud"], "'loud' is not one of"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(root, ["cost", "--clients", "1", "--messages-per-second", "1", *arguments])
    assert done.exit_code in (1, 2)
    assert said in done.output


@pytest.mark.usefixtures("_stopped")
def test_a_group_that_does_something_and_its_commands_have_the_options(tmp_path: Path) -> None:
    for words in (
        ["local", "faults"],
        ["local", "faults", "clear"],
        ["local", "dlq"],
        ["chat"],
        ["keys", "list"],
    ):
        assert "--log-file FILE" in CliRunner().invoke(root, [*words, "--help"]).output, words
    for words in (["local"], ["keys"]):
        assert "--log-file FILE" not in CliRunner().invoke(root, [*words, "--help"]).output, words
    # Before and after the name of the command of a group: once each, and once in the log.
    file = tmp_path / "log"
    arguments = ["local", "faults", "--log-file", str(file), "clear", "--log-file", str(file)]
    assert CliRunner().invoke(root, arguments, prog_name="globalchat").exit_code == 3
    assert [each["event"] for each in events(file)] == ["command started", "command failed", "command ended"]


@pytest.mark.usefixtures("_stopped")
def test_the_steps_of_a_deployment_are_printed_and_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.start(tmp_path / "log")
    shown: list[str] = []
    progress = Progress.of(["globalchat-oregon-api"])
    (stack,) = progress.stacks.values()
    view = LoggedView(PlainView(shown.append))
    print_step("account 123456789012; first deployment")
    view.changed(progress, stack, 61.0)
    view.changed(progress, None, 62.0)
    view.close()
    assert capsys.readouterr().err == "account 123456789012; first deployment\n"
    step, progressed = events(tmp_path / "log")
    assert (step["logger"], step["step"]) == (
        "globalchat.cli.deploy",
        "account 123456789012; first deployment",
    )
    assert [progressed["progress"]] == shown
    assert shown[0].startswith("[1:01] globalchat-oregon-api: ")
