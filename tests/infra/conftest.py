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
def everything(config: Config) -> Config:
    """Three regions, every option on, and names as long as they may be."""
    return replace(
        config,
        prefix="p" * 20,
        regions={"o" * 20: "us-west-2", "s" * 20: "ap-southeast-2", "i" * 20: "eu-west-1"},
        channels=tuple(f"{n:050}" for n in range(10)),
        alarm_email=f"{'o' * 64}@{'x' * 63}.example.com",
        dashboard=True,
        waf_rate=2000,
    )


@pytest.fixture(scope="session")
def full_assembly(everything: Config) -> Mapping[str, str]:
    return synthesise(everything)


@pytest.fixture(scope="session")
def full_templates(full_assembly: Mapping[str, str]) -> Templates:
    return templates_of(full_assembly)


@pytest.fixture(scope="session")
def seven_regions(config: Config) -> Config:
    """More regions than one rule of the relay has targets for."""
    names = ["us-west-2", "us-east-1", "us-east-2", "eu-west-1", "eu-west-2", "eu-west-3", "ap-southeast-2"]
    return replace(config, regions={name: name for name in names})


@pytest.fixture(scope="session")
def seven_templates(seven_regions: Config) -> Templates:
    return synthesise_templates(seven_regions)


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
