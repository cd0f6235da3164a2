"""The chat session: one live connection to a region, kept through outages."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from globalchat.client.api import ApiPool
from globalchat.client.buffer import EventBuffer
from globalchat.client.credential_watch import CredentialWatch
from globalchat.client.events import EventsSkipped, MessageReceived, SessionEvent, StateChanged
from globalchat.client.gap_fill.mark_store import MarkStore
from globalchat.client.gap_fill.marks import MarkTracker
from globalchat.client.history_worker import HistoryWorker
from globalchat.client.inbox import Inbox, SeenWindow
from globalchat.client.lifecycle import inputs
from globalchat.client.lifecycle.channels import SubscriptionSet
from globalchat.client.lifecycle.machine import SessionMachine
from globalchat.client.lifecycle.runner import SessionRunner
from globalchat.client.messages import Draft, IdFactory, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.client.outbox.outbox import Outbox
from globalchat.client.profiles import EndpointResolver, Profile, RegionEndpoint, Reload
from globalchat.client.response_errors import UNKNOWN_CHANNEL
from globalchat.client.session_log import SessionLog
from globalchat.client.state import RECONNECTING, Phase, SessionState
from globalchat.core.clock import Moment, MonotonicClock, WallClock, now_ms
from globalchat.core.errors import CredentialsUnavailable, Refused, Unauthorized, UserError

__all__ = ["Session", "SessionOptions"]


class Session:
    """A chat session. `run()` does the work; `next_events()` returns everything that happens.

    Commands return at once, and never raise the backend's errors: their outcome comes as events.
    `channels` None means all that the backend has; `sender` is the name with which messages are signed.

    `outbox` is the folder where drafts are kept until the backend accepts them; this session also sends what
    earlier sessions of the same profile left there. With None they are kept in memory only, and returned as
    unsent after a few failed attempts.

    `history` is the folder that records what was received, so that the next session of the same `reader`
    (None is the `sender`) reads what it missed; with None it is in memory only, and nothing from before the
    session counts as missed.

    `reload` reads the profile again: before each attempt after a failure,
    and when a publish is refused for its key, so that a session follows a restarted local cloud, or a key
    that was rotated. `clock` gives epoch ms; `monotonic` gives seconds, and stands still while the machine
    sleeps.

    Raises:
        ProfileError: the profile has no such region.
    """

    def __init__(
        self,
        profile: Profile,
        region: str,
        *,
        channels: Sequence[str] | None = None,
        sender: str | None = None,
        options: SessionOptions = DEFAULTS,
        outbox: Path | None = None,
        history: Path | None = None,
        reader: str | None = None,
        reload: Reload | None = None,
        clock: WallClock = now_ms,
        monotonic: MonotonicClock = time.monotonic,
    ) -> None:
        endpoint = profile.resolve(region)
        rng = Random()
        offset = ClockOffset()
        self._resolver = EndpointResolver(profile, reload)
        self._sender = sender
        self._is_reader_sender = reader is None
        self._reader = reader or sender or ""
        self._clock = clock
        self._monotonic = monotonic
        self._ids = IdFactory()
        self._running = False
        self._events = EventBuffer(
            options.buffer,
            most_bytes=options.buffer_bytes,
            log=SessionLog(profile.name).log,
            skip=self._skip,
        )
        self._apis = ApiPool(timeout=options.http_timeout, offset=offset, clock=clock)
        self._outbox = Outbox(
            outbox,
            profile.name,
            publish=self._publish,
            emit=self._events.put,
            clock=clock,
            options=options,
            rng=rng,
        )
        self._seen = SeenWindow(capacity=options.dedupe_ids, keeps_unsaved=history is not None)
        tracker = MarkTracker(options, self._seen)
        self._machine = SessionMachine(
            endpoint,
            SubscriptionSet(channels),
            options=options,
            rng=rng,
            now=self._now(),
        )
        inbox = Inbox(seen=self._seen, offset=offset, is_own=self._outbox.echo)
        self._history = HistoryWorker(
            tracker=tracker,
            seen=self._seen,
            open_store=lambda: MarkStore(
                history, profile.name, self._reader, emit=self._events.put, clock=clock
            ),
            inbox=inbox,
            apis=self._apis,
            resolver=self._resolver,
            region=self._publish_endpoint,
            report_unauthorized=self._report_unauthorized,
            emit=self._events.put,
            now=self._now,
            options=options,
            rng=rng,
        )
        self._credentials = CredentialWatch(
            endpoint=self._publish_endpoint, report=self._credentials_checked, options=options, rng=rng
        )
        self._runner = SessionRunner(
            self._machine,
            resolver=self._resolver,
            apis=self._apis,
            inbox=inbox,
            tracker=tracker,
            history=self._history,
            emit=self._emit,
            deliver=self._events.put,
            options=options,
            clock=clock,
            monotonic=monotonic,
        )

    @property
    def state(self) -> SessionState:
        """The state of the session."""
        return self._machine.state

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that the session wants (subscribed, or about to be)."""
        return self._machine.subscriptions.wanted

    @property
    def duplicates(self) -> int:
        """The number of messages that arrived again and were dropped."""
        return self._seen.duplicates

    @property
    def conflicts(self) -> int:
        """The number of messages that arrived with the id of another one."""
        return self._seen.conflicts

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """The drafts that are being sent: not accepted, refused, held or returned as unsent."""
        return self._outbox.drafts.waiting

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """The drafts that were returned as unsent, oldest first: no outbox keeps them."""
        return self._outbox.drafts.unsent

    @property
    def held(self) -> tuple[Draft, ...]:
        """The drafts that became too old to be sent automatically: see `resend` and `discard`."""
        return self._outbox.drafts.held

    async def run(self) -> None:
        """Connect, and stay connected until `close()` or cancellation. Owns all tasks; runs once.

        Raises:
            RuntimeError: it ran before.
        """
        if self._running:
            raise RuntimeError("a session runs once")
        self._running = True
        # Before any socket: the marks of earlier sessions have to be known when the first channel is
        # subscribed.
        self._history.open()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._outbox.run(), name="outbox")
                group.create_task(self._history.run(), name="history")
                watching = group.create_task(self._credentials.run(), name="credentials")
                try:
                    await self._runner.run()
                finally:
                    # It watches the credentials of a live session, and nothing else would end it.
                    watching.cancel()
                self._history.close()
                self._outbox.close()
        finally:
            self._outbox.close()
            try:
                await self._apis.close()
            finally:
                self._finish()

    def close(self) -> None:
        """Ask `run()` to end, and return at once."""
        self._runner.feed(inputs.CloseRequested())
        if not self._running:
            self._outbox.close()
            self._finish()

    def send(self, channel: str, text: str) -> Draft:
        """Queue a text: `DraftQueued` follows, then `DraftAccepted` or `DraftRefused`.

        Without an outbox it may be `DraftUnsent` instead. With one it is `DraftWaiting` until it can be sent,
        also by a later session, and `DraftHeld` if that takes too long.
        """
        draft = Draft(self._ids.new(), channel, text, self._sender, self._clock())
        self._outbox.submit(draft)
        return draft

    def rename(self, sender: str) -> None:
        """Sign further messages with another name; those being sent keep theirs.

        The next session under this name knows what this one has received, unless a `reader` was given.
        """
        self._sender = sender
        if self._is_reader_sender and sender != self._reader:
            self._reader = sender
            self._history.change_reader(sender)

    def resend(self, draft_id: str) -> bool:
        """Send an unsent or held draft with the same id again; return False if there is none."""
        return self._outbox.resend(draft_id)

    def discard(self, draft_id: str) -> bool:
        """Forget an unsent, held or waiting draft; return False if there is none, or it is in flight.

        Check `in_doubt` first: a draft that may have reached the backend cannot be taken back.
        """
        return self._outbox.discard(draft_id)

    def in_doubt(self, draft_id: str) -> bool:
        """Return True if a draft that is not accepted may have reached the backend."""
        return self._outbox.drafts.in_doubt(draft_id)

    def switch(self, region: str) -> None:
        """Switch to another region, which is live before the old one is dropped.

        Raises:
            ProfileError: the profile has no such region.
        """
        self._runner.feed(inputs.Switched(self._resolver.profile.resolve(region)))

    def join(self, channel: str) -> None:
        """Subscribe to a further channel, or again to one that an administrator ended.

        A refusal comes as `ChannelRefused`; for a revoked channel a `GapRecorded` covers the time between.
        """
        self._runner.feed(inputs.Joined(channel))

    def leave(self, channel: str) -> None:
        """End the subscription to a channel."""
        self._runner.feed(inputs.Left(channel))

    def load_older(self, channel: str) -> None:
        """Ask for the page of history before what is loaded of a channel; at first for its last page.

        `PageLoaded` or `PageFailed` follows, also while the session is not live. Nothing happens while a page
        of the channel is being read.
        """
        self._history.load_older(channel)

    def load_gap(self, channel: str, since: int) -> None:
        """Read the gap of a channel that was recorded with `since`, if its reason `is_fillable`.

        Its messages come as `filled`, then `GapFilled`, or again a `GapRecorded`.
        """
        self._history.load_gap(channel, since)

    def is_loading(self, channel: str) -> bool:
        """Return True while history of a channel is being read."""
        return self._history.is_loading(channel)

    def retry_now(self) -> None:
        """Retry at once instead of waiting, even after a permanent failure."""
        self._runner.feed(inputs.RetryRequested())
        self._credentials.wake()
        self._outbox.wake()

    def refresh(self) -> None:
        """Ask the live region once more which channels it has; `BackendDescribed` follows if they changed."""
        self._runner.feed(inputs.RefreshRequested())

    def reconnect(self) -> None:
        """Replace the live connection, if any: a socket can go silent without being reported as lost."""
        self._runner.feed(inputs.ReconnectRequested())

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        """Return the next events in order, at least one; an empty list after the session closed."""
        events = await self._events.take(limit)
        # Only now: while the reader was behind, filled messages would have been skipped again.
        if events and isinstance(events[0], EventsSkipped):
            self._history.fill_skipped()
        return events

    def _now(self) -> Moment:
        return Moment(self._clock(), self._monotonic())

    def _skip(self, event: MessageReceived) -> bool:
        return self._history.skip(event)

    def _report_unauthorized(self, error: UserError) -> None:
        """Have the profile read again after a refused key, or missing AWS credentials looked for."""
        if isinstance(error, Unauthorized):
            self._runner.feed(inputs.KeyRefused())
        # Otherwise the attempts to connect notice when there are credentials again.
        elif isinstance(error, CredentialsUnavailable) and self.state.phase is Phase.LIVE:
            self._credentials.start(error)

    def _credentials_checked(self, missing: CredentialsUnavailable | None) -> None:
        self._runner.feed(
            inputs.CredentialsChecked()
            if missing is None
            else inputs.CredentialsChecked(str(missing), missing.remedy)
        )
        if missing is None:
            self._outbox.wake()

    def _publish_endpoint(self) -> RegionEndpoint:
        return self._machine.publish_endpoint

    async def _publish(self, draft: Draft) -> Message:
        try:
            message = await self._apis.publish(self._machine.publish_endpoint, draft)
        except UserError as error:
            self._report_unauthorized(error)
            if isinstance(error, Refused) and error.error_type == UNKNOWN_CHANNEL:
                self._runner.feed(inputs.RefreshRequested())
            raise
        if self._outbox.drafts.are_stored and self.state.phase in RECONNECTING:
            # A publish shows that the region can be reached.
            self._runner.feed(inputs.RetryRequested())
        return message

    def _emit(self, event: SessionEvent) -> None:
        self._events.put(event)
        # After the event is queued, so that what the outbox emits about its drafts comes after the state.
        if isinstance(event, StateChanged):
            self._outbox.update(event.state)

    def _finish(self) -> None:
        self._runner.feed(inputs.Ended())
        self._events.close()
