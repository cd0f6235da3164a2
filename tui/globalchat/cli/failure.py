"""Exit codes, and how an error becomes one sentence and one of them."""

from globalchat.core.errors import ExitCode, UserError
from globalchat.localcloud.errors import CloudError, TemplateError

KNOWN = (CloudError, TemplateError, UserError)
"""What a person may meet; anything else is a fault of the program, and surfaces as such."""


def sentence(error: Exception) -> str:
    """What went wrong and, if known, the way out, on one line."""
    remedy = getattr(error, "remedy", None)
    return f"{error} {remedy}" if remedy else str(error)


def exit_code(error: Exception) -> ExitCode:
    """The exit code that the error stands for."""
    return error.exit_code if isinstance(error, UserError) else ExitCode.FAILED
