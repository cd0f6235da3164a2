"""The cloud as a background process.

Its start, the line that reports the outcome of the start, and its log.
"""

import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from globalchat.core.errors import UserError
from globalchat.core.files import open_private, unwritable
from globalchat.core.interpreter import child_environment, module_command
from globalchat.core.logs import BoundedFile
from globalchat.localcloud.process.state import LOG

IDLE_VARIABLE = "GLOBALCHAT_LOCAL_IDLE_SECONDS"
HISTORY_VARIABLE = "GLOBALCHAT_LOCAL_HISTORY"
"""`off` makes a cloud in the background store no messages."""
SENDERS_VARIABLE = "GLOBALCHAT_LOCAL_SENDERS"
"""`verified` makes a cloud in the background take signatures alone."""
DEFAULT_IDLE_SECONDS = 600.0
"""Seconds without use after which a background cloud ends."""

LARGEST_FILE: Final = 1_000_000
"""The size of the log in bytes; the previous file is kept, so it takes up to twice as much."""

LARGEST_RECORD: Final = 8_000
"""Characters of one record, traceback included."""


@dataclass(frozen=True, slots=True)
class StartOutcome:
    """How a start ended: `error` is None if the cloud is ready, else a sentence; `remedy` says what to do."""

    error: str | None = None
    remedy: str | None = None


def render_outcome(outcome: StartOutcome) -> bytes:
    """Return the line that goes over the pipe."""
    return json.dumps({"error": outcome.error, "remedy": outcome.remedy}).encode() + b"\n"


def parse_outcome(data: bytes) -> StartOutcome | None:
    """Parse the line; None if it is incomplete, because the process died before it had written it."""
    if not data.endswith(b"\n"):
        return None
    document = json.loads(data)
    return StartOutcome(document["error"], document["remedy"])


def spawn(folder: Path, *, seconds: float) -> None:
    """Start a background cloud and wait until it is ready.

    It gets its own process session, so that Ctrl-C in a terminal does not reach it; its output goes to a new
    log.

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
                env=_environment(),
                pass_fds=[writer],
                start_new_session=True,
            )
        # Otherwise the pipe would stay open after a crash of the cloud, and be read until the time limit.
        os.close(writer)
        writer = -1
        outcome = parse_outcome(_read(reader, time.monotonic() + seconds))
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    if outcome is None:
        # If it became ready later, it would be a cloud that no command waits for.
        process.kill()
        process.wait()
        raise UserError("The local cloud did not start.", remedy=f"Its log is {log}.")
    if outcome.error is not None:
        process.wait()
        raise UserError(outcome.error, remedy=outcome.remedy)
    process.returncode = 0  # It outlives us on purpose; without this, Popen warns that it still runs.


def _open_log(log: Path) -> BinaryIO:
    """Start a new log.

    Raises:
        UserError: it cannot be written.
    """
    try:
        # Errors of earlier clouds would be taken for those of this one.
        log.with_name(f"{log.name}.1").unlink(missing_ok=True)
        return open(open_private(log, os.O_WRONLY | os.O_TRUNC), "wb")
    except OSError as error:
        raise unwritable(log, error) from error


def _command(folder: Path, ready_descriptor: int) -> list[str]:
    command = module_command("globalchat.localcloud", "serve", "--state-dir", str(folder))
    command += ["--ready-fd", str(ready_descriptor)]
    is_off = os.environ.get(HISTORY_VARIABLE) == "off"
    is_verified = os.environ.get(SENDERS_VARIABLE) == "verified"
    if is_off and is_verified:
        raise UserError(
            f"{HISTORY_VARIABLE} and {SENDERS_VARIABLE} exclude each other.", remedy="Unset one of them."
        )
    if is_off:
        command.append("--no-history")
    if is_verified:
        command.append("--verified-senders")
    return [*command, "--idle-seconds", os.environ.get(IDLE_VARIABLE) or str(DEFAULT_IDLE_SECONDS)]


def _environment() -> dict[str, str]:
    # It makes no connections: reading the machine's certificate authorities, as aiohttp does at import, took
    # a tenth of its start.
    return {**child_environment(os.environ), "SSL_CERT_FILE": os.devnull}


def _read(descriptor: int, give_up: float) -> bytes:
    """Read the pipe until the other end closes it, or the time limit."""
    received = b""
    while (left := give_up - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        part = os.read(descriptor, 65536)
        if not part:
            break
        received += part
    return received


log = logging.getLogger("globalchat.localcloud")


def start_log(folder: Path) -> None:
    """Log warnings and errors of this process to the cloud's folder.

    This includes Python's warnings, and exceptions in threads and destructors; standard output and standard
    error are redirected to the file, too, for what Python itself writes when it crashes.

    Raises:
        UserError: the file cannot be written.
    """
    handler = _File(folder / LOG, largest=LARGEST_FILE)
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # Otherwise a record that cannot be written would fill standard error.
    logging.captureWarnings(True)
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_of_thread


class _File(BoundedFile):
    """Keeps the standard streams on the current file, also after a rotation."""

    def _open(self) -> None:
        super()._open()
        assert self._descriptor is not None, "it was just opened"
        for stream in (1, 2):
            os.dup2(self._descriptor, stream)


class _Lines(logging.Formatter):
    """Formats a record, at most LARGEST_RECORD characters of it: its start and its end."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if len(text) <= LARGEST_RECORD:
            return text
        # The start of a traceback shows where it happened, and its end names the error.
        half = LARGEST_RECORD // 2
        return f"{text[:half]}\n... {len(text) - 2 * half} characters ...\n{text[-half:]}"


def _log_unraisable(raised: "sys.UnraisableHookArgs") -> None:
    error = raised.exc_value
    log.error("%s %r", raised.err_msg or "Exception ignored in", raised.object, exc_info=error)


def _log_of_thread(raised: threading.ExceptHookArgs) -> None:
    log.error("Exception in %r", raised.thread, exc_info=raised.exc_value)
