"""The profile of a deployment: which one, and what becomes of it."""

from collections.abc import Collection

from globalchat.cli.console.output import narrate
from globalchat.cli.profiles import DEFAULT
from globalchat.client import profiles
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.errors import UsageError
from globalchat.core.files import user_folders
from globalchat_infra import names


def name_to_write(given: str | None) -> str:
    """The profile to write: the given one, else `default`.

    Raises:
        ProfileError: no profile may have this name.
    """
    name = given or DEFAULT
    profiles.check_name(name)
    return name


def known(name: str) -> Profile | None:
    """The profile; None if there is none of this name."""
    folder = user_folders().config
    return profiles.load(name, folder) if name in profiles.names(folder) else None


def deployed(given: str | None) -> Profile:
    """A profile of a deployment on AWS.

    Raises:
        UsageError: it is the local cloud's.
        ProfileError: there is no such profile, or it is damaged.
    """
    name = given or DEFAULT
    if name == LOCAL:
        raise UsageError(
            "The local cloud is not on AWS: it makes its keys when it starts.",
            remedy="Name a deployment's profile with --profile.",
        )
    return profiles.load(name, user_folders().config)


def save(profile: Profile) -> None:
    """Write a profile, and say so; one that held another deployment is replaced, and that is said too."""
    folder = user_folders().config
    if profile.name in profiles.names(folder):
        _tell_of_the_old(profile, folder_profile=profiles.load(profile.name, folder))
    file = profiles.save(profile, folder)
    narrate(f'the profile "{profile.name}" is {file}')


def _tell_of_the_old(profile: Profile, *, folder_profile: Profile) -> None:
    old = {each.event_bus for each in folder_profile.regions.values()}
    if not old & {each.event_bus for each in profile.regions.values()}:
        narrate(f'the profile "{profile.name}" stood for another deployment, and is replaced')


def forget(name: str, account: str, prefix: str, gone: Collection[str]) -> None:
    """Take AWS regions that were destroyed out of a deployment's profile, and delete it once it is empty."""
    folder = user_folders().config
    if name not in profiles.names(folder):
        return
    profile = profiles.load(name, folder)
    own = {names.bus_arn(prefix, region, account) for region in gone}
    left = {alias: each for alias, each in profile.regions.items() if each.event_bus not in own}
    if not left:
        profiles.remove(name, folder)
        narrate(f'the profile "{name}" is removed')
    elif len(left) < len(profile.regions):
        profiles.save(Profile(name, left), folder)
        narrate(f'the profile "{name}" is left with {", ".join(left)}')
