"""Reads the history of a session's channels beside its live connection."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from globalchat.client.api import NO_HISTORY, ApiPool
from globalchat.client.events import PageFailed, PageLoaded, SessionEvent
from globalchat.client.history import HistoryPage, cursor_at, cursor_time
from globalchat.client.inbox import Inbox
from globalchat.client.messages import Message
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.retry import RetryPolicy, is_retryable
from globalchat.core.clock import Moment
from globalchat.core.errors import Refused, UserError

HISTORY_OFF = "HistoryOff"
"""The refusal of a region that stores no messages (`infra/resolvers/without_history/history.js`)."""

PAGE_ATTEMPTS = 3
"""The attempts at a page that a person waits for."""


@dataclass(slots=True)
class _Loaded:
    """How far back a channel is loaded: `before` is the cursor of the next older page in region `alias`."""

    alias: str
    before: str | None = None
    is_start: bool = False


class HistoryWorker:
    """Loads older pages of channels when they are asked for, one request a channel at a time.

    `locate` returns the region to read from, `emit` takes the events and `now` gives the time.
    """

    def __init__(
        self,
        *,
        locate: Callable[[], Awaitable[RegionEndpoint]],
        apis: ApiPool,
        inbox: Inbox,
        emit: Callable[[SessionEvent], None],
        now: Callable[[], Moment],
        options: SessionOptions,
        rng: Random,
    ) -> None:
        self._locate = locate
        self._apis = apis
        self._inbox = inbox
        self._emit = emit
        self._now = now
        self._options = options
        self._rng = rng
        self._group: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()
        self._loaded: dict[str, _Loaded] = {}
        self._loading: dict[str, asyncio.Task[None] | None] = {}

    async def run(self) -> None:
        """Own the reading until `close`; what is being read then is dropped."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for channel in tuple(self._loading):
                    self._start(channel)
                await self._closing.wait()
                for task in self._loading.values():
                    if task is not None:
                        task.cancel()
        finally:
            self._group = None

    def close(self) -> None:
        """Let `run` end."""
        self._closing.set()

    def load_older(self, channel: str) -> None:
        """Ask for the page before what is loaded of a channel; nothing happens while one is being read."""
        if channel not in self._loading and not self._closing.is_set():
            self._loading[channel] = None
            self._start(channel)

    def is_loading(self, channel: str) -> bool:
        """Return True while a page of a channel is being read."""
        return channel in self._loading

    def _start(self, channel: str) -> None:
        if self._group is not None:
            self._loading[channel] = self._group.create_task(self._load(channel), name="load a page")

    async def _load(self, channel: str) -> None:
        event: SessionEvent
        try:
            event = await self._read_older(channel)
        except UserError as error:
            event = PageFailed(channel, str(error), error.remedy)
        finally:
            del self._loading[channel]
        self._emit(event)

    async def _read_older(self, channel: str) -> PageLoaded:
        """Return the next page that has messages which this session has not emitted, if there is one."""
        endpoint = await self._locate()
        loaded = self._place_in(endpoint.alias, channel)
        new: list[Message] = []
        while not new and not loaded.is_start:
            page = await self._read_page(endpoint, channel, loaded.before)
            new = self._take(page, endpoint.alias)
            loaded.before, loaded.is_start = page.next, page.next is None
            self._loaded[channel] = loaded
        return PageLoaded(channel, tuple(new), loaded.is_start)

    def _place_in(self, alias: str, channel: str) -> _Loaded:
        """Return how far back a channel is loaded in a region; cursors of another one are times there."""
        loaded = self._loaded.get(channel) or _Loaded(alias)
        if loaded.alias == alias:
            return loaded
        return _Loaded(alias, None if loaded.before is None else cursor_at(cursor_time(loaded.before)))

    def _take(self, page: HistoryPage, alias: str) -> list[Message]:
        """Return a page's messages that were not emitted yet; echoes of drafts are emitted at once."""
        new = []
        for message in page.messages:
            event = self._inbox.receive_stored(message, alias, self._now())
            if event is not None and event.own:
                self._emit(event)
            elif event is not None:
                new.append(event.message)
        return new

    async def _read_page(self, endpoint: RegionEndpoint, channel: str, before: str | None) -> HistoryPage:
        """Return a page before a cursor, or the last one.

        Raises:
            UserError: a few attempts failed.
        """
        policy = RetryPolicy(self._rng, options=self._options, attempts=PAGE_ATTEMPTS)
        now = asyncio.get_running_loop().time
        while True:
            started = now()
            try:
                return await self._apis.history(
                    endpoint, channel, before=before, limit=self._options.page_size
                )
            except UserError as error:
                if isinstance(error, Refused) and error.error_type in (NO_HISTORY, HISTORY_OFF):
                    return HistoryPage((), None)
                retry = policy.fail(error, started=started, now=now()) if is_retryable(error) else None
                if retry is None:
                    raise
            await asyncio.sleep(retry.delay)
