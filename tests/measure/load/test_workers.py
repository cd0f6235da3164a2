"""The worker processes: their clock, their secrets, their place, their end."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import UserError
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.protocol import Failed, Publish, Started, Subscribe
from globalchat.measure.load.workers import start_worker, worker_pool

KEY = "da2-secretsecretsecretsecretse"
NOWHERE = RegionEndpoint(
    "oregon", "us-west-2", "http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql", "id", "bus", KEY
)
PLAN = LoadPlan(1, 1.0, 100, 1.0, ("oregon",), ("tech",))


def publish(*, sent_at: int | None = None) -> Publish:
    return Publish("0123abcd", PLAN, {"oregon": NOWHERE}, sent_at or time.monotonic_ns())


async def test_processes_whose_clocks_differ_measure_nothing() -> None:
    tomorrow = time.monotonic_ns() + 86_400 * 10**9
    order = Subscribe("0123abcd", PLAN, {"oregon": NOWHERE}, (), tomorrow)
    async with worker_pool([order]) as pool:
        with pytest.raises(UserError, match="do not share a monotonic clock"):
            await asyncio.wait_for(pool.next(), 30)


async def test_what_a_worker_cannot_do_is_raised_as_its_error() -> None:
    async with worker_pool([publish()]) as pool:
        with pytest.raises(UserError, match=r"Nothing listens at 127\.0\.0\.1:1"):
            await asyncio.wait_for(pool.next(), 30)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
async def test_keys_stand_on_no_command_line_and_in_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    async with worker_pool([publish()]) as pool:
        for pid in children():
            seen.append((Path("/proc") / str(pid) / "cmdline").read_text())
            seen.append((Path("/proc") / str(pid) / "environ").read_text())
        with pytest.raises(UserError):
            await asyncio.wait_for(pool.next(), 30)
    assert len(seen) >= 2
    assert not any(KEY in each for each in seen)


def children() -> list[int]:
    me = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    return [int(each) for each in Path(me).read_text().split()]


def test_ctrl_c_does_not_reach_a_worker_even_while_it_starts() -> None:
    process, pipe = start_worker()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    pipe.send(publish())
    assert pipe.poll(30)
    assert isinstance(pipe.recv(), Started)
    os.kill(process.pid, signal.SIGINT)
    assert pipe.poll(30)
    assert isinstance(pipe.recv(), Failed)  # nothing listens there
    pipe.close()
    process.join(30)
    assert process.exitcode == 0
    process.close()


async def test_modules_of_the_current_folder_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "struct", "pickle", "multiprocessing", "globalchat"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    async with worker_pool([publish()]) as pool:
        with pytest.raises(UserError, match="Nothing listens"):
            await asyncio.wait_for(pool.next(), 30)
    assert not (tmp_path / "imported").exists()
    assert "PYTHONSAFEPATH" not in os.environ
