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
"""New rule targets of EventBridge need a while."""
AGAIN = 5.0
"""Seconds after which a message that did not arrive is sent once more."""
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
    profile: Profile, channel: str, note: Note, *, seconds: float = SECONDS, again: float = AGAIN
) -> None:
    """Publish in each region and wait for it in all of them.

    Raises:
        UserError: a message did not arrive within `seconds`, or a region cannot be reached.
    """
    arrivals = _Arrivals()
    try:
        async with asyncio.timeout(seconds), AsyncExitStack() as stack:
            chats = {
                alias: await stack.enter_async_context(connect(profile, alias, [channel], sender=SENDER))
                for alias in profile.regions
            }
            group = await stack.enter_async_context(task_group())
            listeners = [group.create_task(arrivals.listen(alias, chat)) for alias, chat in chats.items()]
            for alias, chat in chats.items():
                took = await _round_trip(chat, channel, arrivals, set(chats), again)
                note(f"{alias} → {', '.join(chats)}: a message arrived in {took:.1f} s")
            for listener in listeners:
                listener.cancel()
    except TimeoutError:
        raise Unreachable(
            f"The deployment stands, but a message did not pass through every region within {seconds:.0f} s.",
            remedy="New rules may need minutes: run the same `globalchat deploy` again.",
        ) from None


async def _round_trip(
    chat: Chat, channel: str, arrivals: _Arrivals, aliases: set[str], again: float
) -> float:
    sent: set[str] = set()
    began = time.monotonic()
    while True:
        try:
            sent.add((await chat.publish(channel, TEXT)).id)
        except Refused as error:
            # Roles and policies that are seconds old are not known everywhere yet.
            if not error.retryable:
                raise UserError(str(error), remedy=error.remedy) from None
        try:
            async with asyncio.timeout(again):
                await arrivals.wait(sent, aliases)
        except TimeoutError:
            continue
        return time.monotonic() - began
