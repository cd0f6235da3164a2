"""One synthesis per session of the default deployment and of a larger one, and the pinned node tools."""

import fcntl
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from infra.config import Config, load
from infra.files import PACKAGE
from infra.snapshot import synthesise
from tests.infra.synthesis import Templates, synthesise_templates, templates_of


@pytest.fixture(scope="session")
def config() -> Config:
    return load()


@pytest.fixture(scope="session")
def assembly(config: Config) -> Mapping[str, str]:
    return synthesise(config)


@pytest.fixture(scope="session")
def templates(assembly: Mapping[str, str]) -> Templates:
    return templates_of(assembly)


@pytest.fixture(scope="session")
def three_regions(config: Config) -> Templates:
    return synthesise_templates(replace(config, regions={**config.regions, "ireland": "eu-west-1"}))


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the pinned node tools, installed from the lock file if they are missing."""
    folder = PACKAGE / "node_modules"
    with (PACKAGE / "package-lock.json").open() as lock:
        # Test processes share the folder.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "aws-cdk").is_dir() or not (folder / "eslint").is_dir():
            subprocess.run(["npm", "ci", "--prefix", str(PACKAGE), "--ignore-scripts"], check=True)
    return folder
