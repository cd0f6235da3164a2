"""`globalchat keys`: list, rotate and revoke the API keys of a deployment."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from globalchat.cli import options
from globalchat.cli.command import CliCommand, CommandGroup
from globalchat.cli.options import argument, flag, option, parameters, shared
from globalchat.cli.output import confirm, echo_err, json_line, write_lines
from globalchat.core.clock import iso_time
from globalchat.core.errors import ExitCode, UsageError
from globalchat.core.text import plural

if TYPE_CHECKING:
    from globalchat.client.profiles import Profile, RegionEndpoint
    from globalchat_infra.deployer.api_keys import ApiKey
    from globalchat_infra.deployer.aws import Aws

GRACE_DAYS = 7
SHORTEST_START = 4
"""The fewest characters that may abbreviate a fingerprint of twelve."""

command = CommandGroup("keys", help="The API keys of a deployment on AWS; needs AWS credentials.")

LIST_HELP = """Show when the keys of every region expire, and which one this profile uses.

\b
Examples:
  globalchat keys list
  globalchat keys list --json | jq -r 'select(.used) | .expires'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeysOptions:
    """The command line of `keys list`."""

    aws_profile: str | None = shared(options.aws_profile)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@command.command(
    "list",
    cls=CliCommand,
    help=LIST_HELP,
    short_help="Show the keys of every region, without the keys themselves.",
)
@parameters(ListKeysOptions)
def list_keys(given: ListKeysOptions) -> int:
    """Run `globalchat keys list`."""
    from globalchat_infra.deployer import api_keys

    now, aws, profile = time.time(), *_signed_in(given.aws_profile, given.profile)
    for endpoint in profile.regions.values():
        _check_owner(aws, endpoint)
        found = api_keys.list_keys(aws, endpoint.region, endpoint.api_id)
        old = api_keys.retired(found)
        # The one with the latest expiry first, which is usually the one in use.
        for key in sorted(found, key=lambda each: -each.expires):
            is_used, is_replaced = key.key == endpoint.api_key, key.fingerprint in old
            if given.as_json:
                document = {
                    "region": endpoint.region,
                    "key": key.fingerprint,
                    "expires": iso_time(key.expires * 1000),
                    "used": is_used,
                    "replaced": is_replaced,
                }
                write_lines([json_line(document)])
            else:
                line = _key_line(key, now, is_used=is_used, is_replaced=is_replaced)
                write_lines([f"{endpoint.alias:<12} {line}"])
    return ExitCode.DONE


def _key_line(key: "ApiKey", now: float, *, is_used: bool, is_replaced: bool) -> str:
    """Return a line with a key's fingerprint, its expiry, and remarks; `now` is in epoch seconds."""
    from globalchat_infra import stack_interface
    from globalchat_infra.deployer import api_keys

    is_of_stack = key.description == stack_interface.KEY_DESCRIPTION
    marks = ["in use"] * is_used + ["replaced"] * is_replaced + ["of the stack"] * is_of_stack
    left = api_keys.days_left(key.expires, now)
    span = f"{plural(left, 'day')} left" if left >= 0 else "expired"
    note = f"  ({', '.join(marks)})" if marks else ""
    return f"{key.fingerprint}  expires {iso_time(key.expires * 1000)}, {span}{note}"


ROTATE_HELP = """\
Make a new key in every region and write it to the profile; the old key expires after --grace days.

AppSync lets a key expire after a day at the earliest; with --grace 0 it is deleted instead. The next
deployment deletes a replaced key of the stack in any case, and it never works again.

\b
Examples:
  globalchat keys rotate
  globalchat keys rotate --grace 0
  globalchat keys rotate --grace 1 --profile default
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKeysOptions:
    """The command line of `keys rotate`."""

    grace: int = option(
        "--grace",
        type=click.IntRange(0, 365),
        default=GRACE_DAYS,
        help="Days for which old keys stay valid; 0 deletes them now.",
    )
    aws_profile: str | None = shared(options.aws_profile)
    profile: str | None = shared(options.profile)


@command.command(
    "rotate", cls=CliCommand, help=ROTATE_HELP, short_help="Make new keys; the old ones expire later, or now."
)
@parameters(RotateKeysOptions)
def rotate(given: RotateKeysOptions) -> int:
    """Run `globalchat keys rotate`."""
    from globalchat.cli.aws_deployment import save_profile
    from globalchat_infra.deployer import api_keys

    now, aws, profile = time.time(), *_signed_in(given.aws_profile, given.profile)
    # All are checked first, so that none is replaced if one belongs to another deployment.
    for endpoint in profile.regions.values():
        _check_owner(aws, endpoint)
    for alias, endpoint in profile.regions.items():
        rotation = api_keys.rotate(aws, endpoint.region, endpoint.api_id, now=now)
        new, old = rotation.new, rotation.old
        changed = replace(endpoint, api_key=new.key, api_key_expires=new.expires)
        profile = replace(profile, regions={**profile.regions, alias: changed})
        # Saved after each region, so that this key is not lost if the next region fails.
        save_profile(profile)
        echo_err(f"{alias}: the new key {new.fingerprint} is in the profile")
        if old is None:
            continue
        end = api_keys.retire(aws, endpoint.region, endpoint.api_id, old, now=now, grace_days=given.grace)
        until = f"lives until {iso_time(end * 1000)} at the latest" if given.grace else "has ended"
        echo_err(f"{alias}: the old key {old.fingerprint} {until}")
    echo_err("Others need the new keys too: they run `globalchat outputs --refresh`.")
    return ExitCode.DONE


REVOKE_HELP = """Delete keys permanently; KEY is the id that `globalchat keys list` shows, or its beginning.

The profile's own key is not revoked: use `globalchat keys rotate --grace 0` to replace and delete it.

\b
Examples:
  globalchat keys revoke 42b063960c1f
  globalchat keys revoke --replaced --yes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKeysOptions:
    """The command line of `keys revoke`."""

    keys: tuple[str, ...] = argument("keys", nargs=-1, metavar="[KEY]...")
    replaced: bool = flag("--replaced", help="All keys that a rotation has replaced.")
    aws_profile: str | None = shared(options.aws_profile)
    yes: bool = shared(options.yes)
    profile: str | None = shared(options.profile)


@command.command("revoke", cls=CliCommand, help=REVOKE_HELP, short_help="End keys now.")
@parameters(RevokeKeysOptions)
def revoke(given: RevokeKeysOptions) -> int:
    """Run `globalchat keys revoke`."""
    from globalchat_infra.deployer import api_keys

    if not given.keys and not given.replaced:
        raise UsageError(
            "No key is named.", remedy="Name one as `globalchat keys list` shows it, or give --replaced."
        )
    aws, profile = _signed_in(given.aws_profile, given.profile)
    found: dict[str, list[ApiKey]] = {}
    for alias, endpoint in profile.regions.items():
        _check_owner(aws, endpoint)
        found[alias] = api_keys.list_keys(aws, endpoint.region, endpoint.api_id)
    chosen = _named(given.keys, found)
    if given.replaced:
        for alias, listed in found.items():
            old = api_keys.retired(listed)
            chosen += [(alias, key) for key in listed if key.fingerprint in old]
    # A key may be both named and replaced; revoke it once.
    chosen = list(dict.fromkeys(chosen))
    _check_unused(chosen, profile)
    if not chosen:
        echo_err("No key was replaced.")
        return ExitCode.DONE
    words = ", ".join(f"{key.fingerprint} ({alias})" for alias, key in chosen)
    if not confirm(f"End {words} now, for everyone who uses it?", yes=given.yes):
        return ExitCode.FAILED
    for alias, key in chosen:
        endpoint = profile.regions[alias]
        api_keys.revoke(aws, endpoint.region, endpoint.api_id, key)
        echo_err(f"{alias}: the key {key.fingerprint} has ended")
    return ExitCode.DONE


def _check_unused(chosen: "Sequence[tuple[str, ApiKey]]", profile: "Profile") -> None:
    """Check that the profile uses none of the keys.

    Raises:
        UsageError: it uses one.
    """
    used = {each.api_key for each in profile.regions.values()}
    for alias, key in chosen:
        if key.key in used:
            raise UsageError(
                f"The key {key.fingerprint} of {alias} is the one that the profile uses: no key was ended.",
                remedy="Replace and end it with `globalchat keys rotate --grace 0`.",
            )


def _named(words: Sequence[str], listed: Mapping[str, "Sequence[ApiKey]"]) -> list[tuple[str, "ApiKey"]]:
    """Return region and key of each word.

    Raises:
        UsageError: a word matches no key, or several.
    """
    chosen = []
    for word in words:
        if word.startswith("da2-"):
            # The word is not repeated, since a key belongs neither on a command line nor in output.
            raise UsageError(
                "A key itself was given.", remedy="Name it by what `globalchat keys list` shows of it."
            )
        found = [
            (alias, key)
            for alias, keys in listed.items()
            for key in keys
            if len(word) >= SHORTEST_START and key.fingerprint.startswith(word)
        ]
        if len(found) != 1:
            how_many = "Several keys start" if found else "No key starts"
            raise UsageError(
                f'{how_many} with "{word[:50]}".', remedy="Name one as `globalchat keys list` shows it."
            )
        chosen += found
    return chosen


def _signed_in(aws_profile: str | None, profile: str | None) -> "tuple[Aws, Profile]":
    """Return a client of AWS, signed in to the account of the deployment, and the deployment's profile.

    Raises:
        UserError: there is no such profile, its deployment has no keys, or the credentials are not of its
            account.
    """
    # Imported here, since help must not load botocore.
    from globalchat.cli.aws_deployment import deployed_profile, sign_in_to
    from globalchat_infra.deployer.aws import Aws

    aws, loaded = Aws(aws_profile), deployed_profile(profile)
    if loaded.signs:
        raise UsageError(
            f'The deployment of the profile "{loaded.name}" has no API keys: its senders are verified.',
            remedy="Who may chat is up to IAM: see docs/operations.md, Verified senders.",
        )
    sign_in_to(aws, loaded)
    return aws, loaded


def _check_owner(aws: "Aws", endpoint: "RegionEndpoint") -> None:
    """Check that an API belongs to its deployment.

    Raises:
        UserError: according to its tags it does not.
    """
    from globalchat_infra import names
    from globalchat_infra.deployer import api_keys

    api_keys.check_owner(aws, names.prefix_of(endpoint.event_bus), endpoint)
