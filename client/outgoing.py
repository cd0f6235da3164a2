"""Publishing in order: one draft of a channel is in flight at a time."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from random import Random

from client.backoff import full_jitter
from client.errors import ClientError, Refused, Unauthorized
from client.events import DraftAccepted, DraftQueued, DraftRefused, DraftUnsent, SessionEvent
from client.messages import Draft, Message
from client.options import SessionOptions

LONGEST = 100_000
"""Characters of a text that are worth sending at all; what is shorter the backend judges."""

_REMEMBERED = 10_000
_TOO_MANY = "Too many drafts are waiting for this channel."
_CLOSED = "The chat was closed before the backend accepted it."


def flaw(draft: Draft) -> tuple[str, str] | None:
    """What keeps a draft from going over the wire at all (error type and sentence), or None."""
    for text in (draft.channel, draft.text, draft.sender or ""):
        try:
            text.encode()
        except UnicodeEncodeError:
            return ("BadMessage", "The text is not valid Unicode: it holds half of a surrogate pair.")
    if len(draft.text) > LONGEST:
        return ("MessageTooLong", f"The message has {len(draft.text)} characters: far more than allowed.")
    return None


class Outgoing:
    """The drafts of a session: queued per channel, tried with the same id, never lost silently."""

    def __init__(
        self,
        *,
        publish: Callable[[Draft], Awaitable[Message]],
        tell: Callable[[SessionEvent], None],
        options: SessionOptions,
        rng: Random,
    ) -> None:
        self._publish = publish
        self._tell = tell
        self._options = options
        self._rng = rng
        self._lanes: dict[str, deque[Draft]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()
        self._sent: OrderedDict[str, Draft] = OrderedDict()
        self._unsent: OrderedDict[str, Draft] = OrderedDict()

    def submit(self, draft: Draft) -> None:
        """Queue a draft."""
        self._tell(DraftQueued(draft))
        found = flaw(draft)
        if found is not None:
            self._tell(DraftRefused(draft, *found))
            return
        self._remember(self._sent, draft)
        lane = self._lanes.get(draft.channel)
        if self._closing.is_set():
            self._hand_back(draft, _CLOSED)
        elif lane is not None and len(lane) >= self._options.outgoing:
            self._hand_back(draft, _TOO_MANY)
        elif lane is not None:
            lane.append(draft)
        else:
            self._lanes[draft.channel] = deque([draft])
            self._start(draft.channel)

    def resend(self, draft_id: str) -> bool:
        """Queue an unsent draft again; False if there is none with this id."""
        draft = self._unsent.pop(draft_id, None)
        if draft is not None:
            self.submit(draft)
        return draft is not None

    def is_own(self, message: Message) -> bool:
        """Whether a message is the echo of one of these drafts: same id and same content."""
        draft = self._sent.get(message.id)
        return draft is not None and draft.content == message.content

    async def run(self) -> None:
        """Own the sending until `close`, then give what is in flight a moment."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for channel in self._lanes:
                    self._start(channel)
                await self._closing.wait()
                if self._workers:
                    await asyncio.wait(self._workers, timeout=self._options.drain_timeout)
                for worker in self._workers:
                    worker.cancel()
        finally:
            for lane in self._lanes.values():  # of workers that were cancelled before their first step
                self._give_back(lane, _CLOSED)

    def close(self) -> None:
        """Take no more drafts and let `run` end."""
        self._closing.set()

    def _start(self, channel: str) -> None:
        if self._group is not None:
            worker = self._group.create_task(self._work(channel), name=f"publish {channel[:50]}")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, channel: str) -> None:
        lane = self._lanes[channel]
        try:
            while lane:
                failure = await self._settle(lane[0])
                if failure is not None:  # what waits behind it would overtake it when it is sent again
                    self._give_back(lane, str(failure))
                    lane.clear()
                    break
                lane.popleft()
        finally:
            del self._lanes[channel]
            self._give_back(lane, _CLOSED)

    async def _settle(self, draft: Draft) -> ClientError | None:
        """Try a draft until it is accepted or refused (None), or has been tried often enough (why)."""
        for attempt in range(1, self._options.send_attempts + 1):
            try:
                message = await self._publish(draft)
            except ClientError as error:
                failure = error
            else:
                self._tell(DraftAccepted(draft, message.region, message.sent_at))
                return None
            if isinstance(failure, Unauthorized):
                break
            if isinstance(failure, Refused) and not failure.retryable:
                self._tell(DraftRefused(draft, failure.error_type, str(failure)))
                return None
            if attempt < self._options.send_attempts:
                await asyncio.sleep(self._wait(attempt))
        return failure

    def _wait(self, attempt: int) -> float:
        options = self._options
        return full_jitter(attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)

    def _give_back(self, lane: deque[Draft], reason: str) -> None:
        for draft in lane:
            self._hand_back(draft, reason)

    def _hand_back(self, draft: Draft, reason: str) -> None:
        self._remember(self._unsent, draft)
        self._tell(DraftUnsent(draft, reason))

    @staticmethod
    def _remember(drafts: OrderedDict[str, Draft], draft: Draft) -> None:
        drafts[draft.id] = draft
        if len(drafts) > _REMEMBERED:
            drafts.popitem(last=False)
