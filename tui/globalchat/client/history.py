"""A channel's history in one region: pages of messages in the order of arrival."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from globalchat.client.messages import ALPHABET, MAX_TIME, Identity, Message, arrival_of, encode_id
from globalchat.client.retry import RetryPolicy, is_retryable
from globalchat.core.errors import UserError

T = TypeVar("T")

CURSOR = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""A cursor, the arrival of a message: a ULID."""
_TIME_LENGTH = 10
"""The characters of a cursor with its time."""
_DIGITS = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
"""Translates Crockford's base 32 to Python's digits."""
LARGEST_PAGE = 100
"""The most messages of a page, whatever is requested: the limit in `infra/resolvers/history.js`."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Messages, oldest first, and the cursor of the next page in the same direction.

    Each message has an `arrival`. `unreadable` are the arrivals of messages that are not as the schema says,
    and are left out; None if not even the arrival can be read.
    """

    messages: tuple[Message, ...]
    next: str | None
    unreadable: tuple[str | None, ...] = ()


class HistoryReader(Protocol):
    """Reads a page: forwards after a cursor, or backwards before a cursor or from the end."""

    async def history(
        self, channel: str, *, after: str | None = None, before: str | None = None, limit: int = LARGEST_PAGE
    ) -> HistoryPage:
        """Return the page."""
        ...


class RetryingReader:
    """Retries reading a page if the backend throttles or cannot be reached for a moment.

    `unreadable` is the number of messages that were left out of its pages.
    """

    def __init__(self, reader: HistoryReader, policy: RetryPolicy) -> None:
        self.unreadable = 0
        self._reader = reader
        self._policy = policy

    async def history(
        self, channel: str, *, after: str | None = None, before: str | None = None, limit: int = LARGEST_PAGE
    ) -> HistoryPage:
        """Return the page. Raises the reader's error if the policy gives up or no retry can help."""

        async def read() -> HistoryPage:
            return await self._reader.history(channel, after=after, before=before, limit=limit)

        page = await retrying(self._policy, read)
        self.unreadable += len(page.unreadable)
        return page


async def retrying(policy: RetryPolicy, call: Callable[[], Awaitable[T]]) -> T:
    """Return the result of a call, retrying while the policy allows it and a retry can help.

    Raises:
        UserError: the last failure.
    """
    now = asyncio.get_running_loop().time
    while True:
        started = now()
        try:
            result = await call()
        except UserError as error:
            if not is_retryable(error):
                raise
            retry = policy.fail(error, started=started, now=now())
            if retry is None:
                raise
        else:
            policy.succeed()
            return result
        await asyncio.sleep(retry.delay)


def cursor_at(epoch_ms: int) -> str:
    """Return the cursor before everything that arrived at a time (epoch ms, the region's clock) or later."""
    return encode_id(min(max(epoch_ms, 0), MAX_TIME), 0)


def cursor_time(cursor: str) -> int:
    """Return the time in a cursor: epoch ms of the region's clock."""
    return int(cursor[:_TIME_LENGTH].translate(_DIGITS), 32)


async def messages_since(reader: HistoryReader, channel: str, epoch_ms: int) -> AsyncIterator[Message]:
    """Yield the messages that arrived since a time (epoch ms), each once, in the order of arrival."""
    seen: set[Identity] = set()
    cursor: str | None = cursor_at(epoch_ms)
    while cursor is not None:
        page = await reader.history(channel, after=cursor)
        for message in page.messages:
            if message.identity not in seen:
                seen.add(message.identity)
                yield message
        cursor = page.next


async def latest_messages(
    reader: HistoryReader, channel: str, count: int, *, since: int | None = None
) -> list[Message]:
    """Return the latest messages, at most `count` distinct ones, in the order of arrival.

    Messages that arrived before `since` (epoch ms) are left out.
    """
    oldest = "" if since is None else cursor_at(since)
    newest_first: dict[Identity, Message] = {}
    before: str | None = None
    while len(newest_first) < count:
        page = await reader.history(channel, before=before, limit=min(count, LARGEST_PAGE))
        for message in reversed(page.messages):
            if arrival_of(message) <= oldest:
                return _oldest_first(newest_first, count)
            # Of two copies, the one that arrived first is kept.
            newest_first.pop(message.identity, None)
            newest_first[message.identity] = message
        before = page.next
        if before is None:
            break
    return _oldest_first(newest_first, count)


def _oldest_first(newest_first: dict[Identity, Message], count: int) -> list[Message]:
    return list(newest_first.values())[:count][::-1]
