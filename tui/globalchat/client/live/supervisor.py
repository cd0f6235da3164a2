"""Keeps a session live: connects, serves, switches regions, and says so at every step."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from globalchat.client.events import BackendDescribed, SessionEvent
from globalchat.client.inbox import Inbox
from globalchat.client.live.channels import Channels
from globalchat.client.live.chores import Chores
from globalchat.client.live.failover import FailOver
from globalchat.client.live.goal import Goal
from globalchat.client.live.link import Link
from globalchat.client.live.links import Links
from globalchat.client.live.notices import explain, oddity
from globalchat.client.live.outage import Outage
from globalchat.client.live.report import Report
from globalchat.client.live.roster import Roster
from globalchat.client.live.status import Status
from globalchat.client.locator import Locator
from globalchat.client.messages import Backend
from globalchat.client.nearest import nearest
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.regions import Regions
from globalchat.client.state import Phase
from globalchat.core.clock import MonotonicClock, WallClock
from globalchat.core.errors import Unreachable, UserError


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A region that a switch is bringing up."""

    endpoint: RegionEndpoint
    task: asyncio.Task[Link]


class Supervisor:
    """Makes true what is wanted of a session. Commands set the goal and the channels; `run` follows them.

    Attributes:
        channels: What is joined and left while it runs.
    """

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
        clock: WallClock,
        monotonic: MonotonicClock,
    ) -> None:
        """`clock` gives epoch ms, `monotonic` seconds."""
        self._locator = locator
        self._regions = regions
        self._tell = tell
        self._options = options
        self._goal = Goal(target)
        self._chores = Chores()
        self._links = Links(
            regions=regions,
            roster=roster,
            inbox=inbox,
            on_unreadable=lambda channel: self.channels.unreadable(channel),
            on_revoked=lambda channel: self.channels.revoked(channel),
            options=options,
            clock=clock,
        )
        self._fail_over = FailOver(locator.endpoints, nearest)
        self._report = Report(status, roster=roster, links=self._links, fail_over=self._fail_over)
        self.channels = Channels(
            roster=roster,
            links=self._links,
            report=self._report,
            chores=self._chores,
            tell=tell,
            clock=clock,
        )
        self._outage = Outage(
            goal=self._goal,
            links=self._links,
            channels=self.channels,
            report=self._report,
            fail_over=self._fail_over,
            locator=locator,
            chores=self._chores,
            options=options,
            rng=rng,
            clock=clock,
            monotonic=monotonic,
        )
        self._tried: dict[str, RegionEndpoint] = {}
        self._accepted: dict[str, RegionEndpoint] = {}
        self._warned: set[str] = set()
        self._announced: RegionEndpoint | None = None
        self._candidate: _Candidate | None = None
        self._moving: asyncio.Task[None] | None = None

    @property
    def publishing_to(self) -> RegionEndpoint:
        """The region that takes drafts now: the live one, else the one wanted."""
        return self._links.live.endpoint if self._links.live else self._goal.region

    def close(self) -> None:
        """Let `run` end."""
        self._goal.close()

    def switch(self, endpoint: RegionEndpoint) -> None:
        """Want another region."""
        self._fail_over.chosen()
        self._goal.go_to(endpoint)

    def retry_now(self) -> None:
        """End a wait."""
        self._goal.nudge()

    def reconnect(self) -> None:
        """Give up the live connection, which may be silent, for a new one."""
        if self._links.live is not None:
            given_up = Unreachable("The connection was given up, to be made anew.")
            self._links.live.connection.give_up(given_up)

    def key_refused(self) -> None:
        """Take note that a region no longer takes its key; a live session moves to the profile's new one."""
        self._locator.doubt()
        link = self._links.live
        if link is not None and (self._moving is None or self._moving.done()):
            self._moving = self._chores.start(self._follow_profile(link))

    async def run(self) -> None:
        """Be live, as far as the world allows, until `close`."""
        async with self._chores:
            try:
                self._chores.start(self._outage.watch_sleep())
                while not self._goal.closing:
                    if await self._connect():
                        await self._serve()
            finally:
                await self._end()

    async def _end(self) -> None:
        """Leave nothing behind; drafts that are in flight still go where the session was live."""
        self._goal.region, self._links.live = self.publishing_to, None
        try:
            await self._chores.end()  # before the links, lest a bring-up and its end work on one socket
        finally:
            await self._links.close()

    async def _connect(self) -> bool:
        """Try once to become live: True if so, else after the wait that the failure asks for."""
        goal, endpoint = self._goal, self._goal.region
        self._report.enter(Phase.CONNECTING, region=endpoint.alias, attempt=self._outage.attempt)
        task = self._bring_up(endpoint)
        while not task.done() and not goal.closing and goal.region == endpoint:
            await goal.change(task)
        if goal.closing or goal.region != endpoint:
            await self._links.abandon(task)
            self._outage.forgive()
            return False
        try:
            link = task.result()
        except UserError as error:
            tried = self._tried.get(endpoint.alias, endpoint)
            accepted_before = self._accepted.get(endpoint.alias) == tried
            await self._outage.failed(error, explain(error, tried, accepted_before=accepted_before))
            return False
        self._adopt(link)
        return True

    async def _serve(self) -> None:
        """Keep what is live until it is lost or the session closes; swap it when another region is."""
        try:
            while (link := self._links.live) is not None and not self._goal.closing:
                if link.is_lost:
                    await self._outage.lost(link)
                    return
                await self._steer(link)
                waiting = (self._candidate.task,) if self._candidate else ()
                if link is self._links.live:
                    await self._goal.change(link.connection.lost, *waiting)
        finally:
            if self._candidate is not None:
                await self._links.abandon(self._candidate.task)
                self._candidate = None

    async def _steer(self, link: Link) -> None:
        """Start, drop or finish a switch of region, as the goal and the candidate tell."""
        candidate, wanted = self._candidate, self._goal.region
        if candidate is None:
            if wanted != link.endpoint:
                self._candidate = _Candidate(wanted, self._bring_up(wanted))
                self._report.amend(switching_to=wanted.alias, reason=None, remedy=None)
        elif candidate.endpoint != wanted:
            self._candidate = None
            self._report.amend(switching_to=None)
            await self._links.abandon(candidate.task)
        elif candidate.task.done():
            self._candidate = None
            try:
                other = candidate.task.result()
            except UserError as error:
                self._stay(link, candidate.endpoint, error)
            else:
                self._adopt(other)
                self._chores.start(self._linger(link))

    def _stay(self, link: Link, other: RegionEndpoint, error: UserError) -> None:
        """Give up a switch to another region, and say why."""
        self._goal.region = link.endpoint
        self._locator.doubt()
        here, there = link.endpoint.alias, other.alias
        reason = str(error) if here == there else f"Still on {here}, as {there} is not available. {error}"
        self._report.amend(switching_to=None, reason=reason, remedy=error.remedy)

    def _bring_up(self, endpoint: RegionEndpoint) -> asyncio.Task[Link]:
        async def coming() -> Link:
            located = self._tried[endpoint.alias] = await self._locator.locate(endpoint)

            def described(backend: Backend) -> None:
                if self._links.live is None:
                    self._announce(located, backend)

            return await self._links.bring_up(located, on_described=described)

        return self._chores.attempt(coming(), name=f"bring up {endpoint.alias}")

    def _adopt(self, link: Link) -> None:
        """Make a link that is up the live one."""
        here = link.endpoint
        self._links.live = link
        self._locator.trust()
        if self._goal.region.alias == here.alias:
            self._goal.region = here
        self._accepted[here.alias] = here
        self._fail_over.arrived(here)
        self._announce(here, link.backend)
        self.channels.tell_refused(link)
        gaps = self.channels.vouch(link)
        odd = oddity(
            here,
            left=self._fail_over.left,
            skew=self._regions.clock_skew(here),
            tolerance=self._options.clock_tolerance,
            with_exposure=here.alias not in self._warned,
        )
        self._warned.add(here.alias)
        self._report.enter(
            Phase.LIVE,
            region=here.alias,
            latency_ms=link.connection.latency_ms,
            reason=odd.message if odd else None,
            remedy=odd.remedy if odd else None,
        )
        for gap in gaps:
            self._tell(gap)
        self.channels.catch_up(link)
        self._chores.start(self._regions.close_former(here))
        self._chores.start(self._regions.narrow_offset(here))

    async def _follow_profile(self, link: Link) -> None:
        """Go where the profile says that the region of the live link is now: sockets outlive their key."""
        try:
            located = await self._locator.locate(link.endpoint)
        except UserError:
            return  # the profile stays in doubt: whatever fails next reads it again
        if self._goal.region == link.endpoint != located:
            self._goal.go_to(located)

    async def _linger(self, old: Link) -> None:
        """Keep the region just left a little longer: messages relayed to it may still be on their way."""
        try:
            await asyncio.wait({old.connection.lost}, timeout=self._options.overlap)
            if old.is_lost:
                self.channels.lost_while_leaving(old)
        finally:
            await self._links.drop(old)

    def _announce(self, endpoint: RegionEndpoint, backend: Backend) -> None:
        if endpoint != self._announced:
            self._announced = endpoint
            self._tell(BackendDescribed(backend))
