"""What may go wrong in a deployment, each as a sentence with its remedy."""

from enum import Enum


class Kind(Enum):
    """What an error means for the exit code."""

    FAILED = "failed"
    USAGE = "usage"
    UNREACHABLE = "unreachable"


class DeployError(Exception):
    """`str(error)` is one clear sentence, `remedy` the way out (or None)."""

    def __init__(self, message: str, *, remedy: str | None = None, kind: Kind = Kind.FAILED) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.kind = kind


class Interrupted(DeployError):
    """A person stopped watching; AWS may go on."""


def no_space(place: object) -> DeployError:
    """The disk is full."""
    return DeployError(
        f"There is no space left for {place}.",
        remedy="Free some, or set GLOBALCHAT_HOME to a folder on another disk, and run the command again.",
    )
