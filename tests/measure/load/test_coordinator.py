"""Whole load tests with real processes against a local cloud, undisturbed and with faults that must show."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.profiles import Profile
from globalchat.core.credentials import Credentials
from globalchat.core.errors import ExitCode, Refused, UserError
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.measure.load import workers
from globalchat.measure.load.coordinator import run_load_test
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import LoadProgress, LoadReport

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEEDED = [
    "globalchat.measure.load.workers",
    "globalchat.measure.load.subscribers",
    "globalchat.measure.load.publisher",
]
BOTH = ("oregon", "sydney")
PLAN = LoadPlan(24, 80.0, 100, 0.5, BOTH, ("tech",), drain=20.0)


@pytest.fixture(autouse=True)
def _forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork workers from a process that has loaded what they need; `test_workers` starts them as users do."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(NEEDED)
    monkeypatch.setattr(workers, "get_context", lambda _: context)


async def measured(
    cloud: LocalCloud,
    plan: LoadPlan = PLAN,
    *,
    on: Callable[[LoadProgress, asyncio.Event], None] | None = None,
) -> LoadReport | None:
    stop = asyncio.Event()

    def on_progress(progress: LoadProgress) -> None:
        if on is not None:
            on(progress, stop)

    return await run_load_test(
        profile_of(cloud.regions), plan, stop=stop, on_progress=on_progress, server_cpu=lambda: 0.25
    )


async def whole(cloud: LocalCloud, plan: LoadPlan = PLAN) -> LoadReport:
    report = await measured(cloud, plan)
    assert report is not None
    assert report.complete
    return report


def counts(report: LoadReport) -> tuple[int, int, int, int]:
    stats = report.stats
    return stats.deliveries, report.missing, stats.duplicates, stats.order_violations


async def test_every_message_reaches_every_subscriber_of_its_channel_once(cloud: LocalCloud) -> None:
    plan = replace(PLAN, subscribers=25, channels=("tech", "cars"), per_socket=4, processes=2)
    report = await whole(cloud, plan)
    assert (report.accepted, dict(report.failures), report.unsent) == (40, {}, 0)
    assert report.expected == plan.deliveries == 20 * 25
    assert counts(report) == (500, 0, 0, 0)
    assert set(report.routes) == {(a, b) for a in BOTH for b in BOTH}
    assert report.times.count == 500
    assert report.acceptance.count == report.lag.count == 40
    assert (report.server_cpu, report.stats.subscriptions_ended, report.stats.foreign) == (0.0, 0, 0)
    assert len(report.subscriber_cpu) == 2
    assert report.generator_cpu is not None
    assert report.generator_cpu > 0
    assert report.seconds > 0.4


async def test_duplicates_and_wrong_order_are_counted(cloud: LocalCloud) -> None:
    cloud.faults.set("duplicate=100%", source="oregon", target="oregon")
    report = await whole(cloud, replace(PLAN, regions=("oregon",)))
    deliveries, lost, duplicates, violations = counts(report)
    assert (deliveries, lost, duplicates) == (40 * 24, 0, 40 * 24)
    assert violations == 0

    cloud.faults.clear()
    cloud.faults.set("reorder=50%")
    report = await whole(cloud)
    deliveries, lost, duplicates, violations = counts(report)
    assert (deliveries, lost, duplicates) == (40 * 24, 0, 0)
    assert violations > 0


async def test_a_partition_loses_what_had_to_cross(cloud: LocalCloud) -> None:
    cloud.faults.set("relay-partition", source="oregon", target="sydney")
    report = await whole(cloud, replace(PLAN, drain=1.0, rate=20.0, seconds=0.5))
    assert report.expected == 10 * 24
    assert counts(report) == (10 * 12 + 5 * 12, 5 * 12, 0, 0)
    assert report.routes.keys() == {("oregon", "oregon"), ("sydney", "oregon"), ("sydney", "sydney")}


async def test_lost_sockets_are_counted_and_what_they_missed_is_lost(cloud: LocalCloud) -> None:
    dropped: list[LoadProgress] = []

    def drop(progress: LoadProgress, _: asyncio.Event) -> None:
        if progress.phase == "running" and progress.deliveries and not dropped:
            dropped.append(progress)
            cloud.faults.set("drop-sockets", region="sydney")

    report = await measured(cloud, replace(PLAN, drain=0.5, rate=40.0, seconds=1.0), on=drop)
    assert report is not None
    assert report.stats.subscriptions_ended == 12
    deliveries, lost, duplicates, _ = counts(report)
    assert deliveries + lost == report.expected == 40 * 24
    assert lost > 0
    assert duplicates == 0


async def test_a_subscription_that_an_administrator_ends_has_ended_once(cloud: LocalCloud) -> None:
    ended: list[asyncio.Task[str]] = []

    async def end() -> str:
        admin = Credentials(cloud.admin.access_key, cloud.admin.secret_key)
        async with RegionApi(profile_of(cloud.regions).resolve("oregon"), credentials=admin) as api:
            return await api.unsubscribe("tech")

    def once(progress: LoadProgress, _: asyncio.Event) -> None:
        if progress.phase == "running" and progress.deliveries and not ended:
            ended.append(asyncio.create_task(end()))

    plan = replace(PLAN, drain=0.5, seconds=1.0, channels=("tech", "cars"), per_socket=2, regions=("oregon",))
    report = await measured(cloud, plan, on=once)
    assert report is not None
    assert await ended[0] == "tech"
    assert report.stats.subscriptions_ended == 24


async def test_ended_early_it_reports_what_there_is(cloud: LocalCloud) -> None:
    def end(progress: LoadProgress, stop: asyncio.Event) -> None:
        if progress.accepted:
            stop.set()

    report = await measured(cloud, replace(PLAN, seconds=600.0), on=end)
    assert report is not None
    assert not report.complete
    assert 0 < report.accepted < 600 * 80
    failed = sum(report.failures.values())
    assert report.unsent == 600 * 80 - report.accepted - failed
    deliveries, missing, duplicates, _ = counts(report)
    # What was under way when its answer was no longer awaited may have arrived too.
    assert report.accepted * 24 <= deliveries + missing <= (report.accepted + failed) * 24
    assert deliveries > 0
    assert duplicates == 0


async def test_ended_before_the_start_there_is_nothing_to_report(cloud: LocalCloud) -> None:
    assert await measured(cloud, on=lambda _, stop: stop.set()) is None


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_no_process_is_left_whatever_ends_the_load_test(cloud: LocalCloud) -> None:
    def running() -> list[int]:
        return [each.pid for each in multiprocessing.active_children() if each.pid is not None]

    started: set[int] = set()
    begun = asyncio.Event()

    def record(*_: object) -> None:
        started.update(running())
        begun.set()

    cancelled = asyncio.create_task(measured(cloud, on=record))
    await asyncio.wait_for(begun.wait(), 30)
    cancelled.cancel()
    await asyncio.wait({cancelled})
    assert cancelled.cancelled()

    def kill(progress: LoadProgress, _: asyncio.Event) -> None:
        started.update(running())
        if progress.phase == "running":
            for pid in running()[-1:]:
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(UserError, match="ended before the load test"):
        await measured(cloud, on=kill)
    assert len(started) == 4
    assert not [pid for pid in started if is_running(pid)]


async def test_what_cannot_be_run_is_refused(cloud: LocalCloud) -> None:
    for plan, said in (
        (replace(PLAN, channels=("tech", "nope")), 'no channel "nope"'),
        (replace(PLAN, size=2001), "64 to 2000 characters"),
    ):
        with pytest.raises(Refused, match=said):
            await measured(cloud, plan)


async def test_a_worker_that_cannot_connect_says_why(cloud: LocalCloud) -> None:
    there = profile_of(cloud.regions)
    elsewhere = {
        alias: replace(each, realtime_url="ws://127.0.0.1:1/graphql") for alias, each in there.regions.items()
    }
    with pytest.raises(UserError, match=r"Nothing listens at 127\.0\.0\.1:1") as failed:
        await run_load_test(
            Profile("p", elsewhere),
            replace(PLAN, subscribers=2),
            stop=asyncio.Event(),
            on_progress=lambda _: None,
            server_cpu=lambda: None,
        )
    assert failed.value.exit_code is ExitCode.UNREACHABLE
    wrong = {alias: replace(each, api_key="da2-wrong") for alias, each in there.regions.items()}
    with pytest.raises(UserError, match="key was not accepted") as failed:
        await run_load_test(
            Profile("p", wrong),
            PLAN,
            stop=asyncio.Event(),
            on_progress=lambda _: None,
            server_cpu=lambda: None,
        )
    assert failed.value.exit_code is ExitCode.FAILED
    assert "globalchat local faults" in (failed.value.remedy or "")


async def test_a_load_test_of_a_silent_region_ends_at_once(
    silent_region: tuple[Profile, asyncio.Event],
) -> None:
    profile, asked = silent_region
    stop = asyncio.Event()
    plan = LoadPlan(1, 1.0, 100, 1.0, ("oregon",), ("tech",))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        running = group.create_task(
            run_load_test(profile, plan, stop=stop, on_progress=lambda _: None, server_cpu=lambda: None)
        )
        await asked.wait()
        stop.set()
        assert await running is None
