"""The files at the root and in `.github`: they parse, agree on versions, and name what exists."""

import os
import re
import shlex
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import badge
from globalchat.core.resources import oldest_node
from tests.docs.helpers.pages import PAGES, text_of
from tests.paths import INFRA, ROOT

CONFIGURATIONS = sorted([*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"])
NIGHTLY = ROOT / ".github/workflows/nightly.yml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def content(file: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return parsed


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_every_configuration_parses_and_names_files_that_exist(file: Path) -> None:
    assert content(file)
    named = re.findall(r"\b(?:tools|docs)/\w+\.(?:py|md)\b|\b[A-Z]+\.md\b", file.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("job", ["test.yml test", "release.yml check"])
def test_every_python_of_the_classifiers_is_tested_on_linux_and_macos(job: str) -> None:
    workflow, name = job.split()
    matrix = content(ROOT / ".github/workflows" / workflow)["jobs"][name]["strategy"]["matrix"]
    listed = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if " :: Python :: 3." in each]
    assert matrix["python"] == listed
    systems = {*matrix["os"], *(cell["os"] for cell in matrix.get("include", []))}
    assert systems == {"ubuntu-latest", "macos-latest"}


def test_the_badges_are_those_of_the_project() -> None:
    drawn = {file.stem: text_of(file) for file in badge.FOLDER.iterdir()}
    assert drawn == badge.badges(), "run `make badges`"


def test_the_latest_version_of_the_changelog_is_the_project_s() -> None:
    versions = re.findall(r"^## \[(\d.*)\] - \d{4}-\d\d-\d\d$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == PROJECT["version"] == version("globalchat")


def test_the_nightly_check_finds_the_table_that_it_leaves_out() -> None:
    (left_out,) = re.findall(r"!/(.+)/' pyproject.toml", text_of(ROOT / "Makefile"))
    tables = text_of(ROOT / "pyproject.toml").split("\n\n")
    (table,) = (each for each in tables if re.search(left_out, each))
    assert 'module = ["aws_cdk.*"' in table
    (step,) = (s["run"] for s in content(NIGHTLY)["jobs"]["cdk-types"]["steps"] if "run" in s)
    assert step == "make lint-cdk"


def test_only_the_job_that_publishes_may_identify_itself() -> None:
    jobs = content(ROOT / ".github/workflows/release.yml")["jobs"]
    assert {name for name, job in jobs.items() if "id-token" in job.get("permissions", {})} == {"publish"}
    assert jobs["publish"]["needs"] == "check"


def test_pages_messages_and_make_name_one_oldest_node() -> None:
    sources = [file for folder in (ROOT / "tui", INFRA / "globalchat_infra") for file in folder.rglob("*.py")]
    found = {
        (file.name, int(number))
        for file in (*PAGES, *sources, ROOT / "bench/servers/peers.py")
        for number in re.findall(r"Node(?:\.js)? (\d+) or later", text_of(file))
    }
    assert {"README.md", "CONTRIBUTING.md", "deploying.md", "deploy.py", "help.py"} <= {n for n, _ in found}
    assert {each for each in found if each[1] != oldest_node()} == set()
    printed = make_n("node")
    assert f'"Node {oldest_node()} or later' in printed
    assert f"< {oldest_node()} ?" in printed


def test_make_deploy_looks_for_node_before_the_large_download() -> None:
    printed = make_n("--always-make", "deploy")
    assert -1 < printed.index("npm, is needed") < printed.index(".[deploy]")


@pytest.mark.parametrize("name", ["o'brien", 'a "b" $HOME `c`', "ana; b"])
def test_make_chat_passes_any_name(name: str) -> None:
    printed = make_n("chat", "NAME=" + name.replace("$", "$$"))
    assert shlex.split(printed.partition("bin/globalchat")[2].replace("\\\n", " ")) == ["--name", name]


def make_n(*words: str) -> str:
    """Return the commands that make would run."""
    # Without the variables of a "make test" that runs this test.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-n", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_requirement_files_of_pages_and_workflows_exist() -> None:
    texts = map(text_of, (*PAGES, *CONFIGURATIONS))
    named = {name for text in texts for name in re.findall(r"\brequirements/\w+\.txt", text)}
    assert named == {f"requirements/{file.name}" for file in (ROOT / "requirements").iterdir()}
