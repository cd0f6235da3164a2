"""Authenticates callers, by API key or IAM signature, and decides which fields they may use.

A field's own directives apply; without any, those of its type; without those, the API's default mode. Source:
the AppSync developer guide, `security-authz`.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from globalchat.core.clock import EpochClock
from globalchat.localcloud import iam, sigv4
from globalchat.localcloud.appsync.model import Caller, UnauthorizedCaller
from globalchat.localcloud.definition import AuthMode
from globalchat.localcloud.iam import AccessKey, Principal

SERVICE: Final = "appsync"

REFUSALS: Final = {
    sigv4.Problem.INCOMPLETE: ("IncompleteSignatureException", 400),
    sigv4.Problem.WRONG: ("BadRequestException", 400),
    sigv4.Problem.UNKNOWN_KEY: ("UnrecognizedClientException", 403),
    sigv4.Problem.EXPIRED: ("ExpiredTokenException", 403),
}
"""AppSync's error type and status. Seen in aws-amplify/amplify-js#3447, #7906, #11480; aws-sdk-java#2583.

Before 2020 a wrong signature was answered 403, `InvalidSignatureException` (aws-amplify/amplify-js#2422).
"""

# Resolvers do not see it (developer guide, "Access request headers").
_DROPPED_HEADERS: Final = frozenset(("cookie",))

ACTION = "appsync:GraphQL"


class KeyAndSignatureAuthenticator:
    """Checks API keys and SigV4 signatures for one API; implements `Authenticator`.

    Args:
        region: the AWS region that signatures must name.
        keys: API keys, each with its expiry in epoch seconds; read at each call, so that the owner may change
            them.
        access_keys: the secret and the principal of each access key id; also read at each call.
        clock: the time in epoch seconds.
        modes: the modes that the API has.
    """

    def __init__(
        self,
        region: str,
        keys: Mapping[str, float],
        access_keys: Mapping[str, AccessKey],
        clock: EpochClock,
        modes: Sequence[AuthMode] = ("API_KEY", "AWS_IAM"),
    ) -> None:
        self._region = region
        self._keys = keys
        self._access_keys = access_keys
        self._clock = clock
        self._modes = modes

    def authenticate(
        self, *, headers: Mapping[str, str], method: str, path: str, body: bytes, source_ip: str
    ) -> Caller:
        """Identify the caller; a signature takes precedence over an API key.

        Raises:
            UnauthorizedCaller: no, unknown or expired key; missing, wrong or stale signature.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        passed = {name: value for name, value in lower.items() if name not in _DROPPED_HEADERS}
        # An `authorization` header of another form is ignored in favour of the API key: AppSync's other modes
        # use it too.
        authorization = lower.get("authorization", "")
        if authorization.startswith(sigv4.ALGORITHM) and "AWS_IAM" in self._modes:
            request = sigv4.SignedRequest(method, path, lower, body)
            return Caller("AWS_IAM", self._verify(request, authorization), source_ip, passed)
        if "API_KEY" in self._modes and self._is_valid_key(lower.get("x-api-key", "")):
            return Caller("API_KEY", None, source_ip, passed)
        raise UnauthorizedCaller

    def _is_valid_key(self, given: str) -> bool:
        now, valid = self._clock(), False
        for key, expires in self._keys.items():
            # Every key is compared, so that timing reveals nothing.
            same = hmac.compare_digest(key.encode(), given.encode("utf-8", "replace"))
            valid = valid or (same and now < expires)
        return valid

    def _verify(self, request: sigv4.SignedRequest, authorization: str) -> Principal:
        try:
            signature = sigv4.parse(authorization, request.headers)
            sigv4.check_scope(signature, region=self._region, service=SERVICE)
            return sigv4.authenticate(request, signature, self._access_keys, self._clock())
        except sigv4.SignatureError as error:
            raise UnauthorizedCaller(str(error), *REFUSALS[error.problem]) from None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rules of one API: its modes, the default first, and the directives of `Type` and `Type.field`."""

    api_arn: str
    modes: tuple[AuthMode, ...]
    directives: Mapping[str, tuple[AuthMode, ...]]

    def modes_of(self, type_name: str, field_name: str) -> tuple[AuthMode, ...]:
        """Return the authorization modes that may use a field."""
        directives = self.directives.get(f"{type_name}.{field_name}") or self.directives.get(type_name)
        return directives or self.modes[:1]

    def permits(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Return True if the API has the caller's mode and the directives let that mode use a field."""
        return caller.mode in self.modes and caller.mode in self.modes_of(type_name, field_name)

    def policy_permits(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Return True if the caller's policy allows a top-level field; only IAM callers have policies."""
        # The directives alone decide for API keys.
        if caller.mode != "AWS_IAM":
            return True
        statements = caller.principal.statements if caller.principal else ()
        resource = f"{self.api_arn}/types/{type_name}/fields/{field_name}"
        return iam.evaluate(statements, action=ACTION, resource=resource)
