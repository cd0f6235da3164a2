"""The proof that a deployment works: a message published in each region arrives in every region."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from globalchat.client.chat import Chat, connect
from globalchat.client.profiles import Profile
from globalchat.core.errors import Refused, Unreachable, UserError
from globalchat.core.tasks import task_group

SECONDS = 60.0
"""How long to connect, and how long each region's message may take: new rules of EventBridge need a while."""
AGAIN = 5.0
"""Seconds after which a message that did not arrive is sent once more."""
NEVER = frozenset({"BadMessage", "BadMessageId", "BadSender", "EmptyMessage", "MessageTooLong"})
"""Error types of a refusal that is about the message itself."""
TEXT = "globalchat deploy: this message went through every region."
SENDER = "globalchat"

Note = Callable[[str], None]


class _Arrivals:
    """Which texts arrived where."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._changed = asyncio.Condition()

    async def listen(self, alias: str, chat: Chat) -> None:
        async for message in chat:
            async with self._changed:
                self._seen.add((alias, message.id))
                self._changed.notify_all()

    async def wait(self, ids: set[str], aliases: set[str]) -> None:
        """Until each region has one of the ids at least."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.lacking(ids, aliases))

    def lacking(self, ids: set[str], aliases: set[str]) -> set[str]:
        """The regions that have none of the ids."""
        return aliases - {alias for alias, message_id in self._seen if message_id in ids}


async def prove(
    profile: Profile,
    channel: str,
    note: Note,
    *,
    text: str = TEXT,
    sender: str = SENDER,
    seconds: float = SECONDS,
    again: float = AGAIN,
) -> None:
    """Publish in each region, wait for it in all of them, and note how long that took.

    What AWS refuses in the first minute is tried again: keys, roles and policies that are seconds old are not
    known everywhere yet.

    Raises:
        UserError: a message did not arrive within `seconds`, with what was refused last; or can never pass.
    """
    latest = _Latest()
    arrivals = _Arrivals()
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(seconds):
                chats = {
                    alias: await _connected(stack, profile, alias, channel, sender, latest, again)
                    for alias in profile.regions
                }
            group = await stack.enter_async_context(task_group())
            listeners = [group.create_task(arrivals.listen(alias, chat)) for alias, chat in chats.items()]
            for alias, chat in chats.items():
                async with asyncio.timeout(seconds):
                    took = await _round_trip(chat, channel, text, arrivals, set(chats), latest, again)
                note(f"{alias} → {', '.join(chats)}: a message arrived in {took:.1f} s")
            for listener in listeners:
                listener.cancel()
    except TimeoutError:
        raise Unreachable(
            "The deployment stands, but a message did not pass through every region "
            f"within {seconds:.0f} s{latest.in_words()}.",
            remedy="New rules may need minutes: run `globalchat doctor`, then the same `globalchat deploy`.",
        ) from None


class _Latest:
    """The last error that was met, in case that none of the tries succeeds."""

    def __init__(self) -> None:
        self.error: UserError | None = None

    def in_words(self) -> str:
        return "" if self.error is None else f"; the last answer was: {str(self.error).rstrip('.')}"


async def _connected(
    stack: AsyncExitStack,
    profile: Profile,
    alias: str,
    channel: str,
    sender: str,
    latest: _Latest,
    again: float,
) -> Chat:
    """Open a chat, and try again for as long as the caller waits."""
    while True:
        try:
            return await stack.enter_async_context(connect(profile, alias, [channel], sender=sender))
        except UserError as error:
            latest.error = error
        await asyncio.sleep(again)


async def _round_trip(
    chat: Chat,
    channel: str,
    text: str,
    arrivals: _Arrivals,
    aliases: set[str],
    latest: _Latest,
    again: float,
) -> float:
    """Publish until a message has arrived everywhere, as long as the caller waits; returns the seconds."""
    sent: set[str] = set()
    began = time.monotonic()
    while True:
        try:
            sent.add((await chat.publish(channel, text)).id)
        except Refused as error:
            if error.error_type in NEVER:
                raise UserError(str(error), remedy=error.remedy) from None
            latest.error = error
        except Unreachable as error:
            latest.error = error
        try:
            async with asyncio.timeout(again):
                await arrivals.wait(sent, aliases)
        except TimeoutError:
            continue
        return time.monotonic() - began
