"""Runs the CDK command line as a child process and watches it: its lines, Ctrl-C, and a limit of time."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeAlias

from globalchat.core.clock import MonotonicClock, duration_in_words
from globalchat.core.errors import ExitCode, UserError
from globalchat_infra.deployer import outcome
from globalchat_infra.deployer.progress import Progress
from globalchat_infra.deployer.view import View

TICK = 1.0
"""Seconds after which the view is told that time has passed."""
ENDING = 5.0
"""Seconds that the command line is given to end."""
LOG = "cdk.log"
"""In the work folder: all that the latest command line wrote."""
_BACKLOG = 1000
_Lines: TypeAlias = "queue.Queue[tuple[bool, str] | None]"
"""Lines of the child, with whether they came on standard error; None ends a stream."""


def watch(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    progress: Progress,
    view: View,
    *,
    seconds: float,
    note: Callable[[str], None],
    under_way: Callable[[], str],
    clock: MonotonicClock = time.monotonic,
) -> int:
    """Run the command line to its end, show how far it is, and return its exit code.

    `under_way` asks AWS what it goes on with, once the command line begins nothing more. All that it writes
    is in the folder's `cdk.log` afterwards.

    Raises:
        UserError: it could not be started, or is not done after `seconds`; or Ctrl-C ended the command line,
            and AWS goes on with what it has begun (exit code 130).
    """
    child = _start(command, folder, environment)
    try:
        with _recording(folder) as record:
            _follow(child, progress, view, record, seconds, clock)
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        raise outcome.late(under_way(), seconds) from None
    except KeyboardInterrupt:
        # A second Ctrl-C, whenever it comes in here, ends the child at once.
        view.close()
        note("Stopping, and asking AWS what it goes on with. Ctrl-C again ends this at once.")
        _end(child)
        note(f"Stopped watching: {under_way()} Resume with the same `globalchat deploy`.")
        raise UserError("Stopped watching.", exit_code=ExitCode.INTERRUPTED) from None
    finally:
        view.close()
        _kill(child)


def _follow(
    child: subprocess.Popen[str],
    progress: Progress,
    view: View,
    record: Callable[[str], None],
    seconds: float,
    clock: MonotonicClock,
) -> None:
    """Take in what the child writes until it closes both streams; raises TimeoutExpired after `seconds`."""
    lines: _Lines = queue.Queue(_BACKLOG)
    open_streams, began = _read_both(child, lines), clock()
    while open_streams:
        spent = clock() - began
        if spent > seconds:
            raise subprocess.TimeoutExpired(child.args, seconds)
        try:
            line = lines.get(timeout=min(TICK, max(0.01, seconds - spent)))
        except queue.Empty:
            view.changed(progress, None, clock() - began)
            continue
        if line is None:
            open_streams -= 1
            continue
        bad, text = line
        record(text)
        if bad:
            progress.complain(text)
        if (stack := progress.feed(text)) is not None:
            view.changed(progress, stack, clock() - began)


@contextmanager
def _recording(folder: Path) -> Iterator[Callable[[str], None]]:
    """Write what is recorded to the folder's log, as far as the disk lets it."""
    try:
        descriptor = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        yield lambda _: None
        return
    file = open(descriptor, "w", encoding="utf-8", errors="replace")  # noqa: SIM115 - closing may fail, too

    def record(text: str) -> None:
        with suppress(OSError):
            file.write(text)

    try:
        yield record
    finally:
        with suppress(OSError):
            file.close()


def show(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, seconds: float) -> int:
    """Run the command line with this program's own output; its exit code.

    Raises:
        UserError: it could not be started, or is not done after `seconds`.
    """
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False, timeout=seconds
        ).returncode
    except subprocess.TimeoutExpired:
        told = f"The CDK is not done after {duration_in_words(seconds)}."
        raise UserError(told, remedy="Check the network.") from None
    except OSError as error:
        raise _not_started(error) from None


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        # In a session of its own: Ctrl-C is ours to handle.
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(error) from None


def _not_started(error: OSError) -> UserError:
    return UserError(
        f"Node.js could not be started: {error.strerror}.", remedy="Install Node.js 22 or later."
    )


def _read_both(child: subprocess.Popen[str], lines: _Lines) -> int:
    """Read both streams of a child, each in a thread: its lines, then None; how many they are."""
    streams = [(stream, bad) for stream, bad in ((child.stdout, False), (child.stderr, True)) if stream]
    for stream, bad in streams:
        threading.Thread(target=_read, args=(stream, bad, lines), daemon=True).start()
    return len(streams)


def _read(stream: IO[str], bad: bool, lines: _Lines) -> None:
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
