"""The wheel in an environment of its own, far from the checkout: everything runs from there."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.e2e.helpers.processes import Home
from tests.paths import ROOT

pytestmark = pytest.mark.e2e

STACKS = {f"globalchat-{alias}-{part}" for alias in ("oregon", "sydney") for part in ("api", "relay")}
OURS_ALONE = "[mypy]\nfollow_imports = skip\n[mypy-globalchat.*]\nfollow_imports = silent\n"
"""mypy's settings. With the types of the libraries below ours the check would take three times as long."""


@dataclass(frozen=True)
class Installation:
    """An environment that has the wheel, and a user who works in a folder of theirs."""

    programs: Path
    folder: Path
    home: Home

    def run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs to the end."""
        return subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env={**self.home.env, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Install the wheel with pip; the libraries are those of the environment of the tests."""
    root = tmp_path_factory.mktemp("installed")
    wheel = next(iter(WheelBuilder(str(ROOT)).build(directory=str(root), versions=["standard"])))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "venv")], check=True)
    pip = (sys.executable, "-m", "pip", "--python", str(root / "venv" / "bin" / "python"))
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "install", *options, wheel], check=True)
    (packages,) = (root / "venv").glob("lib/python*/site-packages")
    # Only now, since pip would find this project there. The .pth files of that folder, of which one leads to
    # the checkout, are not read.
    libraries = (sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (packages / "libraries.pth").write_text("\n".join(libraries), encoding="utf-8")
    (folder := root / "folder").mkdir()
    home = Home(root / "home", environment={"AWS_EC2_METADATA_DISABLED": "true"})
    yield Installation(root / "venv" / "bin", folder, home)
    home.close()


def test_packages_and_resources_are_the_installed_ones(installation: Installation) -> None:
    code = """
import globalchat, globalchat_infra
from globalchat.core import resources
print(globalchat.__file__, globalchat_infra.__file__, resources.TEMPLATES)
for name in ("schema.graphql", "cdk.json", "infra/resolvers", "infra/package-lock.json", "infra/.npmrc"):
    print(resources.resource(name))
"""
    ran = installation.run("python", "-c", code)
    assert ran.returncode == 0, ran.stderr
    for path in ran.stdout.split():
        assert Path(path).is_relative_to(installation.programs.parent), path


def test_commands_run_on_the_local_cloud(installation: Installation) -> None:
    assert installation.run("globalchat", "--version").stdout.startswith("globalchat, version ")
    sent = installation.run("globalchat", "publish", "tech", "hello", "--json")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert json.loads(sent.stdout)["message"] == "hello"
    assert installation.run("globalchat", "local", "down").returncode == 0


@pytest.mark.infra
def test_the_cdk_app_synthesises(installation: Installation) -> None:
    context = json.dumps(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"])
    out = installation.folder / "out"
    ran = installation.run("python", "-m", "globalchat_infra", CDK_OUTDIR=str(out), CDK_CONTEXT_JSON=context)
    assert ran.returncode == 0, ran.stderr
    made = {file.name.removesuffix(".template.json") for file in out.glob("*.template.json")}
    assert made == STACKS


def test_deploying_asks_for_credentials(installation: Installation) -> None:
    ran = installation.run("globalchat", "deploy", "--yes", HOME=str(installation.folder))
    assert ran.returncode != 0
    assert ran.stdout == ""
    assert "No AWS credentials were found" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_types_of_a_user_s_program_are_checked(installation: Installation) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text("utf-8"), re.DOTALL)
    wrong = 'globalchat.connect(globalchat.load_profile(), "oregon", sender=1)\nglobalchat.nosuch\n'
    (installation.folder / "program.py").write_text(code + wrong, encoding="utf-8")
    (installation.folder / "mypy.ini").write_text(OURS_ALONE, encoding="utf-8")
    mypy = ("-m", "mypy", "--strict", "--cache-dir", os.devnull, "--no-error-summary")
    ran = installation.run("python", *mypy, "program.py")
    errors = [line.partition("error: ")[2] for line in ran.stdout.splitlines()]
    assert [error.rpartition("[")[2] for error in errors] == ["arg-type]", "attr-defined]"], ran.stdout
