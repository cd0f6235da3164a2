"""`globalchat keys list`."""

import time

import click

from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command

HELP = """Show when the keys of every region expire, and which one this profile uses.

\b
Examples:
  globalchat keys list
  globalchat keys list --json | jq -r 'select(.used) | .expires'
"""


@click.command("list", cls=Command, help=HELP)
@options.aws_profile
@options.as_json
@options.profile
def command(aws_profile: str | None, as_json: bool, profile: str | None) -> int:
    """Run `globalchat keys list`."""
    from globalchat.cli.console.output import json_line, write_lines
    from globalchat.cli.deployment.principal import introduce_to
    from globalchat.cli.deployment.profile import deployed
    from globalchat.core.clock import iso_time
    from globalchat.core.text import plural
    from globalchat_infra import names, stack_key
    from globalchat_infra.deployer import keys
    from globalchat_infra.deployer.aws import Aws

    aws, now, loaded = Aws(aws_profile), time.time(), deployed(profile)
    introduce_to(aws, loaded)
    for endpoint in loaded.regions.values():
        keys.check_owner(aws, names.prefix_of(endpoint.event_bus), endpoint)
        listed = keys.list_keys(aws, endpoint.region, endpoint.api_id)
        old = keys.retired(listed)
        for key in sorted(listed, key=lambda each: -each.expires):
            used, replaced = key.key == endpoint.api_key, key.fingerprint in old
            ends = iso_time(key.expires * 1000)
            if as_json:
                document = {"region": endpoint.region, "key": key.fingerprint, "expires": ends}
                write_lines([json_line({**document, "used": used, "replaced": replaced})])
                continue
            of_stack = key.description == stack_key.DESCRIPTION
            marks = ["in use"] * used + ["replaced"] * replaced + ["of the stack"] * of_stack
            left = keys.days_left(key.expires, now)
            span = f"{plural(left, 'day')} left" if left >= 0 else "expired"
            note = f"  ({', '.join(marks)})" if marks else ""
            write_lines([f"{endpoint.alias:<12} {key.fingerprint}  expires {ends}, {span}{note}"])
    return 0
