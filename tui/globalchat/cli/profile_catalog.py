"""The profiles of this machine, among which the chat switches."""

import asyncio
from collections.abc import Sequence
from functools import partial

from globalchat.cli import profiles
from globalchat.client import profiles as files
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.errors import UserError
from globalchat.core.files import user_folders
from globalchat.ui.interfaces import ProfileEntry, ProfileOpeners


class KnownProfiles:
    """The profiles in the config folder and the local cloud: the catalog of the chat.

    On the local cloud a `person` signs, instead of the API key; `note` prints repairs of the local cloud.
    """

    def __init__(self, person: str | None, note: profiles.Note) -> None:
        self._person = person
        self._note = note

    def names(self) -> Sequence[str]:
        """Return the names, without reading the profiles."""
        return (*files.names(user_folders().config), LOCAL)

    def entries(self) -> Sequence[ProfileEntry]:
        """Return the profiles, damaged ones too, each with its problem. Nothing is started."""
        return [self._entry(name) for name in self.names()]

    def openers(self, name: str) -> ProfileOpeners:
        """Return how to open a profile, which is not read yet."""
        person = self._person if name == LOCAL else None
        return ProfileOpeners(partial(self._open, name, person), partial(profiles.reload, name, person))

    def _entry(self, name: str) -> ProfileEntry:
        try:
            if name == LOCAL:
                auth = "on this machine" if self._person is None else f"on this machine, as {self._person}"
                return ProfileEntry(name, tuple(profiles.region_names(name)), auth)
            found = files.load(name, user_folders().config)
        except UserError as error:
            return ProfileEntry(name, problem=f"{error} {error.remedy or ''}".strip())
        return ProfileEntry(name, tuple(found.regions), _authentication(found))

    async def _open(self, name: str, person: str | None) -> Profile:
        # In a thread, so that the screen is drawn while the local cloud starts.
        return await asyncio.to_thread(profiles.load, name, note=self._note, warn=False, person=person)


def _authentication(profile: Profile) -> str:
    """Return how requests are authenticated, without any secret."""
    kinds = dict.fromkeys(
        "API key"
        if each.auth == "apiKey"
        else "IAM"
        if each.aws_profile is None
        else f"IAM ({each.aws_profile})"
        for each in profile.regions.values()
    )
    return ", ".join(kinds)
