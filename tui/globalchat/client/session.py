"""The chat session: one live tie to a region, kept through outages."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from globalchat.client.buffer import EventBuffer
from globalchat.client.dedupe import SeenWindow
from globalchat.client.events import SessionEvent, StateChanged
from globalchat.client.ids import IdFactory
from globalchat.client.inbox import Inbox
from globalchat.client.live.roster import Roster
from globalchat.client.live.status import Status
from globalchat.client.live.supervisor import Supervisor
from globalchat.client.locator import Locator, Reload
from globalchat.client.messages import Draft, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.client.outbox.drafts import Drafts
from globalchat.client.outbox.keeper import Keeper
from globalchat.client.outbox.outgoing import Outgoing
from globalchat.client.profiles import Profile
from globalchat.client.regions import Regions
from globalchat.client.session_log import SessionLog
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import MonotonicClock, WallClock, now_ms
from globalchat.core.errors import Unauthorized

__all__ = ["Session", "SessionOptions"]


class Session:
    """A chat session. `run()` does the work; everything it learns comes out of `next_events()`.

    Commands return at once and never fail for what the backend might say: their outcome comes as events.
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
        reload: Reload | None = None,
        clock: WallClock = now_ms,
        monotonic: MonotonicClock = time.monotonic,
    ) -> None:
        """`channels` None means all that the backend has; `sender` is what messages are signed with.

        `outbox` is the folder where drafts are kept until the backend accepts them; what earlier sessions of
        the same profile left there goes out with this one. With None they are in memory only, and handed
        back when a few tries fail.
        `reload` reads the profile again; it is awaited before each try after a failure and when a publish is
        refused for its key, so that a session follows a restarted local cloud, or a key that was rotated.
        `clock` gives epoch ms; `monotonic` gives seconds, and stands still while the machine sleeps.

        Raises:
            ProfileError: the profile has no such region.
        """
        endpoint = profile.resolve(region)
        rng = Random()
        offset = ClockOffset()
        self._locator = Locator(profile, reload)
        self._sender = sender
        self._clock = clock
        self._ids = IdFactory()
        self._running = False
        self._events = EventBuffer(
            options.buffer, most_bytes=options.buffer_bytes, heard=SessionLog(profile.name).note
        )
        self._status = Status(endpoint.alias, self._note, clock)
        self._roster = Roster(channels)
        self._regions = Regions(timeout=options.http_timeout, offset=offset, clock=clock)
        self._drafts = Drafts(
            keeper=Keeper(outbox, profile.name, self._events.put),
            tell=self._events.put,
            clock=clock,
            options=options,
        )
        self._outgoing = Outgoing(
            publish=self._publish,
            drafts=self._drafts,
            reached=lambda: self._supervisor.retry_now(),
            tell=self._events.put,
            clock=clock,
            options=options,
            rng=rng,
        )
        self._seen = SeenWindow(capacity=options.dedupe_ids, max_age=options.dedupe_seconds)
        self._supervisor = Supervisor(
            target=endpoint,
            locator=self._locator,
            regions=self._regions,
            roster=self._roster,
            inbox=Inbox(
                seen=self._seen,
                offset=offset,
                is_own=self._outgoing.echo,
                tell=self._events.put,
                clock=clock,
                monotonic=monotonic,
            ),
            status=self._status,
            tell=self._events.put,
            options=options,
            rng=rng,
            clock=clock,
            monotonic=monotonic,
        )

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        return self._status.state

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that the session wants (subscribed, or about to be)."""
        return self._roster.wanted

    @property
    def duplicates(self) -> int:
        """How many messages arrived again and were dropped."""
        return self._seen.duplicates

    @property
    def conflicts(self) -> int:
        """How many messages arrived with the id of another one."""
        return self._seen.conflicts

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """The drafts that are on their way: neither accepted nor refused, held or handed back yet."""
        return self._drafts.waiting

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """The drafts that were handed back, oldest first: no outbox keeps them."""
        return self._drafts.unsent

    @property
    def held(self) -> tuple[Draft, ...]:
        """The drafts that became too old to be sent by themselves: see `resend` and `discard`."""
        return self._drafts.held

    async def run(self) -> None:
        """Connect, and stay connected until `close()` or cancellation. Owns every task; runs once.

        Raises:
            RuntimeError: it ran before.
        """
        if self._running:
            raise RuntimeError("a session runs once")
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._outgoing.run(), name="outgoing")
                await self._supervisor.run()
                self._outgoing.close()
        finally:
            self._outgoing.close()
            try:
                await self._regions.close()
            finally:
                self._finish()

    def close(self) -> None:
        """Ask `run()` to end. Returns at once."""
        self._supervisor.close()
        if not self._running:
            self._outgoing.close()
            self._finish()

    def send(self, channel: str, text: str) -> Draft:
        """Queue a text: `DraftQueued` follows, then `DraftAccepted` or `DraftRefused`.

        Without an outbox it may be `DraftUnsent` instead. With one it is `DraftWaiting` until it can be sent,
        also by a later session, and `DraftHeld` if that takes too long.
        """
        draft = Draft(self._ids.new(), channel, text, self._sender, self._clock())
        self._outgoing.submit(draft)
        return draft

    def rename(self, sender: str) -> None:
        """Sign what is sent from now on with another name; what is on its way keeps its own."""
        self._sender = sender

    def resend(self, draft_id: str) -> bool:
        """Send an unsent or held draft after all, with the same id; False if there is none with it."""
        return self._outgoing.resend(draft_id)

    def discard(self, draft_id: str) -> bool:
        """Forget an unsent, held or waiting draft; False if there is none with this id, or it is under way.

        Ask `in_doubt` before, for what may have reached the backend cannot be called back.
        """
        return self._outgoing.discard(draft_id)

    def in_doubt(self, draft_id: str) -> bool:
        """Whether a draft that is not accepted may have reached the backend all the same."""
        return self._drafts.in_doubt(draft_id)

    def switch(self, region: str) -> None:
        """Move to another region: it is live before the old one is dropped.

        Raises:
            ProfileError: the profile has no such region.
        """
        self._supervisor.switch(self._locator.profile.resolve(region))

    def join(self, channel: str) -> None:
        """Subscribe one more channel. A refusal comes as `ChannelRefused`."""
        self._supervisor.channels.join(channel)

    def rejoin(self, channel: str) -> None:
        """Subscribe a channel again that an administrator ended; a `GapRecorded` covers the time between."""
        self._supervisor.channels.join(channel)

    def leave(self, channel: str) -> None:
        """End the subscription to a channel."""
        self._supervisor.channels.leave(channel)

    def retry_now(self) -> None:
        """Try at once instead of waiting, also after a failure."""
        self._supervisor.retry_now()
        self._outgoing.wake()

    def reconnect(self) -> None:
        """Make the connection anew if there is one: a socket can fall silent without being known as lost."""
        self._supervisor.reconnect()

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        """The next events in order, at least one; an empty list after the session closed."""
        return await self._events.take(limit)

    async def _publish(self, draft: Draft) -> Message:
        try:
            return await self._regions.publish(self._supervisor.publishing_to, draft)
        except Unauthorized:
            self._supervisor.key_refused()
            raise

    def _note(self, event: StateChanged) -> None:
        self._events.put(event)
        self._outgoing.note(event.state)

    def _finish(self) -> None:
        if self._status.state.phase is not Phase.CLOSED:
            self._status.enter(Phase.CLOSED)
        self._events.close()
