"""`globalchat keys rotate`."""

import time
from dataclasses import replace

import click

from globalchat.cli.arguments import options

GRACE_DAYS = 7


@click.command("rotate")
@click.option(
    "--grace", type=click.IntRange(1, 365), default=GRACE_DAYS, help="Days that old keys live. [default: 7]"
)
@options.aws_profile
@options.profile
def command(grace: int, aws_profile: str | None, profile: str | None) -> int:
    """Make a new key in every region and write it to the profile; the old key expires after --grace days.

    AppSync lets a key live for a day at least.

    \b
    Examples:
      globalchat keys rotate
      globalchat keys rotate --grace 1 --profile default
    """  # noqa: D301 - \b is what click leaves a block alone for
    from globalchat.cli.console.output import narrate
    from globalchat.cli.deployment.principal import introduce_to
    from globalchat.cli.deployment.profile import deployed, save
    from globalchat_infra.deployer import keys
    from globalchat_infra.deployer.aws import Aws

    aws = Aws(aws_profile)
    loaded = deployed(profile)
    introduce_to(aws, loaded)
    now = time.time()
    for alias, endpoint in loaded.regions.items():
        new = keys.rotate(aws, endpoint.region, endpoint.api_id, now=now, grace_days=grace)
        changed = replace(endpoint, api_key=new.key, api_key_expires=new.expires)
        loaded = replace(loaded, regions={**loaded.regions, alias: changed})
        # After each region: if the next one fails, this one's key is not lost.
        save(loaded)
        narrate(f"{alias}: the new key {new.fingerprint} is in the profile; the old one has {grace} days")
    narrate("Others need the new keys too: they run `globalchat outputs --refresh`.")
    return 0
