"""The command line without a backend: help, wrong usage, bad input."""

from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner, Result

from globalchat.cli import profiles
from globalchat.cli.commands.shell_completion import SCRIPTS
from globalchat.cli.main import COMMANDS, main, root
from globalchat.core import interpreter
from globalchat.core.errors import ExitCode, Refused, Unreachable, UsageError, UserError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, arguments, prog_name="globalchat")


def test_help_lists_every_command_there_is_and_none_that_is_not() -> None:
    help_text = run("--help").output

    for name, entry in COMMANDS.items():
        assert (f"  {name} " in help_text) == (entry.help is not None)
    for missing in ("faults", "dlq"):
        assert f"  {missing} " not in help_text
    assert "--channel" in help_text


def test_local_help_lists_its_commands() -> None:
    help_text = run("local", "--help").output

    for name in ("serve", "up", "down", "status", "env"):
        assert f"  {name} " in help_text


@pytest.mark.parametrize(
    "name",
    # Groups of commands, and those that are about no profile or every one.
    [
        name
        for name, entry in COMMANDS.items()
        if entry.help and name not in ("local", "keys", "channels", "cost", "uninstall", "completion")
    ],
)
def test_every_command_takes_a_profile(name: str) -> None:
    assert "--profile NAME" in run(name, "--help").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sidney"], 'Did you mean "sydney"?'),
        (
            [
                "--name",
                "ana",
                "publish",
            ],
            "put it first",
        ),
        (["publish"], "Missing argument 'CHANNEL'"),
        (["publish", "tech"], "Missing argument"),
        (["subscribe"], "Missing argument"),
        (["subscribe", "tech", "--nope"], "No such option"),
        (["local", "nope"], "Unknown command: nope. There are: serve"),
        (["local", "serve", "--port", "70000"], "70000"),
        (["publish", "tech", "hi", "--profile", "nope"], "There are: local."),
        (["subscribe", "tech", "--profile", "../x"], "cannot name a profile"),
        ([], "subscribe"),
        (["oregon"], "needs a terminal"),
    ],
)
def test_wrong_usage_is_reported_and_exits_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)

    assert said in result.output
    assert "Traceback" not in result.output
    assert result.exit_code == 2


def test_a_damaged_profile_is_one_sentence(config: Path) -> None:
    (config / "profiles").mkdir(parents=True)
    (config / "profiles" / "default.json").write_text("{")

    result = run("outputs")

    assert result.exit_code == 2
    assert result.stderr.startswith("globalchat: The profile file ")
    assert "is damaged" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_home_that_cannot_be_used_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "file"))

    result = run("publish", "tech", "hi")

    assert result.exit_code == 1
    assert "GLOBALCHAT_HOME" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("It failed.", remedy="Try again."), 1),
        (Refused("It failed.", error_type="NotAccepted", remedy="Try again."), 1),
        (UsageError("It failed.", remedy="Try again."), 2),
        (Unreachable("It failed.", remedy="Try again."), 3),
        (UserError("It failed.", remedy="Try again.", exit_code=ExitCode.INTERRUPTED), 130),
    ],
)
def test_an_error_is_its_sentence_and_its_exit_code(
    error: UserError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str | None) -> NoReturn:
        raise error

    monkeypatch.setattr(profiles, "choose", fail)

    result = run("outputs")

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == "globalchat: It failed. Try again.\n"


def test_the_environment_chooses_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_PROFILE", "elsewhere")

    assert '"elsewhere"' in run("outputs").output


def test_without_a_local_cloud_status_says_so_and_down_is_content() -> None:
    status, down = run("local", "status"), run("local", "down")

    assert (status.exit_code, down.exit_code) == (3, 0)
    assert "No local cloud runs" in status.output
    assert "No local cloud runs" in down.output


def test_what_others_wrote_cannot_drive_the_terminal() -> None:
    result = run("\x1b[2J\x9bevil")

    assert "\x1b" not in result.stderr
    assert "\x9b" not in result.stderr


def test_an_unknown_profile_is_reported_before_the_screen_is_taken(config: Path) -> None:
    result = run("--profile", "nope")

    assert result.exit_code == 2
    assert 'There is no profile "nope". There are: local.' in result.stderr


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["publish"], "Try '.venv/bin/globalchat publish --help' for help."),
        (["local", "nope"], "Usage: .venv/bin/globalchat local "),
        (["--nope"], "Usage: .venv/bin/globalchat "),
        (["qqqqqq"], "See `.venv/bin/globalchat --help`."),
        ([], "`.venv/bin/globalchat subscribe CHANNEL` follows"),
        (["local", "dlq"], "Start it with `.venv/bin/globalchat local up`."),
        (["publish", "tech", "hi", "--profile", "default"], "Make one with `.venv/bin/globalchat deploy`"),
    ],
)
def test_advice_names_the_command_as_it_is_typed_here(
    arguments: list[str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "own_command", lambda: ".venv/bin/globalchat")

    assert advice in run(*arguments).stderr


@pytest.mark.parametrize("shell", SCRIPTS)
def test_click_s_way_to_ask_for_a_completion_script_prints_ours(
    shell: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_GLOBALCHAT_COMPLETE", f"{shell}_source")

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code in (None, 0)
    assert capfd.readouterr() == (SCRIPTS[shell].strip() + "\n", "")


def test_a_completion_script_for_an_unknown_shell_is_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_GLOBALCHAT_COMPLETE", "tcsh_source")

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in capfd.readouterr().err
