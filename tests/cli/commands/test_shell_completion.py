"""What a shell completes: from files alone, quickly, and with nothing heavy loaded."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from globalchat.cli.commands.shell_completion import COMPLETERS
from globalchat.cli.main import root
from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.files import user_folders
from tests.cli.helpers.command_tree import ALL
from tests.cli.helpers.heavy_imports import LIGHT

CHANNELS = ["cars", "robots", "tech", "music", "media"]


def completed(*words: str) -> list[str]:
    """Return what the last, unfinished word may become."""
    *whole, incomplete = words
    shell = ShellComplete(root, {}, "globalchat", "_GLOBALCHAT_COMPLETE")
    return [item.value for item in shell.get_completions(list(whole), incomplete)]


@pytest.fixture
def mesh() -> None:
    """A profile of two other regions, which this machine deployed with other channels."""
    bus = "arn:aws:events:eu-west-1:1:event-bus/mine-bus"
    regions = {
        alias: RegionEndpoint(alias, region, "https://a/graphql", "wss://a/graphql", "id", bus, "key")
        for alias, region in (("dublin", "eu-west-1"), ("tokyo", "ap-northeast-1"))
    }
    profiles.save(Profile("mesh", regions), user_folders().config)


def test_the_first_word_is_a_command_or_a_region() -> None:
    assert completed("s") == ["subscribe", "sydney"]
    everything = completed("")
    assert {"publish", "local", "completion", "oregon", "auto"} <= set(everything)
    assert "chat" not in everything


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--ch"], ["--channel"]),
        (["oregon", "--asc"], ["--ascii"]),
        (["--channel", "m"], ["music", "media"]),
        (["publish", ""], CHANNELS),
        (["publish", "tech", "x", "--region", "o"], ["oregon"]),
        (["publish", "tech", "x", "--region=o"], ["oregon"]),
        (["subscribe", "cars", "m"], ["music", "media"]),
        (["unsubscribe", "t"], ["tech"]),
        (["purge", "t"], ["tech"]),
        (["history", "t"], ["tech"]),
        (["subscribe", "tech", "--no-"], ["--no-fill"]),
        (["local", "sta"], ["status"]),
        (["local", "faults", "set", "relay-d"], ["relay-delay="]),
        (["local", "faults", "set", "half-open", "--from", ""], ["oregon", "sydney"]),
        (["keys", "r"], ["rotate", "revoke"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["doctor", "--no-"], ["--no-publish"]),
        (["doctor", "--log-l"], ["--log-level"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_words_of_the_local_cloud(words: list[str], expected: list[str]) -> None:
    assert completed(*words) == expected


@pytest.mark.usefixtures("mesh")
def test_words_of_a_profile() -> None:
    assert completed("--profile", "") == ["mesh", "local"]
    assert completed("publish", "--profile", "mesh", "tech", "x", "--region", "") == [
        "dublin",
        "tokyo",
        "auto",
    ]
    assert completed("latency", "--profile", "mesh", "--from", "t") == ["tokyo"]
    assert completed("publish", "--profile", "mesh", "") == CHANNELS
    file = user_folders().cache / "deploy" / "mine" / "cdk.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"context": {"globalchat": {"channels": ["a1", "b2"]}}}), encoding="utf-8")
    assert completed("publish", "--profile", "mesh", "") == ["a1", "b2"]
    file.write_text("{", encoding="utf-8")
    assert completed("publish", "--profile", "mesh", "") == CHANNELS


@pytest.mark.usefixtures("mesh")
def test_the_environments_profile_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_PROFILE", "mesh")
    assert completed("publish", "tech", "x", "--region", "d") == ["dublin"]


@pytest.mark.parametrize("profile", ["nowhere", "../x", "damaged"])
def test_a_profile_that_cannot_be_read_completes_nothing(profile: str) -> None:
    folder = user_folders().config / "profiles"
    folder.mkdir(parents=True)
    (folder / "damaged.json").write_text("{", encoding="utf-8")
    assert completed("publish", "--profile", profile, "tech", "x", "--region", "") == []
    assert completed("publish", "--profile", profile, "") == []


def test_every_name_that_completes_is_some_parameters() -> None:
    names: set[str | None] = set()
    for words in ALL:
        command: click.Command = root
        for word in words:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), word)
            assert found is not None
            command = found
        names.update(param.name for param in command.params)
    assert set(COMPLETERS) <= names


def complete_in_a_process(words: str, number: int, home: Path) -> tuple[list[str], float]:
    """Return the completions that bash is given, and the CPU seconds that they took."""
    program = (
        "import os, sys, atexit, resource\n"
        f"atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_utime,"
        f" *(n for n in {LIGHT!r} if n in sys.modules), file=sys.stderr))\n"
        "from globalchat.cli.main import main\n"
        "main()\n"
    )
    env = {
        **os.environ,
        "GLOBALCHAT_HOME": str(home),
        "COMP_WORDS": words,
        "COMP_CWORD": str(number),
        "_GLOBALCHAT_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    seconds, *heavy = done.stderr.split()
    assert heavy == []
    return done.stdout.split(), float(seconds)


def test_it_is_quick_and_starts_nothing(tmp_path: Path) -> None:
    runs = [complete_in_a_process("globalchat publish ", 2, tmp_path) for _ in range(3)]
    assert runs[0][0] == [f"plain,{name}" for name in CHANNELS]
    assert min(seconds for _, seconds in runs) < 0.15
    assert list(tmp_path.iterdir()) == []


SHELLS: Mapping[str, str] = {
    "bash": "_GLOBALCHAT_COMPLETE=bash_complete",
    "zsh": "_GLOBALCHAT_COMPLETE=zsh_complete",
    "fish": "_GLOBALCHAT_COMPLETE=fish_complete",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell(shell: str) -> None:
    done = CliRunner().invoke(root, ["completion", shell], prog_name="globalchat")
    assert done.exit_code == 0
    assert SHELLS[shell] in done.stdout
    assert "globalchat" in done.stdout


def test_an_unknown_shell() -> None:
    done = CliRunner().invoke(root, ["completion", "tcsh"], prog_name="globalchat")
    assert done.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in done.output


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_takes_the_script(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("globalchat")
    program = f"""
        PATH={command.parent}:$PATH
        eval "$(globalchat completion bash)"
        COMP_WORDS=(globalchat local st) COMP_CWORD=2
        _globalchat_completion globalchat st local
        echo "${{COMPREPLY[@]}}"
    """
    env = {**os.environ, "GLOBALCHAT_HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "--norc", "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["status"]
    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_shows_a_hint_with_a_comma_whole(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("globalchat")
    program = 'globalchat completion fish | source; complete -C "globalchat local "'
    done = subprocess.run(
        ["fish", "--no-config", "-c", program],
        env={"PATH": f"{command.parent}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "serve\tRun the local cloud here, until Ctrl-C." in done.stdout.splitlines()
