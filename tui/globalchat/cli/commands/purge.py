"""`globalchat purge`: an administrator deletes the history of a channel."""

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import PastMoment, argument, option, parameters, shared
from globalchat.cli.output import LiveLine, confirm, echo_err, json_line, width, write_lines
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.clock import iso_time
from globalchat.core.errors import ExitCode, UsageError, UserError
from globalchat.core.logs import log_event

if TYPE_CHECKING:
    from globalchat_infra.deployer.aws import Aws
    from globalchat_infra.deployer.purge import ChannelHistory, ItemCount

log = logging.getLogger("globalchat.cli.purge")

HELP = """Delete the history of CHANNEL, in every region; needs AWS credentials.

It shows the credentials' owner and the approximate number of items, and asks. Deletion is permanent: there is
no backup. If it was interrupted, run it again. Open chats keep their messages, and dead letters stay. --json
prints one object per region: region (the AWS region), channel, and deleted (the number of items).

\b
Examples:
  globalchat purge tech
  globalchat purge tech --before 7d
  globalchat purge tech --before 2026-11-30T08:00 --yes --profile default --aws-profile work
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeOptions:
    """The command line of `purge`."""

    channel: str = argument("channel")
    before: int | None = option(
        "--before",
        type=PastMoment(),
        help="Only messages from before a date (with or without a time) or a time ago. [default: everything]",
    )
    aws_profile: str | None = shared(options.aws_profile)
    yes: bool = shared(options.yes)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@dataclass(slots=True)
class RegionPurge:
    """The purge of one region: what to delete, about how much that is, and what is deleted so far."""

    alias: str
    history: "ChannelHistory"
    expected: "ItemCount"
    deleted: int = 0


@dataclass(slots=True)
class PurgePlan:
    """The regions to purge, and the exit code: a failure if one cannot be purged."""

    regions: list[RegionPurge] = field(default_factory=list)
    code: ExitCode = ExitCode.DONE

    def fail(self, alias: str, error: UserError) -> None:
        """Print the error of one region; the others go on."""
        echo_err(f"globalchat: {alias}: {error.sentence}")
        self.code = max(self.code, error.exit_code)


@click.command("purge", cls=CliCommand, help=HELP)
@parameters(PurgeOptions)
def command(given: PurgeOptions) -> int:
    """Run `globalchat purge`."""
    from globalchat.cli.aws_deployment import administration

    _check_channel(given.channel)
    name = profiles.choose(given.profile)
    profile, aws = administration(name, given.aws_profile)
    aws = aws.with_retries()
    plan = _plan(aws, profile, given)
    what = given.channel if given.before is None else f"{given.channel} before {iso_time(given.before)}"
    if not any(each.expected.number for each in plan.regions):
        if plan.code is ExitCode.DONE:
            echo_err(f"Nothing is stored of {what}.")
        return plan.code
    places = ", ".join(f"{each.expected} in {each.alias} ({each.history.region})" for each in plan.regions)
    if not confirm(f"Delete the history of {what}: {places}?", yes=given.yes):
        echo_err("Nothing was deleted.")
        return ExitCode.FAILED
    _purge(aws, plan, as_json=given.as_json)
    return plan.code


def _check_channel(channel: str) -> None:
    # A channel that the deployment no longer has may still have a history: only its form is checked.
    from globalchat.client.messages import CHANNEL

    if not CHANNEL.fullmatch(channel):
        raise UsageError(
            f'"{channel[:50]}" cannot name a channel.', remedy="Use lower-case letters, digits, - and _."
        )


def _plan(aws: "Aws", profile: Profile, given: PurgeOptions) -> PurgePlan:
    """Look at the table of every region before anything is deleted.

    Raises:
        UsageError: a table or an API belongs to others.
    """
    from globalchat.client.history import cursor_at
    from globalchat_infra import names
    from globalchat_infra.deployer import api_keys, purge
    from globalchat_infra.deployer.purge import ChannelHistory

    plan = PurgePlan()
    before = None if given.before is None else cursor_at(given.before)
    for alias, endpoint in profile.regions.items():
        prefix = names.prefix_of(endpoint.event_bus)
        try:
            # The local cloud is this user's own, and has no tags.
            if profile.name != LOCAL:
                api_keys.check_owner(aws, prefix, endpoint)
                purge.check_table(aws, str(prefix), alias, endpoint.region)
            table = names.history(str(prefix), alias)
            history = ChannelHistory(endpoint.region, table, given.channel, before)
            expected = purge.count(aws, history)
        except UsageError:
            raise
        except UserError as error:
            plan.fail(alias, error)
            continue
        if expected is None:
            echo_err(f"{alias} stores no messages: its history is off.")
        else:
            plan.regions.append(RegionPurge(alias, history, expected))
    return plan


def _purge(aws: "Aws", plan: PurgePlan, *, as_json: bool) -> None:
    """Purge one region after the other, and print what was deleted in each."""
    from globalchat_infra.deployer import purge

    line = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
    for each in plan.regions:

        def note(count: int, region: RegionPurge = each) -> None:
            region.deleted += count
            line.show(region.alias, f"{region.alias}: {region.deleted:,} deleted, of {region.expected}")

        failure: UserError | None = None
        try:
            purge.purge(aws, each.history, note)
        except UserError as error:
            failure = error
        except KeyboardInterrupt:
            line.clear()
            echo_err(f"interrupted: {_deleted(plan)}; run the same command again to delete the rest")
            raise
        finally:
            line.clear()
            log_event(log, logging.INFO, "purged", region=each.history.region, deleted=each.deleted)
        _report(each, as_json=as_json)
        if failure is not None:
            plan.fail(each.alias, failure)


def _deleted(plan: PurgePlan) -> str:
    begun = [each for each in plan.regions if each.deleted]
    where = ", ".join(f"{each.deleted:,} in {each.alias}" for each in begun)
    return f"deleted {where}" if begun else "nothing was deleted"


def _report(region: RegionPurge, *, as_json: bool) -> None:
    if as_json:
        document: Mapping[str, object] = {
            "region": region.history.region,
            "channel": region.history.channel,
            "deleted": region.deleted,
        }
        write_lines([json_line(document)])
    else:
        items = "1 item was" if region.deleted == 1 else f"{region.deleted:,} items were"
        echo_err(f"{region.alias}: {items} deleted")
