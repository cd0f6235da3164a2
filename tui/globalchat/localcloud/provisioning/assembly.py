"""Reads a cloud assembly: the manifest that `cdk synth` writes, and the templates it names."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from globalchat.core.errors import UsageError
from globalchat.core.files import read_text
from globalchat.core.resources import TEMPLATES
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.json_text import is_deeper
from globalchat.localcloud.problems import Defect, Problems, TemplateError

_STACK = "aws:cloudformation:stack"
_NESTED = "cdk:cloud-assembly"
_RESYNTHESISE = "synthesise the templates again"
# More than any template has, and few enough for the functions that call themselves for each level.
_DEEPEST = 100
_AWS_REGION = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its name, its AWS region, and its template as parsed JSON.

    `template_file` is what errors name; `dependencies` are the names of artifacts that deploy before it.
    """

    name: str
    region: str
    template_file: str
    template: Mapping[str, JSON]
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudAssembly:
    """The stacks of one assembly, in the manifest's order."""

    stacks: tuple[Stack, ...]

    def has_resource(self, kind: str) -> bool:
        """Return True if a template has a resource of a type, such as `AWS::DynamoDB::Table`."""
        sections = [each.template.get("Resources") for each in self.stacks]
        resources = [each for section in sections if isinstance(section, dict) for each in section.values()]
        return any(isinstance(each, dict) and each.get("Type") == kind for each in resources)

    def with_parameter(self, name: str, value: str) -> "CloudAssembly":
        """Return the assembly with another value of a parameter in every template that has it."""
        return CloudAssembly(tuple(_with_parameter(each, name, value) for each in self.stacks))


def _with_parameter(stack: Stack, name: str, value: str) -> Stack:
    section = stack.template.get("Parameters")
    declared = section.get(name) if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(declared, dict):
        return stack
    # As a default, since parameters have no other values here.
    changed = {**section, name: {**declared, "Default": value}}
    return replace(stack, template={**stack.template, "Parameters": changed})


def read(folder: Path | None = None) -> CloudAssembly:
    """Read `manifest.json` and the templates of its stacks from a folder (default: the checked-in ones).

    Raises:
        TemplateError: files are missing or damaged, or stacks name no region; lists all problems.
        UsageError: `folder` is a file.
    """
    folder = TEMPLATES if folder is None else folder
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            f"{folder} is a file, not the folder of an assembly.",
            remedy="Name the folder that `cdk synth` writes, with manifest.json in it.",
        )
    manifest_file = folder / "manifest.json"
    artifacts = _object(_load(manifest_file).get("artifacts"), f"{manifest_file}: artifacts")
    stacks: list[Stack] = []
    problems = Problems()
    for artifact_id, value in artifacts.items():
        place = f"{manifest_file}: artifact {artifact_id}"
        with problems.collected():
            artifact = _object(value, place)
            if artifact.get("type") == _NESTED:
                problem = f"{place}: nested assemblies (stages) are not emulated."
                raise TemplateError(Defect(problem, is_gap=True))
            if artifact.get("type") == _STACK:
                stacks.append(_stack(folder, artifact_id, artifact, place))
    problems.check()
    if not stacks:
        raise TemplateError(f"{manifest_file} names no stack; {_RESYNTHESISE}.")
    return CloudAssembly(tuple(stacks))


def alias_of(stack: Stack) -> str | None:
    """Return a stack's alias of its region (`Metadata.globalchat.alias` in the template), or None.

    Raises:
        TemplateError: it is not a name.
    """
    metadata = stack.template.get("Metadata")
    if not isinstance(metadata, dict) or "globalchat" not in metadata:
        return None
    own = metadata["globalchat"]
    alias = own.get("alias") if isinstance(own, dict) else None
    if not isinstance(alias, str) or not alias:
        raise TemplateError(f"template {stack.template_file}: Metadata.globalchat.alias is not a name.")
    return alias


def packaged_regions() -> Mapping[str, str]:
    """Return the AWS region of each alias in the packaged templates.

    Raises:
        TemplateError: they are missing or damaged.
    """
    return {alias_of(stack) or stack.region: stack.region for stack in read().stacks}


def _stack(folder: Path, artifact_id: str, artifact: Mapping[str, JSON], place: str) -> Stack:
    properties = _object(artifact.get("properties"), f"{place}: properties")
    template_file = properties.get("templateFile")
    # A path could lead out of the folder.
    if not isinstance(template_file, str) or not template_file or Path(template_file).name != template_file:
        raise TemplateError(f"{place}: templateFile is not the name of a file; {_RESYNTHESISE}.")
    name = properties.get("stackName", artifact_id)
    dependencies = artifact.get("dependencies", [])
    return Stack(
        name=name if isinstance(name, str) else artifact_id,
        region=_region(artifact.get("environment"), place),
        template_file=template_file,
        template=_load(folder / template_file),
        dependencies=tuple(d for d in dependencies if isinstance(d, str))
        if isinstance(dependencies, list)
        else (),
    )


def _region(environment: JSON, place: str) -> str:
    parts = environment.removeprefix("aws://").split("/") if isinstance(environment, str) else []
    # `unknown-region` is what the CDK writes for a stack without a region.
    if len(parts) != 2 or not _AWS_REGION.fullmatch(parts[1]) or parts[1] == "unknown-region":
        raise TemplateError(
            f"{place} names no AWS region; give its stack an environment with a region, "
            f"such as us-west-2, and {_RESYNTHESISE}."
        )
    return parts[1]


def _load(file: Path) -> Mapping[str, JSON]:
    try:
        value: JSON = json.loads(read_text(file))
    except FileNotFoundError:
        raise TemplateError(f"{file} does not exist; {_RESYNTHESISE}.") from None
    except OSError as error:
        raise TemplateError(f"{file} cannot be read ({error.strerror}).") from None
    except json.JSONDecodeError as error:
        raise TemplateError(
            f"{file}, line {error.lineno}, is damaged ({error.msg}); {_RESYNTHESISE}."
        ) from None
    except (ValueError, RecursionError):
        raise TemplateError(f"{file} is damaged (not JSON in UTF-8); {_RESYNTHESISE}.") from None
    _check(value, file)
    return _object(value, str(file))


def _check(value: JSON, file: Path) -> None:
    """Refuse values that no template contains and that later steps could not process."""
    if is_deeper(value, _DEEPEST):
        raise TemplateError(f"{file} is nested in more than {_DEEPEST} levels.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise TemplateError(f"{file} is damaged (half a character); {_RESYNTHESISE}.") from None


def _object(value: JSON, place: str) -> Mapping[str, JSON]:
    if not isinstance(value, dict):
        raise TemplateError(f"{place} is missing or not a JSON object; {_RESYNTHESISE}.")
    return value
