"""Profiles that lead nowhere, among which a chat can switch."""

from collections.abc import Sequence

from globalchat.client.profiles import Profile
from globalchat.ui.interfaces import ProfileEntry, ProfileOpeners
from tests.ui.helpers.fake_session import REGIONS, profile

ENTRIES = (
    ProfileEntry("broken", problem="The profile file is damaged: it is not JSON. Delete it."),
    ProfileEntry("work", tuple(REGIONS), "IAM (work)"),
    ProfileEntry("local", tuple(REGIONS), "on this machine"),
)


class FakeCatalog:
    """Implements `globalchat.ui.interfaces.ProfileCatalog`: one is damaged, one signs, one is local."""

    def names(self) -> Sequence[str]:
        return [each.name for each in ENTRIES]

    def entries(self) -> Sequence[ProfileEntry]:
        return ENTRIES

    def openers(self, name: str) -> ProfileOpeners:
        async def open_profile() -> Profile:
            return profile(name)

        return ProfileOpeners(open_profile, open_profile)
