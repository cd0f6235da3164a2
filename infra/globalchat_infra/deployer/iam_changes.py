"""A deployment's changes in IAM: roles, their trust and their permissions, compared by template."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from globalchat.core.errors import UserError
from globalchat_infra import toolchain
from globalchat_infra.deployer import cdk
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.stacks import PROPOSED, DeployedStack

SYNTHESIS_SECONDS = 180.0
"""Time limit for the app; if it fails, the CDK command line starts it again and reports why."""

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rights:
    """A role of a template as parts of sentences: its trust, and what it may or may not do."""

    trusted: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()


def lines(before: Iterable[Template], after: Iterable[Template]) -> Iterator[str]:
    """Yield a line for each role that is made, changed or deleted between two sets of templates."""
    old, new = _roles(before), _roles(after)
    for name in sorted(new.keys() - old.keys()):
        trusted = ", ".join(sorted(new[name].trusted)) or "no one"
        granted = "; ".join(sorted(new[name].granted)) or "nothing"
        yield f"IAM: makes the role {name}, for {trusted}: {granted}"
    for name in sorted(new.keys() & old.keys()):
        if changes := list(_differences(old[name], new[name])):
            yield f"IAM: changes the role {name}: {'; '.join(changes)}"
    yield from (f"IAM: deletes the role {name}" for name in sorted(old.keys() - new.keys()))


def _differences(old: Rights, new: Rights) -> Iterator[str]:
    yield from (f"from now on also for {each}" for each in sorted(new.trusted - old.trusted))
    yield from (f"no longer for {each}" for each in sorted(old.trusted - new.trusted))
    yield from (f"adds {each}" for each in sorted(new.granted - old.granted))
    yield from (f"removes {each}" for each in sorted(old.granted - new.granted))


def _roles(templates: Iterable[Template]) -> dict[str, Rights]:
    """Return the roles of templates by name."""
    found: dict[str, Rights] = {}
    for template in templates:
        resources = template.get("Resources", {})
        policies = [each for each in resources.values() if each["Type"] == "AWS::IAM::Policy"]
        for logical_id, resource in resources.items():
            if resource["Type"] == "AWS::IAM::Role":
                properties = resource.get("Properties", {})
                attached = [
                    each["Properties"]
                    for each in policies
                    if {"Ref": logical_id} in each["Properties"].get("Roles", ())
                ]
                name = _text(properties.get("RoleName", logical_id))
                found[name] = _rights(properties, [*attached, *properties.get("Policies", ())])
    return found


def _rights(role: Mapping[str, Any], policies: Iterable[Mapping[str, Any]]) -> Rights:
    statements = _statements(role.get("AssumeRolePolicyDocument", {}))
    trusted = {
        _conditional(f"{_effect(each)}{_text(principal)}", each)
        for each in statements
        for principal in _principals(each)
    }
    granted = {
        _conditional(f"{_effect(statement)}{_text(action)} on {_text(resource)}", statement)
        for policy in policies
        for statement in _statements(policy.get("PolicyDocument", {}))
        for action in _many(statement, "Action")
        for resource in _many(statement, "Resource")
    }
    granted |= {f"the managed policy {_text(each)}" for each in role.get("ManagedPolicyArns", ())}
    if (boundary := role.get("PermissionsBoundary")) is not None:
        granted.add(f"the permissions boundary {_text(boundary)}")
    return Rights(frozenset(trusted), frozenset(granted))


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = document.get("Statement", ())
    return [found] if isinstance(found, Mapping) else list(found)


def _effect(statement: Mapping[str, Any]) -> str:
    return "" if statement.get("Effect") == "Allow" else "never "


def _conditional(text: str, statement: Mapping[str, Any]) -> str:
    condition = statement.get("Condition")
    return text if not condition else f"{text} if {json.dumps(condition, sort_keys=True)}"


def _principals(statement: Mapping[str, Any]) -> list[Any]:
    principal = statement.get("Principal", f"all but {json.dumps(statement.get('NotPrincipal'))}")
    if not isinstance(principal, Mapping):
        return [principal]
    return [each for key in principal for each in _many(principal, key)]


def _many(holder: Mapping[str, Any], key: str) -> list[Any]:
    """Return the values of a key that may have one or several; without it, those of its negation."""
    if key not in holder:
        return [f"all but {_text(each)}" for each in _many(holder, f"Not{key}")] if key[:3] != "Not" else []
    value = holder[key]
    return list(value) if isinstance(value, list) else [value]


def _text(value: object) -> str:
    """Format a value of a template with its functions as `${Logical.Attribute}`."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [*path]}:
            return f"${{{'.'.join(map(str, path))}}}"
        case {"Fn::GetAtt": path}:
            return f"${{{path}}}"
        case {"Fn::Join": [separator, [*parts]]}:
            return str(separator).join(map(_text, parts))
        case {"Fn::Sub": str(text)}:
            return text
    return json.dumps(value, sort_keys=True)


def deployed(aws: Aws, stacks: Iterable[DeployedStack]) -> list[Template]:
    """Return the templates that stacks were last deployed with.

    Raises:
        Denied: they may not be read.
        UserError: AWS could not be asked.
    """
    import yaml

    # The parser in C, where it was built, takes a twentieth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Template] = []
    for stack in stacks:
        # A stack that is only proposed has no template yet.
        if stack.status != PROPOSED:
            given = {"StackName": stack.id or stack.name}
            body = aws.call("cloudformation", stack.region, "get_template", **given)["TemplateBody"]
            # botocore reads JSON; the CDK sends YAML, without its short forms of functions.
            found.append(body if isinstance(body, Mapping) else yaml.load(body, loader))
    return found


@dataclass(slots=True)
class Synthesis:
    """The templates to deploy, synthesised before the confirmation, which can thus show their changes.

    `folder` contains them after `templates`; the CDK command line then takes them from there.
    """

    cache: Path
    folder: Path | None = None

    @property
    def app(self) -> str | None:
        """The `--app` argument of the CDK command line; None if there are no templates yet."""
        return None if self.folder is None else str(self.folder)

    def templates(self, content: Mapping[str, Any]) -> Sequence[Template]:
        """Synthesise the app for a `cdk.json`; empty if that fails, which `cdk deploy` explains.

        Raises:
            UserError: the work folder cannot be written.
        """
        work = cdk.write_settings(self.cache, content)
        folder = work / "cdk.out"
        # Templates of an earlier deployment would be compared and deployed with the new ones.
        shutil.rmtree(folder, ignore_errors=True)
        environment = cdk.environment(os.environ, {}, node=toolchain.prepare().path, cache=self.cache)
        # The app is started without the CDK command line, which would set both: that saves seconds.
        environment["CDK_OUTDIR"] = str(folder)
        environment["CDK_CONTEXT_JSON"] = json.dumps(content["context"])
        try:
            subprocess.run(
                shlex.split(cdk.app_command()),
                cwd=work,
                env=environment,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=SYNTHESIS_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ()
        self.folder = folder
        return read(folder)


def read(folder: Path) -> list[Template]:
    """Return the templates of a cloud assembly."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.template.json"))]


def compare(
    aws: Aws, after: Sequence[Template], existing: Iterable[DeployedStack], to_delete: Iterable[DeployedStack]
) -> list[str]:
    """Return a line for each role that a deployment makes, changes or deletes.

    Args:
        aws: the AWS calls that read the deployed templates.
        after: the templates that will be deployed; empty if they could not be made.
        existing: the stacks that are updated.
        to_delete: those that are deleted afterwards.

    Raises:
        UserError: the templates could not be made, or the deployed ones could not be read.
    """
    if not after:
        raise UserError("the templates could not be made")
    leaving = list(to_delete)
    updated = [stack for stack in existing if stack not in leaving]
    return list(lines(deployed(aws, [*updated, *leaving]), after))
