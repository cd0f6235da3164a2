"""The plan of a deployment: options override what exists, which overrides `cdk.json`; and the changes.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from globalchat.core.errors import UsageError
from globalchat_infra.config import CHOICES, DEFAULTS, Config, choose_regions, parse
from globalchat_infra.deployer.api_channels import are_alike
from globalchat_infra.deployer.discovery import AliasedRegion, ExistingDeployment
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.stack_interface import GENERATION, HISTORY_SINCE, OPTIONS

CONTEXT = "globalchat"


@dataclass(frozen=True, slots=True)
class Changes:
    """The values of options that override `cdk.json`; empty means no override.

    `regions` contains aliases, AWS regions, or `alias=region` for an unknown one; `extras` are further keys
    of the context, where None switches an option off.
    """

    prefix: str | None = None
    regions: Sequence[str] = ()
    channels: Sequence[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    extras: Mapping[str, object] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The keys of the context that they override."""
        given = {"regions": self.regions, "channels": self.channels, "limits": self.limits}
        return {*(key for key, value in given.items() if value), *self.extras}


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """A user's request: the project's `cdk.json` and options.

    `editable` is True if the file belongs to the user, unlike the one in an installed package; `reset`
    discards earlier options; `prune` deletes regions that are left out. `known_regions` are further regions
    (by alias) in which the deployment may have stacks.
    """

    content: Mapping[str, Any]
    changes: Changes = field(default_factory=Changes)
    editable: bool = True
    reset: bool = False
    prune: bool = False
    known_regions: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The deployment's prefix."""
        return self.changes.prefix or str(context_of(self.content)["prefix"])

    @property
    def regions(self) -> Mapping[str, str]:
        """The regions in the file."""
        regions: Mapping[str, str] = context_of(self.content)["regions"]
        return regions

    @property
    def searched(self) -> list[AliasedRegion]:
        """The regions to search for stacks: also those that only an option names, as `alias=region`."""
        pairs = (word.partition("=")[::2] for word in self.changes.regions if "=" in word)
        return list(dict.fromkeys([*self.regions.items(), *self.known_regions.items(), *pairs]))

    @property
    def first_region(self) -> str:
        """A selected AWS region, for checking the credentials: another one in the file may be down."""
        words = [word.rpartition("=")[2] for word in self.changes.regions]
        named = [
            self.regions.get(word, word) for word in words if word in self.regions or word.count("-") > 1
        ]
        return next(iter((*named, *self.regions.values())))


@dataclass(frozen=True, slots=True)
class Plan:
    """The `cdk.json` to deploy, and the existing deployment."""

    content: Mapping[str, Any]
    request: DeployRequest
    existing: ExistingDeployment = field(default_factory=ExistingDeployment)

    @property
    def config(self) -> Config:
        """The configuration that will be deployed."""
        return config_of(self.content)

    @property
    def dropped(self) -> list[DeployedStack]:
        """The stacks of regions that are no longer part of the deployment."""
        regions = self.config.regions
        return [stack for stack in self.existing.stacks if stack.ours and stack.alias not in regions]

    @property
    def stale_relays(self) -> list[DeployedStack]:
        """The relay of a region that is the only one left: it would keep sending to the others."""
        regions = self.config.regions
        if len(regions) > 1:
            return []
        return [each for each in self.existing.stacks if each.part == "relay" and each.alias in regions]

    @property
    def to_delete(self) -> list[DeployedStack]:
        """The stacks to be deleted once the rest is deployed."""
        return self.stale_relays + (self.dropped if self.request.prune else [])

    @property
    def begins_history(self) -> list[DeployedStack]:
        """The Api stacks that exist and begin to store messages."""
        return [each for each in self._updated_apis if HISTORY_SINCE not in each.parameters and self._stores]

    @property
    def ends_history(self) -> list[DeployedStack]:
        """The Api stacks whose table will be deleted."""
        return [each for each in self._updated_apis if HISTORY_SINCE in each.parameters and not self._stores]

    @property
    def history_days_before(self) -> int:
        """The number of days for which messages have been stored so far."""
        days = (self.existing.settings or {}).get("historyDays")
        return days if isinstance(days, int) else 0

    @property
    def takes_key_away(self) -> list[DeployedStack]:
        """The Api stacks whose API key will be deleted, and with it the mode."""
        return [each for each in self._updated_apis if GENERATION in each.parameters and not self._has_key]

    @property
    def makes_key(self) -> list[DeployedStack]:
        """The Api stacks without a key that get one."""
        had_key = (self.existing.settings or {}).get("senders") != "verified"
        return [] if had_key or not self._has_key else self._updated_apis

    @property
    def before_key_goes(self) -> Mapping[str, Any]:
        """The `cdk.json` of the update before the one that takes the key away.

        CloudFormation changes an API before its schema, and a schema may only use modes that its API has.
        """
        return with_context(self.content, {**context_of(self.content), "withKeyMode": True})

    @property
    def needs_confirmation(self) -> bool:
        """True if something is deleted, messages begin to be stored, or who may chat changes."""
        history, key = self.begins_history or self.ends_history, self.takes_key_away or self.makes_key
        return bool(self.to_delete or history or key)

    @property
    def _has_key(self) -> bool:
        return self.config.has_key

    @property
    def _stores(self) -> bool:
        return self.config.history_days > 0

    @property
    def _updated_apis(self) -> list[DeployedStack]:
        regions = self.config.regions
        return [each for each in self.existing.stacks if each.part == "api" and each.alias in regions]

    def lines(self) -> Iterator[str]:
        """Yield lines that describe the plan."""
        before, after = self.existing.settings, context_of(self.content)
        if before:
            yield from (f"changes {line}" for line in differences(before, after))
        kept = self._kept(before, after)
        if "channels" in kept:
            kept.remove("channels")
            yield from self._kept_channels()
        if kept:
            yield f"kept as deployed: {', '.join(kept)} (--reset takes it from cdk.json)"
        if self.takes_key_away:
            yield (
                f"will be deleted: the API keys of {_aliases(self.takes_key_away)}. Then only those chat "
                "whom IAM lets in, and profiles with a key stop working. It takes two updates"
            )
        if self.makes_key:
            yield (
                f"{_aliases(self.makes_key)} will have an API key: who has it can read and publish without "
                "an AWS account"
            )
        if self.to_delete:
            yield f"will be deleted: {_names(self.to_delete)}"
        if not self.request.prune:
            yield from self.orphaned()

    def orphaned(self) -> Iterator[str]:
        """Yield lines about what remains in regions that are left out, and how to delete it."""
        for alias in dict.fromkeys(stack.alias for stack in self.dropped):
            own = [stack for stack in self.dropped if stack.alias == alias]
            # The advice must apply to this deployment, not to that of the default prefix.
            which = "" if self.request.changes.prefix is None else f" --stack-prefix {self.config.prefix}"
            yield (
                f"{alias} ({own[0].region}) is left out, but still exists and costs money: {_names(own)}. "
                "The others no longer relay to it; what is published there still reaches those that it knew. "
                f"Delete it with --prune, or with `globalchat destroy --regions {alias}{which}`."
            )

    def _kept_channels(self) -> Iterator[str]:
        """Yield lines about channels that are not those of `cdk.json`."""
        listed = _words(context_of(self.request.content)["channels"])
        yield (
            f"channels kept: {_words(self.config.channels)} (cdk.json names {listed}; "
            "--reset takes those, --channels others)"
        )
        regions = self.existing.channels.regions
        if not are_alike(regions):
            each = "; ".join(f"{region.place.alias} {_words(region.channels)}" for region in regions)
            yield f"the regions have different channels, and each will have all of them: {each}"

    def _kept(self, before: Mapping[str, object], after: Mapping[str, Any]) -> list[str]:
        """Return the keys in which the deployment overrides the file."""
        file = context_of(self.request.content)
        old = [key for key in CHOICES if key in before and key not in self.request.changes.keys]
        same = [key for key in old if _setting(before, key) == _setting(after, key)]
        return [key for key in same if _setting(file, key) != _setting(after, key)]


def make_plan(request: DeployRequest, existing: ExistingDeployment) -> Plan:
    """Make the plan of a deployment.

    A file that the user may edit applies, except where an earlier option overrode it; with the file of an
    installed package everything stays as deployed.

    Raises:
        UserError: an option is wrong, or an alias and its region conflict with what exists.
    """
    content, before = request.content, existing.settings
    if before and not request.reset:
        options = before.get(OPTIONS)
        # The file of an installed package was not written by the user, so an existing deployment overrides
        # it.
        kept = (options if isinstance(options, list) else []) if request.editable else CHOICES
        content = keep_values(content, before, kept)
    known = {**request.regions, **existing.mesh, **existing.regions}
    plan = Plan(apply_changes(content, request.changes, known=known), request, existing)
    _check_aliases(plan)
    return plan


def apply_changes(
    content: Mapping[str, Any], changes: Changes, *, known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the content of a `cdk.json` with the changes in its context; `known` are further regions.

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
    # Only for its errors, which should come before AWS is asked.
    config_of(changed)
    return changed


def keep_values(
    content: Mapping[str, Any], saved: Mapping[str, object], keys: Iterable[str]
) -> dict[str, Any]:
    """Return the content of a `cdk.json` in which saved settings override some keys and stay options."""
    kept = {key: saved[key] for key in keys if key in saved}
    options = saved.get(OPTIONS)
    return with_context(content, {**context_of(content), **kept, **({OPTIONS: options} if options else {})})


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return the differences between two contexts, a line per key."""
    return [
        f"{key}: {_words(_setting(before, key))} \N{RIGHTWARDS ARROW} {_words(_setting(after, key))}"
        for key in CHOICES
        if _setting(before, key) != _setting(after, key)
    ]


def _setting(context: Mapping[str, Any], key: str) -> object:
    """Return a value of a context, or its default; None for what is off."""
    value = context.get(key)
    return (DEFAULTS.get(key) if value is None else value) or None


def context_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the context value of a `cdk.json`."""
    context: Mapping[str, Any] = content["context"][CONTEXT]
    return context


def with_context(content: Mapping[str, Any], context: Mapping[str, object]) -> dict[str, Any]:
    """Return the content of a `cdk.json` with another context value."""
    return {**content, "context": {**content["context"], CONTEXT: dict(context)}}


def for_account(content: Mapping[str, Any], account: str) -> dict[str, Any]:
    """Return the content of a `cdk.json` whose stacks may be deployed only to one AWS account."""
    return with_context(content, {**context_of(content), "account": account})


def config_of(content: Mapping[str, Any]) -> Config:
    """Return the deployment that a `cdk.json` describes.

    Raises:
        UsageError: it is not valid.
    """
    return parse(content["context"].get(CONTEXT))


def _check_aliases(plan: Plan) -> None:
    """Check aliases, which are part of names on AWS; a region has room for one bus of the deployment."""
    existing = plan.existing.regions
    aliases = {region: alias for alias, region in existing.items()}
    for alias, region in plan.config.regions.items():
        if existing.get(alias, region) != region:
            raise UsageError(
                f"{alias} is deployed in {existing[alias]} and cannot move to {region}.",
                remedy="Call the new region by another alias.",
            )
        if aliases.get(region, alias) != alias:
            raise UsageError(
                f"{region} is deployed as {aliases[region]} and cannot be called {alias}.",
                remedy=f"Keep the alias {aliases[region]}, or destroy that region first.",
            )


def _aliases(stacks: list[DeployedStack]) -> str:
    return ", ".join(stack.alias for stack in stacks)


def _names(stacks: list[DeployedStack]) -> str:
    return ", ".join(stack.name for stack in stacks)


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "on" if value is True else str(value) if value else "off"
