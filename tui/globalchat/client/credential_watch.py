"""Looks for AWS credentials again while a live session has none to sign with."""

import asyncio
from collections.abc import Callable
from random import Random

from globalchat.client.authentication import find_credentials
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.retry import full_jitter, half_jitter
from globalchat.core.errors import CredentialsUnavailable, Unreachable
from globalchat.core.tasks import WakeEvent


class CredentialWatch:
    """Finds out when there are credentials again, so that nothing waits longer than needed.

    Each attempt to send would find out, too, but later, since their waits grow. Without a live
    socket the attempts to connect find out.

    Args:
        endpoint: returns the region that is signed for now.
        report: takes what is missing now; None once there are credentials again.
        options: its `credentials_interval`, `backoff_base` and `backoff_cap` apply.
        rng: the source of the jitter.
    """

    def __init__(
        self,
        *,
        endpoint: Callable[[], RegionEndpoint],
        report: Callable[[CredentialsUnavailable | None], None],
        options: SessionOptions,
        rng: Random,
    ) -> None:
        self._endpoint = endpoint
        self._report = report
        self._options = options
        self._rng = rng
        self._missing: CredentialsUnavailable | None = None
        self._started = asyncio.Event()
        self._woken = WakeEvent()

    def start(self, missing: CredentialsUnavailable) -> None:
        """Report that credentials are missing, and look for them from now on."""
        self._missing = missing
        self._report(missing)
        self._started.set()

    def wake(self) -> None:
        """Look for missing credentials at once."""
        if self._missing is not None:
            self._woken.set()

    async def run(self) -> None:
        """Look for credentials whenever they are missing, until cancelled."""
        while True:
            await self._started.wait()
            self._started.clear()
            attempt = 0
            while self._missing is not None:
                attempt += 1
                if await self._woken.race(timeout=self._wait(self._missing, attempt)):
                    attempt = 0
                await self._look()

    def _wait(self, missing: CredentialsUnavailable, attempt: int) -> float:
        """Return the seconds until the next attempt; those that start a program or a call become rare."""
        options = self._options
        if missing.awaits_sign_in:
            return half_jitter(options.credentials_interval, rng=self._rng)
        span = full_jitter(attempt, base=options.backoff_base, cap=options.backoff_cap, rng=self._rng)
        return max(span, min(options.backoff_base, options.credentials_interval))

    async def _look(self) -> None:
        signer = self._endpoint().signer
        try:
            if signer is not None:
                await find_credentials(signer)
        except Unreachable:
            return  # It is not known whether there are any.
        except CredentialsUnavailable as missing:
            if str(missing) != str(self._missing):
                self._report(missing)
            self._missing = missing
            return
        self._missing = None
        self._report(None)
