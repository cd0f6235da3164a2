"""The smoke test of a deployment: a message published in each region arrives in every region."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from globalchat.client.chat import Chat, connect
from globalchat.client.profiles import Profile
from globalchat.core.errors import Refused, Unreachable, UserError
from globalchat.core.tasks import task_group

TIMEOUT = 60.0
"""Seconds to connect, and for each region's message: new EventBridge rules take a while to apply."""
RETRY_AFTER = 5.0
"""Seconds after which a message that did not arrive is sent once more."""
PERMANENT = frozenset({"BadMessage", "BadMessageId", "BadSender", "EmptyMessage", "MessageTooLong"})
"""Error types of refusals of the message itself, for which a retry cannot help."""
TEXT = "globalchat deploy: this message went through every region."
SENDER = "globalchat-deploy"

WAIT = "New rules may need minutes: run `globalchat doctor`, then the same `globalchat deploy`."
GUARD = (
    " If nothing ever arrives: `publishFromBus` takes calls of the Broadcast rule's role alone. AppSync's "
    "log then has `Not Authorized to access publishFromBus` (docs/operations.md, Alarms)."
)
"""The remedy if messages are accepted, but none arrives, not even in its own region."""

PrintLine = Callable[[str], None]


async def smoke_test(
    profile: Profile,
    channel: str,
    print_line: PrintLine,
    *,
    text: str = TEXT,
    sender: str = SENDER,
    timeout: float = TIMEOUT,
    retry_after: float = RETRY_AFTER,
) -> None:
    """Publish in each region, wait until the message has arrived in every region, and print the time.

    Refused calls are retried until `timeout`: keys, roles and policies that are seconds old are not
    known everywhere yet.

    Raises:
        UserError: a message did not arrive in time (with the latest refusal), or can never be accepted.
    """
    test = _SmokeTest(channel, text, sender, retry_after)
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(timeout):
                for alias in profile.regions:
                    test.chats[alias] = await test.connect(stack, profile, alias)
            group = await stack.enter_async_context(task_group())
            listeners = [group.create_task(test.listen(alias)) for alias in test.chats]
            for alias in test.chats:
                async with asyncio.timeout(timeout):
                    took = await test.round_trip(alias)
                print_line(f"{alias} → {', '.join(test.chats)}: a message arrived in {took:.1f} s")
            # Otherwise the group would wait for more messages.
            for listener in listeners:
                listener.cancel()
    except TimeoutError:
        raise Unreachable(
            "The deployment is complete, but a message did not pass through every region "
            f"within {timeout:.0f} s{test.latest_answer()}.",
            remedy=WAIT + GUARD if test.nothing_arrived() else WAIT,
        ) from None


class _SmokeTest:
    """The open chats, the arrivals so far, and the latest error."""

    def __init__(self, channel: str, text: str, sender: str, retry_after: float) -> None:
        self.chats: dict[str, Chat] = {}
        self._channel = channel
        self._text = text
        self._sender = sender
        self._retry_after = retry_after
        self._arrivals = _Arrivals()
        self._latest_error: UserError | None = None
        self._is_accepted = False

    def nothing_arrived(self) -> bool:
        """Return True if a message was accepted, and none has arrived anywhere."""
        return self._is_accepted and self._arrivals.is_empty()

    def latest_answer(self) -> str:
        """Return a clause with the latest error, if there was one."""
        if self._latest_error is None:
            return ""
        return f"; the last answer was: {str(self._latest_error).rstrip('.')}"

    async def connect(self, stack: AsyncExitStack, profile: Profile, alias: str) -> Chat:
        """Open a chat; retry until the caller cancels."""
        while True:
            try:
                chat = connect(profile, alias, [self._channel], sender=self._sender)
                return await stack.enter_async_context(chat)
            except UserError as error:
                self._latest_error = error
            await asyncio.sleep(self._retry_after)

    async def listen(self, alias: str) -> None:
        """Record what arrives in a region."""
        async for message in self.chats[alias]:
            await self._arrivals.add(alias, message.id)

    async def round_trip(self, alias: str) -> float:
        """Publish until a message has arrived everywhere, or the caller cancels; return the seconds it took.

        Raises:
            UserError: the message can never be accepted.
        """
        sent: set[str] = set()
        started = time.monotonic()
        while True:
            try:
                # Every attempt has its own id, and the arrival of any one is enough.
                sent.add((await self.chats[alias].publish(self._channel, self._text)).id)
                self._is_accepted = True
            except Refused as error:
                if error.error_type in PERMANENT:
                    raise UserError(str(error), remedy=error.remedy) from None
                self._latest_error = error
            except Unreachable as error:
                self._latest_error = error
            try:
                # Very new rules lose events without an error, so only sending again helps.
                async with asyncio.timeout(self._retry_after):
                    await self._arrivals.wait(sent, set(self.chats))
            except TimeoutError:
                continue
            return time.monotonic() - started


class _Arrivals:
    """The ids that have arrived in each region."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._changed = asyncio.Condition()

    def is_empty(self) -> bool:
        """Return True if nothing has arrived."""
        return not self._seen

    async def add(self, alias: str, message_id: str) -> None:
        async with self._changed:
            self._seen.add((alias, message_id))
            self._changed.notify_all()

    async def wait(self, ids: set[str], aliases: set[str]) -> None:
        """Wait until at least one of the ids has arrived in each region."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._missing(ids, aliases))

    def _missing(self, ids: set[str], aliases: set[str]) -> set[str]:
        return aliases - {alias for alias, message_id in self._seen if message_id in ids}
