"""What a deployment will be: options decide, then what stands, then `cdk.json`; what that changes. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from globalchat.core.errors import UsageError
from globalchat_infra.config import CHOICES, Config
from globalchat_infra.deployer import settings
from globalchat_infra.deployer.settings import Changes
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.standing import Place, Standing
from globalchat_infra.memory import OPTIONS


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for: the project's `cdk.json` and options.

    `own` says that the file is theirs to edit, which the one in an installed package is not; `reset`, that
    earlier options no longer count; `prune`, that regions which are left out go away. `elsewhere` are further
    regions (by alias) in which the deployment may stand.
    """

    content: Mapping[str, Any]
    changes: Changes = field(default_factory=Changes)
    own: bool = True
    reset: bool = False
    prune: bool = False
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The deployment's."""
        return self.changes.prefix or str(settings.context_of(self.content)["prefix"])

    @property
    def regions(self) -> Mapping[str, str]:
        """Those of the file."""
        regions: Mapping[str, str] = settings.context_of(self.content)["regions"]
        return regions

    @property
    def places(self) -> list[Place]:
        """Where to look for what stands: also at what only an option names, as `alias=region`."""
        pairs = (word.partition("=")[::2] for word in self.changes.regions if "=" in word)
        return list(dict.fromkeys([*self.regions.items(), *self.elsewhere.items(), *pairs]))

    @property
    def first_region(self) -> str:
        """An AWS region that is meant, to ask there who asks: another one of the file may be down."""
        words = [word.rpartition("=")[2] for word in self.changes.regions]
        named = [
            self.regions.get(word, word) for word in words if word in self.regions or word.count("-") > 1
        ]
        return next(iter((*named, *self.regions.values())))


@dataclass(frozen=True, slots=True)
class Plan:
    """The `cdk.json` to deploy, and what stands before."""

    content: Mapping[str, Any]
    wish: Wish
    standing: Standing = field(default_factory=Standing)

    @property
    def config(self) -> Config:
        """What will be deployed."""
        return settings.config_of(self.content)

    @property
    def dropped(self) -> list[DeployedStack]:
        """The stacks of regions that are no part of it any more."""
        regions = self.config.regions
        return [stack for stack in self.standing.stacks if stack.ours and stack.alias not in regions]

    @property
    def stale(self) -> list[DeployedStack]:
        """The relay of a region that is the only one left: it would go on sending to the others."""
        regions = self.config.regions
        if len(regions) > 1:
            return []
        return [each for each in self.standing.stacks if each.part == "relay" and each.alias in regions]

    @property
    def going(self) -> list[DeployedStack]:
        """The stacks to be deleted once the rest is deployed."""
        return self.stale + (self.dropped if self.wish.prune else [])

    def lines(self) -> Iterator[str]:
        """What is to be said before anything is done."""
        before, after = self.standing.settings, settings.context_of(self.content)
        if before:
            yield from (f"changes {line}" for line in settings.differences(before, after))
        if kept := self._kept(before, after):
            yield f"kept as it stands: {', '.join(kept)} (--reset takes it from cdk.json)"
        if self.going:
            yield f"will be deleted: {_names(self.going)}"
        if not self.wish.prune:
            yield from self.left_behind()

    def left_behind(self) -> Iterator[str]:
        """What stays of the regions that are left out, and how to end it."""
        for alias in dict.fromkeys(stack.alias for stack in self.dropped):
            own = [stack for stack in self.dropped if stack.alias == alias]
            which = "" if self.wish.changes.prefix is None else f" --stack-prefix {self.config.prefix}"
            yield (
                f"{alias} ({own[0].region}) is left out, but stands and costs what it does: {_names(own)}. "
                "The others no longer relay to it; what is published there still reaches those that it knew. "
                f"Delete it with --prune, or with `globalchat destroy --regions {alias}{which}`."
            )

    def _kept(self, before: Mapping[str, object], after: Mapping[str, Any]) -> list[str]:
        """The keys in which what stands outweighs the file."""
        file = settings.context_of(self.wish.content)
        old = [key for key in CHOICES if key in before and key not in self.wish.changes.keys]
        same = [key for key in old if (before[key] or None) == (after.get(key) or None)]
        return [key for key in same if (file.get(key) or None) != (after.get(key) or None)]


def make(wish: Wish, standing: Standing) -> Plan:
    """Decide what is to be deployed.

    A file that a person may edit counts as their word, except in what an earlier option decided; the file of
    an installed package is nobody's, and all stays as it stands.

    Raises:
        UserError: an option is wrong, or an alias and its region do not fit what stands.
    """
    content, before = wish.content, standing.settings
    if before and not wish.reset:
        options = before.get(OPTIONS)
        kept = (options if isinstance(options, list) else []) if wish.own else CHOICES
        content = settings.keep(content, before, kept)
    known = {**wish.regions, **standing.mesh, **standing.regions}
    plan = Plan(settings.change(content, wish.changes, known=known), wish, standing)
    _check_aliases(plan)
    return plan


def _check_aliases(plan: Plan) -> None:
    """Names on AWS hold the alias, and a region has room for one bus of the deployment."""
    standing = plan.standing.regions
    aliases = {region: alias for alias, region in standing.items()}
    for alias, region in plan.config.regions.items():
        if standing.get(alias, region) != region:
            raise UsageError(
                f"{alias} stands in {standing[alias]} and cannot move to {region}.",
                remedy="Call the new region by another alias.",
            )
        if aliases.get(region, alias) != alias:
            raise UsageError(
                f"{region} stands as {aliases[region]} and cannot be called {alias}.",
                remedy=f"Keep the alias {aliases[region]}, or destroy that region first.",
            )


def _names(stacks: list[DeployedStack]) -> str:
    return ", ".join(stack.name for stack in stacks)
