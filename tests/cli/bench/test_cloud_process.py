"""Open files and CPU time of the local cloud's process."""

import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.cli.bench.cloud_process import SPARE, cpu_clock, make_room, widen
from globalchat.core.errors import UserError
from globalchat.measure.load.open_files import raise_open_files

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell or allow it")


@pytest.fixture
def few_files() -> Iterator[int]:
    """A soft limit far below the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = min(soft, 900)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard))
    yield lowered
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def soft_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_the_soft_limit_is_raised_as_far_as_is_needed_and_never_lowered(few_files: int) -> None:
    make_room(few_files)
    assert soft_limit() == few_files + SPARE
    raise_open_files(10)
    assert soft_limit() == few_files + SPARE


def test_a_hard_limit_that_is_too_low_is_told_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (900, 1000))

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(UserError) as failure:
        make_room(5000)
    assert str(failure.value) == "The local cloud would need 5,256 open files; this system allows 1,000."
    assert failure.value.remedy is not None
    assert "ulimit -Hn" in failure.value.remedy


@LINUX
def test_a_cloud_that_runs_already_is_given_room(few_files: int) -> None:
    widen(os.getpid(), few_files)
    assert soft_limit() == few_files + SPARE


@LINUX
def test_the_cpu_time_of_a_process_is_that_of_the_system() -> None:
    clock = cpu_clock(os.getpid())
    before = clock()
    assert before is not None
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = clock()
    assert after is not None
    assert after - before >= 0.05
    assert after == pytest.approx(time.process_time(), abs=0.5)


def test_the_cpu_time_of_a_process_that_is_not_there_is_unknown() -> None:
    assert cpu_clock(2**22 + 1)() is None
    assert not Path(f"/proc/{2**22 + 1}").exists()
