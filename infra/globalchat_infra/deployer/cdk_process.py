"""Runs the CDK command line as a child process, handles Ctrl-C and a time limit, and reports failures."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, TypeAlias

from globalchat.core import tls
from globalchat.core.clock import MonotonicClock, duration_in_words
from globalchat.core.errors import ExitCode, Reason, UserError
from globalchat.core.resources import oldest_node
from globalchat_infra.deployer.cdk import no_space
from globalchat_infra.deployer.progress import Progress, View
from globalchat_infra.deployer.stacks import PROPOSED, DeployedStack
from globalchat_infra.toolchain import error_line

TICK = 1.0
"""Seconds between updates of the shown time."""
ENDING = 5.0
"""Seconds for the command line to end."""
REAPING = 2.0
"""Seconds until a killed command line must have ended."""
LOG = "cdk.log"
"""The file in the work folder with all output of the latest command line."""
APP = "globalchat: "
"""The start of the app's own sentences."""
# Bounded, so that a child that floods its output has to wait for the reader.
_BACKLOG = 1000
_Lines: TypeAlias = "queue.Queue[tuple[bool, str] | None]"
"""Lines of the child, each with True if from standard error; None ends a stream."""


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    progress: Progress,
    view: View,
    *,
    seconds: float,
    note: Callable[[str], None],
    ask_aws: Callable[[], str],
    clock: MonotonicClock = time.monotonic,
) -> int:
    """Run the command line to its end, show its progress, and return its exit code.

    `ask_aws` returns a sentence on what AWS is still doing after the command line has ended early. All that
    the command line writes is in the folder's `cdk.log` afterwards.

    Raises:
        UserError: it could not be started, or is not done after `seconds`; or Ctrl-C ended the command line
            while AWS continues (exit code 130).
    """
    child = _start(command, folder, environment)
    try:
        with _recording(folder) as record:
            _follow(child, progress, view, record, seconds, clock)
        # Both streams are closed, but the process may still be running.
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        raise timed_out(ask_aws(), seconds) from None
    except KeyboardInterrupt:
        # A second Ctrl-C anywhere in here ends the child at once.
        view.close()
        note("Stopping, and asking AWS what it goes on with. Ctrl-C again ends this at once.")
        _end(child)
        note(f"Stopped watching: {ask_aws()} Resume with the same `globalchat deploy`.")
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
    """Read what the child writes until it closes both streams; raise TimeoutExpired after `seconds`."""
    lines: _Lines = queue.Queue(_BACKLOG)
    open_streams, began = _read_both(child, lines), clock()
    while open_streams:
        spent = clock() - began
        if spent > seconds:
            raise subprocess.TimeoutExpired(child.args, seconds)
        try:
            line = lines.get(timeout=min(TICK, max(0.01, seconds - spent)))
        except queue.Empty:
            # CloudFormation may be silent for minutes; the running clock shows that the work continues.
            view.changed(progress, None, clock() - began)
            continue
        if line is None:
            open_streams -= 1
            continue
        bad, text = line
        record(text)
        # Kept in any case: only the end of the command line shows whether it was an error.
        if bad:
            progress.complain(text)
        if (stack := progress.feed(text)) is not None:
            view.changed(progress, stack, clock() - began)


@contextmanager
def _recording(folder: Path) -> Iterator[Callable[[str], None]]:
    """Write recorded output to the folder's log, as far as the disk allows."""
    try:
        # It contains stack outputs, so only this user may read it.
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


def run_attached(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, seconds: float
) -> int:
    """Run the command line with this program's own output, and return its exit code.

    Raises:
        UserError: it could not be started, or is not done after `seconds`.
    """
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False, timeout=seconds
        ).returncode
    except subprocess.TimeoutExpired:
        raise UserError(
            f"The CDK is not done after {duration_in_words(seconds)}.", remedy="Check the network."
        ) from None
    except OSError as error:
        raise _not_started(error) from None


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        # In its own process session, since we handle Ctrl-C.
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
    remedy = f"Install Node.js {oldest_node()} or later."
    return UserError(f"Node.js could not be started: {error.strerror}.", remedy=remedy)


def _read_both(child: subprocess.Popen[str], lines: _Lines) -> int:
    """Read both streams of a child, each in a thread: its lines, then None; return their number."""
    streams = [(stream, bad) for stream, bad in ((child.stdout, False), (child.stderr, True)) if stream]
    # In threads: `select` does not work on Python's buffered text streams.
    for stream, bad in streams:
        threading.Thread(target=_read, args=(stream, bad, lines), daemon=True).start()
    return len(streams)


def _read(stream: IO[str], bad: bool, lines: _Lines) -> None:
    with stream:
        for line in stream:
            lines.put((bad, line))
    lines.put(None)


def _end(child: subprocess.Popen[str]) -> None:
    """Ask the child and its children to end, and wait a few seconds."""
    _signal(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(ENDING)


def _kill(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        _signal(child, signal.SIGKILL)
        # Bounded: a Ctrl-C at the beginning of an earlier wait can leave Popen's own lock taken for ever.
        with suppress(subprocess.TimeoutExpired):
            child.wait(REAPING)


def _signal(child: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):
        # The whole group: the command line has started the app, which has started Node.js again.
        os.killpg(child.pid, number)


def remaining_work(
    progress: Progress, found: Mapping[str, DeployedStack | None], unasked: str | None = None
) -> str:
    """Return a sentence on what AWS continues after the command line has ended.

    `found` is the current state of each stack (None if there is none), `unasked` why it is not known of all.
    """
    finished = {stack.name for stack in progress.stacks.values() if stack.finished}
    busy, proposed, waiting, ended = [], [], [], []
    for name, stack in found.items():
        if stack is not None and stack.busy:
            busy.append(name)
        elif stack is not None and stack.status == PROPOSED:
            proposed.append(name)
        elif stack is None or not progress.stacks[name].started:
            waiting.append(name)
        elif name not in finished:
            ended.append(f"{name} is {stack.status}")
    parts = [f"AWS goes on with {', '.join(busy) if busy else 'nothing'}"]
    if proposed:
        parts.append(f"only proposed, and empty: {', '.join(proposed)}")
    if waiting:
        parts.append(f"not begun: {', '.join(waiting)}")
    parts.extend(ended)
    if unasked is not None:
        rest = [name for name in progress.stacks if name not in found]
        parts.append(f"what it does with {', '.join(rest)} could not be asked ({unasked.rstrip('.')})")
    return f"{'; '.join(parts)}."


def timed_out(state: str, seconds: float) -> UserError:
    """Return the error for an exceeded time limit; `state` says what AWS continues."""
    return UserError(
        f"The deployment is not done after {duration_in_words(seconds)}. {state}",
        remedy="Look at CloudFormation's console, then resume with the same `globalchat deploy`.",
    )


def _cause(errors: Sequence[str]) -> str | None:
    """Return the line of standard error with the cause: our app's, else a traceback's, else the last line."""
    ours = [line.removeprefix(APP) for line in errors if line.startswith(APP)]
    last = errors[-1] if errors else None
    return ours[-1] if ours else error_line(errors) or last


def deployment_failed(
    progress: Progress,
    code: int,
    log: Path,
    *,
    environ: Mapping[str, str] = MappingProxyType({}),
    credentials: Reason | None = None,
) -> UserError:
    """Return the error for a command line that ended with `code`: cause, what is complete, how to continue.

    `log` is the file with its output, `environ` its environment, `credentials` the reason why they could not
    be renewed, if so.
    """
    # Node.js reports a full disk in the middle of a stack trace, for which no stack is to blame.
    if any("ENOSPC" in line or "No space left" in line for line in progress.errors):
        return no_space("the CDK's work")
    failed = [stack for stack in progress.stacks.values() if stack.failure is not None]
    complete = [stack.name for stack in progress.stacks.values() if stack.finished]
    if failed:
        cause = "; ".join(f"{stack.name}: {stack.failure}" for stack in failed)
    else:
        cause = _cause(progress.errors) or f"the CDK ended with {code}"
    remedy = "Correct the cause and run the same `globalchat deploy`: what is complete stays as it is."
    if credentials is not None:
        cause, remedy = credentials.message, credentials.remedy or remedy
    elif (broken := tls.explain_node("\n".join(progress.errors), environ)) is not None:
        cause = f"the CDK has no secure connection to AWS: {broken.reason}"
        remedy = f"{broken.remedy} AWS_CA_BUNDLE holds for the CDK's calls of AWS, too."
    done = f"Complete: {', '.join(complete)}." if complete else "No stack was completed."
    return UserError(
        f"The deployment failed: {cause.rstrip('.')}. {done}",
        remedy=f"{remedy} What the CDK wrote is in {log}.",
    )
