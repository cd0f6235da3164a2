"""A load run from the parent's side: starts the workers, gives the signals, puts the report together."""

import asyncio
import secrets
import time
from collections.abc import Callable

from globalchat.client.api import Api
from globalchat.client.faults import unknown_channel
from globalchat.client.network import proxy_of
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import Refused, UserError
from globalchat.core.net import host_of
from globalchat.measure.load.crew import Crew, Said, crew
from globalchat.measure.load.mark import SHORTEST
from globalchat.measure.load.orders import (
    Expect,
    Finish,
    Go,
    Hearing,
    Listen,
    Publish,
    Published,
    Publishing,
    Ready,
    Result,
    Settled,
    Stop,
    Warmed,
    WarmUp,
)
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import Progress, Report, make_report
from globalchat.measure.stopping import unless

LEAD = 0.1
"""Seconds between the signal and the begin of the run: every process has the signal by then."""
LINGER = 0.3
"""Seconds that duplicates are awaited once every message is there."""
EARLY_DRAIN = 1.0
"""Seconds in which messages may still arrive if the run is ended early."""

Tell = Callable[[Progress], None]
ServerCpu = Callable[[], float | None]
"""CPU seconds of the backend so far, if it is on this machine and that can be told."""


async def run(
    profile: Profile, plan: LoadPlan, *, stop: asyncio.Event, tell: Tell, server_cpu: ServerCpu
) -> Report | None:
    """Run the plan, or what of it comes before `stop`; None if nothing was measured by then.

    Raises:
        UserError: the backend refuses the plan or cannot be reached, or a process cannot do its part.
    """
    endpoints = {alias: profile.resolve(alias) for alias in plan.regions}
    for endpoint in endpoints.values():
        _check_way(endpoint)
        await unless(stop, _check_backend(endpoint, plan))
    if stop.is_set():
        return None
    name, now = secrets.token_hex(4), time.monotonic_ns()
    listeners = [Listen(name, plan, endpoints, tuple(seats), now) for seats in plan.shards()]
    async with crew([Publish(name, plan, endpoints, now), *listeners]) as workers:
        return await _Run(workers, plan, stop, tell, server_cpu).run()


class _Run:
    def __init__(
        self, workers: Crew, plan: LoadPlan, stop: asyncio.Event, tell: Tell, server_cpu: ServerCpu
    ) -> None:
        self._crew = workers
        self._plan = plan
        self._stop = stop
        self._tell = tell
        self._server_cpu = server_cpu
        self._phase = "connecting"
        self._began = 0.0
        self._ready: set[int] = set()
        self._settled: set[int] = set()
        self._hearings: dict[int, Hearing] = {}
        self._publishing = Publishing(0, 0)
        self._warmed = False
        self._published: Published | None = None
        self._results: dict[int, Result] = {}

    async def run(self) -> Report | None:
        listeners = self._plan.processes
        if not await self._until(lambda: len(self._ready) == listeners + 1):
            return None
        await self._warm_up()
        if self._stop.is_set():
            return None
        self._phase, self._began = "running", time.monotonic()
        cpu = self._server_cpu()
        go = Go(time.monotonic_ns() + round(LEAD * 1e9))
        await self._crew.order_listeners(go)
        await self._crew.order(0, go)
        if not await self._until(lambda: self._published is not None):
            await self._crew.order(0, Stop())
            await self._until(lambda: self._published is not None, stoppable=False)
        assert self._published is not None
        stopped = self._stop.is_set()
        self._phase = "draining"
        await self._crew.order_listeners(Expect(self._published.accepted))
        drain = EARLY_DRAIN if stopped else self._plan.drain
        await self._until(lambda: len(self._settled) == listeners, timeout=drain, stoppable=not stopped)
        if not stopped:
            await self._until(lambda: False, timeout=LINGER)
        await self._crew.order_listeners(Finish())
        await self._until(lambda: len(self._results) == listeners, stoppable=False)
        spent = time.monotonic() - self._began
        return make_report(
            self._plan,
            self._published,
            [self._results[worker] for worker in sorted(self._results)],
            complete=not self._stop.is_set(),
            server_cpu=_difference(cpu, self._server_cpu()),
            busy_seconds=spent,
        )

    async def _warm_up(self) -> None:
        """One message everywhere, awaited like any, so that nothing that happens once is measured."""
        self._phase = "warming up"
        await self._crew.order(0, WarmUp())
        # In every channel one from each region, to all of its subscribers.
        wanted = self._plan.subscribers * len(self._plan.regions)

        def done() -> bool:
            return self._warmed and sum(each.warmed for each in self._hearings.values()) >= wanted

        await self._until(done, timeout=self._plan.drain)

    async def _until(
        self, done: Callable[[], bool], *, timeout: float | None = None, stoppable: bool = True
    ) -> bool:
        """Take what the workers say until it is enough; False if the time is over or it is to stop."""
        stopping = asyncio.create_task(self._stop.wait())
        try:
            async with asyncio.timeout(timeout):
                while not done():
                    hearing = asyncio.create_task(self._crew.next())
                    waited = {hearing, stopping} if stoppable else {hearing}
                    try:
                        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        if hearing.done():  # also if the time is over in the same moment
                            self._take(hearing.result())
                        else:
                            hearing.cancel()
                    if not hearing.done():
                        return False
        except TimeoutError:
            return False
        finally:
            stopping.cancel()
        return True

    def _take(self, said: Said) -> None:
        match said.answer:
            case Ready():
                self._ready.add(said.worker)
            case Hearing() as hearing:
                self._hearings[said.worker] = hearing
            case Publishing() as publishing:
                self._publishing = publishing
            case Warmed():
                self._warmed = True
            case Published() as published:
                self._published = published
            case Settled():
                self._settled.add(said.worker)
            case Result() as result:
                self._results[said.worker] = result
        self._tell(self._progress())

    def _progress(self) -> Progress:
        heard = self._hearings.values()
        return Progress(
            phase=self._phase,
            live=sum(each.live for each in heard),
            elapsed=time.monotonic() - self._began if self._began else 0.0,
            accepted=self._publishing.accepted,
            failed=self._publishing.failed,
            deliveries=sum(each.deliveries for each in heard),
            duplicates=sum(each.duplicates for each in heard),
            ended=sum(each.ended for each in heard),
        )


def _check_way(endpoint: RegionEndpoint) -> None:
    if (proxy := proxy_of(endpoint.realtime_url)) is not None:
        raise UserError(
            f"A load run opens its sockets without a proxy, and {proxy.variable} names one.",
            remedy=f"Set NO_PROXY={host_of(endpoint.realtime_url).partition(':')[0]}, if there is a way.",
        )


async def _check_backend(endpoint: RegionEndpoint, plan: LoadPlan) -> None:
    async with Api(endpoint) as api:
        backend = await api.describe()
    unknown = [each for each in plan.channels if each not in backend.channels]
    if unknown:
        raise unknown_channel(unknown[0], backend.channels)
    if not SHORTEST <= plan.size <= backend.limits.message:
        raise Refused(
            f"A message of a load run has {SHORTEST} to {backend.limits.message} characters here.",
            error_type="MessageTooLong",
        )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
