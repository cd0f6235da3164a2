"""Authenticates requests and sockets of a region: by its API key, or by signatures of renewed credentials.

botocore is imported for regions that are signed, and for no others.
"""

import asyncio
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from gql.transport.appsync_auth import AppSyncApiKeyAuthentication, AppSyncAuthentication

from globalchat.client.profiles import RegionEndpoint, Signer
from globalchat.core import redaction
from globalchat.core.aws_errors import EXPIRED
from globalchat.core.credentials import Credentials
from globalchat.core.errors import CredentialsUnavailable, SignInNeeded, Unauthorized, Unreachable, UserError
from globalchat.core.net import host_of

RENEWAL_SECONDS = 15.0
"""Seconds that a signature waits for credentials. What they come from may take longer, and is not ended."""
EARLY_RENEWAL_SECONDS = 2.0
"""The same while the credentials of the signature before are still valid: then those are used again."""


def key_authentication(endpoint: RegionEndpoint) -> AppSyncAuthentication:
    """Return authentication by the endpoint's API key, and mask the key in logs from now on."""
    redaction.register_secret(endpoint.api_key)
    return AppSyncApiKeyAuthentication(host=host_of(endpoint.graphql_url), api_key=endpoint.api_key)


def signature_authentication(endpoint: RegionEndpoint, credentials: Credentials) -> AppSyncAuthentication:
    """Return authentication by SigV4 for the endpoint's region."""
    from botocore.credentials import Credentials as BotocoreCredentials
    from gql.transport.appsync_auth import AppSyncIAMAuthentication

    redaction.install()  # botocore's loggers exist now
    redaction.register_secret(credentials.secret_key)
    redaction.register_secret(credentials.token)
    return AppSyncIAMAuthentication(
        host=host_of(endpoint.graphql_url),
        region_name=endpoint.region,
        credentials=BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token),
    )


class RenewedSignature(AppSyncAuthentication):
    """Signs with the credentials that the latest `renew` found.

    Args:
        endpoint: the region to sign for.
        signer: finds the credentials; it may block, so it runs in a thread.
        waits: seconds to wait for it, while the credentials of the signature before are valid and
            otherwise.
    """

    def __init__(
        self,
        endpoint: RegionEndpoint,
        signer: Signer,
        *,
        waits: tuple[float, float] = (EARLY_RENEWAL_SECONDS, RENEWAL_SECONDS),
    ) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._waits = waits
        self._held: Credentials | None = None
        self._refused: Credentials | None = None
        self._signing: AppSyncAuthentication | None = None

    async def renew(self) -> Credentials:
        """Find credentials, which the signer renews before they end; call it before each signature.

        Return them.

        Raises:
            CredentialsUnavailable: there are none; the message says what to do.
            Unreachable: where they come from does not answer.
        """
        early, late = self._waits
        held = self._held
        is_valid = held is not None and held != self._refused and _is_valid(held)
        try:
            found = await find_credentials(self._signer, early if is_valid else late)
        except Unreachable:
            if is_valid and held is not None:
                return held  # To renew them early is not possible, but they have not ended.
            raise
        # Kept while the credentials stay the same, as botocore's objects are costly to make.
        if self._signing is None or found != self._held:
            self._held, self._signing = found, signature_authentication(self._endpoint, found)
        return found

    def discard(self, refusal: Unauthorized) -> None:
        """Look for other credentials before the next signature if a region refused these.

        Which of several signatures was refused is not known: whether the latest have expired, neither.
        """
        if refusal.retryable and self._held is not None:
            self._refused = self._held
            self._signer.discard(self._held, expired=False)

    async def replace(self, refusal: Unauthorized, used: Credentials) -> bool:
        """Find others in place of refused credentials; return False if there are no others.

        Raises:
            CredentialsUnavailable: there are none any more.
            Unreachable: where they come from does not answer.
        """
        if not refusal.retryable:
            return False
        if self._held == used:  # Else another request has replaced them.
            self._refused = used
            self._signer.discard(used, expired=refusal.error_type in EXPIRED)
        return await self.renew() != used

    def get_auth_url(self, url: str) -> str:
        """Return the URL as it is: signatures travel in a header, where no log of URLs has them."""
        return url

    def get_headers(self, data: str | None = None, headers: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the signed headers of a request with this body; without a body, of a socket's handshake."""
        assert self._signing is not None, "renewed before the first signature"
        return dict(self._signing.get_headers(data, headers))


def _is_valid(held: Credentials) -> bool:
    """Return True if credentials are known to be valid still."""
    return held.expires is not None and held.expires > datetime.now(UTC)


def authentication_of(endpoint: RegionEndpoint) -> AppSyncAuthentication:
    """Return how a profile's region authenticates.

    Raises:
        UserError: it takes signatures, and no credentials were found for it.
    """
    if endpoint.auth == "apiKey":
        return key_authentication(endpoint)
    if endpoint.signer is None:
        raise UserError(
            f"{endpoint.alias} takes signed requests alone, and this command has no AWS credentials.",
            remedy="Sign in with `aws sso login`, or name an AWS profile at awsProfile in the profile.",
        )
    return RenewedSignature(endpoint, endpoint.signer)


_calls: dict[Signer, Future[Credentials]] = {}
"""The calls that are under way: all who need the same credentials wait for the same call."""
_calls_lock = threading.Lock()


async def find_credentials(signer: Signer, seconds: float = RENEWAL_SECONDS) -> Credentials:
    """Return what a signer finds, within some seconds. It runs in a thread, once for all who wait for it.

    Raises:
        CredentialsUnavailable: there are none; the message says what to do.
        Unreachable: where they come from does not answer, or not in time.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(_call(signer))
    except TimeoutError:
        raise Unreachable(
            f"The AWS credentials did not come within {seconds:g} seconds.",
            remedy="Check the network, and the program of a credential_process.",
            sent=False,
        ) from None
    except Unreachable as error:
        raise Unreachable(str(error), remedy=error.remedy, sent=False) from error
    except UserError as error:
        needs_sign_in = isinstance(error, SignInNeeded)
        raise CredentialsUnavailable(str(error), remedy=error.remedy, awaits_sign_in=needs_sign_in) from error


def _call(signer: Signer) -> Future[Credentials]:
    """Call a signer in a thread of its own, or join the call that is under way.

    Not in the event loop's pool: what hangs there delays name lookups, and the end of the program.
    """
    with _calls_lock:
        # One sign-in may open a browser: several requests at once must not open several.
        if (running := _calls.get(signer)) is not None:
            return running
        call = _calls[signer] = Future[Credentials]()
    call.set_running_or_notify_cancel()  # From now on one who no longer waits does not cancel it.

    def work() -> None:
        try:
            found = signer()
        except BaseException as error:
            outcome: Credentials | BaseException = error
        else:
            outcome = found
        with _calls_lock:
            # Before the result is set: a caller that is woken by it and asks again must get a new call.
            del _calls[signer]
        if isinstance(outcome, BaseException):
            call.set_exception(outcome)
        else:
            call.set_result(outcome)

    # A daemon thread: a sign-in that hangs must not keep the program from ending.
    threading.Thread(target=work, daemon=True, name="credentials").start()
    return call
