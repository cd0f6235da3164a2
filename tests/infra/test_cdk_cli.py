"""The pinned command line, as a person starts it: no credentials, no network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from globalchat.core.interpreter import install_command
from globalchat_infra.config import load
from globalchat_infra.snapshot import read, synthesise
from tests.infra.helpers.synthesised_templates import Templates, targets, templates_of, text
from tests.paths import INFRA, ROOT

pytestmark = pytest.mark.infra

STACKS = [
    "globalchat-oregon-api",
    "globalchat-sydney-api",
    "globalchat-oregon-relay",
    "globalchat-sydney-relay",
]


def environment(**changes: str) -> dict[str, str]:
    """No AWS settings, a proxy that does not exist, this Python first."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "JSII_"))
    }
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        **changes,
    }


def cdk(folder: Path, node_modules: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(node_modules / ".bin" / "cdk"), *arguments]
    ran = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return ran


def test_cdk_makes_the_checked_in_templates(node_modules: Path, tmp_path: Path, templates: Templates) -> None:
    ran = cdk(INFRA, node_modules, "ls", "--output", str(tmp_path))
    assert ran.stdout.split() == STACKS
    assert "Node.js" not in ran.stderr
    made = templates_of(read(tmp_path))
    # The day of this synthesis decides it.
    assert without_expiry(made) == without_expiry(templates)


def without_expiry(templates: Templates) -> Templates:
    copied: Templates = json.loads(json.dumps(templates))
    for name in STACKS[:2]:
        assert copied[name]["Parameters"]["KeyExpires"].pop("Default") > 0
    return copied


def test_the_project_s_own_python_is_found_without_being_activated(tmp_path: Path) -> None:
    for folder in ("root", "root/infra"):
        (tmp_path / folder).mkdir()
    python = tmp_path / "root" / ".venv" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho own $*\n", encoding="utf-8")
    python.chmod(0o755)
    app = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["app"]
    for folder in ("root", "root/infra"):
        ran = subprocess.run(
            app, shell=True, cwd=tmp_path / folder, capture_output=True, text=True, check=True
        )
        assert ran.stdout == "own -P -m globalchat_infra\n"


def test_a_third_alias_in_cdk_json_is_all_that_a_third_region_takes(tmp_path: Path) -> None:
    content = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    content["context"]["globalchat"]["regions"]["ireland"] = "eu-west-1"
    (tmp_path / "cdk.json").write_text(json.dumps(content), encoding="utf-8")
    made = templates_of(synthesise(load(tmp_path / "cdk.json")))
    assert list(made) == [
        f"globalchat-{alias}-{part}" for part in ("api", "relay") for alias in ("oregon", "sydney", "ireland")
    ]
    for alias, peers in {
        "oregon": {"ap-southeast-2", "eu-west-1"},
        "sydney": {"us-west-2", "eu-west-1"},
        "ireland": {"us-west-2", "ap-southeast-2"},
    }.items():
        arns = [text(target["Arn"]) for target in targets(made[f"globalchat-{alias}-relay"])]
        assert {arn.partition(":events:")[2].partition(":")[0] for arn in arns} == peers


def app(**changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "globalchat_infra"]
    return subprocess.run(
        command, env=environment(**changes), capture_output=True, text=True, check=False, timeout=60
    )


def test_a_wrong_cdk_json_is_one_sentence_at_synth(tmp_path: Path) -> None:
    content = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    content["context"]["globalchat"]["regions"]["oregon"] = "atlantis"
    # As the command line starts it.
    ran = app(CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=json.dumps(content["context"]))
    assert ran.returncode == 1
    sentence = 'globalchat: The region of "oregon" is "atlantis", which is not an AWS region'
    assert ran.stderr.startswith(sentence)
    assert ran.stderr.count("\n") == 1


def test_a_missing_node_is_one_sentence(tmp_path: Path) -> None:
    ran = app(PATH=str(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr == (
        "globalchat: Node.js was not found as node: install Node.js 20 or later, or name it in JSII_NODE.\n"
    )


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [("v18.20.4", "Node.js 18 is too old"), ("hello", "does not report its version")],
)
def test_an_unfit_node_is_one_sentence(answer: str, sentence: str, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!{shutil.which('sh')}\necho {answer}\n", encoding="utf-8")
    node.chmod(0o755)
    ran = app(JSII_NODE=str(node))
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "install Node.js 20 or later.\n" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--require /no/such.js", "Error: Cannot find module '/no/such.js'"),
        ("--import=/no/such.mjs", "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/no/such.mjs'"),
        ("--no-such-option", "--no-such-option is not allowed in NODE_OPTIONS"),
    ],
)
def test_a_node_that_cannot_start_is_reported_by_its_own_reason(options: str, reason: str) -> None:
    ran = app(NODE_OPTIONS=options)
    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert sentence.startswith("globalchat: Node.js does not run: ")
    assert reason in sentence
    assert f'Check NODE_OPTIONS, which is "{options}".' in sentence


def test_a_missing_library_is_one_sentence() -> None:
    code = (
        "import importlib.util, runpy\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'aws_cdk' else find(name, *a)\n"
        "runpy.run_module('globalchat_infra', run_name='__main__')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == (f"globalchat: aws-cdk-lib is not installed. Run `{install_command('deploy')}`.\n")
