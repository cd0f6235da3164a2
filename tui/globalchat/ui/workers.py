"""The background work: opens the profile, runs the session, hands on its events. Knows no widget."""

import asyncio
from collections.abc import Callable

from textual.message import Message

from globalchat.client.profiles import Profile
from globalchat.core.errors import ProfileError, UserError
from globalchat.ui.messages import EventsArrived, ProfileOpeningFailed, ProfileOpeningStarted, SessionOpened
from globalchat.ui.ports import ChatSession, ProfileOpener, SessionFactory, load_session_factory

Post = Callable[[Message], object]
"""Hands a message to whoever shows things."""

BATCH = 200
"""The most events handed on at once."""


class Connection:
    """Owns the session from its making to its end.

    Attributes:
        reload_profile: Reads the profile again, and starts nothing.
    """

    def __init__(
        self,
        open_profile: ProfileOpener,
        *,
        region: str | None,
        sender: Callable[[], str],
        session_factory: SessionFactory | None = None,
        reload_profile: ProfileOpener | None = None,
    ) -> None:
        """`sender` tells the name that a session is to begin with."""
        self._open_profile = open_profile
        self._region = region
        self._sender = sender
        self._session_factory = session_factory
        self.reload_profile = reload_profile

    async def run(self, post: Post) -> None:
        """Open the profile and run its session to the end. A UserError on the way is posted, not raised."""
        post(ProfileOpeningStarted())
        try:
            profile = await self._open_profile()
            region = self._region_of(profile)
            session = await self._make_session(profile, region)
        except UserError as error:
            post(ProfileOpeningFailed(str(error), error.remedy))
            return
        post(SessionOpened(profile, region, session))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run(), name="session")
            tasks.create_task(self._pump(session, post), name="session events")

    async def open_again(self) -> None:
        """Open the profile once more, which starts a local cloud that ended.

        Raises:
            UserError: it cannot be opened.
        """
        await self._open_profile()

    def _region_of(self, profile: Profile) -> str:
        """The alias of the region to begin in."""
        if not profile.regions:
            raise ProfileError(f'The profile "{profile.name}" has no region.', remedy="Deploy it again.")
        return profile.resolve(self._region).alias if self._region else next(iter(profile.regions))

    async def _make_session(self, profile: Profile, region: str) -> ChatSession:
        factory = self._session_factory
        if factory is None:
            factory = await asyncio.to_thread(load_session_factory, self.reload_profile)
        return factory(profile, region, self._sender())

    async def _pump(self, session: ChatSession, post: Post) -> None:
        """Hand on events, a batch at a time: while the screen is busy they wait in the session's buffer."""
        while events := await session.next_events(BATCH):
            consumed = asyncio.Event()
            post(EventsArrived(events, consumed))
            await consumed.wait()
