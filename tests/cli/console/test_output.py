"""Streams that cannot be written, or that the shell closed."""

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from globalchat.cli import main
from globalchat.cli.console import output
from globalchat.cli.console.live_line import LiveLine
from globalchat.cli.console.streams import Output
from globalchat.core.errors import UserError

GLOBALCHAT = Path(sys.executable).with_name("globalchat")
FULL = "/dev/full"


def run(redirection: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-c", f'"$0" "$@" {redirection}', str(GLOBALCHAT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not os.path.exists(FULL), reason="the system has no device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["completion", "bash"]])
def test_a_full_disk_is_one_sentence(arguments: list[str]) -> None:
    done = run(f">{FULL}", *arguments)
    assert done.stderr == "globalchat: Standard output cannot be written: No space left on device.\n"
    assert done.returncode == 1


def test_usage_errors_do_not_go_to_standard_output_where_standard_error_is_closed() -> None:
    done = run("2>&-", "publish")
    assert (done.returncode, done.stdout) == (2, "")


def test_nothing_is_needed_of_the_streams() -> None:
    done = run(">&- 2>&- <&-", "cost", "--clients", "1", "--messages-per-second", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_the_encoding_lacks_is_escaped() -> None:
    program = (
        "import click; from globalchat.cli.main import main\n"
        "from globalchat.cli.console.output import write_lines as w\n"
    )
    program += "from globalchat.cli import main as m; m.root = lambda _, prog_name: w(['a → b']); main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("a \\u2192 b\n", "")


def test_lines_that_cannot_be_written_are_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists(FULL):
        pytest.skip("the system has no device that is always full")
    with open(FULL, "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(UserError, match="No space left"):
            output.write_lines(["a"])


def test_ctrl_c_at_a_question_is_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> bool:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise click.Abort from None  # as click's own prompts do

    (tmp_path / "home" / "cache" / "deploy").mkdir(parents=True)
    monkeypatch.setattr(click, "confirm", interrupt)
    monkeypatch.setattr("globalchat.cli.deployment.person.is_terminal", lambda _: True)
    result = CliRunner().invoke(main.root, ["uninstall"], prog_name="globalchat")
    assert result.exit_code == 130
    assert (tmp_path / "home" / "cache").exists()


@pytest.mark.parametrize("value", ["\x1b]0;owned\x07", "\x9b31m", "\u202e", "two\nlines", "\x1b#8", "\ufff9"])
def test_no_way_out_lets_a_control_pass(value: str, capfd: pytest.CaptureFixture[str]) -> None:
    output.write_lines([value, ("  ", output.Styled(value, "red"), value)])
    output.narrate(value)
    written = io.StringIO()
    LiveLine(written, width=80, clock=lambda: 0.0).show("", value)
    results = Output(1)
    asyncio.run(results.write([value]))

    out, err = capfd.readouterr()
    shown = click.unstyle(out) + err + written.getvalue()
    assert all(line.isprintable() for line in shown.split("\n")), shown
    assert shown.count("\n") == 5


def test_a_script_is_written_as_it_is_into_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    output.write_exactly("\tcafe\u0301\n")
    assert capfd.readouterr().out == "\tcafe\u0301\n\n"
