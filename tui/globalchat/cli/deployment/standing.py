"""Looks for what stands of a deployment, and which regions of it are meant."""

from collections.abc import Mapping

from globalchat.cli.console.output import narrate
from globalchat_infra.deployer import standing
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.plan import Wish
from globalchat_infra.deployer.standing import Standing


def look(aws: Aws, wish: Wish, *, silent: str) -> tuple[Standing, Mapping[str, str]]:
    """What stands, and alias to AWS region of what is meant; without --regions that is all of it.

    `silent` ends the sentence on a region that could not be asked and is not meant.

    Raises:
        UserError: a region that is meant cannot be asked, or is unknown.
    """
    found = standing.find(aws, wish.prefix, wish.hints)
    chosen = standing.chosen(found, wish.regions, wish.changes.regions)
    for region, why in found.not_asked(chosen.values()).items():
        narrate(f"warning: {why} What stands in {region} {silent}")
    return found, chosen
