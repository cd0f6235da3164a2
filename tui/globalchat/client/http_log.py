"""Notes in the log what became of each call over HTTP, with the id by which AWS knows it."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar

from globalchat.core.errors import UserError
from globalchat.core.logs import log_event

log = logging.getLogger("globalchat.client.http")
REQUEST_ID = "x-amzn-RequestId"

_answer: ContextVar[tuple[int, str | None] | None] = ContextVar("answer", default=None)
"""Status and request id of the answer to the call that is under way in this task."""


def began() -> None:
    """A call begins."""
    _answer.set(None)


def answered(status: int, headers: Mapping[str, str]) -> None:
    """Its answer began to come."""
    _answer.set((status, headers.get(REQUEST_ID)))


def ended(where: str, document: str, variables: Mapping[str, object], failure: UserError | None) -> None:
    """It is over: noted at the level `debug`, or as a warning if it failed."""
    level = logging.DEBUG if failure is None else logging.WARNING
    if not log.isEnabledFor(level):
        return
    status, request_id = _answer.get() or (None, None)
    log_event(
        log,
        level,
        "call answered" if failure is None else "call failed",
        host=where,
        operation=document.split("{")[0].split("(")[0].split()[-1],
        id=variables.get("id"),
        status=status,
        requestId=request_id,
        error=type(failure).__name__ if failure else None,
        reason=str(failure) if failure else None,
    )
