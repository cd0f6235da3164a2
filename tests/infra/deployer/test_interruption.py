"""Ctrl-C while the real CDK command line deploys: what is said, what goes on, and that nothing is left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.infra.helpers.assembled_deployment import Assembled
from tests.infra.helpers.moto_account import User

pytestmark = pytest.mark.infra

DRIVER = """
import json, sys
from pathlib import Path
import click
from globalchat.cli import main
from globalchat.cli.aws_deployment import prompter
from globalchat_infra.deployer import cdk_process
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.deployment import Deployer, prepare
from globalchat_infra.deployer.plan import DeployRequest
from globalchat.core.resources import resource

cache, app = sys.argv[1:]
start = cdk_process._start

def start_and_print(*arguments):
    child = start(*arguments)
    print(child.pid, flush=True)
    return child

cdk_process._start = start_and_print

@click.command()
def command():
    prompting = prompter(yes=True)
    request = DeployRequest(json.loads(resource("cdk.json").read_text()))
    Deployer(prepare(request, Aws(), prompting), Path(cache), Aws(), app=app).run(prompting)

main.root.get_command = lambda ctx, name: command
main.root.entries = {"try": None}
main.root(["try"], prog_name="globalchat")
"""


@dataclass
class Run:
    """A deployment in a process of its own; `cdk` is the process of the CDK command line."""

    process: subprocess.Popen[str]
    cdk: int

    @property
    def output(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def line_with(self, words: str) -> str:
        for line in self.output:
            if words in line:
                return line
        raise AssertionError(f"{words} was not said")

    def end(self) -> str:
        """Its last words; it must have ended on its own."""
        _, errors = self.process.communicate(timeout=120)
        return errors


def start(user: User, app: str) -> Run:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(user.cache), app],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return Run(process, int(process.stdout.readline()))


@pytest.fixture
def running() -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.process.kill()
        run.process.communicate()


@dataclass
class Held:
    """AWS at work: what it has begun goes on when `go` is set."""

    begun: threading.Semaphore
    go: threading.Event
    done: threading.Semaphore


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, cloud: str) -> Iterator[Held]:
    from moto.cloudformation import models

    apply = models.ChangeSet.apply
    state = Held(threading.Semaphore(0), threading.Event(), threading.Semaphore(0))

    def slowly(change_set: models.ChangeSet) -> None:
        # Moto says so only when it is done.
        change_set.stack.status = "CREATE_IN_PROGRESS"
        state.begun.release()
        state.go.wait(60)
        apply(change_set)
        state.done.release()

    monkeypatch.setattr(models.ChangeSet, "apply", slowly)
    yield state
    state.go.set()


def test_aws_goes_on_and_the_same_command_resumes(
    held: Held, equipped: User, templates: Path, running: list[Run]
) -> None:
    run = start(equipped, str(templates))
    running.append(run)
    for _ in range(2):
        assert held.begun.acquire(timeout=60)
    run.interrupt()
    assert run.line_with("Stopped watching").strip() == (
        "Stopped watching: AWS goes on with globalchat-oregon-api, globalchat-sydney-api; "
        "not begun: globalchat-oregon-relay, globalchat-sydney-relay. "
        "Resume with the same `globalchat deploy`."
    )
    assert "Traceback" not in run.end()
    assert run.process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(run.cdk, 0)

    held.go.set()
    for _ in range(2):
        assert held.done.acquire(timeout=60)
    _, printed = Assembled(equipped, templates).deploy()
    # Two stacks at a time: which of them is done first is chance.
    ends = sorted(line.split("] ")[-1] for line in printed if "unchanged" in line or "relay: done" in line)
    assert ends == [
        "globalchat-oregon-api: unchanged",
        "globalchat-oregon-relay: done",
        "globalchat-sydney-api: unchanged",
        "globalchat-sydney-relay: done",
    ]


def test_a_second_one_ends_everything_at_once(
    cloud: str, equipped: User, tmp_path: Path, running: list[Run]
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # Each process of the app that lives holds the pipe open.
    run = start(equipped, f"exec 3>{fifo}; echo begun >&3; sleep 600")
    running.append(run)
    with fifo.open() as pipe:
        assert pipe.readline() == "begun\n"
        # Stopped, the command line does not heed the request to end.
        os.kill(run.cdk, signal.SIGSTOP)
        run.interrupt()
        assert "Ctrl-C again ends this at once" in run.line_with("Stopping")
        run.interrupt()
        assert "Traceback" not in run.end()
        assert run.process.returncode == 130
        assert pipe.read() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(run.cdk, 0)
