"""The result of a check, of this machine or of a deployment. Pure."""

from dataclasses import dataclass
from enum import Enum


class CheckStatus(Enum):
    """How a check ended; the value is its name in JSON."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check: one sentence, and what to do about it unless all is well.

    With `blocks`, checks that need this one are pointless, as they are after a failure.
    """

    status: CheckStatus
    text: str
    remedy: str | None = None
    blocks: bool = False


def ok(text: str) -> CheckResult:
    """Return the result of a check that found nothing wrong."""
    return CheckResult(CheckStatus.OK, text)


def warning(text: str, remedy: str | None = None, *, blocks: bool = False) -> CheckResult:
    """Return the result for something that works, but not well, or not for long."""
    return CheckResult(CheckStatus.WARNING, text, remedy, blocks)


def failed(text: str, remedy: str | None = None) -> CheckResult:
    """Return the result for something that does not work."""
    return CheckResult(CheckStatus.FAILED, text, remedy)


def skipped(text: str, remedy: str | None = None, *, blocks: bool = False) -> CheckResult:
    """Return the result of a check that could not be made, or has nothing to check."""
    return CheckResult(CheckStatus.SKIPPED, text, remedy, blocks)
