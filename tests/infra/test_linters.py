"""The linters of CloudFormation and of AppSync's resolvers find nothing, and would find what is wrong."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from globalchat.core.resources import TEMPLATES, TEMPLATES_VERIFIED, TEMPLATES_WITHOUT_HISTORY
from globalchat_infra.snapshot import write
from tests.paths import INFRA, RESOLVERS

pytestmark = pytest.mark.infra

REGIONS = ["us-west-2", "ap-southeast-2", "eu-west-1"]


def findings(templates: list[Path], regions: list[str]) -> list[str]:
    from cfnlint import ConfigMixIn  # here: loading it takes half a second, of every process that collects
    from cfnlint.runner import Runner

    config = ConfigMixIn([str(template) for template in templates], regions=regions)
    return [str(match) for match in Runner(config).run()]


def test_cloudformation_s_linter_finds_nothing() -> None:
    files = [
        *sorted(TEMPLATES.glob("*.template.json")),
        *sorted(TEMPLATES_WITHOUT_HISTORY.glob("*-api.template.json")),
        *sorted(TEMPLATES_VERIFIED.glob("*-api.template.json")),
    ]
    assert len(files) == 8
    assert findings(files, REGIONS) == []


def test_cloudformation_s_linter_finds_nothing_in_a_third_region_with_every_option(
    full_assembly: Mapping[str, str], tmp_path: Path
) -> None:
    write(full_assembly, tmp_path)
    files = sorted(tmp_path.glob(f"*-{'i' * 20}-*.template.json"))
    assert len(files) == 2
    assert findings(files, REGIONS) == []


def test_cloudformation_s_linter_would_find_a_wrong_property(tmp_path: Path) -> None:
    template = json.loads((TEMPLATES / "globalchat-oregon-relay.template.json").read_text(encoding="utf-8"))
    (rule,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::Events::Rule")
    rule["Properties"]["Targets"][0]["RetryPolicy"] = {"MaximumRetryAttempts": 1000}
    file = tmp_path / "wrong.template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    assert len(findings([file], REGIONS[:1])) == 1


def eslint(folder: Path, node_modules: Path) -> dict[str, set[str]]:
    """The rules that each resolver in a folder breaks."""
    command = [str(node_modules / ".bin" / "eslint"), "--max-warnings", "0", "--format", "json", "resolvers"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    return {
        Path(report["filePath"]).relative_to(folder / "resolvers").as_posix(): {
            message["ruleId"] for message in report["messages"]
        }
        for report in json.loads(ran.stdout)
    }


PLANTED = {
    "while": ("while (name) { return {}; }", "@aws-appsync/no-while"),
    "for": ("for (let i = 0; i < 1; i += 1) { return {}; }", "@aws-appsync/no-for"),
    "increment": ("let n = 0; n++;", "@aws-appsync/no-disallowed-unary-operators"),
    "try": ("try { return {}; } catch { return null; }", "@aws-appsync/no-try"),
    "regex": ("name.replace(/a/, 'b');", "@aws-appsync/no-regex"),
    "recursion": ("request(ctx);", "@aws-appsync/no-recursion"),
    # Found by the type of `name` alone.
    "denied": ("name.localeCompare('a');", "@aws-appsync/no-disallowed-methods"),
    "throw": ("throw name;", "no-restricted-syntax"),
    "includes": ("name.includes('a');", "no-restricted-syntax"),
    "date": ("return { payload: new Date() };", "no-restricted-globals"),
    "excused": ("// eslint-disable-next-line\n  while (name) { return {}; }", "@aws-appsync/no-while"),
}


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory, node_modules: Path) -> dict[str, set[str]]:
    """The rules that the resolvers and those with a planted fault break."""
    folder = tmp_path_factory.mktemp("linted")
    for name in ("appsync.d.ts", "eslint.config.js", "tsconfig.json", "package.json"):
        shutil.copy(INFRA / name, folder)
    (folder / "node_modules").symlink_to(node_modules)
    shutil.copytree(RESOLVERS, folder / "resolvers")
    for name, (line, _) in PLANTED.items():
        (folder / "resolvers" / f"{name}.js").write_text(
            "/** @param {import('@aws-appsync/utils').Context<{ name: string }>} ctx */\n"
            f"export function request(ctx) {{\n  const {{ name }} = ctx.args;\n  {line}\n"
            "  return { payload: name };\n}\n",
            encoding="utf-8",
        )
    return eslint(folder, node_modules)


def test_aws_s_linter_accepts_every_resolver(linted: dict[str, set[str]]) -> None:
    files = [file.relative_to(RESOLVERS).as_posix() for file in RESOLVERS.rglob("*.js")]
    assert "without_history/history.js" in files
    assert {name: linted[name] for name in files} == {name: set() for name in files}


@pytest.mark.parametrize("name", PLANTED)
def test_aws_s_linter_refuses_what_the_runtime_lacks(name: str, linted: dict[str, set[str]]) -> None:
    assert PLANTED[name][1] in linted[f"{name}.js"]


def test_the_lock_file_names_no_place_to_download_from() -> None:
    lock = (INFRA / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert json.loads(lock)["packages"]["node_modules/aws-cdk"]["version"] == "2.1148.1"
