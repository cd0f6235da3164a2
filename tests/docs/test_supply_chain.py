"""What SECURITY.md says of the versions and hashes of what is fetched."""

import json
import re
import tomllib

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


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in found if not re.fullmatch(r"[\w.-]+==[\w.]+(?: *;.*)?", line)] == []
    return {normal(name): version for name, version in (re.split("==| *;", line)[:2] for line in found)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_python_package_that_make_installs_is_pinned_and_none_has_a_hash() -> None:
    assert len(pins()) > 50
    assert "**no hashes**" in PAGE


@pytest.mark.parametrize(
    ("name", "needed"),
    [("chat", "textual"), ("deploy", "aws-cdk-lib"), ("web", "textual-serve"), ("build", "hatchling")],
)
def test_requirements_with_hashes_are_those_of_the_constraints(name: str, needed: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text, "the index is the user's"
    entries = re.findall(
        r"^([\w.-]+)==(\S+)([^\n]*(?:\n    --hash=sha256:[0-9a-f]{64}[ \\\\]*)+)", text, re.MULTILINE
    )
    assert (
        len(entries)
        == text.count("==") - text.count("; python")
        == len(re.findall(r"^\w", text, re.MULTILINE))
    )
    locked = {normal(package): version for package, version, _ in entries}
    assert needed in locked
    assert locked.items() <= pins().items(), "run `make hashes`"


def test_what_the_project_requires_has_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name, required in (
        ("chat", project["dependencies"]),
        ("deploy", [*project["dependencies"], *project["optional-dependencies"]["deploy"]]),
        ("web", [*project["dependencies"], *project["optional-dependencies"]["web"]]),
    ):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        locked = {normal(each) for each in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
        assert {normal(re.match(r"[\w.-]+", each)[0]) for each in required} <= locked, "run `make hashes`"  # type: ignore[index]


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
