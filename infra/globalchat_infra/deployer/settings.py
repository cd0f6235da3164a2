"""The context of a `cdk.json`: what options and what stands change in it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from globalchat.core.errors import UsageError
from globalchat_infra.config import CHOICES, Config, parse
from globalchat_infra.memory import OPTIONS

CONTEXT = "globalchat"


@dataclass(frozen=True, slots=True)
class Changes:
    """What options say in place of `cdk.json`; empty means as it is there.

    `regions` holds aliases, AWS regions, or `alias=region` for one that is not known; `extras` are further
    keys of the context, where None switches off.
    """

    prefix: str | None = None
    regions: Sequence[str] = ()
    channels: Sequence[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    extras: Mapping[str, object] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The keys of the context that they decide."""
        given = {"regions": self.regions, "channels": self.channels, "limits": self.limits}
        return {*(key for key, value in given.items() if value), *self.extras}


def change(
    content: Mapping[str, Any], changes: Changes, *, known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The content of a `cdk.json` with the changes in its context; `known` are further regions by alias.

    Raises:
        UsageError: the result is not a valid deployment.
    """
    settings = dict(context_of(content))
    if changes.prefix is not None:
        settings["prefix"] = changes.prefix
    if changes.regions:
        settings["regions"] = choose_regions({**settings["regions"], **(known or {})}, changes.regions)
    if changes.channels:
        settings["channels"] = list(changes.channels)
    if changes.limits:
        settings["limits"] = {**settings["limits"], **changes.limits}
    settings.update(changes.extras)
    if decided := changes.keys.union(settings.get(OPTIONS, ())):
        settings[OPTIONS] = [key for key in CHOICES if key in decided]
    changed = with_context(content, settings)
    config_of(changed)
    return changed


def keep(content: Mapping[str, Any], standing: Mapping[str, object], keys: Iterable[str]) -> dict[str, Any]:
    """The content of a `cdk.json` in which what stands decides some keys; options of old stay options."""
    kept = {key: standing[key] for key in keys if key in standing}
    options = standing.get(OPTIONS)
    return with_context(content, {**context_of(content), **kept, **({OPTIONS: options} if options else {})})


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What changes between two contexts, a line for each key."""
    return [
        f"{key}: {_words(before.get(key))} \N{RIGHTWARDS ARROW} {_words(after.get(key))}"
        for key in CHOICES
        if (before.get(key) or None) != (after.get(key) or None)
    ]


def context_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The context value of a `cdk.json`."""
    context: Mapping[str, Any] = content["context"][CONTEXT]
    return context


def with_context(content: Mapping[str, Any], context: Mapping[str, object]) -> dict[str, Any]:
    """The content of a `cdk.json` with another context value."""
    return {**content, "context": {**content["context"], CONTEXT: dict(context)}}


def for_account(content: Mapping[str, Any], account: str) -> dict[str, Any]:
    """Return the content of a `cdk.json` whose stacks may be deployed to one AWS account alone."""
    return with_context(content, {**context_of(content), "account": account})


def config_of(content: Mapping[str, Any]) -> Config:
    """The deployment that a `cdk.json` describes.

    Raises:
        UsageError: it is not valid.
    """
    return parse(content["context"].get(CONTEXT))


def choose_regions(known: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Alias to AWS region for each wanted word, in that order.

    Raises:
        UsageError: a word is neither an alias nor a listed region; an alias is given to two regions.
    """
    chosen: dict[str, str] = {}
    for word in wanted:
        alias, given, region = word.partition("=")
        if not given:
            alias, region = _known_region(known, word)
        if chosen.setdefault(alias, region) != region:
            raise UsageError(
                f'The alias "{alias}" is given to two regions.',
                remedy="Choose another for one of them.",
            )
    return chosen


def _known_region(known: Mapping[str, str], word: str) -> tuple[str, str]:
    """Alias and AWS region of a word that is either."""
    for alias, region in known.items():
        if word in (alias, region):
            return alias, region
    listed = ", ".join(f"{alias} ({region})" for alias, region in known.items())
    raise UsageError(
        f'"{word}" is no region of this deployment; it has: {listed}.',
        remedy="Write a further one as alias=region, such as tokyo=ap-northeast-1.",
    )


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "on" if value is True else str(value) if value else "off"
