"""The errors that a user may meet: one sentence, what to do next, and the exit code of the command."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of the command means."""

    DONE = 0
    FAILED = 1
    """The backend refused or failed, or the program crashed."""
    USAGE = 2
    """The command was called, or a file of settings written, in a way that cannot work."""
    UNREACHABLE = 3
    """No answer came from the backend."""
    INTERRUPTED = 130
    """Ctrl-C: 128 and the number of SIGINT, as shells report it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """An error as data: why something is not as wanted, and what to do next."""

    message: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.FAILED

    def error(self) -> "UserError":
        """Return an error to raise for it."""
        return UserError(self.message, remedy=self.remedy, exit_code=self.exit_code)


class UserError(Exception):
    """Base of all errors that end in a sentence instead of a traceback.

    `str(error)` is the sentence, `remedy` what to do next (None if there is nothing to advise), `exit_code`
    how a command ends that meets the error. `details` are shown between the two, one a line.

    A subclass exists only where a caller treats it differently.
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
        """Pickle: processes pass errors to each other, and copies are made, without calling `__init__`."""
        return _restore, (type(self), self.args, self.__dict__)

    @property
    def reason(self) -> Reason:
        """Message, remedy and exit code, for where an error is not raised but shown or sent."""
        return Reason(str(self), self.remedy, self.exit_code)

    @property
    def sentence(self) -> str:
        """The message and, if there is one, the remedy, on one line."""
        return f"{self} {self.remedy}" if self.remedy else str(self)

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentence; with details the message, each of them and the remedy on lines of their own."""
        if not self.details:
            return (self.sentence,)
        return (str(self), *(f"  {each}" for each in self.details), *((self.remedy,) if self.remedy else ()))


def _restore(
    kind: type[UserError], arguments: tuple[object, ...], attributes: dict[str, object]
) -> UserError:
    # Without `__init__`: a subclass takes other arguments.
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class UsageError(UserError):
    """The command, an option or a file of settings is wrong: nothing was tried."""

    exit_code = ExitCode.USAGE


class ProfileError(UsageError):
    """A profile is unknown, damaged or unreadable, or has no such region."""


class Unreachable(UserError):
    """No usable answer came: no connection, a time-out, or something that is not the API.

    `sent` is False if there was no connection, so that what was asked cannot have been done.
    """

    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, remedy: str | None = None, sent: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.sent = sent


class Refused(UserError):
    """The backend answered and refused.

    `error_type` is the API's own, `retryable` is True if the same request may pass later, and `retry_after`
    is how many seconds the backend asked to wait (None if it did not say).
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
    """The key or signature was not accepted: to try again with the same cannot help."""
