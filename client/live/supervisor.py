"""Keeps a session live: connects, retries, switches regions, and says so at every step."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar, Unpack

from client.errors import ClientError, Refused, Unreachable
from client.events import BackendDescribed, ChannelRefused, ChannelRevoked, GapRecorded, SessionEvent
from client.inbox import Inbox
from client.live.failover import FailOver
from client.live.link import Link
from client.live.links import Candidate, Links
from client.live.machine_sleep import SleepWatch
from client.live.notices import explain, oddity
from client.live.patience import Patience
from client.live.roster import Roster
from client.live.status import Details, Status
from client.locator import Locator
from client.messages import Backend
from client.nearest import nearest
from client.options import SessionOptions
from client.profiles import RegionEndpoint
from client.regions import Regions
from client.signal import Signal
from client.state import Phase

T = TypeVar("T")


class Supervisor:
    """Owns the links of a session. Commands change what is wanted; `run` makes it so."""

    def __init__(
        self,
        *,
        target: RegionEndpoint,
        locator: Locator,
        regions: Regions,
        roster: Roster,
        inbox: Inbox,
        status: Status,
        tell: Callable[[SessionEvent], None],
        options: SessionOptions,
        rng: Random,
        clock: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        """`clock` gives epoch ms, `monotonic` seconds."""
        self._target = target
        self._locator = locator
        self._regions = regions
        self._roster = roster
        self._links = Links(
            regions=regions,
            roster=roster,
            inbox=inbox,
            on_unreadable=self._unreadable,
            on_revoked=self._revoked,
            options=options,
            clock=clock,
        )
        self._status = status
        self._tell = tell
        self._options = options
        self._clock = clock
        self._patience = Patience(options, rng)
        self._sleep = SleepWatch(clock=clock, monotonic=monotonic, threshold=options.sleep_threshold)
        self._fail_over = FailOver(locator.endpoints, nearest)
        self._accepted: set[RegionEndpoint] = set()
        self._woken = False
        self._signal = Signal()
        self._closing = False
        self._link: Link | None = None
        self._candidate: Candidate | None = None
        self._scout: asyncio.Task[None] | None = None
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
        self._fail_over.chosen()
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
                self._spawn(self._watch_sleep())
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
        self._enter(Phase.CONNECTING, region=endpoint.alias, attempt=self._patience.attempt)
        task = self._bring_up(endpoint)
        while not task.done() and not self._closing and self._target == endpoint:
            await self._signal.race(task)
        if self._closing or self._target != endpoint:
            await self._links.abandon(task)
            self._patience.reset()
            return False
        outcome = task.result()
        if isinstance(outcome, Link):
            self._adopt(outcome)
            return True
        await self._react(explain(outcome, endpoint, accepted_before=endpoint in self._accepted))
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

        async def coming() -> Link | ClientError:
            located = await self._locator.locate(endpoint)
            if isinstance(located, ClientError):
                return located
            return await self._links.bring_up(located, on_described=described)

        return self._own(self._group.create_task(coming(), name=f"bring up {endpoint.alias}"))

    def _adopt(self, link: Link) -> None:
        """Make a link that is up the session's."""
        self._link = link
        self._locator.trust()
        if self._target.alias == link.endpoint.alias:
            self._target = link.endpoint
        self._accepted.add(link.endpoint)
        self._fail_over.arrived(link.endpoint)
        self._announce(link.endpoint, link.backend)
        for channel, refusal in link.refused.items():
            self._refuse(channel, refusal)
        gaps = self._roster.confirm(link.connection.subscribed, self._clock())
        odd = oddity(
            link.endpoint,
            left=self._fail_over.left,
            skew=self._regions.clock_skew(link.endpoint),
            tolerance=self._options.clock_tolerance,
        )
        self._enter(
            Phase.LIVE,
            region=link.endpoint.alias,
            latency_ms=link.connection.latency_ms,
            revoked=frozenset(self._roster.revoked),
            joining=frozenset(link.missing(self._roster.wanted)),
            reason=str(odd) if odd else None,
            remedy=odd.remedy if odd else None,
        )
        for gap in gaps:
            self._tell(gap)
        for channel in link.missing(self._roster.wanted):
            self._spawn(self._join(link, channel))
        for channel in link.connection.subscribed - set(self._roster.wanted):
            self._spawn(link.connection.unsubscribe(channel))

    async def _lost(self, link: Link) -> None:
        """Take note of a lost link, and wait as its end asks for."""
        connection = link.connection
        self._look_at_clocks()
        self._link = None
        self._roster.lost(connection.subscribed, connection.vouched_until(self._clock()))
        self._spawn(self._links.drop(link))
        self._patience.lasted(asyncio.get_running_loop().time() - link.live_since)
        within: float | None = None
        if self._woken:
            within = 0.0
        elif connection.revoked and not self._patience.attempt:
            # It closes the whole socket though nothing is wrong: the other channels soon come back.
            within = self._options.regroup
        self._woken = False
        error = explain(connection.lost.result(), link.endpoint, accepted_before=True)
        if (
            self._target != link.endpoint
        ):  # what ended was being left: its end is no reason to wait, or to fail
            error, within = Unreachable(str(error)), 0.0
        await self._react(error, within=within)

    async def _react(self, error: ClientError, *, within: float | None = None) -> None:
        """Wait after a failure: for a person if retrying cannot help, else for the backoff or a command."""
        target = self._target
        self._locator.doubt()
        if isinstance(error, Refused) and not error.retryable:
            self._enter(Phase.FAILED, region=target.alias, reason=str(error), remedy=error.remedy)
            self._look_elsewhere()
            await self._signal.race()
            self._patience.reset()
            return
        wait = self._patience.failed(asyncio.get_running_loop().time(), within=within)
        self._enter(
            wait.phase,
            region=target.alias,
            attempt=wait.attempt,
            next_try_at=self._clock() + round(wait.delay * 1000),
            reason=str(error),
            remedy=error.remedy,
        )
        if wait.attempt >= self._options.fail_over_attempts:
            self._look_elsewhere()
        await self._signal.race(timeout=wait.delay)
        if self._target != target:
            self._patience.reset()

    def _enter(self, phase: Phase, **details: Unpack[Details]) -> None:
        """Enter a phase with what is true in each of them."""
        offered, left = self._fail_over.offered, self._fail_over.left
        details["missing_since"] = self._roster.missing_since
        details["fail_over_to"] = offered.alias if offered else None
        details["failed_over_from"] = left.alias if left else None
        self._status.enter(phase, **details)

    def _look_elsewhere(self) -> None:
        if self._scout is None or self._scout.done():
            self._scout = self._spawn(self._scouting(self._target))

    async def _scouting(self, lost: RegionEndpoint) -> None:
        """Find a region that answers, and offer it or go there."""
        found = await self._fail_over.look(lost)
        if self._link is not None or self._target != lost or self._closing:
            return
        self._fail_over.offered = found
        if found is None or self._options.fail_over == "offer":
            self._status.amend(fail_over_to=found.alias if found else None)
            return
        self._fail_over.take(lost)
        self._target = found
        self._signal.fire()

    async def _watch_sleep(self) -> None:
        """Notice when the machine slept: what was live is lost, and a wait is over."""
        while True:
            await asyncio.sleep(self._options.sleep_check)
            if not self._look_at_clocks():
                continue
            for link in self._links:
                link.connection.give_up(Unreachable("This machine slept; the connection is made anew."))
            if self._status.state.phase in (Phase.RETRYING, Phase.SUSPENDED):
                self._patience.reset()
                self._signal.fire()

    def _look_at_clocks(self) -> bool:
        """Whether the machine slept since the last look; what was live is vouched for until then."""
        slept = self._sleep.slept_ms()
        if slept and self._link is not None:
            # The clock that measures the silence of a socket stood still meanwhile.
            connection = self._link.connection
            self._roster.lost(connection.subscribed, connection.vouched_until(self._clock() - slept))
            self._woken = True
        return bool(slept)

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
        """Tell the gaps that end with what is subscribed now."""
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
        self._status.amend(
            revoked=frozenset(self._roster.revoked),
            joining=frozenset(joining),
            missing_since=self._roster.missing_since,
        )

    def _unsubscribe(self, channel: str) -> None:
        for link in self._links:
            self._spawn(link.connection.unsubscribe(channel))

    def _spawn(self, chore: Coroutine[object, object, None]) -> asyncio.Task[None]:
        return self._own(self._group.create_task(chore))

    def _own(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Remember a task until it is done, to end it with the session."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
