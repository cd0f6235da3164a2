"""Runs a load test: starts the workers, sends orders, and makes the report."""

import asyncio
import secrets
import time
from collections.abc import Callable

from globalchat.client.api import RegionApi
from globalchat.client.network import proxy_of
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.response_errors import unknown_channel_error
from globalchat.core.errors import Refused, UserError
from globalchat.core.net import host_of
from globalchat.core.tasks import run_unless_set
from globalchat.measure.load.delivery import SHORTEST
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.protocol import (
    AllDelivered,
    Expect,
    Finish,
    Publish,
    PublisherProgress,
    PublisherResult,
    Ready,
    Reply,
    StartAt,
    Stop,
    Subscribe,
    SubscriberProgress,
    SubscriberResult,
    WarmedUp,
    WarmUp,
)
from globalchat.measure.load.report import LoadProgress, LoadReport, make_report
from globalchat.measure.load.workers import WorkerPool, worker_pool

LEAD = 0.1
"""Seconds between the order to start and the start, in which the order reaches every process."""
LINGER = 0.3
"""Seconds to wait for duplicates once every message has arrived."""
EARLY_DRAIN = 1.0
"""Seconds in which messages may still arrive if the load test is stopped early."""

OnProgress = Callable[[LoadProgress], None]
ServerCpu = Callable[[], float | None]
"""Returns the CPU seconds of the backend so far; None if it is not on this machine, or they are unknown."""


async def run_load_test(
    profile: Profile, plan: LoadPlan, *, stop: asyncio.Event, on_progress: OnProgress, server_cpu: ServerCpu
) -> LoadReport | None:
    """Run the plan, or the part of it before `stop` is set. Return None if nothing was measured by then.

    Raises:
        UserError: the backend refuses the plan or cannot be reached, or a process fails.
    """
    endpoints = {alias: profile.resolve(alias) for alias in plan.regions}
    for endpoint in endpoints.values():
        _check_proxy(endpoint)
        await run_unless_set(stop, _check_backend(endpoint, plan))
    if stop.is_set():
        return None
    # The tags contain the run's name, so messages of another load test in the same channel are foreign.
    name, now = secrets.token_hex(4), time.monotonic_ns()
    subscribes = [Subscribe(name, plan, endpoints, tuple(each), now) for each in plan.split()]
    async with worker_pool([Publish(name, plan, endpoints, now), *subscribes]) as workers:
        return await _Coordinator(workers, plan, stop, on_progress, server_cpu).run()


def _check_proxy(endpoint: RegionEndpoint) -> None:
    if (proxy := proxy_of(endpoint.realtime_url)) is not None:
        raise UserError(
            f"A load test opens its sockets without a proxy, and {proxy.variable} names one.",
            remedy="If the region can be reached without it, set "
            f"NO_PROXY={host_of(endpoint.realtime_url).partition(':')[0]}.",
        )


async def _check_backend(endpoint: RegionEndpoint, plan: LoadPlan) -> None:
    async with RegionApi(endpoint) as api:
        backend = await api.describe()
    unknown = [each for each in plan.channels if each not in backend.channels]
    if unknown:
        raise unknown_channel_error(unknown[0], backend.channels)
    if not SHORTEST <= plan.size <= backend.limits.message:
        raise Refused(
            f"A message of a load test has {SHORTEST} to {backend.limits.message} characters here.",
            error_type="MessageTooLong",
        )


class _Coordinator:
    """The state of a running load test, as reported by the workers."""

    def __init__(
        self,
        workers: WorkerPool,
        plan: LoadPlan,
        stop: asyncio.Event,
        on_progress: OnProgress,
        server_cpu: ServerCpu,
    ) -> None:
        self._workers = workers
        self._plan = plan
        self._stop = stop
        self._on_progress = on_progress
        self._server_cpu = server_cpu
        self._phase = "connecting"
        self._started = 0.0
        self._ready: set[int] = set()
        self._all_delivered: set[int] = set()
        self._subscribers: dict[int, SubscriberProgress] = {}
        self._publisher = PublisherProgress(0, 0)
        self._warmed_up = False
        self._published: PublisherResult | None = None
        self._results: dict[int, SubscriberResult] = {}

    async def run(self) -> LoadReport | None:
        """Connect, warm up, publish, wait for deliveries, and return the report."""
        # The plan counts the subscribers' processes; one more publishes.
        if not await self._until(lambda: len(self._ready) == self._plan.processes + 1):
            return None
        await self._warm_up()
        if self._stop.is_set():
            return None
        cpu = self._server_cpu()
        published = await self._publish()
        await self._drain(published)
        await self._workers.send_to_subscribers(Finish())
        # Even after Ctrl-C, since the report needs all results.
        await self._until(lambda: len(self._results) == self._plan.processes, stoppable=False)
        # Measured up to the results, since CPU time was spent until then.
        busy_seconds = time.monotonic() - self._started
        return make_report(
            self._plan,
            published,
            [self._results[worker] for worker in sorted(self._results)],
            complete=not self._stop.is_set(),
            server_cpu=_difference(cpu, self._server_cpu()),
            busy_seconds=busy_seconds,
        )

    async def _warm_up(self) -> None:
        """Publish one message everywhere and wait for it, so that one-time costs are not measured."""
        self._phase = "warming up"
        # Worker 0 is the one that publishes.
        await self._workers.send(0, WarmUp())
        # In every channel one message from each region, to all of its subscribers.
        wanted = self._plan.subscribers * len(self._plan.regions)

        def done() -> bool:
            return self._warmed_up and sum(each.warm_ups for each in self._subscribers.values()) >= wanted

        await self._until(done, timeout=self._plan.drain)

    async def _publish(self) -> PublisherResult:
        """Start all workers, and return what was published once the time is over or `stop` is set."""
        self._phase, self._started = "running", time.monotonic()
        start = StartAt(time.monotonic_ns() + round(LEAD * 1e9))
        # Subscribers first, since their CPU time counts from now on.
        await self._workers.send_to_subscribers(start)
        await self._workers.send(0, start)
        if not await self._until(lambda: self._published is not None):
            await self._workers.send(0, Stop())
            await self._until(lambda: self._published is not None, stoppable=False)
        assert self._published is not None
        return self._published

    async def _drain(self, published: PublisherResult) -> None:
        """Wait until all accepted messages are delivered, at most for the plan's `drain`."""
        stopped = self._stop.is_set()
        self._phase = "draining"
        await self._workers.send_to_subscribers(Expect(published.accepted))
        await self._until(
            lambda: len(self._all_delivered) == self._plan.processes,
            timeout=EARLY_DRAIN if stopped else self._plan.drain,
            stoppable=not stopped,
        )
        if not stopped:
            # Duplicates arrive after the first arrivals.
            await self._until(lambda: False, timeout=LINGER)

    async def _until(
        self, done: Callable[[], bool], *, timeout: float | None = None, stoppable: bool = True
    ) -> bool:
        """Handle replies until `done`; False after a time-out, or if `stoppable` and `stop` is set."""
        stopping = asyncio.create_task(self._stop.wait())
        try:
            async with asyncio.timeout(timeout):
                while not done():
                    reply = asyncio.create_task(self._workers.next())
                    waited = {reply, stopping} if stoppable else {reply}
                    try:
                        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        if reply.done():  # Also if the timeout passes at the same moment.
                            self._handle(*reply.result())
                        else:
                            reply.cancel()
                    if not reply.done():
                        return False
        except TimeoutError:
            return False
        finally:
            stopping.cancel()
        return True

    def _handle(self, worker: int, reply: Reply) -> None:
        match reply:
            case Ready():
                self._ready.add(worker)
            case SubscriberProgress():
                self._subscribers[worker] = reply
            case PublisherProgress():
                self._publisher = reply
            case WarmedUp():
                self._warmed_up = True
            case PublisherResult():
                self._published = reply
            case AllDelivered():
                self._all_delivered.add(worker)
            case SubscriberResult():
                self._results[worker] = reply
        self._on_progress(self._progress())

    def _progress(self) -> LoadProgress:
        subscribers = self._subscribers.values()
        return LoadProgress(
            phase=self._phase,
            live=sum(each.live for each in subscribers),
            elapsed=time.monotonic() - self._started if self._started else 0.0,
            accepted=self._publisher.accepted,
            failed=self._publisher.failed,
            deliveries=sum(each.deliveries for each in subscribers),
            duplicates=sum(each.duplicates for each in subscribers),
            ended=sum(each.ended for each in subscribers),
        )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
