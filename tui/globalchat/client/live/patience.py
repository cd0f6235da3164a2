"""How long to wait after each failure, and when an outage has become a long one. Pure: time is passed in."""

from dataclasses import dataclass
from random import Random

from globalchat.client.backoff import full_jitter, half_jitter
from globalchat.client.options import SessionOptions
from globalchat.client.state import Phase


@dataclass(frozen=True, slots=True)
class Wait:
    """What follows a failure: `phase` is retrying or suspended, `delay` seconds, `attempt` from 1."""

    phase: Phase
    attempt: int
    delay: float


class Patience:
    """Counts the failures of a session. `now` is in seconds, of a clock that never steps back.

    Attributes:
        attempt: Failures since things last went well for a while.
    """

    def __init__(self, options: SessionOptions, rng: Random) -> None:
        self.attempt = 0
        self._options = options
        self._rng = rng
        self._failing_since: float | None = None

    def failed(self, now: float, *, within: float | None = None) -> Wait:
        """Take note of a failure. `within` (seconds) bounds the wait if the cause is known to be over."""
        first = self._failing_since is None
        since = now if self._failing_since is None else self._failing_since
        self._failing_since = since
        self.attempt += 1
        options = self._options
        if within is not None:
            return Wait(Phase.RETRYING, self.attempt, self._rng.uniform(0.0, within))
        if not first and now - since >= options.suspend_after:
            return Wait(Phase.SUSPENDED, self.attempt, half_jitter(options.suspend_interval, rng=self._rng))
        delay = full_jitter(self.attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)
        return Wait(Phase.RETRYING, self.attempt, delay)

    def lasted(self, seconds: float) -> None:
        """Take note of the end of a live time; a long one makes up for the failures before it."""
        self._failing_since = None
        if seconds >= self._options.stable_after:
            self.attempt = 0

    def reset(self) -> None:
        """Begin anew: another region, another key, another day."""
        self.attempt = 0
        self._failing_since = None
