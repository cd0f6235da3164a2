"""The errors that a user may see: one sentence, what to do next, and the exit code of the command."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the command."""

    DONE = 0
    FAILED = 1
    """The backend refused or failed, or the program crashed."""
    USAGE = 2
    """The command line or a settings file is wrong."""
    UNREACHABLE = 3
    """No answer came from the backend."""
    INTERRUPTED = 130
    """Ctrl-C: 128 plus the number of SIGINT, as in shells."""


@dataclass(frozen=True, slots=True)
class Reason:
    """An error as data: what is wrong, and what to do next."""

    message: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.FAILED

    def error(self) -> "UserError":
        """Return an error to raise for it."""
        return UserError(self.message, remedy=self.remedy, exit_code=self.exit_code)


class UserError(Exception):
    """Base of all errors that are shown as a sentence instead of a traceback.

    `str(error)` is the sentence, `remedy` what to do next (None if there is nothing to advise), `exit_code`
    the exit code of the command. `details` are shown between the two, one per line.

    Subclasses exist only where a caller handles them differently.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        exit_code: ExitCode | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.details = details
        if exit_code is not None:
            self.exit_code = exit_code

    def __reduce__(self) -> tuple[Callable[..., "UserError"], tuple[object, ...]]:
        """Support pickling and copying without a call of `__init__`: processes pass errors to each other."""
        return _restore, (type(self), self.args, self.__dict__)

    @property
    def reason(self) -> Reason:
        """The message, remedy and exit code as data, for an error that is shown or sent instead of raised."""
        return Reason(str(self), self.remedy, self.exit_code)

    @property
    def sentence(self) -> str:
        """The message and, if there is one, the remedy, on one line."""
        return f"{self} {self.remedy}" if self.remedy else str(self)

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentence; if there are details, the message, each detail and the remedy on separate lines."""
        if not self.details:
            return (self.sentence,)
        return (str(self), *(f"  {each}" for each in self.details), *((self.remedy,) if self.remedy else ()))


def _restore(
    kind: type[UserError], arguments: tuple[object, ...], attributes: dict[str, object]
) -> UserError:
    # Without `__init__`, since a subclass may take other arguments.
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class UsageError(UserError):
    """The command, an option or a settings file is wrong; nothing was attempted."""

    exit_code = ExitCode.USAGE


class ProfileError(UsageError):
    """A profile is unknown, damaged or unreadable, or has no such region."""


class SignInNeeded(UserError):
    """The sign-in by `aws sso login` or `aws login` has ended, and only the user can repeat it."""


class CredentialsUnavailable(UserError):
    """There are no AWS credentials to sign with, and waiting alone does not bring any.

    `awaits_sign_in` is True if the user has to sign in again: that is noticed at no cost.
    """

    def __init__(self, message: str, *, remedy: str | None = None, awaits_sign_in: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.awaits_sign_in = awaits_sign_in


class Unreachable(UserError):
    """No usable answer came: no connection, a time-out, or something that is not the API.

    `sent` is False if there was no connection, so that the request cannot have been carried out.
    """

    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, remedy: str | None = None, sent: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.sent = sent


class Refused(UserError):
    """The backend answered and refused.

    `error_type` is the API's own, `retryable` is True if the same request may succeed later, and
    `retry_after` is the number of seconds that the backend asked to wait (None if it did not say).
    """

    def __init__(
        self,
        message: str,
        *,
        error_type: str,
        retryable: bool = False,
        retry_after: float | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.error_type = error_type
        self.retryable = retryable
        self.retry_after = retry_after


class Unauthorized(Refused):
    """The key or signature was not accepted: a retry with the same one cannot help.

    `retryable` is True if other AWS credentials may be accepted.
    """
