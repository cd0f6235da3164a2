"""The past of a channel in one region: pages of what arrived there, from the end or from a moment on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from globalchat.client.messages import MAX_TIME, Content, Message, encode_id

LARGEST_PAGE = 100
"""How many messages a page has at most, whatever is asked for."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message and its place in the region's order of arrival."""

    message: Message
    arrival: str

    @property
    def identity(self) -> tuple[str, Content]:
        """The key that two copies of a message share: a message that is delivered twice is stored twice."""
        return (self.message.id, self.message.content)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some messages, the oldest first, and the cursor of the next page in the same direction."""

    messages: tuple[StoredMessage, ...]
    next: str | None


class HistoryReader(Protocol):
    """Reads a page forwards after a cursor, else backwards from before a cursor or from the end."""

    async def history(
        self, channel: str, *, after: str | None = None, before: str | None = None, limit: int = LARGEST_PAGE
    ) -> HistoryPage:
        """Return the page."""
        ...


def cursor_at(epoch_ms: int) -> str:
    """Return the cursor before all that arrived at a moment (epoch ms, the region's clock) or later."""
    return encode_id(min(max(epoch_ms, 0), MAX_TIME), 0)


async def messages_since(reader: HistoryReader, channel: str, epoch_ms: int) -> AsyncIterator[StoredMessage]:
    """Yield what arrived since a moment (epoch ms), each message once, in the order of arrival."""
    seen: set[tuple[str, Content]] = set()
    cursor: str | None = cursor_at(epoch_ms)
    while cursor is not None:
        page = await reader.history(channel, after=cursor)
        for stored in page.messages:
            if stored.identity not in seen:
                seen.add(stored.identity)
                yield stored
        cursor = page.next


async def latest_messages(
    reader: HistoryReader, channel: str, count: int, *, since: int | None = None
) -> list[StoredMessage]:
    """Return the latest messages, at most `count` distinct ones, in the order of arrival.

    `since` (epoch ms) leaves out what arrived before.
    """
    oldest = "" if since is None else cursor_at(since)
    newest_first: dict[tuple[str, Content], StoredMessage] = {}
    before: str | None = None
    while len(newest_first) < count:
        page = await reader.history(channel, before=before, limit=min(count, LARGEST_PAGE))
        for stored in reversed(page.messages):
            if stored.arrival <= oldest:
                return _oldest_first(newest_first, count)
            # Of two copies the one that arrived first counts.
            newest_first.pop(stored.identity, None)
            newest_first[stored.identity] = stored
        before = page.next
        if before is None:
            break
    return _oldest_first(newest_first, count)


def _oldest_first(newest_first: dict[tuple[str, Content], StoredMessage], count: int) -> list[StoredMessage]:
    return list(newest_first.values())[:count][::-1]
