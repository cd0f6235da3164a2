"""Calls of AWS with short time-outs, whose failures are sentences. boto3 is imported at the first."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import Any

from globalchat.core.errors import Unreachable, UsageError, UserError

INSTALL = "Run `pip install 'globalchat[deploy]'`."
CREDENTIALS = "Run `aws configure` or `aws sso login`, or set AWS_PROFILE (or --aws-profile)."
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
TOKENS = ("nextToken", "NextToken", "Marker")
"""What services call the place where the next page begins."""
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection and for each answer, and how often a call is tried."""

    connect: float = 4.0
    read: float = 6.0
    attempts: int = 1


class Denied(UserError):
    """The credentials may not make this call."""


class CallFailed(UserError):
    """AWS answered with an error; `code` is its name."""

    def __init__(self, message: str, *, code: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


@dataclass(slots=True)
class Aws:
    """Clients of AWS's services with a person's credentials; `profile` is AWS's own."""

    profile: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    _session: Any = field(default=None, repr=False)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    def patient(self) -> "Aws":
        """The same, for calls after the checks: what fails in passing is tried again."""
        return Aws(self.profile, Timeouts(10.0, 20.0, 5))

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        """The answer to one call.

        Raises:
            Denied: the credentials may not make it.
            CallFailed: AWS answered with another error.
            UserError: boto3 is missing, there are no usable credentials, or no answer came.
        """
        with _translated(service, region):
            client = self._client(service, region)
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
            return answer

    def call_within(
        self, seconds: float, service: str, region: str, operation: str, **arguments: object
    ) -> dict[str, Any]:
        """`call`, for the first one: where a name is looked up in vain, no other time-out is heeded."""
        answer: Future[dict[str, Any]] = Future()

        def ask() -> None:
            try:
                answer.set_result(self.call(service, region, operation, **arguments))
            except BaseException as error:
                answer.set_exception(error)

        Thread(target=ask, daemon=True).start()
        try:
            return answer.result(seconds)
        except TimeoutError as error:
            raise unreachable(error, service, region) from None

    def pages(
        self, service: str, region: str, operation: str, key: str, **arguments: object
    ) -> list[dict[str, Any]]:
        """The items under `key` of every page of a listing; raises as `call` does."""
        items: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self.call(service, region, operation, **arguments, **token)
            items.extend(answer.get(key) or ())
            following = next((name for name in TOKENS if answer.get(name)), None)
            if following is None:
                return items
            token = {following: answer[following]}

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no types
        try:
            import boto3
            import botocore.session
            from botocore.config import Config
        except ImportError:
            raise UserError("boto3 is not installed, which this command needs.", remedy=INSTALL) from None
        if self._session is None:
            session = botocore.session.Session(profile=self.profile)
            session.register_component("data_loader", _models())
            # For all of the session: renewing the credentials of a role or of SSO is a call too.
            session.set_default_client_config(
                Config(
                    connect_timeout=self.timeouts.connect,
                    read_timeout=self.timeouts.read,
                    retries={"mode": "standard", "total_max_attempts": self.timeouts.attempts},
                )
            )
            self._session = boto3.Session(botocore_session=session)
        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(service, region_name=region)
        return self._clients[key]


@cache
def _models() -> Any:  # noqa: ANN401 - botocore has no types
    """The descriptions of AWS's services, megabytes that every session would read anew."""
    from botocore.loaders import create_loader

    return create_loader()


@contextmanager
def _translated(service: str, region: str) -> Iterator[None]:
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        raise answered(error.response.get("Error", {}), service, region) from None
    except exceptions.ProfileNotFound as error:
        raise UsageError(f"{error}.", remedy="See `aws configure list-profiles`.") from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise UserError("No AWS credentials were found.", remedy=CREDENTIALS) from None
    except (exceptions.SSOError, exceptions.TokenRetrievalError, exceptions.CredentialRetrievalError):
        raise UserError(
            "The AWS credentials have expired or cannot be renewed.", remedy=CREDENTIALS
        ) from None
    except ResponseParserError:
        told = f"What answered for {service} in {region} does not speak like AWS."
        raise CallFailed(told, code="Unreadable", remedy="Check HTTPS_PROXY and AWS_ENDPOINT_URL.") from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise unreachable(error, service, region) from None
    except exceptions.BotoCoreError as error:
        raise UserError(
            f"AWS's configuration on this machine is not usable: {error}.", remedy=CREDENTIALS
        ) from None


def answered(error: dict[str, Any], service: str, region: str) -> UserError:
    """The error that AWS's answer stands for; its text is AWS's own."""
    code, text = str(error.get("Code", "")), str(error.get("Message", "")).rstrip(".")
    if code in _EXPIRED:
        return UserError("The AWS credentials have expired.", remedy=CREDENTIALS)
    if code in _INVALID:
        return UserError(f"AWS does not accept the credentials in {region}: {text}.", remedy=CREDENTIALS)
    if code in DENIED:
        return Denied(
            f"These credentials may not do this in {region}: {text}.",
            remedy="Use credentials whose policy allows it.",
        )
    return CallFailed(f"{service} in {region} answered {code}: {text}.", code=code)


def unreachable(error: Exception, service: str, region: str) -> UserError:
    """No answer came; the text of the library's error names an URL and is not repeated."""
    late = "Timeout" in type(error).__name__
    told = "did not answer in time" if late else "could not be reached"
    return Unreachable(
        f"AWS ({service} in {region}) {told}.",
        remedy="Check the network, and HTTPS_PROXY if there is a proxy.",
    )


def exists(call: Callable[[], object], *missing: str) -> bool:
    """Whether what a call asks for is there; `missing` are the codes of AWS that say it is not."""
    try:
        call()
    except CallFailed as error:
        if error.code in missing:
            return False
        raise
    return True
