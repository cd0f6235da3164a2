"""Looks for what stands of a deployment, and which regions of it are meant."""

from collections.abc import Mapping

from globalchat.cli.console.output import narrate
from globalchat_infra.deployer import standing
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.plan import Wish
from globalchat_infra.deployer.standing import Standing


def look(
    aws: Aws, wish: Wish, *, silent: str, everywhere: bool = False
) -> tuple[Standing, Mapping[str, str]]:
    """Return what stands, and alias to AWS region of what is meant; without --regions that is all of it.

    `silent` ends the sentence on a region that could not be asked and is not meant; `everywhere` looks in
    every AWS region if IAM does not say in which.

    Raises:
        UserError: a region that is meant cannot be asked, or is unknown.
    """
    found = standing.find(aws, wish.prefix, wish.places, everywhere=everywhere)
    chosen = standing.chosen(found, wish.regions, wish.changes.regions)
    for region, why in found.not_asked(chosen.values()).items():
        narrate(f"warning: {why} What stands in {region} {silent}")
    for text in standing.not_known(found):
        narrate(f"warning: {text}")
    return found, chosen
