"""Publishes drafts in order, one in flight per channel, and retries each until it is settled."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from pathlib import Path
from random import Random

from globalchat.client.events import DraftWaiting, SessionEvent
from globalchat.client.messages import Draft, Message
from globalchat.client.options import SessionOptions
from globalchat.client.outbox.drafts import DraftQueue
from globalchat.client.outbox.store import DraftStore
from globalchat.client.retry import THROTTLES, RetryPolicy, outcome_unknown
from globalchat.client.state import RECONNECTING, Phase, SessionState
from globalchat.core.clock import WallClock
from globalchat.core.errors import Refused, Unauthorized, UserError


class WaitReason(Enum):
    """The reasons for which a draft waits; each kind of wake ends only some of these waits."""

    NOT_LIVE = auto()
    FAILURE = auto()
    THROTTLE = auto()
    """The backend asked for a pause, which only the end of the draft itself cuts short."""
    FEW_ATTEMPTS = auto()
    """A wait between the few attempts of a draft that is not stored."""


class Waiters:
    """Tasks that wait for some seconds, by draft id; each can be woken early."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[WaitReason, asyncio.Future[None]]] = {}

    async def wait(self, draft_id: str, reason: WaitReason, seconds: float) -> bool:
        """Wait; return True if woken, False if the time ran out."""
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[draft_id] = (reason, waker)
        try:
            # `wait` instead of `wait_for`: a timeout is an outcome here, not an exception.
            await asyncio.wait((waker,), timeout=seconds)
        finally:
            del self._waiting[draft_id]
        return waker.done()

    def wake(self, *reasons: WaitReason) -> None:
        """Wake all tasks that wait for one of these reasons."""
        for draft_id, (reason, _) in list(self._waiting.items()):
            if reason in reasons:
                self.wake_one(draft_id)

    def wake_one(self, draft_id: str) -> None:
        """Wake the task of one draft, whatever it waits for; nothing happens if there is none."""
        _, waker = self._waiting.get(draft_id, (None, None))
        if waker is not None and not waker.done():
            waker.set_result(None)


class Outbox:
    """Publishes the drafts of a session.

    With a folder they are stored until the backend accepts them, and retried while the session runs.
    Without one a draft is tried a few times and then returned as unsent. `publish` makes one attempt and
    raises UserError if it fails; `clock` gives epoch ms.

    Attributes:
        store: The drafts on disk.
        drafts: The drafts and their stages.
    """

    def __init__(
        self,
        folder: Path | None,
        profile: str,
        *,
        publish: Callable[[Draft], Awaitable[Message]],
        emit: Callable[[SessionEvent], None],
        clock: WallClock,
        options: SessionOptions,
        rng: Random,
    ) -> None:
        self.store = DraftStore(folder, profile, emit)
        self.drafts = DraftQueue(store=self.store, emit=emit, clock=clock, options=options)
        self._publish = publish
        self._emit = emit
        self._clock = clock
        self._options = options
        self._rng = rng
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._closing = asyncio.Event()
        self._ran = False
        self._waiters = Waiters()
        self._wakes = 0
        self._quiet_until = 0.0
        self._state = SessionState(Phase.IDLE, "")

    def submit(self, draft: Draft) -> None:
        """Queue a draft."""
        self.drafts.submit(draft)
        self._start(draft.channel)

    def resend(self, draft_id: str) -> bool:
        """Queue an unsent or held draft again; return False if there is none with this id."""
        found = self.drafts.resend(draft_id)
        for channel in self.drafts.channels:
            self._start(channel)
        return found

    def discard(self, draft_id: str) -> bool:
        """Forget a draft that is not in flight; return False if there is none with this id."""
        is_gone = self.drafts.discard(draft_id)
        if is_gone:
            self._waiters.wake_one(draft_id)
        return is_gone

    def echo(self, message: Message) -> bool:
        """Return True if a message is the echo of one of these drafts, which is settled by it."""
        is_own = self.drafts.echo(message)
        if is_own:
            self._waiters.wake_one(message.id)
        return is_own

    def update(self, state: SessionState) -> None:
        """Take the session's new state.

        Once it is live or has changed region, waiting drafts are sent at once.
        """
        before, self._state = self._state, state
        was_there = (before.phase, before.region, before.switching_to) == (Phase.LIVE, state.region, None)
        if state.phase is Phase.LIVE and state.switching_to is None and not was_there:
            self.wake()
        # After every change, since its reason is shown with the draft while it waits.
        self._waiters.wake(WaitReason.NOT_LIVE)

    def wake(self) -> None:
        """Retry waiting drafts at once, except those for which the backend asked for a pause."""
        self._wakes += 1
        self._waiters.wake(WaitReason.FAILURE)

    async def run(self) -> None:
        """Send drafts until `close`; then those in flight have `drain_timeout` to be answered."""
        self._ran = True
        try:
            self.drafts.open()
            async with asyncio.TaskGroup() as group:
                self._group = group
                for channel in self.drafts.channels:
                    self._start(channel)
                await self._closing.wait()
                if self._workers:
                    await asyncio.wait(self._workers.values(), timeout=self._options.drain_timeout)
                for worker in self._workers.values():
                    # An unanswered publish stays doubtful; a stored draft is sent by the next session under
                    # the same id.
                    worker.cancel()
                self._group = None
        finally:
            self._group = None
            self._closing.set()
            self.drafts.close()

    def close(self) -> None:
        """Accept no more drafts and let `run` end."""
        self._closing.set()
        # Without a store, the few attempts of a draft are still made, within the drain timeout.
        if self.drafts.are_stored:
            self._waiters.wake(*WaitReason)
        if not self._ran:
            self.drafts.close()

    def _start(self, channel: str) -> None:
        """Start the worker of a channel unless it is running: a single one keeps the order."""
        if self._group is not None and channel not in self._workers:
            worker = self._group.create_task(self._work(channel), name=f"publish {channel[:50]}")
            self._workers[channel] = worker

    async def _work(self, channel: str) -> None:
        try:
            while (draft := self.drafts.acquire(channel)) is not None:
                try:
                    if self.drafts.are_stored:
                        await self._deliver_stored(draft)
                    else:
                        await self._deliver_unstored(draft)
                finally:
                    self.drafts.release(draft)
                if self._closing.is_set() and self.drafts.is_sending(draft):
                    # Otherwise those behind it would overtake it.
                    break
        finally:
            # A draft that is submitted from now on starts another worker.
            del self._workers[channel]

    async def _deliver_unstored(self, draft: Draft) -> None:
        """Try a draft until it is settled or its attempts are used up."""
        retries = RetryPolicy(self._rng, options=self._options, attempts=self._options.send_attempts)
        now = asyncio.get_running_loop().time
        while self.drafts.is_sending(draft):
            started = now()
            try:
                await self._try(draft)
                return
            except UserError as error:
                retry = retries.fail(error, started=started, now=now())
                # Without a store nothing outlives the session: the user should know at once that the key is
                # refused.
                if retry is None or isinstance(error, Unauthorized):
                    self.drafts.return_unsent(draft, str(error))
                    return
            await self._waiters.wait(draft.id, WaitReason.FEW_ATTEMPTS, retry.delay)

    async def _deliver_stored(self, draft: Draft) -> None:
        """Try a draft until it is settled, too old, or the session ends."""
        retries = RetryPolicy(self._rng, options=self._options)
        now = asyncio.get_running_loop().time
        while self.drafts.is_sending(draft) and not self.drafts.hold_if_overdue(draft):
            quiet_for = self._quiet_until - now()
            if quiet_for > 0 and not self._closing.is_set():
                await self._wait(draft, WaitReason.THROTTLE, quiet_for)
            elif quiet_for <= 0 and await self._wait_until_live(draft) and self.drafts.is_sending(draft):
                wakes, started = self._wakes, now()
                try:
                    await self._try(draft)
                except UserError as error:
                    # A wake during the attempt also applies to this draft.
                    is_changed = self._wakes != wakes
                    if not is_changed and not self._closing.is_set():
                        is_changed = await self._wait_after(draft, error, retries, started)
                    if is_changed:
                        retries.reset()
            if self._closing.is_set():
                return

    async def _wait_until_live(self, draft: Draft) -> bool:
        """Wait until the session is live, since earlier publishes get no echo; return True to try now.

        After a while it is tried anyway: some networks allow HTTP but no
        WebSocket.
        """
        loop = asyncio.get_running_loop()
        # At random, since all clients of a region lose their sockets at the same moment.
        try_anyway_at = loop.time() + self._options.publish_anyway_after * self._rng.uniform(1.0, 2.0)
        emitted: str | None = None
        while self._state.phase is not Phase.LIVE:
            left = try_anyway_at - loop.time()
            is_over = self._closing.is_set() or not self.drafts.is_sending(draft)
            if is_over or self.drafts.seconds_left(draft) < 0:
                return False
            # Not in other phases: a first connection may yet succeed, and after a permanent failure nothing
            # would.
            if left <= 0 and self._state.phase in RECONNECTING:
                return True
            # Each reason once: every reconnect changes the state, and would repeat it in the chat.
            if self._state.reason not in (None, emitted):
                emitted = self._state.reason
                self._emit(DraftWaiting(draft, emitted or "", self._state.remedy))
            await self._wait(draft, WaitReason.NOT_LIVE, left if left > 0 else None)
        return True

    async def _try(self, draft: Draft) -> None:
        """Publish a draft once and settle it.

        Raises:
            UserError: the publish failed, and the draft is not settled.
        """
        # Until an answer shows otherwise, also if the task is cancelled while it waits for one.
        doubtful = True
        self.drafts.start_attempt(draft)
        try:
            message = await self._publish(draft)
        except UserError as error:
            doubtful = outcome_unknown(error)
            if isinstance(error, Refused) and not isinstance(error, Unauthorized) and not error.retryable:
                self.drafts.refuse(draft, error.error_type, str(error))
            if self.drafts.is_sending(draft):
                raise
            return
        finally:
            self.drafts.end_attempt(draft, doubtful=doubtful)
        self.drafts.accept(draft, message)

    async def _wait_after(
        self, draft: Draft, failure: UserError, retries: RetryPolicy, started: float
    ) -> bool:
        """Wait after a failure, as its kind requires; return True if woken because something changed."""
        now = asyncio.get_running_loop().time()
        retry = retries.fail(failure, started=started, now=now)
        assert retry is not None, "a stored draft is never given up"
        reason = WaitReason.FAILURE
        if isinstance(failure, Refused) and not isinstance(failure, Unauthorized) and failure.retryable:
            reason = WaitReason.THROTTLE
            # For all channels: the backend's limit counts the requests of the whole API.
            self._quiet_until = max(self._quiet_until, now + (retry.retry_after or 0.0))
        self._emit(
            DraftWaiting(
                draft,
                str(failure),
                failure.remedy,
                retry.attempt,
                self._clock() + round(retry.delay * 1000),
                throttled=isinstance(failure, Refused) and failure.error_type in THROTTLES,
            )
        )
        return await self._wait(draft, reason, retry.delay)

    async def _wait(self, draft: Draft, reason: WaitReason, delay: float | None) -> bool:
        """Wait, at most until the draft is too old; return True if woken."""
        # A little longer than the time left, so that the draft is overdue afterwards.
        left = max(0.001, self.drafts.seconds_left(draft) + 0.001)
        return await self._waiters.wait(draft.id, reason, left if delay is None else min(delay, left))
