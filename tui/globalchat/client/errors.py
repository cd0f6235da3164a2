"""Errors that a person may meet. Each message is a sentence; `remedy` says what to do next."""


class ClientError(Exception):
    """Base of all: `str(error)` is one clear sentence, `remedy` the way out (or None)."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


class ProfileError(ClientError):
    """A profile is unknown, damaged or unreadable, or names no such region."""


class Refused(ClientError):
    """The backend answered and said no: `error_type` is the API's, `retryable` if it may pass later.

    `retry_after` is how many seconds the backend asked to be left alone, None if it did not say.
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
    """The key or signature was not accepted: trying again cannot help."""


class Unreachable(ClientError):
    """No usable answer came: no connection, a time-out, or something that is not the API.

    `sent` is False if there was no connection, so that what was asked cannot have been done.
    """

    def __init__(self, message: str, *, remedy: str | None = None, sent: bool = True) -> None:
        super().__init__(message, remedy=remedy)
        self.sent = sent


_NOT_DONE = frozenset(
    {
        "LimitExceededError",
        "LimitExceededException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "WAFForbiddenException",
    }
)
"""Retryable refusals at the door: what was asked was not even begun."""


def is_doubtful(error: ClientError) -> bool:
    """Whether what failed may have been done all the same: no answer came, or none that says it was not."""
    if isinstance(error, Refused):
        return error.retryable and error.error_type not in _NOT_DONE
    return isinstance(error, Unreachable) and error.sent
