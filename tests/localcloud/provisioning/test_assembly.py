import json
from pathlib import Path

import pytest

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning.assembly import read


def write(folder: Path, artifacts: JSON, **templates: JSON) -> None:
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))
    for name, template in templates.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))


def artifact(name: str, environment: str = "aws://unknown-account/us-west-2", **properties: JSON) -> JSON:
    return {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "properties": {"templateFile": f"{name}.template.json", **properties},
        "dependencies": ["other"],
    }


def test_reads_stacks_with_region_template_and_dependencies(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.assets": {"type": "cdk:asset-manifest", "properties": {"file": "a.assets.json"}},
            "a": artifact("a"),
            "Tree": {"type": "cdk:tree"},
            "b": artifact("b", stackName="named"),
            "aws-cdk-lib/feature-flag-report": {"type": "cdk:feature-flag-report"},
        },
        a={"Resources": {}},
        b={"Resources": {"X": {}}},
    )
    first, second = read(tmp_path).stacks
    assert (first.name, first.region, first.template_file) == ("a", "us-west-2", "a.template.json")
    assert first.dependencies == ("other",)
    assert (second.name, second.template) == ("named", {"Resources": {"X": {}}})


def test_a_missing_manifest_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"manifest\.json does not exist; synthesise"):
        read(tmp_path)


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"a": artifact("a")})
    with pytest.raises(TemplateError, match=r"a\.template\.json does not exist"):
        read(tmp_path)


def test_damaged_json_names_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, {"a": artifact("a")})
    (tmp_path / "a.template.json").write_text('{\n"Resources": {')
    with pytest.raises(TemplateError, match=r"a\.template\.json, line 2, is damaged"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 100_000])
def test_bytes_that_are_no_json_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(TemplateError, match=r"manifest\.json"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("artifacts", "message"),
    [
        ([], "artifacts is missing or not a JSON object"),
        ({}, "names no stack"),
        ({"a": 1}, "artifact a is missing or not"),
        ({"a": {"type": "aws:cloudformation:stack"}}, "artifact a: properties is missing"),
        ({"a": artifact("a", "aws://unknown-account/unknown-region")}, "artifact a names no AWS region"),
        ({"a": artifact("a", "elsewhere")}, "artifact a names no AWS region"),
        ({"a": artifact("../a")}, "templateFile is not the name of a file"),
        ({"s": {"type": "cdk:cloud-assembly"}}, "artifact s: nested assemblies"),
    ],
)
def test_damaged_manifests_are_refused_by_place(tmp_path: Path, artifacts: JSON, message: str) -> None:
    write(tmp_path, artifacts, a={"Resources": {}})
    with pytest.raises(TemplateError, match=message):
        read(tmp_path)
