"""Standard output and error: safe lines, progress, and what the streams can show."""

import asyncio
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from globalchat.cli import main, output
from globalchat.cli.output import LiveLine, wants_ascii
from globalchat.cli.streams import Output
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
        "from globalchat.cli.output import write_lines as w\n"
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
    monkeypatch.setattr("globalchat.cli.output.is_terminal", lambda _: True)
    result = CliRunner().invoke(main.root, ["uninstall"], prog_name="globalchat")
    assert result.exit_code == 130
    assert (tmp_path / "home" / "cache").exists()


@pytest.mark.parametrize("value", ["\x1b]0;owned\x07", "\x9b31m", "\u202e", "two\nlines", "\x1b#8", "\ufff9"])
def test_no_way_out_lets_a_control_pass(value: str, capfd: pytest.CaptureFixture[str]) -> None:
    output.write_lines([value, ("  ", output.Styled(value, "red"), value)])
    output.echo_err(value)
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


@pytest.mark.parametrize(
    ("encoding", "locale", "asked", "expected"),
    [
        ("utf-8", "en_US.UTF-8", False, False),
        ("UTF8", "", False, False),
        ("utf-8", "en_US.UTF-8", True, True),
        ("iso-8859-1", "", False, True),
        ("ascii", "", False, True),
        ("utf-8", "C", False, True),
        ("utf-8", "POSIX", False, True),
    ],
)
def test_ascii_is_drawn_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, encoding: str, locale: str, asked: bool, expected: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    monkeypatch.setenv("LC_ALL", locale)
    assert wants_ascii(asked) is expected


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    now, stream = [0.0], Terminal()
    live = LiveLine(stream, width=6, clock=lambda: now[0])
    live.clear()
    live.show("a", "one")
    live.show("a", "too soon")
    now[0] = 1.0
    live.show("a", "longer than that")
    live.show("b", "b")
    live.clear()
    live.clear()
    assert stream.getvalue() == "\r\x1b[Kone\r\x1b[Klonge\r\x1b[Kb\r\x1b[K"


def test_elsewhere_plain_lines_come_rarely() -> None:
    now, stream = [0.0], io.StringIO()
    live = LiveLine(stream, width=6, clock=lambda: now[0])
    for moment in (0.0, 1.0, 4.9, 5.0, 9.0):
        now[0] = moment
        live.show("running", f"{moment} seconds")
    live.show("draining", "end")
    live.clear()
    assert stream.getvalue() == "0.0 seconds\n5.0 seconds\nend\n"


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_without_a_stream_nothing_is_shown() -> None:
    for stream in (None, Full()):
        live = LiveLine(stream, width=6, clock=lambda: 0.0)
        live.show("a", "one")
        live.clear()
        live.show("b", "two")


def test_a_terminal_that_cannot_write_over_a_line_gets_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    LiveLine(stream, width=6, clock=lambda: 0.0).show("a", "plain and whole")
    assert stream.getvalue() == "plain and whole\n"
