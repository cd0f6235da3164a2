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
    """The result of a check: one sentence, and a remedy unless all is well.

    With `blocks`, checks that depend on this one are skipped, as after a failure.
    """

    status: CheckStatus
    text: str
    remedy: str | None = None
    blocks: bool = False


def ok(text: str) -> CheckResult:
    """Return the result of a check that found nothing wrong."""
    return CheckResult(CheckStatus.OK, text)


def warning(text: str, remedy: str | None = None, *, blocks: bool = False) -> CheckResult:
    """Return the result for something that works, but badly, or not for much longer."""
    return CheckResult(CheckStatus.WARNING, text, remedy, blocks)


def failed(text: str, remedy: str | None = None) -> CheckResult:
    """Return the result for something that does not work."""
    return CheckResult(CheckStatus.FAILED, text, remedy)


def skipped(text: str, remedy: str | None = None, *, blocks: bool = False) -> CheckResult:
    """Return the result of a check that could not run, or has nothing to check."""
    return CheckResult(CheckStatus.SKIPPED, text, remedy, blocks)
