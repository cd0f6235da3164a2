"""How this Python is started again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from globalchat.core.interpreter import child_environment, module_command


@pytest.mark.parametrize(
    ("given", "entries"),
    [("lib", ["lib"]), ("lib:../other", ["lib", "../other"]), (":/srv/lib", ["", "/srv/lib"])],
)
def test_relative_entries_of_the_python_path_become_absolute(given: str, entries: list[str]) -> None:
    absolute = ":".join(os.path.abspath(entry) for entry in entries)
    found = child_environment({"PYTHONPATH": given, "HOME": "x"})
    assert (found["PYTHONPATH"], found["HOME"]) == (absolute, "x")


@pytest.mark.parametrize("environment", [{"HOME": "x"}, {"PYTHONPATH": ""}])
def test_without_a_python_path_there_is_none(environment: dict[str, str]) -> None:
    assert environment.items() <= child_environment(environment).items()
    assert child_environment({}).get("PYTHONPATH") is None


@pytest.mark.parametrize("forced", ["0", "1"])
def test_tracebacks_are_plain_whoever_forces_colours(forced: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "raise ValueError('x')"],
        env=child_environment({**os.environ, "FORCE_COLOR": forced}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.splitlines()[-1] == "ValueError: x"


@pytest.mark.parametrize(
    ("option", "kept"),
    [("-P", ["-P"]), ("-E", ["-P", "-E"]), ("-s", ["-P", "-s"]), ("-I", ["-P", "-E", "-s"])],
)
def test_a_new_process_ignores_what_this_one_ignores(option: str, kept: list[str]) -> None:
    code = "from globalchat.core.interpreter import module_command; print(*module_command('pydoc', 'x')[1:])"
    ran = subprocess.run([sys.executable, option, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [*kept, "-m", "pydoc", "x"]


def test_modules_of_the_current_folder_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "platform.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    subprocess.run(module_command("platform"), cwd=tmp_path, capture_output=True, check=True)
