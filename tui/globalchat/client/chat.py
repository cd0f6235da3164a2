"""A short API for scripts: connect, publish, iterate."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from globalchat.client.buffer import BoundedQueue, size_of
from globalchat.client.events import (
    DraftAccepted,
    DraftRefused,
    DraftUnsent,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Message
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.errors import Refused, Unreachable, UserError

_Outcome = DraftAccepted | DraftRefused | DraftUnsent


class Chat:
    """A session that is live inside `async with`; iterating it yields each message once.

    Attributes:
        session: The underlying session, for everything that this API leaves out.
    """

    def __init__(self, session: Session, *, options: SessionOptions) -> None:
        self.session = session
        self._messages = BoundedQueue[Message](options.buffer, options.buffer_bytes)
        self._filled = asyncio.Event()
        self._outcomes: dict[str, asyncio.Future[_Outcome | None]] = {}
        self._settled: asyncio.Future[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._pumping: asyncio.Task[None] | None = None
        self._ended = False

    async def __aenter__(self) -> Self:
        """Wait until the session is live.

        Raises:
            UserError: it cannot become live (such as a key that is not accepted).
        """
        self._settled = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self.session.run(), name="session")
        self._pumping = asyncio.create_task(self._pump(), name="session events")
        try:
            await self._settled
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def publish(self, channel: str, text: str) -> Message:
        """Publish a text; return the message as the backend accepted it.

        With an outbox, it waits until the backend can be reached.

        Raises:
            Refused: the backend refused it.
            Unreachable: the backend could not be reached after a few attempts, or the chat was closed first.
        """
        draft = self.session.send(channel, text)
        outcome = self._outcomes[draft.id] = asyncio.get_running_loop().create_future()
        if self._ended:
            outcome.set_result(None)  # A session that has ended emits no further events.
        try:
            settled = await outcome
        finally:
            del self._outcomes[draft.id]
        if isinstance(settled, DraftRefused):
            raise Refused(settled.reason, error_type=settled.error_type)
        if isinstance(settled, DraftUnsent):
            raise Unreachable(settled.reason)
        if settled is None:
            raise Unreachable("The chat was closed before the backend accepted it.")
        return Message(
            draft.id,
            channel,
            text,
            draft.sender,
            settled.region,
            settled.sent_at,
            author=settled.author,
        )

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Yield messages in the order of their arrival, until the session closes."""
        while await self._filled.wait():
            if self._messages:
                yield self._messages.take()
            elif self._ended:
                return
            else:
                self._filled.clear()

    async def _pump(self) -> None:
        while events := await self.session.next_events():
            for event in events:
                self._handle(event)
        self._ended = True
        self._filled.set()
        for outcome in self._outcomes.values():
            if not outcome.done():
                outcome.set_result(None)

    def _handle(self, event: SessionEvent) -> None:
        if isinstance(event, MessageReceived):
            # If the listener is too slow, the oldest are dropped.
            self._messages.put(event.message, size_of(event))
            self._filled.set()
        elif isinstance(event, StateChanged):
            self._note(event)
        elif isinstance(event, DraftAccepted | DraftRefused | DraftUnsent):
            outcome = self._outcomes.get(event.draft.id)
            if outcome is not None and not outcome.done():
                outcome.set_result(event)

    def _note(self, event: StateChanged) -> None:
        settled, state = self._settled, event.state
        if settled is None or settled.done():
            return
        if state.phase is Phase.LIVE:
            settled.set_result(None)
        elif state.phase in (Phase.FAILED, Phase.CLOSED):
            settled.set_exception(UserError(state.reason or "The session was closed.", remedy=state.remedy))

    async def _stop(self) -> None:
        self.session.close()
        tasks = [task for task in (self._running, self._pumping) if task is not None]
        await asyncio.gather(*tasks)


def connect(
    profile: Profile,
    region: str,
    channels: Sequence[str] | None = None,
    *,
    sender: str | None = None,
    options: SessionOptions = DEFAULTS,
    outbox: Path | None = None,
    history: Path | None = None,
) -> Chat:
    """Return a chat for use with `async with`; all but `options` is as in `Session`.

    Raises:
        ProfileError: the profile has no such region.
    """
    session = Session(
        profile, region, channels=channels, sender=sender, options=options, outbox=outbox, history=history
    )
    return Chat(session, options=options)
