"""Discovers an existing deployment by the names of stacks and by IAM, and reads its profile."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import Reason, UserError
from globalchat_infra import names, stack_interface
from globalchat_infra.config import CHOICES, aws_regions, choose_regions
from globalchat_infra.deployer import api_keys, stacks
from globalchat_infra.deployer.api_channels import PresentChannels
from globalchat_infra.deployer.aws import GLOBAL, Aws, Denied
from globalchat_infra.deployer.stacks import WORKERS, DeployedStack, is_ours
from globalchat_infra.stack_interface import OPTIONS

OUTPUTS = ("graphqlUrl", "realtimeUrl", "apiId", "eventBus")
"""The outputs of an Api stack from which a profile is made."""
AliasedRegion: TypeAlias = tuple[str, str]
"""Alias and AWS region."""


@dataclass(frozen=True, slots=True)
class ExistingDeployment:
    """The stacks of a deployment, conflicting ones, and unknowns.

    `foreign` are stacks with its names that belong to other owners. `unreachable` has the reason for each AWS
    region that could not be asked. `unlisted` is why IAM could not be asked for further regions (None if it
    was asked), and `unsearched` the AWS regions that were not searched for that reason. `channels` are those
    that the regions of the mesh have now, if they were asked.
    """

    stacks: list[DeployedStack] = field(default_factory=list)
    foreign: list[DeployedStack] = field(default_factory=list)
    unreachable: Mapping[str, Reason] = field(default_factory=dict)
    unlisted: Reason | None = None
    unsearched: Sequence[str] = ()
    channels: PresentChannels = field(default_factory=PresentChannels)

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings saved in its latest Api stack, as keys of the context; empty if there is none.

        Channels that an administrator has changed since count as set by an option.
        """
        # Stacks differ if an update failed half-way: the latest one has the last requested settings.
        saved = [(stack.changed, found) for stack in self.stacks if (found := _settings(stack)) is not None]
        if not saved:
            return {}
        latest = max(saved, key=lambda each: each[0])[1]
        if not self.channels.are_changed:
            return latest
        options = latest.get(OPTIONS)
        decided = {"channels", *(options if isinstance(options, list) else ())}
        changed = {"channels": list(self.channels.all), OPTIONS: [key for key in CHOICES if key in decided]}
        return {**latest, **changed}

    @property
    def mesh(self) -> Mapping[str, str]:
        """The regions that relay to each other, alias to AWS region."""
        regions = self.settings.get("regions")
        return regions if isinstance(regions, dict) else self.regions

    @property
    def regions(self) -> Mapping[str, str]:
        """The regions with a stack of this deployment, alias to AWS region."""
        return {stack.alias: stack.region for stack in self.stacks}

    def unreachable_regions(self, needed: Collection[str]) -> Mapping[str, str]:
        """Return a sentence with the reason for each AWS region that could not be asked.

        Raises:
            UserError: one of them is among the `needed`.
        """
        for region, why in self.unreachable.items():
            if region in needed:
                raise why.error()
        return {region: why.message for region, why in self.unreachable.items()}


def discover(
    aws: Aws, prefix: str, regions: Iterable[AliasedRegion], *, everywhere: bool = False
) -> ExistingDeployment:
    """Find every stack of a deployment, in `regions` and in regions that those refer to.

    An Api stack names all regions of its mesh, and the tags of roles, which are global, name all regions. If
    roles may not be listed, CloudFormation is asked in every AWS region instead, provided that nothing of the
    deployment was found so far or `everywhere` is set.
    """
    search = _Search(aws, prefix)
    # The expected regions first: they are found even if the credentials may not list roles.
    search.follow(regions)
    unlisted: Reason | None = None
    try:
        search.follow(_by_roles(aws, prefix))
    except UserError as error:
        unlisted = error.reason
    unsearched: Sequence[str] = ()
    # Without IAM only a search of every region is complete; it takes a call per region, so it is the last
    # resort.
    if unlisted is not None:
        others = [region for region in _enabled(aws) if region not in search.asked]
        unsearched = search.sweep(others) if everywhere or not search.ours else others
    return ExistingDeployment(search.ours, search.foreign, search.unreachable, unlisted, unsearched)


@dataclass(slots=True)
class _Search:
    """Searches regions, each once, and the regions that stacks found there refer to."""

    aws: Aws
    prefix: str
    found: dict[AliasedRegion, list[DeployedStack]] = field(default_factory=dict)
    unreachable: dict[str, Reason] = field(default_factory=dict)

    @property
    def asked(self) -> set[str]:
        """The AWS regions that were asked, with or without an answer."""
        return {*(region for _, region in self.found), *self.unreachable}

    @property
    def ours(self) -> list[DeployedStack]:
        return [stack for stack in self._sorted() if stack.ours]

    @property
    def foreign(self) -> list[DeployedStack]:
        return [stack for stack in self._sorted() if stack.foreign is not None]

    def follow(self, regions: Iterable[AliasedRegion]) -> None:
        """Search these regions, and those that their stacks name."""
        pending = list(dict.fromkeys(regions))
        with ThreadPoolExecutor(WORKERS) as pool:
            # Stacks name further regions, whose stacks may name others: until nothing new is named.
            while pending := [each for each in dict.fromkeys(pending) if self._is_new(each)]:
                answers = list(pool.map(self._look, pending))
                leads: list[AliasedRegion] = []
                for target, answer in zip(pending, answers, strict=True):
                    if isinstance(answer, Reason):
                        self.unreachable[target[1]] = answer
                        continue
                    self.found[target] = answer
                    for stack in answer:
                        # Only of our stacks: another owner's settings could lead anywhere.
                        named = (_settings(stack) or {}).get("regions") if stack.ours else None
                        leads.extend(named.items() if isinstance(named, dict) else ())
                pending = leads

    def sweep(self, regions: Sequence[str]) -> Sequence[str]:
        """Search for stacks in AWS regions whose alias is unknown; return the regions that refuse."""
        with ThreadPoolExecutor(WORKERS) as pool:
            answers = list(pool.map(lambda each: _aliases(self.aws, self.prefix, each), regions))
        found: list[AliasedRegion] = []
        refused: list[str] = []
        for region, aliases in zip(regions, answers, strict=True):
            if aliases is None:
                refused.append(region)
            else:
                found.extend((alias, region) for alias in aliases)
        # By way of the stacks, since the aliases in names are ambiguous and only tags decide.
        self.follow(found)
        return refused

    def _is_new(self, target: AliasedRegion) -> bool:
        # A region that did not answer is not asked again, as time-outs would add up.
        return target not in self.found and target[1] not in self.unreachable

    def _look(self, target: AliasedRegion) -> list[DeployedStack] | Reason:
        alias, region = target
        try:
            return stacks.find(self.aws, self.prefix, {alias: region})
        except UserError as error:
            return error.reason

    def _sorted(self) -> list[DeployedStack]:
        every = [stack for each in self.found.values() for stack in each]
        # In the order of creation, which every caller needs or reverses.
        return sorted(every, key=lambda stack: names.PARTS.index(stack.part))


def unsearched_warnings(deployment: ExistingDeployment) -> list[str]:
    """Return a warning if AWS regions in which the deployment may have stacks were not searched."""
    if deployment.unlisted is None or not deployment.unsearched:
        return []
    return [
        f"{deployment.unlisted.message.rstrip('.')}: what exists in {', '.join(deployment.unsearched)} "
        "is not known."
    ]


def selected_regions(
    deployment: ExistingDeployment, known: Mapping[str, str], words: Sequence[str]
) -> Mapping[str, str]:
    """Return the regions (alias to AWS region) that `words` select, or all that exist or should.

    `known` are further regions.

    Raises:
        UserError: a word is neither an alias nor a listed region.
    """
    if words:
        return choose_regions({**known, **deployment.mesh, **deployment.regions}, words)
    return {**deployment.mesh, **deployment.regions} or known


def find_api_stacks(aws: Aws, prefix: str, regions: Mapping[str, str]) -> list[DeployedStack]:
    """Return the Api stacks of a deployment that exist in `regions` (alias to AWS region).

    Raises:
        UserError: none exists, or one of the names belongs to another owner.
    """
    every = stacks.find(aws, prefix, regions)
    stacks.refuse_foreign(prefix, (stack.foreign for stack in every), "nothing was read of it")
    found = [stack for stack in every if stack.part == "api" and stack.outputs]
    if not found:
        raise UserError(
            f'There is no deployment "{prefix}" in {", ".join(regions.values())}.',
            remedy="Make one with `globalchat deploy`.",
        )
    return found


def read_profile(aws: Aws, name: str, made: Iterable[DeployedStack], *, now: float) -> Profile:
    """Return the profile of Api stacks, with endpoints from their outputs and keys from AppSync.

    Raises:
        UserError: an output is missing, or an API has no valid key, or it cannot be read.
    """
    return Profile(name, {stack.alias: _endpoint(aws, stack, now) for stack in made})


def _settings(stack: DeployedStack) -> Mapping[str, object] | None:
    return stack_interface.load_settings(stack.outputs.get(stack_interface.SETTINGS_OUTPUT))


def _by_roles(aws: Aws, prefix: str) -> list[AliasedRegion]:
    """Return the regions that the tags of this deployment's roles name.

    Roles from before their names had dots count, too.

    Raises:
        UserError: IAM may not be asked, or does not answer.
    """
    kinds = "|".join(role for roles in names.ROLES.values() for role in roles)
    name = re.compile(rf"{re.escape(prefix)}([.-])(?P<alias>[a-z0-9-]+)\1(?:{kinds})")
    asked: set[str] = set()
    found: list[AliasedRegion] = []
    # IAM cannot filter by tag, and `list_roles` leaves tags out (IAM API reference, ListRoles).
    for role in aws.pages("iam", GLOBAL, "list_roles", "Roles", MaxItems=1000):
        match = name.fullmatch(role["RoleName"])
        if match is None or match["alias"] in asked:
            continue
        # One role per alias is enough, since all have the same tags.
        asked.add(match["alias"])
        answer = aws.call("iam", GLOBAL, "list_role_tags", RoleName=role["RoleName"])
        tags = {each["Key"]: each["Value"] for each in answer["Tags"]}
        alias = tags.get(names.ALIAS_TAG, "")
        if is_ours(tags, prefix, alias) and names.REGION_TAG in tags:
            found.append((alias, tags[names.REGION_TAG]))
    return found


def _enabled(aws: Aws) -> list[str]:
    """Return the AWS regions with AppSync, without those known to be disabled in this account."""
    try:
        answer = aws.call("ec2", GLOBAL, "describe_regions", AllRegions=True)
    except UserError:
        # Without the permission all are asked; a disabled one refuses, and is reported as unsearched.
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
        # CloudFormation lists stacks for 90 days after their deletion.
        name.fullmatch(each["StackName"])
        for each in listed
        if each["StackStatus"] != "DELETE_COMPLETE"
    )
    return list(dict.fromkeys(match["alias"] for match in matches if match is not None))


def _endpoint(aws: Aws, stack: DeployedStack, now: float) -> RegionEndpoint:
    for name in OUTPUTS:
        if not stack.outputs.get(name):
            raise UserError(
                f'The stack {stack.name} has no output "{name}".', remedy="Run `globalchat deploy` again."
            )
    endpoint = RegionEndpoint(
        alias=stack.alias,
        region=stack.region,
        graphql_url=stack.outputs["graphqlUrl"],
        realtime_url=stack.outputs["realtimeUrl"],
        api_id=stack.outputs["apiId"],
        event_bus=stack.outputs["eventBus"],
    )
    if (_settings(stack) or {}).get("senders") == "verified":
        return replace(endpoint, auth="iam")
    try:
        key = api_keys.current(aws, stack.region, endpoint.api_id, now)
    except Denied as error:
        raise UserError(
            f"The stack {stack.name} exists, with {stack.outputs['graphqlUrl']}, "
            f"but its API key cannot be read. {error}",
            remedy="Run `globalchat outputs --refresh` with credentials that may call appsync:ListApiKeys.",
        ) from None
    return replace(endpoint, api_key=key.key, api_key_expires=key.expires)
