"""Starts the cloud as a process of its own, and waits until it says that it is ready."""

import os
import select
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from globalchat.core.errors import UserError
from globalchat.core.files import open_private, unwritable
from globalchat.core.interpreter import child_environment, module_command
from globalchat.localcloud.process import idle, ready
from globalchat.localcloud.process.state import LOG

IDLE_VARIABLE = "GLOBALCHAT_LOCAL_IDLE_SECONDS"


def spawn(folder: Path, *, seconds: float) -> None:
    """Start a background cloud and wait until it is ready.

    It gets its own process session, so that Ctrl-C in a terminal does not reach it; its output goes to a log,
    which begins again.

    Raises:
        UserError: it could not start, in its own words, was not ready in time, or its log cannot be written.
    """
    log = folder / LOG
    reader, writer = os.pipe()
    try:
        with _open_log(log) as output:
            process = subprocess.Popen(
                _command(folder, writer),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_surroundings(),
                pass_fds=[writer],
                start_new_session=True,
            )
        os.close(writer)
        writer = -1
        outcome = ready.parse(_read(reader, time.monotonic() + seconds))
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    if outcome is None:
        process.kill()
        process.wait()
        raise UserError("The local cloud did not start.", remedy=f"Its log is {log}.")
    if outcome.error is not None:
        process.wait()
        raise UserError(outcome.error, remedy=outcome.remedy)
    process.returncode = 0  # It outlives us on purpose: without this Popen warns that it still runs.


def _open_log(log: Path) -> BinaryIO:
    """Begin a new log.

    Raises:
        UserError: it cannot be written.
    """
    try:
        log.with_name(f"{log.name}.1").unlink(missing_ok=True)
        return open(open_private(log, os.O_WRONLY | os.O_TRUNC), "wb")
    except OSError as error:
        raise unwritable(log, error) from error


def _command(folder: Path, ready_descriptor: int) -> list[str]:
    command = module_command("globalchat.localcloud", "serve", "--state-dir", str(folder))
    command += ["--ready-fd", str(ready_descriptor)]
    return [*command, "--idle-seconds", os.environ.get(IDLE_VARIABLE) or str(idle.DEFAULT_SECONDS)]


def _surroundings() -> dict[str, str]:
    # It calls nobody: reading the machine's certificate authorities, which aiohttp does at import, took a
    # tenth of its start.
    return {**child_environment(os.environ), "SSL_CERT_FILE": os.devnull}


def _read(descriptor: int, give_up: float) -> bytes:
    """Everything written to the pipe until it is closed at the other end, or the time is over."""
    received = b""
    while (left := give_up - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        part = os.read(descriptor, 65536)
        if not part:
            break
        received += part
    return received
