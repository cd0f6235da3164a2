"""From a failure to the next try: how long to wait, what to say meanwhile, where else to go."""

import asyncio
from random import Random

from globalchat.client.live.channels import Channels
from globalchat.client.live.chores import Chores
from globalchat.client.live.failover import FailOver
from globalchat.client.live.goal import Goal
from globalchat.client.live.link import Link
from globalchat.client.live.links import Links
from globalchat.client.live.machine_sleep import SleepWatch
from globalchat.client.live.notices import explain
from globalchat.client.live.patience import Patience
from globalchat.client.live.report import Report
from globalchat.client.locator import Locator
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.state import Phase
from globalchat.core.clock import MonotonicClock, WallClock
from globalchat.core.errors import Reason, Refused, Unreachable, UserError
from globalchat.core.net import ProxyRefused


class Outage:
    """Sees a session through each time that it is not live."""

    def __init__(
        self,
        *,
        goal: Goal,
        links: Links,
        channels: Channels,
        report: Report,
        fail_over: FailOver,
        locator: Locator,
        chores: Chores,
        options: SessionOptions,
        rng: Random,
        clock: WallClock,
        monotonic: MonotonicClock,
    ) -> None:
        """`clock` gives epoch ms, `monotonic` seconds."""
        self._goal = goal
        self._links = links
        self._channels = channels
        self._report = report
        self._fail_over = fail_over
        self._locator = locator
        self._chores = chores
        self._options = options
        self._clock = clock
        self._patience = Patience(options, rng)
        self._sleep = SleepWatch(clock=clock, monotonic=monotonic, threshold=options.sleep_threshold)
        self._slept = False
        self._scout: asyncio.Task[None] | None = None

    @property
    def attempt(self) -> int:
        """Failures since things last went well for a while."""
        return self._patience.attempt

    def forgive(self) -> None:
        """Begin anew: what failed is no longer wanted, or no longer as it was."""
        self._patience.reset()
        if self._scout is not None:
            # What it finds would be offered in place of a region that is no longer the one wanted, or taken.
            self._scout.cancel()
            self._scout = None

    async def lost(self, link: Link) -> None:
        """Take note that the live link is lost, and wait as its end asks for."""
        self._look_at_clocks()
        self._links.live = None
        self._channels.lost(link)
        self._chores.start(self._links.drop(link))
        self._patience.lasted(asyncio.get_running_loop().time() - link.live_since)
        try:
            link.connection.lost.result()
        except UserError as error:
            await self._ended(link, error)

    async def _ended(self, link: Link, error: UserError) -> None:
        reason = explain(error, link.endpoint, accepted_before=True)
        within: float | None = None
        if self._goal.region != link.endpoint:
            # What ended was being left: its end is no reason to wait, or to fail.
            error, reason, within = Unreachable(reason.message), Reason(reason.message), 0.0
        elif self._slept:
            within = 0.0
        elif link.connection.revoked and not self._patience.attempt:
            # It closes the whole socket though nothing is wrong: the other channels soon come back.
            within = self._options.regroup
        self._slept = False
        await self.failed(error, reason, within=within)

    async def failed(self, error: UserError, reason: Reason, *, within: float | None = None) -> None:
        """Wait after a failure: for a person if retrying cannot help, else for the backoff or a command.

        `reason` is what to say of it; `within` (seconds) bounds the wait if the cause is known to be over.
        """
        wanted = self._goal.region
        self._locator.doubt()
        if (isinstance(error, Refused) and not error.retryable) or isinstance(error, ProxyRefused):
            self._report.enter(Phase.FAILED, region=wanted.alias, reason=reason.message, remedy=reason.remedy)
            self._look_elsewhere()
            await self._goal.change()
            self.forgive()
            return
        wait = self._patience.failed(asyncio.get_running_loop().time(), within=within)
        self._report.enter(
            wait.phase,
            region=wanted.alias,
            attempt=wait.attempt,
            next_try_at=self._clock() + round(wait.delay * 1000),
            reason=reason.message,
            remedy=reason.remedy,
        )
        if wait.attempt >= self._options.fail_over_attempts:
            self._look_elsewhere()
        await self._goal.change(timeout=wait.delay)
        if self._goal.region != wanted:
            self.forgive()

    async def watch_sleep(self) -> None:
        """Notice when the machine slept: what was live is lost, and a wait is over. Never returns."""
        while True:
            await asyncio.sleep(self._options.sleep_check)
            if not self._look_at_clocks():
                continue
            for link in self._links:
                link.connection.give_up(Unreachable("This machine slept; the connection is made anew."))
            if self._report.phase in (Phase.RETRYING, Phase.SUSPENDED):
                self.forgive()
                self._goal.nudge()

    def _look_at_clocks(self) -> bool:
        """Whether the machine slept since the last look; what was live is vouched for until then."""
        slept = self._sleep.slept_ms()
        if slept and self._links.live is not None:
            # The clock that measures the silence of a socket stood still meanwhile.
            self._channels.lost(self._links.live, asleep_for=slept)
            self._slept = True
        return bool(slept)

    def _look_elsewhere(self) -> None:
        if self._scout is None or self._scout.done():
            self._scout = self._chores.start(self._find_another(self._goal.region))

    async def _find_another(self, lost: RegionEndpoint) -> None:
        """Find a region that answers, and offer it or go there."""
        found = await self._fail_over.look(lost)
        if self._links.live is not None or self._goal.region != lost or self._goal.closing:
            return
        self._fail_over.offered = found
        if found is None or self._options.fail_over == "offer":
            self._report.amend(fail_over_to=found.alias if found else None)
            return
        self._fail_over.take(lost)
        self._goal.go_to(found)
