"""A local cloud that does not answer: what is said of it, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from globalchat.core.errors import ExitCode, Unreachable, UserError
from globalchat.core.files import FileLock, holder
from globalchat.localcloud.process import control_client, launch, state
from tests.localcloud.helpers.cloud_state import STATE

HANGING = """
import signal, socket, sys, time
from pathlib import Path
from globalchat.core.files import FileLock
from globalchat.localcloud.process.launch import CLOUD_LOCK
for each in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(each, signal.SIG_IGN)
held = FileLock.acquire(Path(sys.argv[1]) / CLOUD_LOCK)
held.sign()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(60)
"""
"""Holds the lock of a cloud and its port, and reacts to nothing."""


@dataclass
class Hanging:
    folder: Path
    process: subprocess.Popen[str]
    port: int

    def write_state(self) -> None:
        """Have been ready once."""
        state.write(self.folder, replace(STATE, pid=self.process.pid, control_port=self.port))


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    monkeypatch.setattr(control_client, "_TIMEOUT_SECONDS", 0.1)
    for name in ("_ANSWER_SECONDS", "_HUNG_END_SECONDS"):
        monkeypatch.setattr(launch, name, 0.2)
    command = [sys.executable, "-P", "-c", HANGING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Hanging(tmp_path, process, int(process.stdout.readline()))
        process.kill()


def test_a_cloud_that_hangs_is_named_by_all_that_look_for_one(hanging: Hanging) -> None:
    hanging.write_state()
    notes: list[str] = []
    for find in (launch.look, partial(launch.ensure, note=notes.append)):
        with pytest.raises(launch.NotAnswering) as caught:
            find(hanging.folder)
        assert caught.value.sentence == (
            f"The local cloud (process {hanging.process.pid}) runs, but does not answer. "
            "End it with `globalchat local down`."
        )
        assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert notes == []
    assert hanging.process.poll() is None


def test_a_cloud_that_hangs_is_killed_at_the_end(hanging: Hanging) -> None:
    hanging.write_state()
    notes: list[str] = []
    assert launch.end(hanging.folder, note=notes.append)
    assert hanging.process.wait(10) == -signal.SIGKILL
    assert notes == [f"The local cloud (process {hanging.process.pid}) did not react and was killed."]
    assert holder(hanging.folder / launch.CLOUD_LOCK) is None
    assert state.read(hanging.folder) is None
    assert not launch.end(hanging.folder)


def test_a_cloud_that_is_stopped_ends_by_itself(hanging: Hanging, tmp_path: Path) -> None:
    gentle = tmp_path / "gentle"
    gentle.mkdir()
    command = [sys.executable, "-P", "-c", HANGING.replace("SIG_IGN", "SIG_DFL"), str(gentle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGSTOP)
        notes: list[str] = []
        assert launch.end(gentle, note=notes.append)
        assert process.wait(10) == -signal.SIGTERM
    assert notes == []


def test_a_cloud_that_is_starting_is_not_one_that_hangs(hanging: Hanging) -> None:
    held = FileLock.acquire(hanging.folder / launch.START_LOCK)
    assert held is not None
    with held:
        for left_behind in (None, STATE):  # what a killed one left
            if left_behind is not None:
                state.write(hanging.folder, left_behind)
            with pytest.raises(Unreachable) as caught:
                launch.look(hanging.folder)
            assert not isinstance(caught.value, launch.NotAnswering)
            pid = hanging.process.pid
            assert caught.value.sentence == f"The local cloud (process {pid}) is starting. Try again."


def test_a_cloud_that_ends_while_one_looks_is_none(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging.write_state()
    monkeypatch.setattr(launch, "_ANSWER_SECONDS", 30)
    waited = time.sleep

    def end_meanwhile(seconds: float) -> None:
        hanging.process.kill()
        waited(seconds)

    monkeypatch.setattr(time, "sleep", end_meanwhile)
    assert launch.look(hanging.folder) is None


def test_a_process_of_another_user_is_not_ended(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: int, _number: int) -> None:
        raise PermissionError

    hanging.write_state()
    with monkeypatch.context() as context:
        context.setattr(os, "kill", refuse)
        with pytest.raises(UserError, match="belongs to another user"):
            launch.end(hanging.folder)


def test_no_cloud_is_none(tmp_path: Path) -> None:
    assert launch.look(tmp_path) is None
    (tmp_path / state.FILE).write_text("{")
    assert launch.look(tmp_path) is None
