"""When to try again after a failure, if at all: one policy for drafts, bulks, pages and reconnects. Pure.

Time (seconds of a monotonic clock) and randomness are passed in.
"""

from dataclasses import dataclass
from random import Random

from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.core.aws_errors import EXPIRED
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError
from globalchat.core.net import ProxyRefused

ATTEMPTS_BEFORE_FIRST_SUCCESS = 3
"""Attempts of a bulk at a region that never answered: a script has to find out that it cannot be reached."""

THROTTLES = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"})
"""The error types of an API that is called too often."""

_NOT_STARTED = THROTTLES | {"LimitExceededError", "LimitExceededException", "WAFForbiddenException"}
"""Retryable refusals of requests that the backend did not start to process."""

_OF_EVERY_MESSAGE = frozenset({"UnknownChannel", "BadSender"})
"""Refusals that every other message of the same channel and sender would get, too."""


def full_jitter(attempt: int, *, base: float, cap: float, rng: Random) -> float:
    """Return the seconds to wait before `attempt` (from 1): up to `base` doubled per attempt, at most `cap`.

    Full jitter spreads clients that lost the same server over the whole span.
    """
    # The exponent is bounded because a float overflows after a thousand failures, which is a night offline.
    ceiling = min(cap, base * 2.0 ** min(attempt - 1, 60))
    return rng.uniform(0.0, ceiling)


def half_jitter(span: float, *, rng: Random) -> float:
    """Return the seconds to wait between rare attempts: between half of `span` and all of it."""
    return rng.uniform(span / 2, span)


def is_retryable(error: UserError) -> bool:
    """Return True if the same message may be accepted later."""
    if isinstance(error, Unauthorized):
        return False
    return isinstance(error, Unreachable) or (isinstance(error, Refused) and error.retryable)


def is_permanent(error: UserError, *, accepted_before: bool) -> bool:
    """Return True if no later attempt to connect can succeed by itself.

    AWS credentials that have expired, or that the region accepted before, are renewed meanwhile.
    """
    if isinstance(error, Unauthorized) and error.retryable and error.error_type not in EXPIRED:
        return not accepted_before
    return isinstance(error, ProxyRefused) or (isinstance(error, Refused) and not error.retryable)


def fails_every_message(error: UserError) -> bool:
    """Return True if every further message would fail in the same way (key, channel, unreadable profile)."""
    if isinstance(error, Refused):
        return isinstance(error, Unauthorized) or error.error_type in _OF_EVERY_MESSAGE
    return not isinstance(error, Unreachable)


def outcome_unknown(error: UserError) -> bool:
    """Return True if a failed publish may have been accepted, because no answer rules that out."""
    if isinstance(error, Unauthorized):
        return False
    if isinstance(error, Refused):
        return error.retryable and error.error_type not in _NOT_STARTED
    # A connection that was never made cannot have carried the message.
    return isinstance(error, Unreachable) and error.sent


@dataclass(frozen=True, slots=True)
class Retry:
    """The next attempt starts in `delay` seconds, at the earliest.

    Attributes:
        delay: Seconds, jitter included.
        attempt: Failures so far, this one included.
        is_first: True for the first failure after a success.
        retry_after: Seconds that the backend asked to wait; nothing else should be sent before, either.
    """

    delay: float
    attempt: int
    is_first: bool
    retry_after: float | None = None


class RetryPolicy:
    """Decides about the next attempt of what is published to one region, or read from its history.

    The outbox has one policy per draft; a bulk has one for everything in flight, since those attempts fail
    together.

    Args:
        rng: The source of the jitter.
        options: Its `backoff_base` and `backoff_cap` apply.
        give_up_after: Seconds without a success.
        attempts: Failures in a row.
        attempts_before_reached: Failures in a row of a region that never answered.

    Attributes:
        quiet_until: When the next attempt may start.
        reached: True once the region has answered.
    """

    def __init__(
        self,
        rng: Random,
        *,
        options: SessionOptions = DEFAULTS,
        give_up_after: float | None = None,
        attempts: int | None = None,
        attempts_before_reached: int | None = None,
    ) -> None:
        self.quiet_until = 0.0
        self.reached = False
        self._rng = rng
        self._options = options
        self._give_up_after = give_up_after
        self._attempts = attempts
        self._attempts_before_reached = attempts_before_reached
        self._attempt = 0
        self._failing_since: float | None = None
        self._failed_at = 0.0

    def succeed(self) -> None:
        """Record a success."""
        self.reached = True
        self._attempt = 0
        self._failing_since = None

    def reset(self) -> None:
        """Reset the backoff: something changed, so the next attempt need not wait."""
        self._attempt = 0
        self._failing_since = None
        self.quiet_until = 0.0

    def fail(self, error: UserError, *, started: float, now: float) -> Retry | None:
        """Record a failed attempt; return when to try again, or None to give up."""
        # A refusal is an answer, too: the region is there.
        self.reached = self.reached or not isinstance(error, Unreachable)
        is_first = self._failing_since is None
        since = started if self._failing_since is None else self._failing_since
        self._failing_since = since
        # Attempts in flight at the same time fail together, and count once.
        if self._attempt == 0 or started >= self._failed_at:
            self._attempt += 1
            self._failed_at = now
        asked = error.retry_after if isinstance(error, Refused) else None
        # Added, not the maximum: all clients were asked for the same pause, and would return at the same
        # moment.
        delay = (asked or 0.0) + self._jitter()
        if self._give_up_after is not None:
            left = since + self._give_up_after - now
            # A retry sooner than the backend asked for would only be refused again.
            if left <= 0 or (asked or 0.0) > left:
                return None
            delay = min(left, delay)
        if self._has_failed_enough():
            return None
        self.quiet_until = max(self.quiet_until, now + delay)
        return Retry(self.quiet_until - now, self._attempt, is_first, asked)

    def _has_failed_enough(self) -> bool:
        if self._attempts is not None and self._attempt >= self._attempts:
            return True
        limit = self._attempts_before_reached
        return not self.reached and limit is not None and self._attempt >= limit

    def _jitter(self) -> float:
        options = self._options
        return full_jitter(self._attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)


@dataclass(frozen=True, slots=True)
class Wait:
    """The wait after a failure to connect: `delay` in seconds; `is_long` is True in a long outage."""

    attempt: int
    delay: float
    is_long: bool = False


class ReconnectPolicy:
    """Counts the failures of a session's connection.

    Attributes:
        attempt: Failures since a connection last lasted `stable_after` seconds.
    """

    def __init__(self, options: SessionOptions, rng: Random) -> None:
        self.attempt = 0
        self._options = options
        self._rng = rng
        self._failing_since: float | None = None

    def fail(self, now: float, *, within: float | None = None) -> Wait:
        """Record a failure. `within` (seconds) limits the wait if the cause is known to be over."""
        first = self._failing_since is None
        since = now if self._failing_since is None else self._failing_since
        self._failing_since = since
        self.attempt += 1
        options = self._options
        if within is not None:
            # Still at random: every client of the region got the same cause at the same time.
            return Wait(self.attempt, self._rng.uniform(0.0, within))
        if not first and now - since >= options.suspend_after:
            return Wait(self.attempt, half_jitter(options.suspend_interval, rng=self._rng), is_long=True)
        delay = full_jitter(self.attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)
        return Wait(self.attempt, delay)

    def record_connection(self, seconds: float) -> None:
        """Record the end of a connection that lasted `seconds`; a long one resets the count."""
        self._failing_since = None
        # A socket that is accepted and dropped at once must not restart the backoff each time.
        if seconds >= self._options.stable_after:
            self.attempt = 0

    def reset(self) -> None:
        """Reset the backoff: another region is wanted, the key was renewed, or the machine slept."""
        self.attempt = 0
        self._failing_since = None
