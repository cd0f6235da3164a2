import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from globalchat.localcloud.process import lock

HOLD = """
import sys
from pathlib import Path
from globalchat.localcloud.process import lock
with lock.acquire(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_held_lock_is_not_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = lock.acquire(path)
    assert first is not None
    with first:
        assert lock.acquire(path) is None
        assert lock.holder(path) == os.getpid()

    assert lock.holder(path) is None
    again = lock.acquire(path)
    assert again is not None
    with again:
        pass


def test_who_looks_at_the_same_time_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    """Else the id that a killed holder left would be told, which may be another process's by now."""
    path = tmp_path / "lock"
    path.write_text("1")
    looks: list[int | None] = []
    flock = fcntl.flock

    def look_twice(descriptor: int, kind: int) -> None:
        flock(descriptor, kind)
        if not looks:
            looks.append(None)
            looks[0] = lock.holder(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", look_twice)
        assert lock.holder(path) is None
    assert looks == [None]


def test_an_id_does_not_outlive_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = lock.acquire(path)
    assert held is not None
    with held:
        assert path.read_text() == str(os.getpid())
    assert path.read_text() == ""


def test_nobody_holds_a_lock_that_was_never_made(tmp_path: Path) -> None:
    assert lock.holder(tmp_path / "lock") is None


def test_a_lock_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert lock.holder(path) == other.pid
        assert lock.acquire(path) is None
        other.kill()

    assert lock.holder(path) is None


def test_waiting_ends_when_the_other_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        other.stdin.close()
        waited = lock.acquire(path, wait=20)

    assert waited is not None
    with waited:
        assert lock.holder(path) == os.getpid()
