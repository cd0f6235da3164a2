"""What a deployment is made of: the context of the project's `cdk.json`, changed by options. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.config import Config, ConfigError, parse
from infra.deployer.errors import DeployError, Kind

CONTEXT = "globalchat"


@dataclass(frozen=True, slots=True)
class Changes:
    """What options say in place of `cdk.json`; empty means as it is there.

    `regions` holds aliases, AWS regions, or `alias=region` for one that `cdk.json` does not list.
    """

    prefix: str | None = None
    regions: Sequence[str] = ()
    channels: Sequence[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict)


def change(content: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """The content of a `cdk.json` with the changes in its context.

    Raises:
        DeployError: the result is not a valid deployment.
    """
    settings = dict(content["context"][CONTEXT])
    if changes.prefix is not None:
        settings["prefix"] = changes.prefix
    if changes.regions:
        settings["regions"] = choose_regions(settings["regions"], changes.regions)
    if changes.channels:
        settings["channels"] = list(changes.channels)
    if changes.limits:
        settings["limits"] = {**settings["limits"], **changes.limits}
    changed = {**content, "context": {**content["context"], CONTEXT: settings}}
    config_of(changed)
    return changed


def config_of(content: Mapping[str, Any]) -> Config:
    """The deployment that a `cdk.json` describes.

    Raises:
        DeployError: it is not valid.
    """
    try:
        return parse(content["context"].get(CONTEXT))
    except ConfigError as error:
        raise DeployError(str(error), kind=Kind.USAGE) from None


def choose_regions(known: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Alias to AWS region for each wanted word, in that order.

    Raises:
        DeployError: a word is neither an alias nor a listed region; names those that are.
    """
    aliases = {region: alias for alias, region in known.items()}
    chosen: dict[str, str] = {}
    for word in wanted:
        alias, given, region = word.partition("=")
        if given:
            chosen[alias] = region
        elif word in known:
            chosen[word] = known[word]
        elif word in aliases:
            chosen[aliases[word]] = word
        else:
            listed = ", ".join(f"{alias} ({region})" for alias, region in known.items())
            raise DeployError(
                f'"{word}" is no region of this deployment; it has: {listed}.',
                remedy="Write a further one as alias=region, such as tokyo=ap-northeast-1.",
                kind=Kind.USAGE,
            )
    return chosen
