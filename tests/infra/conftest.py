"""One synthesis per run of each deployment that several tests look at, and the pinned node tools."""

import fcntl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from globalchat_infra.config import Config, load
from tests.infra.helpers.synthesised_templates import Templates, assemblies, configurations, templates_of
from tests.paths import INFRA


@pytest.fixture(autouse=True)
def _on_path(command_on_path: None) -> None:
    """Name the command plainly in advice."""


@pytest.fixture(scope="session")
def config() -> Config:
    """The configuration of the checkout's `cdk.json`."""
    return load()


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """The assembly of each of `configurations`."""
    return assemblies(tmp_path_factory)


@pytest.fixture(scope="session")
def assembly(synthesised: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The assembly of `config`, by file name."""
    return synthesised["default"]


@pytest.fixture(scope="session")
def templates(assembly: Mapping[str, str]) -> Templates:
    """The templates of `config`, by stack."""
    return templates_of(assembly)


@pytest.fixture(scope="session")
def everything() -> Config:
    """Three regions, every option on, and names as long as they may be."""
    return configurations()["everything"]


@pytest.fixture(scope="session")
def full_assembly(synthesised: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The assembly of `everything`, by file name."""
    return synthesised["everything"]


@pytest.fixture(scope="session")
def full_templates(full_assembly: Mapping[str, str]) -> Templates:
    """The templates of `everything`, by stack."""
    return templates_of(full_assembly)


@pytest.fixture(scope="session")
def seven_regions() -> Config:
    """More regions than one rule of the relay has targets for."""
    return configurations()["seven regions"]


@pytest.fixture(scope="session")
def seven_templates(synthesised: Mapping[str, Mapping[str, str]]) -> Templates:
    """The templates of `seven_regions`, by stack."""
    return templates_of(synthesised["seven regions"])


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the pinned node tools, installed from the lock file if they are missing."""
    folder = INFRA / "node_modules"
    with (INFRA / "package-lock.json").open() as lock:
        # Test processes share the folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "aws-cdk").is_dir() or not (folder / "eslint").is_dir():
            subprocess.run(["npm", "ci", "--prefix", str(INFRA), "--ignore-scripts"], check=True)
    return folder
