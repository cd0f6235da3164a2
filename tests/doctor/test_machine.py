"""The program, its libraries, the deployer's tools, and the profile's file."""

import re
import tomllib
from pathlib import Path

import pytest

from globalchat.core.check_result import CheckStatus
from globalchat.core.interpreter import install_command
from globalchat.doctor import machine
from globalchat.doctor.machine import check_profile_file
from tests.paths import ROOT


def test_a_profile_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "my profile.json"
    file.touch(mode=0o600)
    assert check_profile_file(file).status is CheckStatus.OK
    file.chmod(0o644)
    result = check_profile_file(file)
    assert (result.status, result.remedy) == (CheckStatus.WARNING, f"Run `chmod 600 '{file}'`.")
    assert "(mode 0644)" in result.text


def test_what_is_required_is_installed() -> None:
    assert machine.pins()["textual"] == machine.installed("textual")
    assert machine.check_libraries().status is CheckStatus.OK
    assert machine.check_program().text.startswith("globalchat 0.")


def test_another_version_than_the_pinned_one() -> None:
    result = machine.check_libraries({"textual": "9.0"}.get, lambda: {"textual": "8.2.8"})
    assert result.status is CheckStatus.WARNING
    assert "textual 9.0 instead of 8.2.8" in result.text
    assert "gql missing" in result.text


@pytest.mark.parametrize("missing", machine.DEPLOYERS)
def test_the_deployer_may_be_missing(missing: str) -> None:
    result = machine.check_deployer({name: "1" for name in machine.DEPLOYERS if name != missing}.get)
    assert result.status is CheckStatus.SKIPPED
    assert result.remedy == f"Run `{install_command('deploy')}`."
    assert machine.check_deployer().status is CheckStatus.OK


def test_every_library_of_the_extra_is_checked() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert sorted(machine.DEPLOYERS) == sorted(re.split("[=<>]", each)[0] for each in extras["deploy"])


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("v22.1.0", CheckStatus.OK),
        ("v20.0.0", CheckStatus.OK),
        ("v18.9.1", CheckStatus.WARNING),
        ("", CheckStatus.WARNING),
    ],
)
def test_node(version: str, status: CheckStatus) -> None:
    assert machine.evaluate_node(version, "x").status is status


async def test_no_node() -> None:
    assert (await machine.check_node("no-such-node")).status is CheckStatus.SKIPPED


async def test_a_node_that_is_not_for_this_machine(tmp_path: Path) -> None:
    broken = tmp_path / "node"
    broken.write_bytes(b"\x7fELF no program of this machine")
    broken.chmod(0o755)
    assert (await machine.check_node(str(broken))).status is CheckStatus.WARNING
