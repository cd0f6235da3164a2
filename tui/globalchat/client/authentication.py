"""Authenticates requests and sockets of a region: by its API key, or by signatures of renewed credentials.

botocore is imported for regions that are signed, and for no others.
"""

import asyncio
from typing import Any

from gql.transport.appsync_auth import AppSyncApiKeyAuthentication, AppSyncAuthentication

from globalchat.client.profiles import RegionEndpoint, Signer
from globalchat.core import redaction
from globalchat.core.credentials import Credentials
from globalchat.core.errors import UserError
from globalchat.core.net import host_of


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
    """

    def __init__(self, endpoint: RegionEndpoint, signer: Signer) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._held: Credentials | None = None
        self._signing: AppSyncAuthentication | None = None

    async def renew(self) -> None:
        """Find credentials that are valid for at least a minute; call it before each signature.

        Raises:
            UserError: there are none; the message says what to do.
        """
        found = await asyncio.to_thread(self._signer)
        if self._signing is None or found != self._held:
            self._held, self._signing = found, signature_authentication(self._endpoint, found)

    def get_auth_url(self, url: str) -> str:
        """Return the URL as it is: signatures travel in a header, where no log of URLs has them."""
        return url

    def get_headers(self, data: str | None = None, headers: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the signed headers of a request with this body; without a body, of a socket's handshake."""
        assert self._signing is not None, "renewed before the first signature"
        return dict(self._signing.get_headers(data, headers))


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
