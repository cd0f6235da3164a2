"""`globalchat keys rotate`."""

import time
from dataclasses import replace

import click

from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command

GRACE_DAYS = 7


HELP = """Make a new key in every region and write it to the profile; the old key expires after --grace days.

AppSync lets a key expire after a day at the earliest; with --grace 0 it is deleted instead. The next
deployment deletes a replaced key of the stack in any case, and none ever lives again.

\b
Examples:
  globalchat keys rotate
  globalchat keys rotate --grace 0
  globalchat keys rotate --grace 1 --profile default
"""


@click.command("rotate", cls=Command, help=HELP)
@click.option(
    "--grace",
    type=click.IntRange(0, 365),
    default=GRACE_DAYS,
    help="Days that old keys live; 0 ends them now. [default: 7]",
)
@options.aws_profile
@options.profile
def command(grace: int, aws_profile: str | None, profile: str | None) -> int:
    """Run `globalchat keys rotate`."""
    from globalchat.cli.console.output import narrate
    from globalchat.cli.deployment.principal import introduce_to
    from globalchat.cli.deployment.profile import deployed, save
    from globalchat.core.clock import iso_time
    from globalchat_infra import names
    from globalchat_infra.deployer import keys
    from globalchat_infra.deployer.aws import Aws

    aws = Aws(aws_profile)
    loaded = deployed(profile)
    introduce_to(aws, loaded)
    now = time.time()
    # All of them first: none is replaced if one belongs to others.
    for endpoint in loaded.regions.values():
        keys.check_owner(aws, names.prefix_of(endpoint.event_bus), endpoint)
    for alias, endpoint in loaded.regions.items():
        rotation = keys.rotate(aws, endpoint.region, endpoint.api_id, now=now)
        new, old = rotation.new, rotation.old
        changed = replace(endpoint, api_key=new.key, api_key_expires=new.expires)
        loaded = replace(loaded, regions={**loaded.regions, alias: changed})
        # After each region: if the next one fails, this one's key is not lost.
        save(loaded)
        narrate(f"{alias}: the new key {new.fingerprint} is in the profile")
        if old is None:
            continue
        end = keys.retire(aws, endpoint.region, endpoint.api_id, old, now=now, grace_days=grace)
        until = f"lives until {iso_time(end * 1000)} at the latest" if grace else "has ended"
        narrate(f"{alias}: the old key {old.fingerprint} {until}")
    narrate("Others need the new keys too: they run `globalchat outputs --refresh`.")
    return 0
