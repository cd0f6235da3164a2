"""The background work of following all regions at once: runs a watch, and hands on what it tells."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

from globalchat.client.profiles import Profile
from globalchat.core.errors import UserError
from globalchat.ui.messages import WatchTold
from globalchat.ui.ports import ProfileOpener, RegionWatch, WatchFactory, load_watch_factory

if TYPE_CHECKING:
    from globalchat.client.watch import WatchEvent

BATCH = 200
"""The most events handed on at once."""

WITHIN = 10.0
"""How long (s) a message may take to the second region before it counts as missing."""


class Watching:
    """Owns a watch from its making to its end."""

    def __init__(
        self,
        profile: Profile,
        factory: WatchFactory | None = None,
        *,
        reload: ProfileOpener | None = None,
    ) -> None:
        """`reload` reads the profile again: since the chat began a region may have moved, or its key."""
        self._profile = profile
        self._reload = reload
        self._factory = factory
        self._watch: RegionWatch | None = None
        self._closed = False

    async def run(self, post: Callable[[Message], object]) -> None:
        """Follow all regions until `close`."""
        factory = self._factory
        if factory is None:
            factory = await asyncio.to_thread(load_watch_factory, self._reload)
        profile = await self._current_profile()
        if self._closed:
            return
        watch = self._watch = factory(profile, WITHIN)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch.run(), name="watch")
            tasks.create_task(self._pump(watch, post), name="watch events")

    def close(self) -> None:
        """Ask `run` to end. Returns at once; nothing is handed on any more."""
        self._closed = True
        if self._watch is not None:
            self._watch.close()

    def retry_now(self) -> None:
        """Try at once in the regions that are not live."""
        if self._watch is not None:
            self._watch.retry_now()

    async def _current_profile(self) -> Profile:
        """Return the profile as it is now; as it was if it cannot be read or has other regions by now."""
        try:
            now = self._profile if self._reload is None else await self._reload()
        except UserError:
            return self._profile  # the watch reads it again after each failure, and shows why it cannot
        return now if set(now.regions) == set(self._profile.regions) else self._profile

    async def _pump(self, watch: RegionWatch, post: Callable[[Message], object]) -> None:
        """Hand on events, a batch at a time: while the screen is busy they wait in the watch's buffer."""
        events: list[WatchEvent]
        while (events := await watch.next_events(BATCH)) and not self._closed:
            consumed = asyncio.Event()
            if not post(WatchTold(self, events, consumed)):
                return
            await consumed.wait()
