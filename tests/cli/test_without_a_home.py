"""Without a home folder, as in many a container, each command that needs one says so and exits 2."""

import pwd

import pytest
from click.testing import CliRunner

from globalchat.cli.main import root

NO_HOME = "globalchat: There is no home folder: set HOME or GLOBALCHAT_HOME.\n"


@pytest.fixture(autouse=True)
def _homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "GLOBALCHAT_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)


@pytest.mark.parametrize(
    "command",
    [
        *("", "--profile other", "publish tech hi", "publish tech hi --profile local", "subscribe tech"),
        *("history tech", "history tech --compare --repair", "purge tech"),
        *("unsubscribe tech", "latency", "bench", "doctor", "doctor --profile other", "outputs"),
        *("outputs --refresh", "deploy --yes", "destroy --yes", "keys list", "keys rotate", "uninstall"),
        *("local serve", "local up", "local down", "local status", "local env", "local faults", "local dlq"),
    ],
)
def test_each_command_that_needs_a_home_says_so(command: str) -> None:
    done = CliRunner().invoke(root, command.split())
    assert (done.exit_code, done.output) == (2, NO_HOME)


@pytest.mark.parametrize("command", ["--help", "--version", "completion bash", "deploy --help"])
def test_commands_that_need_none_work(command: str) -> None:
    assert CliRunner().invoke(root, command.split()).exit_code == 0


@pytest.mark.parametrize("words", ["globalchat --profile ", "globalchat subscribe tech --region "])
def test_completion_is_quiet(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_GLOBALCHAT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    done = CliRunner().invoke(root, [], prog_name="globalchat")
    assert done.exit_code == 0
    assert "home" not in done.output
