"""What a check finds. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How grave a finding is; the value is its name in JSON."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check comes to: one sentence, and what to do about it unless it is in order.

    `bars` tells that checks that need this one have no sense, as after a failure.
    """

    level: Level
    text: str
    remedy: str | None = None
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's verdict: `check` names it, `subject` is whom it is about, `seconds` how long it took.

    `because` names the check that failed, if this one was skipped for it.
    """

    check: str
    subject: str
    verdict: Verdict
    seconds: float = 0.0
    because: str | None = None

    @property
    def level(self) -> Level:
        """How grave it is."""
        return self.verdict.level

    @property
    def bars(self) -> bool:
        """Whether checks that need this one have no sense."""
        return self.level is Level.FAILED or self.verdict.bars or self.because is not None

    def document(self) -> dict[str, object]:
        """The finding as JSON."""
        return {
            "check": self.check,
            "subject": self.subject,
            "status": self.level.value,
            "text": self.verdict.text,
            "remedy": self.verdict.remedy,
            "because": self.because,
            "ms": round(self.seconds * 1000),
        }


def ok(text: str) -> Verdict:
    """It is in order."""
    return Verdict(Level.OK, text)


def warning(text: str, remedy: str | None = None) -> Verdict:
    """It works, but not well, or not for long."""
    return Verdict(Level.WARNING, text, remedy)


def failed(text: str, remedy: str | None = None) -> Verdict:
    """It does not work."""
    return Verdict(Level.FAILED, text, remedy)


def skipped(text: str, remedy: str | None = None, *, bars: bool = False) -> Verdict:
    """It cannot be told, or there is nothing to tell."""
    return Verdict(Level.SKIPPED, text, remedy, bars)


def count(findings: Iterable[Finding]) -> Mapping[Level, int]:
    """How many findings there are of each level."""
    levels = [each.level for each in findings]
    return {level: levels.count(level) for level in Level}
