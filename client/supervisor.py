"""Keeps a session live: connects, retries, switches regions, and says so at every step."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from client.backoff import full_jitter
from client.errors import ClientError, Refused
from client.events import BackendDescribed, ChannelRefused, ChannelRevoked, GapRecorded, SessionEvent
from client.inbox import Inbox
from client.link import Link
from client.links import Candidate, Links
from client.messages import Backend
from client.options import SessionOptions
from client.profiles import RegionEndpoint
from client.regions import Regions
from client.roster import Roster
from client.signal import Signal
from client.state import Phase
from client.status import Status

T = TypeVar("T")


class Supervisor:
    """Owns the links of a session. Commands change what is wanted; `run` makes it so."""

    def __init__(
        self,
        *,
        target: RegionEndpoint,
        regions: Regions,
        roster: Roster,
        inbox: Inbox,
        status: Status,
        tell: Callable[[SessionEvent], None],
        options: SessionOptions,
        rng: Random,
        clock: Callable[[], int],
    ) -> None:
        self._target = target
        self._roster = roster
        self._links = Links(
            regions=regions,
            roster=roster,
            inbox=inbox,
            on_unreadable=self._unreadable,
            on_revoked=self._revoked,
            options=options,
        )
        self._status = status
        self._tell = tell
        self._options = options
        self._rng = rng
        self._clock = clock
        self._signal = Signal()
        self._closing = False
        self._attempt = 0
        self._link: Link | None = None
        self._candidate: Candidate | None = None
        self._announced: RegionEndpoint | None = None
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def publishing_to(self) -> RegionEndpoint:
        """The region that takes drafts now: the live one, else the one wanted."""
        return self._link.endpoint if self._link else self._target

    def close(self) -> None:
        """Let `run` end."""
        self._closing = True
        self._signal.fire()

    def switch(self, endpoint: RegionEndpoint) -> None:
        """Want another region."""
        self._target = endpoint
        self._signal.fire()

    def retry_now(self) -> None:
        """End a wait."""
        self._signal.fire()

    def join(self, channel: str) -> None:
        """Want one more channel."""
        self._roster.want(channel)
        self._refresh()
        for link in self._links:
            link.refused.pop(channel, None)
        if self._link is not None and channel in self._link.missing(self._roster.wanted):
            self._spawn(self._join(self._link, channel))

    def leave(self, channel: str) -> None:
        """No longer want a channel."""
        self._roster.leave(channel)
        self._refresh()
        self._unsubscribe(channel)

    async def run(self) -> None:
        """Be live, as far as the world allows, until `close`."""
        async with self._group:
            try:
                while not self._closing:
                    if await self._connect():
                        await self._serve()
            finally:
                for task in self._tasks:
                    task.cancel()
                if self._tasks:  # before the links, lest a bring-up and its end work on one socket
                    await asyncio.wait(self._tasks)
                await self._links.close()

    async def _connect(self) -> bool:
        """Try once to become live: True if so, else after the wait that the failure asks for."""
        endpoint = self._target
        self._status.enter(Phase.CONNECTING, region=endpoint.alias, attempt=self._attempt)
        task = self._bring_up(endpoint)
        while not task.done() and not self._closing and self._target == endpoint:
            await self._signal.race(task)
        if self._closing or self._target != endpoint:
            await self._links.abandon(task)
            self._attempt = 0
            return False
        outcome = task.result()
        if isinstance(outcome, Link):
            self._adopt(outcome)
            return True
        await self._react(outcome)
        return False

    async def _serve(self) -> None:
        """Keep what is live until it is lost or the session closes; swap it when another region is."""
        try:
            while self._link is not None and not self._closing:
                link = self._link
                if link.is_lost:
                    await self._lost(link)
                    return
                await self._steer(link)
                waiting = (self._candidate.task,) if self._candidate else ()
                if link is self._link:
                    await self._signal.race(link.connection.lost, *waiting)
        finally:
            if self._candidate is not None:
                await self._links.abandon(self._candidate.task)
                self._candidate = None

    async def _steer(self, link: Link) -> None:
        """Start, drop or finish a switch of region, as the target and the candidate tell."""
        candidate = self._candidate
        if candidate is not None and candidate.endpoint != self._target:
            self._candidate = None
            self._status.amend(switching_to=None)
            await self._links.abandon(candidate.task)
        elif candidate is not None and candidate.task.done():
            self._candidate = None
            outcome = candidate.task.result()
            if isinstance(outcome, Link):
                self._adopt(outcome)
                self._spawn(self._linger(link))
            else:
                self._target = link.endpoint
                here, there = link.endpoint.alias, candidate.endpoint.alias
                reason = f"Still on {here}, as {there} is not available. {outcome}"
                self._status.amend(switching_to=None, reason=reason, remedy=outcome.remedy)
        elif candidate is None and self._target != link.endpoint:
            self._candidate = Candidate(self._target, self._bring_up(self._target))
            self._status.amend(switching_to=self._target.alias, reason=None, remedy=None)

    def _bring_up(self, endpoint: RegionEndpoint) -> asyncio.Task[Link | ClientError]:
        def described(backend: Backend) -> None:
            if self._link is None:
                self._announce(endpoint, backend)

        coming = self._links.bring_up(endpoint, on_described=described)
        return self._own(self._group.create_task(coming, name=f"bring up {endpoint.alias}"))

    def _adopt(self, link: Link) -> None:
        """Make a link that is up the session's."""
        self._link = link
        self._announce(link.endpoint, link.backend)
        for channel, refusal in link.refused.items():
            self._refuse(channel, refusal)
        self._status.enter(
            Phase.LIVE,
            region=link.endpoint.alias,
            latency_ms=link.connection.latency_ms,
            revoked=frozenset(self._roster.revoked),
            joining=frozenset(link.missing(self._roster.wanted)),
        )
        self._vouch(link)
        for channel in link.missing(self._roster.wanted):
            self._spawn(self._join(link, channel))
        for channel in link.connection.subscribed - set(self._roster.wanted):
            self._spawn(link.connection.unsubscribe(channel))

    async def _lost(self, link: Link) -> None:
        """Take note of a lost link, and wait as its end asks for."""
        connection = link.connection
        self._link = None
        self._roster.lost(connection.subscribed, connection.vouched_until(self._clock()))
        self._spawn(self._links.drop(link))
        if asyncio.get_running_loop().time() - link.live_since >= self._options.stable_after:
            self._attempt = 0
        # A revocation closes the whole socket though nothing is wrong: the other channels come back at once.
        await self._react(connection.lost.result(), at_once=bool(connection.revoked) and self._attempt == 0)

    async def _react(self, error: ClientError, *, at_once: bool = False) -> None:
        """Wait after a failure: for a person if retrying cannot help, else for the backoff or a command."""
        target = self._target
        if isinstance(error, Refused) and not error.retryable:
            self._status.enter(Phase.FAILED, reason=str(error), remedy=error.remedy)
            await self._signal.race()
            self._attempt = 0
            return
        self._attempt += 1
        options = self._options
        delay = full_jitter(self._attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)
        delay = 0.0 if at_once else delay
        self._status.enter(
            Phase.RETRYING,
            attempt=self._attempt,
            next_try_at=self._clock() + round(delay * 1000),
            reason=str(error),
            remedy=error.remedy,
        )
        await self._signal.race(timeout=delay)
        if self._target != target:
            self._attempt = 0

    async def _join(self, link: Link, channel: str) -> None:
        error = await link.subscribe(channel)
        if error is not None:
            link.connection.give_up(error)
        elif channel in link.refused:
            self._refuse(channel, link.refused[channel])
        elif channel in self._roster.wanted and link is self._link:
            self._vouch(link)
        else:
            await link.connection.unsubscribe(channel)
        self._refresh()

    async def _linger(self, old: Link) -> None:
        """Keep the region just left a little longer: messages relayed to it may still be on their way."""
        try:
            await asyncio.wait({old.connection.lost}, timeout=self._options.overlap)
            if old.is_lost:
                channels = sorted(old.connection.subscribed.intersection(self._roster.wanted))
                now = self._clock()
                self._tell(GapRecorded(tuple(channels), old.connection.vouched_until(now), now))
        finally:
            await self._links.drop(old)

    def _vouch(self, link: Link) -> None:
        for gap in self._roster.confirm(link.connection.subscribed, self._clock()):
            self._tell(gap)

    def _refuse(self, channel: str, refusal: Refused) -> None:
        if channel in self._roster.wanted:
            self._roster.leave(channel)
            self._tell(ChannelRefused(channel, refusal.error_type, str(refusal)))

    def _revoked(self, channel: str) -> None:
        if self._roster.revoke(channel, self._clock()):
            self._tell(ChannelRevoked(channel))
            self._refresh()
            self._unsubscribe(channel)

    def _unreadable(self, channel: str) -> None:
        now = self._clock()
        self._tell(GapRecorded((channel,), now, now))

    def _announce(self, endpoint: RegionEndpoint, backend: Backend) -> None:
        if endpoint != self._announced:
            self._announced = endpoint
            self._tell(BackendDescribed(backend))

    def _refresh(self) -> None:
        joining = self._link.missing(self._roster.wanted) if self._link else ()
        self._status.amend(revoked=frozenset(self._roster.revoked), joining=frozenset(joining))

    def _unsubscribe(self, channel: str) -> None:
        for link in self._links:
            self._spawn(link.connection.unsubscribe(channel))

    def _spawn(self, chore: Coroutine[object, object, None]) -> None:
        self._own(self._group.create_task(chore))

    def _own(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Remember a task until it is done, to end it with the session."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
