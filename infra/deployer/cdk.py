"""The CDK command line as a child process: its arguments, its environment, and watching it."""

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.deployer.errors import DeployError, Interrupted, no_space
from infra.deployer.progress import Progress
from infra.deployer.view import View

TICK = 1.0
"""Seconds after which the view is told that time has passed."""
ENDING = 5.0
"""Seconds that the command line is given to end."""
_BACKLOG = 1000


@dataclass(frozen=True, slots=True)
class Cdk:
    """Where the command line is and what it works on; `profile` is AWS's own."""

    script: Path
    folder: Path
    profile: str | None = None

    def command(self, *arguments: str) -> list[str]:
        """The arguments that start it (never `npx`: npm's latest cannot read our assemblies)."""
        node = os.environ.get("JSII_NODE") or shutil.which("node") or "node"
        common = ["--no-notices", "--no-version-reporting", "--ci", "--no-color"]
        named = ["--profile", self.profile] if self.profile else []
        return [node, str(self.script), *arguments, *common, *named]

    def deploy(self) -> list[str]:
        """Deploy every stack, two at a time."""
        how = ["--all", "--require-approval", "never", "--progress", "events", "--concurrency", "2"]
        return self.command("deploy", *how)

    def diff(self) -> list[str]:
        """Tell what a deployment would change."""
        return self.command("diff")


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: telemetry off, and none of the banners on versions of Node.js."""
    return {**base, "CDK_DISABLE_CLI_TELEMETRY": "1", "NODE_NO_WARNINGS": "1"}


def watch(
    command: Sequence[str],
    folder: Path,
    progress: Progress,
    view: View,
    *,
    seconds: float,
    told: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Run the command line to its end and show how far it is; its exit code.

    Raises:
        DeployError: it could not be started, or is not done after `seconds`.
        Interrupted: a person pressed Ctrl-C: the command line is ended, AWS goes on with what it has begun.
    """
    child = _start(command, folder)
    lines: queue.Queue[tuple[bool, str] | None] = queue.Queue(_BACKLOG)
    readers = [
        threading.Thread(target=_read, args=(stream, bad, lines), daemon=True)
        for stream, bad in ((child.stdout, False), (child.stderr, True))
        if stream is not None
    ]
    for reader in readers:
        reader.start()
    began, open_streams = clock(), len(readers)
    try:
        while open_streams:
            spent = clock() - began
            if spent > seconds:
                _end(child)
                raise late(progress, seconds)
            try:
                line = lines.get(timeout=min(TICK, max(0.01, seconds - spent)))
            except queue.Empty:
                view.changed(progress, None, clock() - began)
                continue
            if line is None:
                open_streams -= 1
                continue
            bad, text = line
            if bad:
                progress.complain(text)
            if (stack := progress.feed(text)) is not None:
                view.changed(progress, stack, clock() - began)
        return child.wait(ENDING)
    except KeyboardInterrupt:
        # A second Ctrl-C, whenever it comes in here, ends the child at once.
        view.close()
        told(interrupted(progress))
        _end(child)
        raise Interrupted("Stopped watching.") from None
    finally:
        view.close()
        _kill(child)


def show(command: Sequence[str], folder: Path, *, seconds: float) -> int:
    """Run the command line with this program's own output; its exit code.

    Raises:
        DeployError: it could not be started, or is not done after `seconds`.
    """
    own = environment(os.environ)
    try:
        return subprocess.run(
            command, cwd=folder, env=own, stdin=subprocess.DEVNULL, check=False, timeout=seconds
        ).returncode
    except subprocess.TimeoutExpired:
        told = f"The CDK is not done after {span(seconds)}."
        raise DeployError(told, remedy="Check the network.") from None
    except OSError as error:
        raise not_started(error) from None


def interrupted(progress: Progress) -> str:
    """What AWS goes on doing after Ctrl-C, and how to resume."""
    running = [stack.name for stack in progress.stacks.values() if stack.running]
    waiting = [stack.name for stack in progress.stacks.values() if not stack.started]
    goes_on = f"AWS goes on with {', '.join(running)}" if running else "AWS has nothing of it under way"
    rest = f"; not begun: {', '.join(waiting)}" if waiting else ""
    return f"Stopped watching: {goes_on}{rest}. Resume with the same `globalchat deploy`."


def late(progress: Progress, seconds: float) -> DeployError:
    """The overall time-out has passed."""
    running = [stack.name for stack in progress.stacks.values() if stack.running]
    where = f"AWS is still at {', '.join(running)}" if running else "AWS gave no sign of progress"
    return DeployError(
        f"The deployment is not done after {span(seconds)}: {where}.",
        remedy="Look at CloudFormation's console, then resume with the same `globalchat deploy`.",
    )


def span(seconds: float) -> str:
    """A time in words."""
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def not_started(error: OSError) -> DeployError:
    """The command line could not be started."""
    return DeployError(
        f"Node.js could not be started: {error.strerror}.", remedy="Install Node.js 22 or later."
    )


def failure(progress: Progress, code: int) -> DeployError:
    """Why the command line ended with `code`, which stacks stand, and how to go on."""
    if any("ENOSPC" in line or "No space left" in line for line in progress.errors):
        return no_space("the CDK's work")
    failed = [stack for stack in progress.stacks.values() if stack.failure is not None]
    standing = [stack.name for stack in progress.stacks.values() if stack.finished]
    if failed:
        cause = "; ".join(f"{stack.name}: {stack.failure}" for stack in failed)
    else:
        ours = [line for line in progress.errors if line.startswith("globalchat: ")]
        cause = (ours or progress.errors or [f"the CDK ended with {code}"])[-1].removeprefix("globalchat: ")
    stands = f"Complete: {', '.join(standing)}." if standing else "No stack was completed."
    return DeployError(
        f"The deployment failed: {cause.rstrip('.')}. {stands}",
        remedy="Correct the cause and run the same `globalchat deploy`: what is complete stays as it is.",
    )


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    try:
        # In a session of its own: Ctrl-C is ours to handle.
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise not_started(error) from None


def _read(stream: IO[str], bad: bool, lines: "queue.Queue[tuple[bool, str] | None]") -> None:
    with stream:
        for line in stream:
            lines.put((bad, line))
    lines.put(None)


def _end(child: subprocess.Popen[str]) -> None:
    """Ask the child, and what it started, to end; it is given a while."""
    _signal(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(ENDING)


def _kill(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
