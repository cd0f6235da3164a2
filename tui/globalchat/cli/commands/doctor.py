"""`globalchat doctor`: what is wrong, and what to do about it."""

import logging

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.arguments.duration import Duration, at_most
from globalchat.cli.console.output import narrate
from globalchat.cli.console.screen import ascii_only as ascii_option
from globalchat.cli.console.screen import wants_ascii
from globalchat.client.profiles import LOCAL
from globalchat.core.errors import ExitCode
from globalchat.core.logs import log_event

log = logging.getLogger("globalchat.cli.doctor")


HELP = """Examine this machine and every region of a profile, and tell what to do about what is wrong.

It looks names up, shakes hands, asks the API, listens, and sends one message through each region, which
arrives in every region. With AWS credentials it also looks at stacks, rules and dead letters. Nothing is
changed. Exits 1 if a check failed; a check that makes no sense without that one is skipped.

\b
Examples:
  globalchat doctor
  globalchat doctor --profile default --aws-profile work
  globalchat doctor --json | jq -r 'select(.status == "failed") | .remedy'
  globalchat doctor --no-publish --timeout 3s
"""


@click.command("doctor", cls=Command, help=HELP)
@click.option("--channel", metavar="C", help="Where the test messages go. [default: the backend's first]")
@click.option("--no-publish", is_flag=True, help="Send no message: round trips and relays stay unchecked.")
@click.option(
    "--timeout",
    default="10s",
    show_default=True,
    metavar="TIME",
    type=Duration(),
    callback=at_most(600),
    help="The time limit of each check.",
)
@options.aws_profile
@ascii_option
@options.as_json
@options.profile
def command(
    channel: str | None,
    no_publish: bool,
    timeout: float,
    aws_profile: str | None,
    ascii_only: bool,
    as_json: bool,
    profile: str | None,
) -> int:
    """Run `globalchat doctor`."""
    chosen = profiles.choose(profile)
    cloud = None
    if chosen == LOCAL:
        from globalchat.cli import local_cloud

        cloud = local_cloud.join(narrate)
        loaded = local_cloud.profile(cloud)
    else:
        loaded = profiles.load(chosen, note=narrate, warn=False)
    import asyncio
    from contextlib import suppress

    from globalchat.cli.doctor.examination import Examination, examine
    from globalchat.cli.doctor.findings import Findings, JsonFindings
    from globalchat.core.errors import UserError
    from globalchat.doctor.finding import Finding, Level, count
    from globalchat_infra.deployer.aws import Aws

    shown = JsonFindings() if as_json else Findings(loaded, ascii_only=wants_ascii(ascii_only))
    narrate(f'examining the profile "{chosen}"')
    aws = Aws(aws_profile)
    if cloud is None:
        # In this thread, and before the checks: a code, or a browser, takes longer than a check may.
        with suppress(UserError):
            aws.sign_in(next(iter(loaded.regions.values())).region)
    what = Examination(loaded, timeout, cloud, aws, channel, publish=not no_publish)

    def tell(finding: Finding) -> None:
        subject, status = finding.subject, finding.level
        log_event(log, logging.INFO, "finding", check=finding.check, subject=subject, status=status)
        shown.show(finding)

    counts = count(asyncio.run(examine(what, tell)))
    shown.sum_up(counts)
    return ExitCode.FAILED if counts[Level.FAILED] else ExitCode.DONE
