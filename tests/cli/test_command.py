"""Arguments that cannot be decoded: the reason names the encoding, the exit code is that of wrong usage."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from globalchat.cli import options
from globalchat.cli.main import root

ODD = "Zo\udceb"
"""What Python makes of the byte EB of a command line."""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["publish", "tech", "hi", "--name", ODD], "The value of --name is not UTF-8."),
        (["publish", "tech", "hi", f"--name={ODD}"], "The value of --name is not UTF-8."),
        (["publish", "tech", ODD], "The text is not UTF-8."),
        (["publish", ODD, "hi"], "The channel is not UTF-8."),
        (["publish", "tech", "-", "--rate", ODD], "The value of --rate is not UTF-8."),
        (["subscribe", "tech", ODD], "The channel is not UTF-8."),
        (["subscribe", "tech", "--for", ODD], "The value of --for is not UTF-8."),
        (["doctor", "--profile", ODD], "The value of --profile is not UTF-8."),
        (["completion", ODD], "The shell is not UTF-8."),
        (["local", "faults", "set", "throttle", ODD], "The fault is not UTF-8."),
        (["cost", "--log-level", ODD], "The value of --log-level is not UTF-8."),
        (["--name", ODD], "The value of --name is not UTF-8."),
        (["oregon", "--channel", ODD], "The value of --channel is not UTF-8."),
        ([ODD], "The region is not UTF-8."),
    ],
)
def test_the_encoding_is_named(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(root, arguments, prog_name="globalchat")
    assert said in done.output
    assert done.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_a_path_may_be_any_bytes(tmp_path: Path) -> None:
    file = tmp_path / "log-\udceb"
    arguments = ["cost", "--clients", "1", "--messages-per-second", "1", "--log-file", str(file)]
    done = subprocess.run([sys.executable, "-m", "globalchat", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert file.exists()


def test_the_encoding_is_that_of_the_locale(tmp_path: Path) -> None:
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    arguments = ["publish", "tech", "hi", "--name", "Zoë"]
    done = subprocess.run(
        [sys.executable, "-m", "globalchat", *arguments],
        env={**env, "GLOBALCHAT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    reason = "The value of --name is not ASCII, the encoding of this locale (for UTF-8 set LC_ALL=C.UTF-8)."
    assert reason in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "person", "sender"),
    [
        ("nick", "ana@example.com", "nick"),
        (None, "ana@example.com", "ana"),
        (None, "a" * 64, "a" * 32),
        (None, None, "login"),
    ],
)
def test_a_sender_without_a_name_is_called_as_it_signs(
    name: str | None, person: str | None, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    assert options.sender(name, person) == sender


def test_a_login_name_that_cannot_be_decoded_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: ODD)
    assert options.sender(None) == "anonymous"
