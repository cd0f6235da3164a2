"""What is installed: wheels, from a checkout or from the sdist, hold two packages and all their files."""

import re
import tarfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests.paths import INFRA, RESOLVERS, ROOT

PACKAGES = (ROOT / "tui" / "globalchat", INFRA / "globalchat_infra")
DATA = (
    *(ROOT / "schema.graphql", ROOT / "cdk.json"),
    *(INFRA / "package.json", INFRA / "package-lock.json", INFRA / ".npmrc"),
)
"""What lies elsewhere in a checkout and is found by `globalchat.core.resources`."""


def built(builder: WheelBuilder | SdistBuilder, folder: Path) -> Path:
    return Path(next(iter(builder.build(directory=str(folder), versions=["standard"]))))


def names(wheel: Path) -> set[str]:
    """Return the files of a wheel without those that describe it."""
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def description(wheel: Path) -> Message:
    """Return the metadata of a wheel: fields, and the README as the body."""
    with ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(files.read(name))


def test_the_wheel_holds_every_file_of_both_packages_whichever_way_it_is_built(tmp_path: Path) -> None:
    wanted = {
        file.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    wanted |= {f"globalchat_infra/{file.name}" for file in DATA}
    wanted |= {
        f"globalchat_infra/resolvers/{file.relative_to(RESOLVERS).as_posix()}"
        for file in RESOLVERS.rglob("*.js")
    }
    held = names(built(WheelBuilder(str(ROOT)), tmp_path))
    assert held == wanted
    assert {"globalchat/py.typed", "globalchat_infra/py.typed", "globalchat/__init__.pyi"} <= held

    with tarfile.open(built(SdistBuilder(str(ROOT)), tmp_path)) as sdist:
        sdist.extractall(tmp_path / "sdist", filter="data")
    (source,) = (tmp_path / "sdist").iterdir()
    assert names(built(WheelBuilder(str(source)), tmp_path / "again")) == held


def test_only_a_release_names_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = re.compile(r"\]\((?!https://)[^)]+\)")
    monkeypatch.delenv("REPOSITORY_URL", raising=False)
    of_a_copy = description(built(WheelBuilder(str(ROOT)), tmp_path))
    assert "Project-URL" not in of_a_copy
    assert link.findall(str(of_a_copy))

    monkeypatch.setenv("REPOSITORY_URL", "https://example.com/owner/name")
    released = description(built(WheelBuilder(str(ROOT)), tmp_path))
    named = dict(line.split(", ") for line in released.get_all("Project-URL", ()))
    tag = f"v{released['Version']}"
    assert named["Changelog"] == f"https://example.com/owner/name/blob/{tag}/CHANGELOG.md"
    assert link.findall(str(released)) == []
    assert f"](https://example.com/owner/name/raw/{tag}/docs/pictures/demo.svg)" in str(released)
    assert f"](https://example.com/owner/name/blob/{tag}/SECURITY.md)" in str(released)
