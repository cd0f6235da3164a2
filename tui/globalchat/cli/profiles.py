"""Finds the profile and the region of a command.

The local cloud's modules are imported where needed, after the chat's first frame.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from globalchat.client import profiles
from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint, Signer
from globalchat.core.errors import Unreachable, UsageError
from globalchat.core.files import user_folders
from globalchat.core.text import did_you_mean

if TYPE_CHECKING:
    from globalchat.core.profile_signer import ProfileSigner

AUTO = "auto"
ALL = "all"
DEFAULT = "default"
VARIABLE = "GLOBALCHAT_PROFILE"
"""The environment variable with the profile of commands that are called without `--profile`."""

Note = Callable[[str], None]
"""Prints a sentence."""

_RETRY_SECONDS = 1.0


def choose(given: str | None) -> str:
    """Return the name of the profile: the given one, else `default` if it exists, else `local`."""
    if given:
        return given
    return DEFAULT if DEFAULT in profiles.names(user_folders().config) else LOCAL


def load(name: str, *, note: Note, warn: bool = True, person: str | None = None) -> Profile:
    """Return a profile; `local` starts or joins the local cloud, and `note` prints repairs.

    With `warn` it also warns if the key is sent unencrypted, and signs in where requests are signed, with
    questions on the terminal; without, the command sends no key, or warns itself. On the local cloud a
    `person` signs, instead of the API key.

    Raises:
        UsageError: the profile has no people of its own, or no person can have this name.
        UserError: there is no such profile, it is damaged, or the local cloud cannot start.
    """
    check_person(name, person)
    if name == LOCAL:
        from globalchat.cli import local_cloud

        return local_cloud.profile(local_cloud.join(note), person)
    loaded = profiles.load(name, user_folders().config)
    loaded = _with_signers(loaded)
    if warn:
        for aws_profile in {each.aws_profile for each in loaded.regions.values() if each.auth == "iam"}:
            _signers[aws_profile].sign_in()
    exposed = profiles.exposure(url for each in loaded.regions.values() for url in each.urls)
    if warn and exposed is not None:
        note(exposed.error().sentence)
    return loaded


def check_person(name: str, person: str | None) -> None:
    """Check that the profile of this name has people that a command can sign as.

    Raises:
        UsageError: a person is given, and it is not the local cloud.
    """
    if person is not None and name != LOCAL:
        raise UsageError(
            f'Only the local cloud has people of its own, and "{name}" is another profile.',
            remedy="On AWS, sign in with `aws sso login`; for the local cloud, give --profile local.",
        )


def load_within(seconds: float, name: str, *, note: Note, person: str | None = None) -> Profile:
    """Load a profile, retrying for some seconds while the local cloud cannot be reached.

    Raises:
        Unreachable: it could not be reached in that time.
        UserError: as in `load`.
    """
    give_up = time.monotonic() + seconds
    is_first = True
    while True:
        try:
            return load(name, note=note, person=person)
        except Unreachable as error:
            left = give_up - time.monotonic()
            if left <= 0:
                raise
            if is_first:
                note(f"globalchat: {error.sentence} Trying again ...")
            is_first = False
            # No event loop runs yet.
            time.sleep(min(_RETRY_SECONDS, left))


def load_profile(name: str | None = None) -> Profile:
    """Return the profile of that name, as commands do.

    Without a name it is the one in `GLOBALCHAT_PROFILE`, else `default` if there is one, else `local`.
    `local` starts the local cloud in the background or joins the one that runs: that takes a second, so a
    program whose event loop already runs calls this in a thread. It ends automatically, as it does for
    commands.

    Raises:
        ProfileError: there is no such profile, or it is damaged.
        UserError: the local cloud cannot start.
    """
    chosen = choose(name or os.environ.get(VARIABLE))
    return load(chosen, note=logging.getLogger("globalchat").warning)


async def reload(name: str, person: str | None = None) -> Profile:
    """Read the profile again, without starting the local cloud, which the user may have ended.

    The `person` who signs there stays the same.

    Raises:
        UserError: the profile no longer exists, it is damaged, or no local cloud runs.
    """
    import asyncio

    # Files and the local cloud's lock could block the event loop.
    return await asyncio.to_thread(_read_again, name, person)


def _read_again(name: str, person: str | None) -> Profile:
    if name != LOCAL:
        return _with_signers(profiles.load(name, user_folders().config))
    from globalchat.cli import local_cloud

    return local_cloud.profile(local_cloud.require_running(), person)


def _with_signers(profile: Profile) -> Profile:
    """Return a profile whose signed regions have signers; nothing is asked for yet."""
    signed = {
        alias: replace(each, signer=_signer(each.aws_profile, each.region)) if each.auth == "iam" else each
        for alias, each in profile.regions.items()
    }
    return replace(profile, regions=signed)


_signers: dict[str | None, "ProfileSigner"] = {}


def _signer(aws_profile: str | None, region: str) -> Signer:
    """Return the signer of an AWS profile, one in this process: its user signs in once for all regions."""
    from globalchat.core.profile_signer import ProfileSigner  # Imported here: for signed profiles only.

    return _signers.setdefault(aws_profile, ProfileSigner(aws_profile, region))


def region_names(name: str) -> Mapping[str, str]:
    """Return the AWS regions of a profile by alias, without starting anything.

    Raises:
        UserError: there is no such profile, or it is damaged.
        TemplateError: the packaged templates of the local cloud are damaged.
    """
    if name == LOCAL:
        from globalchat.cli import local_cloud
        from globalchat.localcloud.process import launch

        return launch.regions(local_cloud.folder())
    return {alias: each.region for alias, each in profiles.load(name, user_folders().config).regions.items()}


def surely_has(name: str, word: str) -> bool:
    """Return True if a region is known without reading any state; otherwise `region_names` decides."""
    known: Mapping[str, str] = {}
    if name == LOCAL:
        from globalchat.localcloud.provisioning.assembly import packaged_regions

        known = packaged_regions()
    return word.casefold() in (each.casefold() for each in (*known, *known.values()))


def check_region(word: str, known: Mapping[str, str], *, commands: list[str]) -> None:
    """Check that the bare command's argument is a region, before anything is started.

    Raises:
        UsageError: it is not; lists the regions and suggests one.
    """
    possible = [*known, *known.values(), "auto"]
    if word.casefold() in (each.casefold() for each in possible):
        return
    if word in commands:
        raise UsageError(f'"{word}" is a command: put it first, before any option.')
    listed = ", ".join([*(f"{alias} ({region})" for alias, region in known.items()), "auto"])
    raise UsageError(
        f"Unknown command or region: {word[:50]}. The regions are: {listed}.",
        remedy=did_you_mean(word, [*possible, *commands]) or "See `globalchat --help`.",
    )


async def pick(profile: Profile, given: str | None) -> RegionEndpoint:
    """Return the region of this alias or AWS name, the nearest for `auto`, or the profile's first.

    Raises:
        ProfileError: the profile has no such region.
        UserError: `auto`, and no region answers.
    """
    if given is None:
        return next(iter(profile.regions.values()))
    if given.strip().casefold() == AUTO:
        from globalchat.client.api import nearest  # Imported here, as it loads the transports.

        return await nearest(profile.regions.values())
    return profile.resolve(given)


def is_all(region: str | None) -> bool:
    """Return True if the value means all regions."""
    return region is not None and region.strip().casefold() == ALL
