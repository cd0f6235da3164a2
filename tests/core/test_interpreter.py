"""How this Python is started again."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from globalchat.core import interpreter
from globalchat.core.interpreter import (
    as_typed_here,
    child_environment,
    install_command,
    module_command,
    own_command,
)
from tests.paths import ROOT


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
def test_tracebacks_are_plain_also_where_colours_are_forced(forced: str) -> None:
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


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that is installed in an environment of its own, started by its script."""
    script = tmp_path / "a b" / ".venv" / "bin" / "globalchat"
    script.parent.mkdir(parents=True)
    script.write_text("")
    script.chmod(0o700)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "/nowhere")
    return script


def test_the_command_is_a_path_unless_path_leads_to_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_command() == f"'{script}'"
    monkeypatch.chdir(script.parents[2])
    assert own_command() == ".venv/bin/globalchat"
    another = script.parents[3] / "globalchat"
    another.write_text("")
    another.chmod(0o700)
    monkeypatch.setenv("PATH", str(another.parent))
    assert own_command() == ".venv/bin/globalchat"
    monkeypatch.setenv("PATH", str(script.parent))
    assert own_command() == "globalchat"


def test_a_module_is_run_by_its_script_if_there_is_one(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/lib/globalchat/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.chdir(script.parents[2])
    assert own_command() == ".venv/bin/globalchat"
    script.unlink()
    assert own_command() == f"'{script.with_name('python')}' -m globalchat"


@pytest.mark.parametrize(
    ("advice", "shown"),
    [
        ("Start it with `globalchat local up`.", "Start it with `.venv/bin/globalchat local up`."),
        ("`globalchat doctor` says more.", "`.venv/bin/globalchat doctor` says more."),
        ("  globalchat deploy --diff\n  globalchat deploy", "  X deploy --diff\n  X deploy"),
        ("globalchat opens it by itself", "globalchat opens it by itself"),
        ("`globalchat`, and 'globalchat[deploy]'", "`globalchat`, and 'globalchat[deploy]'"),
    ],
)
def test_advice_names_the_command_as_it_is_typed_here(
    script: Path, monkeypatch: pytest.MonkeyPatch, advice: str, shown: str
) -> None:
    monkeypatch.chdir(script.parents[2])
    assert as_typed_here(advice) == shown.replace("X", ".venv/bin/globalchat")


def test_a_checkout_is_installed_again_from_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(ROOT)
    assert shlex.split(install_command("deploy"))[-5:] == ["-m", "pip", "install", "-e", ".[deploy]"]
    assert shlex.split(install_command())[-1] == "."
    monkeypatch.chdir(tmp_path)
    assert shlex.split(install_command("deploy"))[0] == sys.executable
    assert shlex.split(install_command("deploy"))[-1] == f"{ROOT}[deploy]"


@pytest.mark.parametrize(
    ("noted", "source"),
    [
        ({"url": "file:///srv/globalchat.whl", "archive_info": {}}, " @ file:///srv/globalchat.whl"),
        ({"url": "file:///srv/a%20b", "dir_info": {}}, " @ file:///srv/a%20b"),
        (
            {"url": "https://git.example/g", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            " @ git+https://git.example/g@abc",
        ),
    ],
)
def test_an_installed_copy_is_installed_again_from_where_it_came(
    noted: object, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "checkout", lambda: None)
    monkeypatch.setattr("importlib.metadata.PathDistribution.read_text", lambda *_: json.dumps(noted))
    assert shlex.split(install_command("deploy"))[-1] == f"globalchat[deploy]{source}"
    assert shlex.split(install_command())[-1] == f"globalchat{source}"


def test_a_copy_of_unknown_origin_gets_its_libraries_and_no_name_that_may_be_another_package_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter, "checkout", lambda: None)
    monkeypatch.setattr(interpreter, "_origin", lambda: None)
    again, deployer = shlex.split(install_command()), shlex.split(install_command("deploy"))
    assert {"textual==8.2.8", "click>=8.2"} <= set(again)
    assert any(word.startswith("aws-cdk-lib==") for word in deployer)
    assert not any(word.startswith(("aws-cdk-lib", "pytest", "globalchat")) for word in again)
    assert not any(word.startswith(("textual", "pytest", "globalchat")) for word in deployer)


def test_pip_is_named_plainly_if_path_leads_to_it(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = script.with_name("pip")
    pip.write_text("")
    pip.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.chdir(script.parents[2])
    assert install_command().startswith(".venv/bin/python -m pip install ")
    monkeypatch.setenv("PATH", str(script.parent))
    assert install_command().startswith("pip install ")


def test_a_python_without_pip_is_served_by_uv(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = script.with_name("uv")
    uv.write_text("")
    uv.chmod(0o700)
    monkeypatch.setenv("PATH", str(script.parent))
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.chdir(script.parents[2])
    assert install_command().startswith("uv pip install --python .venv/bin/python ")
