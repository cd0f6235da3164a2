"""`globalchat whoami`: the identity that the backend sees, its credentials, and when they expire."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import parameters, shared
from globalchat.cli.output import echo_err, json_line, write_lines
from globalchat.client.authors import AuthorKind, author_kind
from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint
from globalchat.core.errors import ExitCode

if TYPE_CHECKING:
    from datetime import datetime

HELP = """Print the identity that the backend sees: the author of your messages.

A person has signed in with AWS IAM Identity Center; a machine is any other role or user of AWS. A sender
cannot choose the author. With an API key there is none: others see the name that you choose, and
anyone who has the key may choose the same. It also prints where the credentials come from, and when they
expire.

--json prints one object: region (the AWS region that was asked), author (null with an API key), kind
("person", "machine" or null), auth ("iam" or "apiKey"), credentials (where they come from), accessKeyId (null
with an API key) and expires (UTC, null if unknown or never).

\b
Examples:
  globalchat whoami
  globalchat whoami --as ana
  globalchat whoami --profile work --json | jq -r .author
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoamiOptions:
    """The command line of `whoami`."""

    region: str | None = shared(options.region)
    person: str | None = shared(options.person)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """The author that a region sees, and how the calls are authenticated."""

    region: str
    author: str | None
    signed: bool
    source: str
    access_key: str | None = None
    expires: "datetime | None" = None


@click.command("whoami", cls=CliCommand, help=HELP)
@parameters(WhoamiOptions)
def command(given: WhoamiOptions) -> int:
    """Run `globalchat whoami`."""
    profile = profiles.load(profiles.choose(given.profile), note=echo_err, person=given.person)
    import asyncio

    caller = asyncio.run(_ask(profile, given.region))
    write_lines([json_line(_document(caller))] if given.as_json else _lines(caller))
    return ExitCode.DONE


async def _ask(profile: Profile, region: str | None) -> KnownCaller:
    from datetime import UTC, datetime

    from globalchat.client.api import RegionApi

    endpoint = await profiles.pick(profile, region)
    async with RegionApi(endpoint) as api:
        author = await api.whoami()
    source = _source(profile, endpoint)
    if endpoint.signer is None:
        ends = endpoint.api_key_expires
        until = None if ends is None else datetime.fromtimestamp(ends, UTC)
        return KnownCaller(endpoint.region, author, False, source, expires=until)
    credentials = endpoint.signer()  # Returns at once: they have just signed the call.
    return KnownCaller(endpoint.region, author, True, source, credentials.access_key, credentials.expires)


def _source(profile: Profile, endpoint: RegionEndpoint) -> str:
    """Return where the credentials come from."""
    if endpoint.auth == "apiKey":
        return f"the API key of the profile {profile.name}"
    if profile.name == LOCAL:
        return "a session of the local cloud"
    named = endpoint.aws_profile
    return f"the AWS profile {named}" if named else "AWS's own variables and files"


def _document(caller: KnownCaller) -> dict[str, object]:
    kind = author_kind(caller.author)
    return {
        "region": caller.region,
        "author": caller.author,
        "kind": None if kind is AuthorKind.NONE else kind.value,
        "auth": "iam" if caller.signed else "apiKey",
        "credentials": caller.source,
        "accessKeyId": caller.access_key,
        "expires": None if caller.expires is None else caller.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _lines(caller: KnownCaller) -> list[str]:
    kind = author_kind(caller.author)
    said = {
        AuthorKind.NONE: "without an author: others see the name that you choose, and AWS vouches for none",
        AuthorKind.PERSON: f"{caller.author}, a person that AWS vouches for",
        AuthorKind.MACHINE: f"{caller.author}, a machine: a user or role of AWS",
    }
    by = caller.source if caller.access_key is None else f"{caller.source}, access key {caller.access_key}"
    until = "" if caller.expires is None else f", until {caller.expires.astimezone():%Y-%m-%d %H:%M:%S}"
    return [said[kind], f"by {by}{until}"]
