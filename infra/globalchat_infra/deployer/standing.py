"""What stands of a deployment, wherever it is: stacks found by name, regions by the stacks and by IAM."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.core.errors import ExitCode, UserError
from globalchat_infra import memory, names
from globalchat_infra.deployer import stacks
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.settings import choose_regions
from globalchat_infra.deployer.stacks import DeployedStack


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Why a region could not be asked: the parts of the error that came instead of an answer."""

    message: str
    remedy: str | None
    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class Standing:
    """The stacks of a deployment, and per AWS region that could not be asked why."""

    stacks: list[DeployedStack] = field(default_factory=list)
    silent: Mapping[str, NotAsked] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, object]:
        """The deployment as its youngest Api stack tells it, in keys of the context; empty if none does."""
        told = [(stack.changed, found) for stack in self.stacks if (found := _settings(stack)) is not None]
        return max(told, key=lambda each: each[0])[1] if told else {}

    @property
    def mesh(self) -> Mapping[str, str]:
        """Alias to AWS region of all that are to relay to each other."""
        regions = self.settings.get("regions")
        return regions if isinstance(regions, dict) else self.regions

    @property
    def regions(self) -> Mapping[str, str]:
        """Alias to AWS region, wherever there is a stack."""
        return {stack.alias: stack.region for stack in self.stacks}

    def not_asked(self, needed: Collection[str]) -> Mapping[str, str]:
        """Return, by AWS region that could not be asked, the sentence that says why.

        Raises:
            UserError: one of them is among the `needed`.
        """
        for region, why in self.silent.items():
            if region in needed:
                raise UserError(why.message, remedy=why.remedy, exit_code=why.exit_code)
        return {region: why.message for region, why in self.silent.items()}


def find(aws: Aws, prefix: str, hints: Mapping[str, str]) -> Standing:
    """Every stack of a deployment: in the regions of `hints` (alias to AWS region) and wherever those lead.

    An Api stack names all regions of its mesh; the names and tags of roles tell the regions of any.
    """
    found: dict[tuple[str, str], list[DeployedStack]] = {}
    silent: dict[str, NotAsked] = {}
    pending = [*hints.items(), *_by_roles(aws, prefix, hints).items()]
    while pending:
        place = alias, region = pending.pop(0)
        if place in found or region in silent:
            continue
        try:
            found[place] = stacks.find(aws, prefix, {alias: region})
        except UserError as error:
            silent[region] = NotAsked(str(error), error.remedy, error.exit_code)
            continue
        for stack in found[place]:
            regions = (_settings(stack) or {}).get("regions")
            pending.extend(regions.items() if isinstance(regions, dict) else ())
    every = [stack for each in found.values() for stack in each]
    return Standing(sorted(every, key=lambda stack: names.PARTS.index(stack.part)), silent)


def chosen(standing: Standing, known: Mapping[str, str], words: Sequence[str]) -> Mapping[str, str]:
    """Alias to AWS region of what `words` ask for, else of all that stands or should; `known` are more.

    Raises:
        UserError: a word is neither an alias nor a listed region.
    """
    if words:
        return choose_regions({**known, **standing.mesh, **standing.regions}, words)
    return {**standing.mesh, **standing.regions} or known


def _settings(stack: DeployedStack) -> Mapping[str, object] | None:
    return memory.recall(stack.outputs.get(memory.OUTPUT))


def _by_roles(aws: Aws, prefix: str, known: Iterable[str]) -> Mapping[str, str]:
    """Alias to AWS region of what IAM, which is global, knows beyond `known`, as far as it may be asked."""
    kinds = "|".join(role for roles in names.ROLES.values() for role in roles)
    # Roles of a deployment that was made before their names had dots lead to its regions too.
    name = re.compile(rf"{re.escape(prefix)}([.-])(?P<alias>[a-z0-9-]+)\1(?:{kinds})")
    regions: dict[str, str] = {}
    try:
        for role in aws.pages("iam", "us-east-1", "list_roles", "Roles", MaxItems=1000):
            match = name.fullmatch(role["RoleName"])
            if match is None or match["alias"] in {*known, *regions}:
                continue
            answer = aws.call("iam", "us-east-1", "list_role_tags", RoleName=role["RoleName"])
            tags = {each["Key"]: each["Value"] for each in answer["Tags"]}
            if stacks.is_ours(tags) and tags.get(names.DEPLOYMENT_TAG) == prefix and names.REGION_TAG in tags:
                regions[match["alias"]] = tags[names.REGION_TAG]
    except UserError:
        # Not everybody may ask, and what else leads to regions does without.
        return regions
    return regions
