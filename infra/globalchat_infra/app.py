"""The CDK app: every region's Api stack, then every region's Relay stack."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from aws_cdk import App, Tags

from globalchat.core.errors import UsageError
from globalchat_infra import names, stack_key
from globalchat_infra.config import Config
from globalchat_infra.stacks import ApiStack, RelayStack

LARGEST = 49_000
"""Bytes of a template as YAML, by our estimate: CloudFormation takes 51,200 of what the CDK makes of it."""


def new_app(folder: Path | None = None, *, validated: bool = False) -> App:
    """An app that synthesises into a folder, by default where `cdk` asks for it.

    `validated` lets the CDK check the templates too. That starts an engine for seconds in every synthesis and
    only warns; the tests do it once, for every option.
    """
    outdir = None if folder is None else str(folder)
    return App(analytics_reporting=False, outdir=outdir, builtin_cloud_formation_validation=validated)


def add_stacks(app: App, config: Config, *, today: date) -> None:
    """Add all stacks of a deployment to an app, tagged. A single region has nobody to relay to."""
    expiry = stack_key.expiry(today)
    apis = [ApiStack(app, config=config, alias=alias, key_expiry=expiry) for alias in config.regions]
    if len(apis) > 1:
        for alias in config.regions:
            RelayStack(app, config=config, alias=alias, after=apis)
    Tags.of(app).add(names.PROJECT_TAG, names.PROJECT)
    Tags.of(app).add(names.DEPLOYMENT_TAG, config.prefix)


def synthesise(app: App, *, account: str | None = None) -> Path:
    """Write the cloud assembly and return its folder; `account` is the only one it may be deployed to.

    Raises:
        UsageError: a template is larger than CloudFormation takes without a bucket.
    """
    folder = Path(app.synth().directory)
    for file in sorted(folder.glob("*.template.json")):
        template = json.loads(file.read_text(encoding="utf-8"))
        if (size := yaml_size(template)) > LARGEST:
            raise UsageError(
                f"The template {file.name} has {size:,} bytes, more than the {LARGEST:,} that fit: "
                "use fewer regions, or shorter names."
            )
    if account is not None:
        _bind(folder, account)
    return folder


def yaml_size(value: object, depth: int = 0) -> int:
    """Estimate the bytes of a value in YAML as the CDK's command line writes it: it uploads that, not JSON.

    Each entry has a line, indented by two spaces a level, and so has each line of a text; none is folded.
    """
    indent = 2 * depth
    if isinstance(value, Mapping) and value:
        return sum(indent + len(str(key)) + 2 + yaml_size(each, depth + 1) for key, each in value.items())
    if isinstance(value, list) and value:
        # The dash stands in the indentation of what begins in the same line.
        return sum(
            yaml_size(each, depth + 1) + (0 if isinstance(each, Mapping | list) and each else indent + 2)
            for each in value
        )
    text = value if isinstance(value, str) else json.dumps(value)
    return sum(indent * (number > 0) + len(line.encode()) + 1 for number, line in enumerate(text.split("\n")))


def _bind(folder: Path, account: str) -> None:
    """Write the account into the environment of every stack: the CDK refuses credentials of another.

    Given to the stacks instead, it would be written into every ARN of their templates in the place of
    `AWS::AccountId`, and each `cdk deploy` by hand, which is bound to no account, would change them back.
    """
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    for artifact in manifest["artifacts"].values():
        if artifact["type"] == "aws:cloudformation:stack":
            region = artifact["environment"].rpartition("/")[2]
            artifact["environment"] = f"aws://{account}/{region}"
    file.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
