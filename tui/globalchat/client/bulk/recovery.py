"""Whether and when to try again after a failed publish. Pure: time and randomness are passed in."""

from dataclasses import dataclass
from random import Random

from globalchat.client.backoff import full_jitter
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError

ATTEMPTS_BEFORE_FIRST_SUCCESS = 3
"""How often a region that never answered is tried: a script wants to know that it cannot be reached."""

_OF_ALL = frozenset({"UnknownChannel", "BadSender"})
"""Refusals that every other message of the same channel and sender would meet too."""


def is_hopeless(error: UserError) -> bool:
    """Whether every further message would fail like this one: the key, the channel, an unreadable profile."""
    if isinstance(error, Refused):
        return isinstance(error, Unauthorized) or error.error_type in _OF_ALL
    return not isinstance(error, Unreachable)


def may_pass(error: UserError) -> bool:
    """Whether the same message may be accepted later."""
    if isinstance(error, Unauthorized):
        return False
    return isinstance(error, Unreachable) or (isinstance(error, Refused) and error.retryable)


@dataclass(frozen=True, slots=True)
class Retry:
    """The next try begins in `delay` seconds, at the earliest; `is_first` after things went well."""

    delay: float
    is_first: bool


class Recovery:
    """Backs off for all messages in flight at once: they go to the same region.

    Times are in seconds of a clock that never steps back.

    Attributes:
        quiet_until: No try may begin before.
        reached: The region answered once.
    """

    def __init__(
        self,
        patience: float,
        rng: Random,
        *,
        attempts_before_reached: int | None = ATTEMPTS_BEFORE_FIRST_SUCCESS,
        options: SessionOptions = DEFAULTS,
    ) -> None:
        """`patience` is how many seconds without any success are borne; None attempts means as long, too."""
        self.quiet_until = 0.0
        self.reached = False
        self._patience = patience
        self._rng = rng
        self._attempts_before_reached = attempts_before_reached
        self._options = options
        self._attempt = 0
        self._failing_since: float | None = None
        self._failed_at = 0.0

    def succeeded(self) -> None:
        """Take note of a success."""
        self.reached = True
        self._attempt = 0
        self._failing_since = None

    def failed(self, error: UserError, *, began: float, now: float) -> Retry | None:
        """Take note of a failed try that `may_pass`. When to try again; None if it is to be given up."""
        self.reached = self.reached or not isinstance(error, Unreachable)
        is_first = self._failing_since is None
        since = began if self._failing_since is None else self._failing_since
        self._failing_since = since
        # Tries that were in flight together fail together, and count once.
        if self._attempt == 0 or began >= self._failed_at:
            self._attempt += 1
            self._failed_at = now
        left = since + self._patience - now
        asked = (error.retry_after or 0.0) if isinstance(error, Refused) else 0.0
        if left <= 0 or asked > left or self._never_answered():
            return None
        delay = min(left, asked + self._jitter())
        self.quiet_until = max(self.quiet_until, now + delay)
        return Retry(self.quiet_until - now, is_first)

    def _never_answered(self) -> bool:
        limit = self._attempts_before_reached
        return not self.reached and limit is not None and self._attempt >= limit

    def _jitter(self) -> float:
        options = self._options
        return full_jitter(self._attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)
