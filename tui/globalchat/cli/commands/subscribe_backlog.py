"""What arrived in a region before `subscribe` followed it: `--since`."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from heapq import heapify, heapreplace
from random import Random

from globalchat.cli.commands.history import warn_unreadable
from globalchat.cli.output import echo_err
from globalchat.client.api import RegionApi
from globalchat.client.events import MessageReceived, SessionEvent
from globalchat.client.history import RetryingReader, messages_since, retrying
from globalchat.client.inbox import digest
from globalchat.client.messages import Message, arrival_of
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.retry import RetryPolicy
from globalchat.core.clock import iso_time, now_ms
from globalchat.core.errors import UserError

RETRY_FOR = 60.0
"""Seconds for which a history that cannot be read is tried again."""
SHOWN = 100_000
"""How many of the latest messages are recognised when the session brings them too; others are repeated."""


class Backlog:
    """The messages of channels that arrived in a region since `since` (epoch ms), in the order of arrival.

    They are read once the region is live: what was stored before the subscription is in the history, and what
    comes later comes from the session. What both bring is shown once. `locate` returns where the region is;
    it is called when reading begins, since a local cloud may have been restarted by then.
    """

    def __init__(
        self, channels: Sequence[str], since: int, locate: Callable[[], Awaitable[RegionEndpoint]]
    ) -> None:
        self.is_read = False
        self._channels = channels
        self._since = since
        self._locate = locate
        self._held: list[SessionEvent] = []
        self._shown: set[bytes] = set()
        self._order: deque[bytes] = deque()

    async def read(self) -> AsyncGenerator[MessageReceived, None]:
        """Yield the messages.

        Raises:
            UserError: the region keeps no history, or it cannot be read.
        """
        self.is_read = True
        endpoint = await self._locate()
        policy = RetryPolicy(Random(), give_up_after=RETRY_FOR)
        async with RegionApi(endpoint) as api:
            terms = (await retrying(policy, api.describe)).history
            if terms is None or not terms.days:
                raise UserError(f"{endpoint.alias} keeps no history.", remedy="Leave out --since.")
            since = self._since - round(1000 * (api.clock_skew or 0.0))
            if terms.since is not None and since < terms.since:
                echo_err(f"{endpoint.alias} keeps nothing that arrived before {iso_time(terms.since)}")
            reader = RetryingReader(api, policy)
            read = [messages_since(reader, channel, since) for channel in self._channels]
            async for message in _by_arrival(read):
                self._note(digest(message))
                yield MessageReceived(message, endpoint.alias, now_ms(), None, filled=True)
            warn_unreadable(reader)

    def hold(self, events: Iterable[SessionEvent]) -> list[SessionEvent]:
        """Keep messages that came before the backlog was read; return the other events."""
        others: list[SessionEvent] = []
        for event in events:
            (self._held if isinstance(event, MessageReceived) else others).append(event)
        return others

    def take_held(self) -> list[SessionEvent]:
        """Return the kept messages that `read` has not brought as well."""
        held, self._held = self._held, []
        return self.without_shown(held)

    def without_shown(self, events: Iterable[SessionEvent]) -> list[SessionEvent]:
        """Return events of the session without the messages that `read` has brought already."""
        if not self._shown:
            return list(events)
        return [
            event
            for event in events
            if not isinstance(event, MessageReceived) or digest(event.message) not in self._shown
        ]

    def _note(self, mark: bytes) -> None:
        self._shown.add(mark)
        self._order.append(mark)
        if len(self._order) > SHOWN:
            self._shown.discard(self._order.popleft())


async def _by_arrival(channels: Iterable[AsyncIterator[Message]]) -> AsyncIterator[Message]:
    """Yield the messages of several channels of one region in the order of their arrival."""
    # The place of a channel comes before its iterator, as messages may share an arrival.
    heads = [
        (arrival_of(first), place, first, messages)
        for place, messages in enumerate(channels)
        if (first := await anext(messages, None)) is not None
    ]
    heapify(heads)
    while heads:
        _, place, message, messages = heads[0]
        yield message
        following = await anext(messages, None)
        if following is None:
            heads[0] = heads[-1]
            heads.pop()
            heapify(heads)
        else:
            heapreplace(heads, (arrival_of(following), place, following, messages))
