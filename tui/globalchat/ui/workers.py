"""Background workers: a session, or a watch of all regions, whose events are posted as messages.

Workers do not depend on widgets. Their messages are handled in the order of events.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.message import Message

from globalchat.client.events import SessionEvent
from globalchat.client.profiles import Profile
from globalchat.core.errors import UserError
from globalchat.ui.interfaces import (
    ChatSession,
    ProfileOpener,
    RegionWatch,
    SessionFactory,
    WatchFactory,
    load_session_factory,
    load_watch_factory,
)
from globalchat.ui.model.kept_choices import first_region

if TYPE_CHECKING:
    from globalchat.client.watch import WatchEvent  # noqa: F401 (the parameter of a base class)

Post = Callable[[Message], object]
"""Posts a message to the screen; returns False if the screen is closing."""

EventT = TypeVar("EventT")

BATCH = 200
"""The most events in one message."""

PAIR_WITHIN = 10.0
"""Seconds that a message may take to the second region before it counts as missing."""


class ProfileOpeningStarted(Message):
    """Posted before the profile is opened, initially and on each retry."""


class ProfileOpeningFailed(Message):
    """Posted if the profile cannot be opened, or has no such region. `reason` and `remedy` are sentences."""

    def __init__(self, reason: str, remedy: str | None) -> None:
        super().__init__()
        self.reason = reason
        self.remedy = remedy


class SessionOpened(Message):
    """Posted before a session runs.

    `region` is the alias of its first region; `remark` says why it is not the one of the last run.
    """

    def __init__(
        self, profile: Profile, region: str, session: ChatSession, remark: str | None = None
    ) -> None:
        super().__init__()
        self.profile = profile
        self.region = region
        self.session = session
        self.remark = remark


class _EventBatch(Message, Generic[EventT]):
    """Events of a source, which posts the next batch once `consumed` is set."""

    def __init__(self, source: object, events: Sequence[EventT], consumed: asyncio.Event) -> None:
        super().__init__()
        self.source = source
        self.events = events
        self.consumed = consumed


class SessionEvents(_EventBatch[SessionEvent]):
    """Posts events of the session."""


class WatchEvents(_EventBatch["WatchEvent"]):
    """Posts events of the watch of all regions. The source is its `WatchWorker`."""


async def _pump(
    batch: type[_EventBatch[EventT]],
    source: object,
    next_events: Callable[[int], Awaitable[Sequence[EventT]]],
    post: Post,
) -> None:
    """Post events, a batch at a time; while the screen is busy they wait in the source's bounded buffer."""
    while events := await next_events(BATCH):
        consumed = asyncio.Event()
        # The screen is closing and will never set `consumed`.
        if post(batch(source, events, consumed)) is False:
            return
        await consumed.wait()


class SessionWorker:
    """Owns the session from its creation to its end.

    `sender` returns the name that a session starts with. `region` is the one to begin in; with None it is
    that of the last run, if `last_region` returns one that the profile still has, else the profile's first.
    With `is_read_only` the session has no outbox: it would send what an earlier chat could not.

    Attributes:
        reload_profile: Reads the profile again without starting anything.
    """

    def __init__(
        self,
        open_profile: ProfileOpener,
        *,
        region: str | None,
        last_region: Callable[[], str | None] = lambda: None,
        sender: Callable[[], str],
        session_factory: SessionFactory | None = None,
        reload_profile: ProfileOpener | None = None,
        is_read_only: bool = False,
    ) -> None:
        self._open_profile = open_profile
        self._is_read_only = is_read_only
        self._region = region
        self._last_region = last_region
        self._sender = sender
        self._session_factory = session_factory
        self.reload_profile = reload_profile

    async def run(self, post: Post) -> None:
        """Open the profile and run its session to the end. A UserError is posted, not raised."""
        post(ProfileOpeningStarted())
        try:
            profile = await self._open_profile()
            region, remark = first_region(profile, self._region, self._last_region())
            session = await self._make_session(profile, region)
        except UserError as error:
            post(ProfileOpeningFailed(str(error), error.remedy))
            return
        post(SessionOpened(profile, region, session, remark))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run(), name="session")
            tasks.create_task(_pump(SessionEvents, session, session.next_events, post), name="session events")

    async def reopen_profile(self) -> None:
        """Open the profile again, which restarts a local cloud that has ended.

        Raises:
            UserError: it cannot be opened.
        """
        await self._open_profile()

    async def _make_session(self, profile: Profile, region: str) -> ChatSession:
        factory = self._session_factory
        if factory is None:
            # In a thread, since importing the transport takes longer than a frame may.
            factory = await asyncio.to_thread(
                load_session_factory, self.reload_profile, has_outbox=not self._is_read_only
            )
        return factory(profile, region, self._sender())


class WatchWorker:
    """Owns a watch of all regions from its creation to its end.

    `reload` reads the profile again: since the chat started a region may have moved, or its key.
    """

    def __init__(
        self,
        profile: Profile,
        factory: WatchFactory | None = None,
        *,
        reload: ProfileOpener | None = None,
    ) -> None:
        self._profile = profile
        self._reload = reload
        self._factory = factory
        self._watch: RegionWatch | None = None
        self._closed = False

    async def run(self, post: Post) -> None:
        """Follow all regions until `close`."""
        factory = self._factory
        if factory is None:
            factory = await asyncio.to_thread(load_watch_factory, self._reload)
        profile = await self._current_profile()
        # It was closed while the profile was being read, before there was a watch to close.
        if self._closed:
            return
        watch = self._watch = factory(profile, PAIR_WITHIN)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch.run(), name="watch")
            tasks.create_task(_pump(WatchEvents, self, watch.next_events, post), name="watch events")

    def close(self) -> None:
        """Ask `run` to end. Returns at once."""
        self._closed = True
        if self._watch is not None:
            self._watch.close()

    def retry_now(self) -> None:
        """Try at once in the regions that are not live."""
        if self._watch is not None:
            self._watch.retry_now()

    async def _current_profile(self) -> Profile:
        """Return the current profile; the previous one if it cannot be read or has other regions now."""
        try:
            now = self._profile if self._reload is None else await self._reload()
        except UserError:
            # The watch reads it again after each failure, and shows the reason if that fails.
            return self._profile
        # The columns on the screen were made for the regions of the profile that the view began with.
        return now if set(now.regions) == set(self._profile.regions) else self._profile
