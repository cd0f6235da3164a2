"""`globalchat channels`: an administrator lists, adds and removes the channels of a deployment."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand, CommandGroup
from globalchat.cli.options import argument, parameters, shared
from globalchat.cli.output import confirm, echo_err, json_line, write_lines
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.errors import ExitCode, Reason, UsageError, UserError
from globalchat.core.logs import log_event
from globalchat.core.text import did_you_mean, plural

if TYPE_CHECKING:
    from globalchat_infra.deployer.api_channels import ApiPlace, ApiVariables, ChannelChange
    from globalchat_infra.deployer.aws import Aws

log = logging.getLogger("globalchat.cli.channels")

MOST_CALLS = 8
"""Regions that are asked at the same time."""

_OLD_REGION = "The region was deployed by an earlier version: update it with `globalchat deploy`."
"""Why a region refuses to end the subscriptions to a channel that it does not have."""

command = CommandGroup(
    "channels", help="The channels of a deployment, or of the local cloud; needs AWS credentials."
)

LIST_HELP = """Show the channels of every region, and which regions lack one.

--json prints one object per region: region (the AWS region) and channels.

\b
Examples:
  globalchat channels list
  globalchat channels list --json | jq -r '.channels[]' | sort -u
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChannelsOptions:
    """The command line of `channels list`."""

    aws_profile: str | None = shared(options.aws_profile)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@command.command(
    "list", cls=CliCommand, help=LIST_HELP, short_help="Show the channels, and regions that lack one."
)
@parameters(ListChannelsOptions)
def list_channels(given: ListChannelsOptions) -> int:
    """Run `globalchat channels list`."""
    from globalchat_infra.deployer import api_channels

    _, _, answers = _read_all(given.profile, given.aws_profile)
    found, code = _present(answers)
    if given.as_json:
        write_lines(_documents(found))
        return code
    missing = api_channels.lacking(found)
    for name in api_channels.union(found):
        lacking = ", ".join(str(place) for place in missing.get(name, ()))
        write_lines([f"{name:<16} not in {lacking}" if lacking else name])
    if missing:
        echo_err("The regions differ. `globalchat channels add NAME` or `remove NAME` makes them alike.")
    elif found:
        echo_err(_size(found))
    return code


ADD_HELP = """Add channels in every region, within seconds and without a deployment; needs AWS credentials.

If one region fails, the others are put back. A channel that exists already is added to regions that lack it.
Open chats can /join it at once, and find it in the switcher. All names together have at most 512 characters.
--json prints one object per region: region (the AWS region), channels, and added.

\b
Examples:
  globalchat channels add ops
  globalchat channels add ops incidents --profile default --aws-profile work
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddChannelsOptions:
    """The command line of `channels add`."""

    names: tuple[str, ...] = argument("names", nargs=-1, required=True, metavar="NAME...")
    aws_profile: str | None = shared(options.aws_profile)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@command.command("add", cls=CliCommand, help=ADD_HELP, short_help="Add channels in every region.")
@parameters(AddChannelsOptions)
def add(given: AddChannelsOptions) -> int:
    """Run `globalchat channels add`."""
    from globalchat_infra.deployer import api_channels

    names = _checked(given.names)
    _, aws, answers = _read_all(given.profile, given.aws_profile)
    before = _every(answers)
    changes = api_channels.adding(before, names)
    after = _change(aws, before, changes)
    _report(after, changes, "added", as_json=given.as_json)
    if not changes:
        echo_err(f"Every region has {_words(names)} already.")
    echo_err(_size(after))
    return ExitCode.DONE


REMOVE_HELP = """Remove channels in every region, and end their subscriptions; needs AWS credentials.

It asks before. Open chats say that the channel was removed, and keep what is not sent. What is stored of it
expires as usual: it can be read again once the channel is added again, and `globalchat purge` deletes it. If
one region fails, the others are put back. --json prints one object per region: region (the AWS region),
channels, and removed.

\b
Examples:
  globalchat channels remove ops
  globalchat channels remove ops incidents --yes --profile default --aws-profile work
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveChannelsOptions:
    """The command line of `channels remove`."""

    # Called `channels`, so that a shell completes them; those to add are not known yet.
    channels: tuple[str, ...] = argument("channels", nargs=-1, required=True, metavar="NAME...")
    aws_profile: str | None = shared(options.aws_profile)
    yes: bool = shared(options.yes)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@command.command("remove", cls=CliCommand, help=REMOVE_HELP, short_help="Remove channels in every region.")
@parameters(RemoveChannelsOptions)
def remove(given: RemoveChannelsOptions) -> int:
    """Run `globalchat channels remove`."""
    from globalchat_infra.deployer import api_channels

    names = _checked(given.channels)
    profile, aws, answers = _read_all(given.profile, given.aws_profile)
    before = _every(answers)
    changes = api_channels.removing(before, names)
    known = api_channels.union(before)
    for name in (each for each in names if each not in known):
        echo_err(" ".join(filter(None, (f"No region has the channel {name}.", did_you_mean(name, known)))))
    where = ", ".join(str(each.place) for each in changes)
    gone = _words([name for name in names if name in known])
    if changes and not confirm(f"Remove {gone} from {where}, for everyone?", yes=given.yes):
        echo_err("No channel was removed.")
        return ExitCode.FAILED
    after = _change(aws, before, changes)
    _report(after, changes, "removed", as_json=given.as_json)
    # Also if nothing was removed: an earlier run may have ended before it came here.
    code = _end_subscriptions(profile, aws, names)
    if changes:
        chosen = f" --profile {given.profile}" if given.profile else ""
        echo_err(f"What is stored of {gone} expires as usual; `globalchat purge NAME{chosen}` deletes it.")
    return code


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once.

    Raises:
        UsageError: one cannot be the name of a channel.
    """
    from globalchat_infra.config import check_channels

    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        check_channels([name])
    return wanted


def _read_all(
    profile_name: str | None, aws_profile: str | None
) -> "tuple[Profile, Aws, Mapping[ApiPlace, ApiVariables | Reason]]":
    """Return a profile, its administrator's calls of AWS, and what each region has, or why that is not known.

    Raises:
        UserError: the profile or the credentials cannot be had.
        UsageError: an API belongs to others.
    """
    from globalchat.cli.aws_deployment import administration
    from globalchat_infra import names
    from globalchat_infra.deployer import api_channels, api_keys
    from globalchat_infra.deployer.api_channels import ApiPlace

    profile, aws = administration(profiles.choose(profile_name), aws_profile)
    aws = aws.with_retries()

    def read(alias: str) -> "ApiVariables | Reason":
        endpoint = profile.regions[alias]
        try:
            # The local cloud is this user's own, and has no tags.
            if profile.name != LOCAL:
                api_keys.check_owner(aws, names.prefix_of(endpoint.event_bus), endpoint)
            return api_channels.read(aws, places[alias])
        except UsageError:
            raise
        except UserError as error:
            return error.reason

    places = {alias: ApiPlace(alias, each.region, each.api_id) for alias, each in profile.regions.items()}
    with ThreadPoolExecutor(MOST_CALLS) as pool:
        found = list(pool.map(read, places))
    return profile, aws, dict(zip(places.values(), found, strict=True))


def _present(answers: "Mapping[ApiPlace, ApiVariables | Reason]") -> "tuple[list[ApiVariables], ExitCode]":
    """Return what is known, and the exit code; print the errors of the other regions."""
    code = ExitCode.DONE
    found: list[ApiVariables] = []
    for place, answer in answers.items():
        if isinstance(answer, Reason):
            echo_err(f"globalchat: {place.alias}: {answer.error().sentence}")
            code = max(code, answer.exit_code)
        else:
            found.append(answer)
    return found, code


def _every(answers: "Mapping[ApiPlace, ApiVariables | Reason]") -> "list[ApiVariables]":
    """Return what every region has.

    Raises:
        UserError: that of a region is not known; nothing may be changed then.
    """
    found: list[ApiVariables] = []
    for place, answer in answers.items():
        if isinstance(answer, Reason):
            raise UserError(
                f"{place}: {answer.message}",
                remedy=f"No channel was changed. {answer.remedy or ''}".strip(),
                exit_code=answer.exit_code,
            )
        found.append(answer)
    return found


def _change(
    aws: "Aws", before: "Sequence[ApiVariables]", changes: "Sequence[ChannelChange]"
) -> "list[ApiVariables]":
    """Make the changes, and return what every region has afterwards."""
    from globalchat_infra.deployer import api_channels

    api_channels.change(aws, changes, echo_err)
    changed = {each.place: each.after for each in changes}
    for each in changes:
        log_event(
            log, logging.INFO, "channels changed", region=each.place.region, count=len(each.after.channels)
        )
    return [changed.get(each.place, each) for each in before]


def _report(
    after: "Sequence[ApiVariables]", changes: "Sequence[ChannelChange]", what: str, *, as_json: bool
) -> None:
    """Print for each region which channels were added or removed (`what`)."""
    names: dict[ApiPlace, list[str]] = {}
    for each in changes:
        old, new = each.before.channels, each.after.channels
        first, second = (new, old) if what == "added" else (old, new)
        names[each.place] = [name for name in first if name not in second]
    if as_json:
        write_lines(_documents(after, lambda place: {what: names.get(place, [])}))
        return
    for place, changed in names.items():
        echo_err(f"{place}: {what} {_words(changed)}")


def _documents(
    regions: "Sequence[ApiVariables]", more: "Callable[[ApiPlace], Mapping[str, object]]" = lambda _: {}
) -> list[str]:
    return [
        json_line({"region": each.place.region, "channels": list(each.channels), **more(each.place)})
        for each in regions
    ]


def _size(regions: "Sequence[ApiVariables]") -> str:
    """Return a line with the number of channels, and how many characters there is room for."""
    from globalchat_infra.config import ENVIRONMENT_VALUE

    fullest = max(regions, key=lambda each: len(",".join(each.channels)))
    used = len(",".join(fullest.channels))
    return f"{plural(len(fullest.channels), 'channel')}: {used} of {ENVIRONMENT_VALUE} characters"


def _words(names: Sequence[str]) -> str:
    return ", ".join(names)


def _end_subscriptions(profile: Profile, aws: "Aws", names: Sequence[str]) -> ExitCode:
    """End the subscriptions to removed channels in every region; print errors, and return the exit code."""
    import asyncio

    from globalchat.cli.commands.unsubscribe import end_subscriptions

    credentials = aws.sign_in(next(iter(profile.regions.values())).region).current()
    code = ExitCode.DONE
    for name in names:
        ended = asyncio.run(end_subscriptions(profile, name, credentials))
        for endpoint, failure in ended.items():
            if failure is not None:
                why = _OLD_REGION if failure.is_unknown else failure.reason.error().sentence
                echo_err(
                    f"globalchat: {endpoint.alias}: the subscriptions to {name} were not ended; open chats "
                    f"do not notice until they connect again, or send. {why}"
                )
                code = max(code, failure.reason.exit_code)
    return code
