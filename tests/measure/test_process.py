"""Open files and CPU time of a process."""

import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.measure import process
from globalchat.measure.process import raise_open_file_limit, usage_of


@pytest.fixture
def low_limit() -> Iterator[int]:
    """A soft limit of open files far below the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = min(soft, 900)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard))
    yield lowered
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def soft_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_the_soft_limit_is_raised_as_far_as_is_needed_and_never_lowered(low_limit: int) -> None:
    raise_open_file_limit(low_limit + 256)
    assert soft_limit() == low_limit + 256
    raise_open_file_limit(10)
    assert soft_limit() == low_limit + 256


def test_a_hard_limit_that_is_too_low_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (900, 1000))

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(UserError) as failure:
        raise_open_file_limit(5256, who="The local cloud", instead="more --per-socket")
    assert str(failure.value) == "The local cloud would need 5,256 open files; this system allows 1,000."
    assert failure.value.remedy is not None
    assert "ulimit -Hn" in failure.value.remedy
    assert "more --per-socket" in failure.value.remedy


@pytest.mark.parametrize("source", ["proc", "ps"])
def test_the_usage_of_a_process_is_that_of_the_system(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "proc" and sys.platform != "linux":
        pytest.skip("there is no /proc")
    if source == "ps":
        if shutil.which("ps") is None:
            pytest.skip("ps is not installed")
        monkeypatch.setattr(process, "_PROC", Path("/nowhere"))
    before = usage_of(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = usage_of(os.getpid())
    step = 0.05 if source == "proc" else 0.0  # ps on Linux has whole seconds
    assert after.cpu - before.cpu >= step
    assert after.cpu == pytest.approx(time.process_time(), abs=1.5)
    assert after.resident > 1 << 20
    with pytest.raises(ProcessLookupError):
        usage_of(2**22 + 1)
