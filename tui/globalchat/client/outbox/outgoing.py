"""Publishes drafts: in order, one of a channel in flight at a time, again and again until it is settled."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from globalchat.client import faults
from globalchat.client.backoff import full_jitter
from globalchat.client.events import DraftWaiting, SessionEvent
from globalchat.client.messages import Draft, Message
from globalchat.client.options import SessionOptions
from globalchat.client.outbox.drafts import Drafts
from globalchat.client.outbox.sleepers import Sleepers, Why
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import WallClock
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError

_TRYING = (Phase.RETRYING, Phase.SUSPENDED)
"""The session is not live, and tries to be."""

_NOT_DONE = frozenset(
    {
        "LimitExceededError",
        "LimitExceededException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "WAFForbiddenException",
    }
)
"""Retryable refusals of requests that were not even begun."""


class Outgoing:
    """Works through the drafts of a session.

    Without an outbox a draft is tried a few times and then handed back. With one it is tried as long as the
    session lives, and stays kept when that ends.
    """

    def __init__(
        self,
        *,
        publish: Callable[[Draft], Awaitable[Message]],
        drafts: Drafts,
        reached: Callable[[], None],
        tell: Callable[[SessionEvent], None],
        clock: WallClock,
        options: SessionOptions,
        rng: Random,
    ) -> None:
        """`reached` is called when a publish succeeds though the session is not live; `clock` is epoch ms."""
        self._publish = publish
        self._reached = reached
        self._drafts = drafts
        self._tell = tell
        self._clock = clock
        self._options = options
        self._rng = rng
        self._workers: set[asyncio.Task[None]] = set()
        self._working: dict[str, int] = {}
        self._group: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()
        self._ran = False
        self._sleepers = Sleepers()
        self._wakes = 0
        self._quiet_until = 0.0
        self._state = SessionState(Phase.IDLE, "")

    def submit(self, draft: Draft) -> None:
        """Queue a draft."""
        self._drafts.submit(draft)
        self._start(draft.channel)

    def resend(self, draft_id: str) -> bool:
        """Queue an unsent or held draft again; False if there is none with this id."""
        found = self._drafts.resend(draft_id)
        for channel in self._drafts.channels:
            self._start(channel)
        return found

    def discard(self, draft_id: str) -> bool:
        """Forget a draft that is not under way; False if there is none with this id."""
        is_gone = self._drafts.discard(draft_id)
        if is_gone:
            self._sleepers.wake_one(draft_id)
        return is_gone

    def echo(self, message: Message) -> bool:
        """Whether a message is the echo of one of these drafts; that draft needs no more work."""
        is_own = self._drafts.echo(message)
        if is_own:
            self._sleepers.wake_one(message.id)
        return is_own

    def note(self, state: SessionState) -> None:
        """Learn where the session stands: once it is live, or has moved, what waits goes at once."""
        before, self._state = self._state, state
        was_there = (before.phase, before.region, before.switching_to) == (Phase.LIVE, state.region, None)
        if state.phase is Phase.LIVE and state.switching_to is None and not was_there:
            self.wake()
        self._sleepers.wake(Why.NOT_LIVE)

    def wake(self) -> None:
        """Try at once what could not be sent, except what the backend wants to have later."""
        self._wakes += 1
        self._sleepers.wake(Why.FAILURE)

    async def run(self) -> None:
        """Own the sending until `close`, then give what is in flight a moment."""
        self._ran = True
        try:
            self._drafts.open()
            async with asyncio.TaskGroup() as group:
                self._group = group
                for channel in self._drafts.channels:
                    self._start(channel)
                await self._closing.wait()
                if self._workers:
                    await asyncio.wait(self._workers, timeout=self._options.drain_timeout)
                for worker in self._workers:
                    worker.cancel()
                self._group = None
        finally:
            self._group = None
            self._closing.set()
            self._drafts.close()

    def close(self) -> None:
        """Take no more drafts and let `run` end."""
        self._closing.set()
        if self._drafts.are_kept:
            self._sleepers.wake(*Why)
        if not self._ran:
            self._drafts.close()

    def _start(self, channel: str) -> None:
        if self._group is None:
            return
        for _ in range(self._working.get(channel, 0), self._options.window):
            self._working[channel] = self._working.get(channel, 0) + 1
            worker = self._group.create_task(self._work(channel), name=f"publish {channel[:50]}")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, channel: str) -> None:
        try:
            while (draft := self._drafts.take(channel)) is not None:
                try:
                    await (self._persist(draft) if self._drafts.are_kept else self._attempt(draft))
                finally:
                    self._drafts.land(draft)
                if self._closing.is_set() and self._drafts.is_sending(draft):
                    break
        finally:
            self._working[channel] -= 1
            if not self._working[channel]:
                del self._working[channel]

    async def _attempt(self, draft: Draft) -> None:
        """Try a draft until it is settled or has been tried often enough."""
        for attempt in range(1, self._options.send_attempts + 1):
            try:
                await self._try(draft)
                return
            except UserError as error:
                if isinstance(error, Unauthorized) or attempt == self._options.send_attempts:
                    self._drafts.hand_back(draft, str(error))
                    return
                delay = self._delay(attempt, error)
            await self._sleepers.sleep(draft.id, Why.PATIENCE, delay)
            if not self._drafts.is_sending(draft):
                return

    async def _persist(self, draft: Draft) -> None:
        """Try a draft until it is settled, too old, or the session ends."""
        attempt = 0
        while self._drafts.is_sending(draft) and not self._drafts.hold_if_overdue(draft):
            throttled_for = self._quiet_until - asyncio.get_running_loop().time()
            if throttled_for > 0 and not self._closing.is_set():
                await self._rest(draft, Why.THROTTLE, throttled_for)
            elif throttled_for <= 0 and await self._until_live(draft) and self._drafts.is_sending(draft):
                wakes = self._wakes
                try:
                    await self._try(draft)
                except UserError as error:
                    # A wake while the try was under way is meant for it too.
                    attempt = attempt + 1 if self._wakes == wakes else 0
                    if attempt and not self._closing.is_set() and await self._wait(draft, attempt, error):
                        attempt = 0
            if self._closing.is_set():
                return

    async def _until_live(self, draft: Draft) -> bool:
        """Wait until the session is live, as who publishes before misses the echo. Whether to try now.

        That is so after a while of trying in vain, too: not every network that lets HTTP through has room
        for sockets.
        """
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + self._options.backoff_cap * self._rng.uniform(1.0, 2.0)
        told: str | None = None
        while self._state.phase is not Phase.LIVE:
            left = patient_until - loop.time()
            is_over = self._closing.is_set() or not self._drafts.is_sending(draft)
            if is_over or self._drafts.seconds_left(draft) < 0:
                return False
            if left <= 0 and self._state.phase in _TRYING:
                return True
            if self._state.reason not in (None, told):
                told = self._state.reason
                self._tell(DraftWaiting(draft, told or "", self._state.remedy))
            await self._rest(draft, Why.NOT_LIVE, left if left > 0 else None)
        return True

    async def _try(self, draft: Draft) -> None:
        """Publish a draft once; afterwards it is settled.

        Raises:
            UserError: it is not, as this failed.
        """
        doubtful = True
        self._drafts.begin_try(draft)
        try:
            message = await self._publish(draft)
        except UserError as error:
            doubtful = _is_doubtful(error)
            if isinstance(error, Refused) and not isinstance(error, Unauthorized) and not error.retryable:
                self._drafts.refuse(draft, error.error_type, str(error))
            if self._drafts.is_sending(draft):
                raise
            return
        finally:
            self._drafts.end_try(draft, doubtful=doubtful)
        self._drafts.accept(draft, message.region, message.sent_at)
        if self._drafts.are_kept and self._state.phase in _TRYING:
            self._reached()

    async def _wait(self, draft: Draft, attempt: int, failure: UserError) -> bool:
        """Wait after a failure as it asks for; True if it ended early because something changed."""
        delay = self._delay(attempt, failure)
        why = Why.FAILURE
        if isinstance(failure, Refused) and failure.retryable:
            why = Why.THROTTLE
            if failure.retry_after is not None:
                until = asyncio.get_running_loop().time() + failure.retry_after
                self._quiet_until = max(self._quiet_until, until)
        next_try_at = self._clock() + round(delay * 1000)
        throttled = isinstance(failure, Refused) and failure.error_type in faults.THROTTLES
        self._tell(
            DraftWaiting(draft, str(failure), failure.remedy, attempt, next_try_at, throttled=throttled)
        )
        return await self._rest(draft, why, delay)

    async def _rest(self, draft: Draft, why: Why, delay: float | None) -> bool:
        """Sleep, at most until the draft is too old; True if woken."""
        left = max(0.001, self._drafts.seconds_left(draft) + 0.001)
        return await self._sleepers.sleep(draft.id, why, left if delay is None else min(delay, left))

    def _delay(self, attempt: int, failure: UserError) -> float:
        options = self._options
        delay = full_jitter(attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)
        asked = failure.retry_after if isinstance(failure, Refused) else None
        return delay if asked is None else asked + delay


def _is_doubtful(error: UserError) -> bool:
    """Return True if what failed may have been done: no answer came, or none that says it was not."""
    if isinstance(error, Refused):
        return error.retryable and error.error_type not in _NOT_DONE
    return isinstance(error, Unreachable) and error.sent
