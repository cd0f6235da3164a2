"""What SECURITY.md says of the versions and hashes of what is fetched."""

import json
import re

import pytest

from tests.paths import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## Supply chain")[2]


def test_every_npm_package_of_the_lock_has_a_hash() -> None:
    packages = json.loads((ROOT / "infra/package-lock.json").read_text(encoding="utf-8"))["packages"]
    fetched = {name: each for name, each in packages.items() if name}
    assert len(fetched) > 100
    assert [
        name for name, each in fetched.items() if not each.get("integrity", "").startswith("sha512-")
    ] == []


@pytest.mark.parametrize("place", ["Makefile", "infra/globalchat_infra/deployer/cdk.py"])
def test_no_install_script_of_npm_runs(place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    assert re.findall(r'(?<!-)"?\bci"?,? (?:--prefix infra )?"?(--[a-z-]+)', text) == ["--ignore-scripts"]


def test_every_python_package_is_pinned_and_none_has_a_hash() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+(?: *;.*)?", line)] == []
    assert "**no hashes**" in PAGE


def test_actions_are_named_as_the_page_says() -> None:
    workflows = (ROOT / ".github/workflows").glob("*.yml")
    text = "".join(each.read_text(encoding="utf-8") for each in workflows)
    used = re.findall(r"uses: (.+)", text)
    assert len(used) > 5
    pinned = r"(?:actions|pypa)/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [each for each in used if not re.fullmatch(pinned, each)] == []
    # One version of each action: what was checked once is not checked in another version.
    assert len(set(used)) == len({each.partition("@")[0] for each in used})
    assert "secrets." not in text
    assert "by commit, with the version in a comment" in PAGE
