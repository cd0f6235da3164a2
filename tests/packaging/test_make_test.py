"""`make test` and its set-up with stand-ins for the tools: what they print, when, and how they end."""

import errno
import os
import pty
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.paths import ROOT

TOOLS = ("pytest", "mypy", "ruff", "lint-imports", "python")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is set up, whose tools print their name and succeed."""
    for name in ("infra/node_modules/.stamp", ".venv/bin/npm", *(f".venv/bin/{tool}" for tool in TOOLS)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        replace(tmp_path / name, f"echo {Path(name).name} succeeded")
    for name in ("pyproject.toml", "constraints.txt", "infra/package-lock.json"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".venv/dev.stamp").touch()
    for name in ("Makefile", "infra/package.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def replace(tool: Path, script: str) -> None:
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)


def start_make_test(checkout: Path) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.Popen(
        ["make", "test"],
        cwd=checkout,
        env={**environment, "PATH": f"{checkout}/.venv/bin:{environment['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def make_test(checkout: Path) -> tuple[int, str]:
    with start_make_test(checkout) as running:
        printed, _ = running.communicate(timeout=60)
    return running.returncode, printed


def test_nothing_found_is_one_line_after_the_tests(checkout: Path) -> None:
    code, printed = make_test(checkout)
    assert code == 0
    assert printed.splitlines()[-3:] == [
        "pytest succeeded",
        "Types and style: nothing found.",
        "Words and resolvers: nothing found.",
    ]


@pytest.mark.parametrize("tool", ["mypy", "lint-imports", "npm"])
def test_what_a_check_finds_comes_after_the_tests_and_fails(checkout: Path, tool: str) -> None:
    replace(
        checkout / ".venv/bin/pytest",
        'while ! grep -qs "is wrong" .venv/check-*.txt; do :; done; echo passed',
    )
    replace(checkout / ".venv/bin" / tool, "echo line 3 is wrong; exit 1")
    code, printed = make_test(checkout)
    assert code == 2
    assert printed.index("passed") < printed.index("line 3 is wrong")
    assert "the tests continue" in printed


def test_a_failing_test_fails(checkout: Path) -> None:
    replace(checkout / ".venv/bin/pytest", "echo 1 failed; exit 1")
    code, printed = make_test(checkout)
    assert code == 2
    assert "1 failed" in printed
    assert "nothing found" in printed


def test_ctrl_c_ends_checks_and_tests(checkout: Path) -> None:
    for tool in ("mypy", "pytest"):
        os.mkfifo(checkout / f".venv/{tool}.input")
        collecting = '[ "$1" = --collect-only ] && exit; ' if tool == "pytest" else ""
        replace(checkout / ".venv/bin" / tool, f"{collecting}read -r _ <.venv/{tool}.input")
    with start_make_test(checkout) as running:
        inputs = [open_once_read(checkout / f".venv/{tool}.input", running) for tool in ("mypy", "pytest")]
        os.killpg(running.pid, signal.SIGINT)
        # The pipe ends when no process has it any more.
        printed, _ = running.communicate(timeout=60)
    assert "nothing found" not in printed
    assert running.returncode in (2, 130, -signal.SIGINT)
    for each in inputs:
        os.close(each)


def open_once_read(pipe: Path, reader: "subprocess.Popen[str]") -> int:
    """Return a named pipe, opened for writing, once a process of the reader's reads from it."""
    deadline = time.monotonic() + 60
    while reader.poll() is None and time.monotonic() < deadline:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        time.sleep(0.01)
    raise AssertionError(f"nothing reads from {pipe.name}")


@pytest.mark.parametrize("exit_code", [0, 1])
def test_on_a_terminal_the_set_up_shows_what_pip_is_at(checkout: Path, exit_code: int) -> None:
    """Without the lines of pip, but with its errors; elsewhere pip is quiet."""
    says = 'case "$*" in *--quiet*) exit;; esac; echo "Collecting textual==8 (from x)"; echo other'
    replace(checkout / ".venv/bin/python", f"{says}; echo to standard error >&2; exit {exit_code}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown, terminal = pty.openpty()
    with (checkout / "errors").open("wb") as errors:
        started = subprocess.Popen(
            ["make", ".venv/base.stamp"], cwd=checkout, env=environment, stdout=terminal, stderr=errors
        )
    os.close(terminal)
    printed = b"".join(until_closed(shown)).decode()
    os.close(shown)
    failed = started.wait() != 0
    assert "Collecting: textual==8\r" in printed
    assert "other" not in printed
    assert (checkout / "errors").read_text("utf-8").startswith("to standard error")
    assert (failed, (checkout / ".venv/base.stamp").exists()) == (exit_code != 0, exit_code == 0)


def until_closed(terminal: int) -> Iterator[bytes]:
    """Yield what is written to a terminal until its last writer has ended."""
    # Linux then reports an error, macOS an end.
    with suppress(OSError):
        while data := os.read(terminal, 10_000):
            yield data
