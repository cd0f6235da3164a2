"""`globalchat keys list`."""

import time

import click

from cli.arguments import options
from cli.deploying import aws_profile


@click.command("list")
@aws_profile
@options.as_json
@options.profile
def command(aws_profile: str | None, as_json: bool, profile: str | None) -> int:
    """Show when the keys of every region expire, and which one this profile uses.

    \b
    Examples:
      globalchat keys list
      globalchat keys list --json | jq -r 'select(.used) | .expires'
    """  # noqa: D301 - \b is what click leaves a block alone for
    from cli import deploying
    from cli.console.output import iso_time, json_line, write_lines
    from infra.deployer import keys

    aws, now = deploying.aws(aws_profile), time.time()
    for endpoint in deploying.deployed(profile).regions.values():
        listed = keys.list_keys(aws, endpoint.region, endpoint.api_id)
        old = keys.retired(listed)
        for key in sorted(listed, key=lambda each: -each.expires):
            used, replaced = key.key == endpoint.api_key, key.fingerprint in old
            ends = iso_time(key.expires * 1000)
            if as_json:
                document = {"region": endpoint.region, "key": key.fingerprint, "expires": ends}
                write_lines([json_line({**document, "used": used, "replaced": replaced})])
                continue
            marks = ["in use"] * used + ["replaced"] * replaced
            left = keys.days_left(key.expires, now)
            span = f"{left} days left" if left >= 0 else "expired"
            note = f"  ({', '.join(marks)})" if marks else ""
            write_lines([f"{endpoint.alias:<12} {key.fingerprint}  expires {ends}, {span}{note}"])
    return 0
