"""What stands of a deployment, wherever it is: stacks found by name, further regions by stacks and by IAM."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

from globalchat.core.errors import Reason, UserError
from globalchat_infra import memory, names
from globalchat_infra.deployer import stacks
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.ownership import is_ours
from globalchat_infra.deployer.resources import GLOBAL
from globalchat_infra.deployer.settings import choose_regions
from globalchat_infra.deployer.stacks import WORKERS, DeployedStack
from globalchat_infra.regions import aws_regions

Place: TypeAlias = tuple[str, str]
"""Alias and AWS region."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The stacks of a deployment, and what is in its place or is not known.

    `foreign` are stacks of its names that belong to others. `silent` says, per AWS region that could not be
    asked, why. `unlisted` is why IAM could not be asked for further regions (None: it was asked), and
    `unasked` the AWS regions that were not looked at for that reason.
    """

    stacks: list[DeployedStack] = field(default_factory=list)
    foreign: list[DeployedStack] = field(default_factory=list)
    silent: Mapping[str, Reason] = field(default_factory=dict)
    unlisted: Reason | None = None
    unasked: Sequence[str] = ()

    @property
    def settings(self) -> Mapping[str, object]:
        """The deployment as its youngest Api stack remembers it, in keys of the context, or empty."""
        saved = [(stack.changed, found) for stack in self.stacks if (found := _settings(stack)) is not None]
        return max(saved, key=lambda each: each[0])[1] if saved else {}

    @property
    def mesh(self) -> Mapping[str, str]:
        """Alias to AWS region of all that are to relay to each other."""
        regions = self.settings.get("regions")
        return regions if isinstance(regions, dict) else self.regions

    @property
    def regions(self) -> Mapping[str, str]:
        """Alias to AWS region, wherever a stack of this deployment is."""
        return {stack.alias: stack.region for stack in self.stacks}

    def not_asked(self, needed: Collection[str]) -> Mapping[str, str]:
        """Return, by AWS region that could not be asked, the sentence that says why.

        Raises:
            UserError: one of them is among the `needed`.
        """
        for region, why in self.silent.items():
            if region in needed:
                raise why.error()
        return {region: why.message for region, why in self.silent.items()}


def find(aws: Aws, prefix: str, places: Iterable[Place], *, everywhere: bool = False) -> Standing:
    """Find every stack of a deployment, at `places` and wherever those lead.

    An Api stack names all regions of its mesh, and the tags of roles, which are global, name the regions of
    all. Where roles may not be listed, CloudFormation is asked in every AWS region instead, if nothing of the
    deployment was found so far or `everywhere` asks for it.
    """
    search = _Search(aws, prefix)
    search.follow(places)
    unlisted: Reason | None = None
    try:
        search.follow(_by_roles(aws, prefix))
    except UserError as error:
        unlisted = error.reason
    unasked: Sequence[str] = ()
    if unlisted is not None:
        others = [region for region in _enabled(aws) if region not in search.asked]
        unasked = search.sweep(others) if everywhere or not search.ours else others
    return Standing(search.ours, search.foreign, search.silent, unlisted, unasked)


@dataclass(slots=True)
class _Search:
    """Looks at places, each once, and at those that the stacks found there lead to."""

    aws: Aws
    prefix: str
    found: dict[Place, list[DeployedStack]] = field(default_factory=dict)
    silent: dict[str, Reason] = field(default_factory=dict)

    @property
    def asked(self) -> set[str]:
        """The AWS regions that were asked, with or without an answer."""
        return {*(region for _, region in self.found), *self.silent}

    @property
    def ours(self) -> list[DeployedStack]:
        return [stack for stack in self._sorted() if stack.ours]

    @property
    def foreign(self) -> list[DeployedStack]:
        return [stack for stack in self._sorted() if stack.foreign is not None]

    def follow(self, places: Iterable[Place]) -> None:
        """Look at these places, and at those that lead on from there."""
        pending = list(dict.fromkeys(places))
        with ThreadPoolExecutor(WORKERS) as pool:
            while pending := [each for each in dict.fromkeys(pending) if self._is_new(each)]:
                answers = list(pool.map(self._look, pending))
                leads: list[Place] = []
                for place, answer in zip(pending, answers, strict=True):
                    if isinstance(answer, Reason):
                        self.silent[place[1]] = answer
                        continue
                    self.found[place] = answer
                    for stack in answer:
                        regions = (_settings(stack) or {}).get("regions") if stack.ours else None
                        leads.extend(regions.items() if isinstance(regions, dict) else ())
                pending = leads

    def sweep(self, regions: Sequence[str]) -> Sequence[str]:
        """Look for stacks in AWS regions whose alias is not known; returns the regions that refuse."""
        with ThreadPoolExecutor(WORKERS) as pool:
            answers = list(pool.map(lambda each: _aliases(self.aws, self.prefix, each), regions))
        places: list[Place] = []
        refused: list[str] = []
        for region, aliases in zip(regions, answers, strict=True):
            if aliases is None:
                refused.append(region)
            else:
                places.extend((alias, region) for alias in aliases)
        self.follow(places)
        return refused

    def _is_new(self, place: Place) -> bool:
        return place not in self.found and place[1] not in self.silent

    def _look(self, place: Place) -> list[DeployedStack] | Reason:
        alias, region = place
        try:
            return stacks.find(self.aws, self.prefix, {alias: region})
        except UserError as error:
            return error.reason

    def _sorted(self) -> list[DeployedStack]:
        every = [stack for each in self.found.values() for stack in each]
        return sorted(every, key=lambda stack: names.PARTS.index(stack.part))


def not_known(standing: Standing) -> list[str]:
    """Return a sentence if a deployment may stand in AWS regions that were not looked at."""
    if standing.unlisted is None or not standing.unasked:
        return []
    return [
        f"{standing.unlisted.message.rstrip('.')}: what stands in {', '.join(standing.unasked)} is not known."
    ]


def chosen(standing: Standing, known: Mapping[str, str], words: Sequence[str]) -> Mapping[str, str]:
    """Return alias to AWS region of what `words` ask for, else of all that stands or should.

    `known` are further regions.

    Raises:
        UserError: a word is neither an alias nor a listed region.
    """
    if words:
        return choose_regions({**known, **standing.mesh, **standing.regions}, words)
    return {**standing.mesh, **standing.regions} or known


def _settings(stack: DeployedStack) -> Mapping[str, object] | None:
    return memory.recall(stack.outputs.get(memory.OUTPUT))


def _by_roles(aws: Aws, prefix: str) -> list[Place]:
    """Return the places that the tags of this deployment's roles name.

    Roles of before they had dots in their names count too.

    Raises:
        UserError: IAM may not be asked, or does not answer.
    """
    kinds = "|".join(role for roles in names.ROLES.values() for role in roles)
    name = re.compile(rf"{re.escape(prefix)}([.-])(?P<alias>[a-z0-9-]+)\1(?:{kinds})")
    asked: set[str] = set()
    places: list[Place] = []
    for role in aws.pages("iam", GLOBAL, "list_roles", "Roles", MaxItems=1000):
        match = name.fullmatch(role["RoleName"])
        if match is None or match["alias"] in asked:
            continue
        asked.add(match["alias"])
        answer = aws.call("iam", GLOBAL, "list_role_tags", RoleName=role["RoleName"])
        tags = {each["Key"]: each["Value"] for each in answer["Tags"]}
        alias = tags.get(names.ALIAS_TAG, "")
        if is_ours(tags, prefix, alias) and names.REGION_TAG in tags:
            places.append((alias, tags[names.REGION_TAG]))
    return places


def _enabled(aws: Aws) -> list[str]:
    """Return the AWS regions that have AppSync, without those that are known to be off in this account."""
    try:
        answer = aws.call("ec2", GLOBAL, "describe_regions", AllRegions=True)
    except UserError:
        return list(aws_regions())
    off = {each["RegionName"] for each in answer["Regions"] if each.get("OptInStatus") == "not-opted-in"}
    return [region for region in aws_regions() if region not in off]


def _aliases(aws: Aws, prefix: str, region: str) -> list[str] | None:
    """Return the aliases in the names of stacks in an AWS region; None if it cannot be asked."""
    name = re.compile(rf"{re.escape(prefix)}-(?P<alias>[a-z0-9-]+)-(?:{'|'.join(names.PARTS)})")
    try:
        listed = aws.pages("cloudformation", region, "list_stacks", "StackSummaries")
    except UserError:
        return None
    matches = (
        name.fullmatch(each["StackName"]) for each in listed if each["StackStatus"] != "DELETE_COMPLETE"
    )
    return list(dict.fromkeys(match["alias"] for match in matches if match is not None))
