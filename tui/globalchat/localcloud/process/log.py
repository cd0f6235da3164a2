"""The log of a cloud in the background: lines of text in a file that stays small."""

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Final

from globalchat.core.logs import BoundedFile
from globalchat.localcloud.process.state import LOG

LARGEST_FILE: Final = 1_000_000
"""Bytes of the log; the file before it is kept, so that it takes twice as much."""
LARGEST_RECORD: Final = 8_000
"""Characters of one record, traceback included."""

log = logging.getLogger("globalchat.localcloud")


def start(folder: Path) -> None:
    """Log warnings and errors of this process into the cloud's folder.

    So are warnings of Python, and what threads and destructors raise; standard output and standard error
    become the file as well, for what Python itself writes when it crashes.

    Raises:
        UserError: the file cannot be written.
    """
    handler = _File(folder / LOG, largest=LARGEST_FILE)
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # else a record that cannot be written fills standard error
    logging.captureWarnings(True)
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_of_thread


class _File(BoundedFile):
    """Keeps the standard streams on the file of the moment, also after it was rotated."""

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
        half = LARGEST_RECORD // 2
        return f"{text[:half]}\n... {len(text) - 2 * half} characters ...\n{text[-half:]}"


def _log_unraisable(raised: "sys.UnraisableHookArgs") -> None:
    error = raised.exc_value
    log.error("%s %r", raised.err_msg or "Exception ignored in", raised.object, exc_info=error)


def _log_of_thread(raised: threading.ExceptHookArgs) -> None:
    log.error("Exception in %r", raised.thread, exc_info=raised.exc_value)
