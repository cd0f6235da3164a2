"""Exit codes, and how an error becomes one sentence and one of them."""

from enum import IntEnum

from globalchat.client.errors import ClientError, ProfileError, Unreachable
from globalchat.localcloud.errors import CloudError, TemplateError
from globalchat_infra.deployer.errors import DeployError, Interrupted, Kind


class ExitCode(IntEnum):
    """What the command's exit code means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class UsageFailure(ClientError):
    """The command was called in a way that cannot work."""


KNOWN = (ClientError, CloudError, TemplateError, DeployError)
"""What a person may meet; anything else is a fault of the program, and surfaces as such."""


_KINDS = {Kind.FAILED: ExitCode.FAILED, Kind.USAGE: ExitCode.USAGE, Kind.UNREACHABLE: ExitCode.UNREACHABLE}


def sentence(error: Exception) -> str:
    """What went wrong and, if known, the way out, on one line."""
    remedy = getattr(error, "remedy", None)
    return f"{error} {remedy}" if remedy else str(error)


def exit_code(error: Exception) -> ExitCode:
    """The exit code that the error stands for."""
    if isinstance(error, Interrupted):
        return ExitCode.INTERRUPTED
    if isinstance(error, DeployError):
        return _KINDS[error.kind]
    if isinstance(error, UsageFailure | ProfileError):
        return ExitCode.USAGE
    if isinstance(error, Unreachable):
        return ExitCode.UNREACHABLE
    return ExitCode.FAILED
