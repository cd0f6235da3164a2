"""AWS calls with short time-outs and one principal; failures become sentences."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from globalchat.core import sign_in
from globalchat.core.aws_errors import (
    ALWAYS_ENABLED,
    Answer,
    Busy,
    NotAccepted,
    configuration_error,
    error_from_answer,
    no_answer_error,
    region_disabled_error,
    service_unavailable_error,
)
from globalchat.core.aws_errors import CallFailed as CallFailed
from globalchat.core.aws_errors import Denied as Denied
from globalchat.core.credentials import Credentials, CredentialSource
from globalchat.core.errors import UserError
from globalchat.core.sign_in import Timeouts

ANSWER_SECONDS = 14.0
"""Time limit for identifying the credentials, including DNS lookups that hang."""
GLOBAL = "us-east-1"
"""The region in which IAM, a global service, is called."""
TOKENS = ("nextToken", "NextToken", "Marker", "NextMarker")
"""The services' names of the token for the next page."""
_ELSEWHERE = ("us-east-1", "us-west-2")
"""Regions that are asked if the credentials are known at all."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.4, 5.0
"""Seconds before the first retry of a call while AWS is too busy, and the longest wait between two tries."""
_TROUBLED_SECONDS = 0.5
"""Seconds for which a call is retried when AWS itself fails; real outages last longer."""


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account: its number, and the ARN of the credentials' principal."""

    number: str
    arn: str

    def __str__(self) -> str:
        """Return both as a line for the user."""
        return f"AWS account {self.number}, as {self.arn}"


@dataclass(slots=True)
class _Principal:
    """The AWS principal of a command: resolved once, and shared by all of its calls."""

    source: CredentialSource | None = None
    failure: UserError | None = None
    account: Account | None = None
    # Reentrant, since `account` holds it while it signs in.
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)


@dataclass(slots=True)
class Aws:
    """Calls AWS's services as one principal; `profile` is the AWS profile.

    `busy_seconds` is how long a call is retried while AWS is too busy. `clock`, `pause` and `chance` (from 0
    to 1) are for tests. `endpoint_url` answers for every service, in place of AWS.
    """

    profile: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)
    busy_seconds: float = 6.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)
    chance: Callable[[], float] = field(default=random.random, repr=False)
    _principal: _Principal = field(default_factory=_Principal, repr=False)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    endpoint_url: str | None = None

    @classmethod
    def imitated(cls, endpoint_url: str, credentials: Credentials, authority: str | None = None) -> "Aws":
        """Return the calls of what imitates AWS; the user's own profiles and settings mean nothing there.

        `authority` is the file with the certificate to trust, if the URL is one of TLS.
        """
        source = sign_in.fixed_source(credentials, authority)
        return cls(_principal=_Principal(source), endpoint_url=endpoint_url)

    def with_retries(self) -> "Aws":
        """Return the same principal for calls after the checks: temporary failures are retried for longer."""
        times = (self.clock, self.pause, self.chance)
        limits = Timeouts(10.0, 20.0, 5)
        return Aws(self.profile, limits, 60.0, *times, self._principal, endpoint_url=self.endpoint_url)

    def with_short_timeouts(self) -> "Aws":
        """Return the same principal for calls that must answer within seconds or not at all."""
        times = (self.clock, self.pause, self.chance)
        limits = Timeouts(2.0, 4.0)
        return Aws(self.profile, limits, 1.0, *times, self._principal, endpoint_url=self.endpoint_url)

    def sign_in(self, region: str) -> CredentialSource:
        """Return the credentials, resolved on the first call; roles are assumed in `region` if none is set.

        Raises:
            UserError: no credentials could be resolved.
            KeyboardInterrupt: Ctrl-C, for example at a question.
        """
        # Without the lock if they are resolved: `account` holds it while another thread asks.
        if (source := self._principal.source) is not None:
            return source
        with self._principal.lock:
            if self._principal.failure is not None:
                raise self._principal.failure  # Only one thread asks the user.
            if self._principal.source is None:
                try:
                    self._principal.source = sign_in.resolve(
                        self.profile, region=region, timeouts=self.timeouts
                    )
                except UserError as error:
                    self._principal.failure = error
                    raise
            return self._principal.source

    def account(self, region: str) -> Account:
        """Return the account of the credentials; AWS is asked once, in `region` or another enabled region.

        Raises:
            UserError: there are no valid credentials, or AWS does not answer.
        """
        with self._principal.lock:
            if self._principal.account is None:
                self.sign_in(region)
                try:
                    self._principal.account = self._ask_for_account(region)
                except UserError:
                    # Another call may have confirmed the account meanwhile; then this region is not enabled.
                    if self._principal.account is None:
                        raise
            return self._principal.account

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        """Make one call and return its answer.

        Raises:
            Denied: the credentials may not make the call.
            CallFailed: AWS answered with another error; Busy if it stayed too busy.
            UserError: there are no usable credentials, the region is not enabled, or no answer came.
        """
        client = self._client(service, region)
        began, pauses = self.clock(), self.pauses(_FIRST_PAUSE)
        while True:
            # Separate from the call, so that a failure here is not mistaken for an answer of the service.
            source = self.sign_in(region)
            temporary = source.current().token is not None
            try:
                with _translated(source, service, region, client.meta.endpoint_url, temporary=temporary):
                    answer: dict[str, Any] = getattr(client, operation)(**arguments)
                    return answer
            except Busy as error:
                pause = next(pauses)
                limit = self.busy_seconds if error.throttled else _TROUBLED_SECONDS
                if self.clock() - began + pause > limit:
                    raise
                self.pause(pause)
            except NotAccepted:
                if region in ALWAYS_ENABLED or not self._is_known_elsewhere():
                    raise
                # A region that is not enabled refuses valid credentials like invalid ones.
                raise region_disabled_error(region) from None

    def pauses(self, first: float) -> Iterator[float]:
        """Yield the seconds before each retry: at most `first`, then at most twice as many each time."""
        longest = first
        while True:
            # At least half of it: other clients that were refused at the same moment come back at others.
            yield longest * (1 + self.chance()) / 2
            longest = min(longest * 2, _LONGEST_PAUSE)

    def call_within(
        self, seconds: float, service: str, region: str, operation: str, **arguments: object
    ) -> dict[str, Any]:
        """Make the first call, within a time limit: no other time-out covers a name lookup that hangs."""
        answer: Future[dict[str, Any]] = Future()

        def ask() -> None:
            try:
                answer.set_result(self.call(service, region, operation, **arguments))
            except BaseException as error:
                answer.set_exception(error)

        # A daemon thread: a lookup that hangs cannot be ended, and must not keep the program from ending.
        threading.Thread(target=ask, daemon=True).start()
        try:
            return answer.result(seconds)
        except TimeoutError as error:
            raise no_answer_error(error, f"{service} in {region}") from None

    def pages(
        self, service: str, region: str, operation: str, key: str, **arguments: object
    ) -> list[dict[str, Any]]:
        """Return the items under `key` of all pages of a listing; raises as `call` does."""
        items: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            answer = self.call(service, region, operation, **arguments, **token)
            items.extend(answer.get(key) or ())
            following = next((name for name in TOKENS if answer.get(name)), None)
            if following is None:
                return items
            token = {following: answer[following]}

    def _ask_for_account(self, region: str) -> Account:
        answer = self.call_within(ANSWER_SECONDS, "sts", region, "get_caller_identity")
        return Account(answer["Account"], answer["Arn"])

    def _is_known_elsewhere(self) -> bool:
        """Return True if a region that every account has accepts the credentials."""
        for region in _ELSEWHERE:
            if self._principal.account is not None:
                return True
            try:
                self._principal.account = self._ask_for_account(region)
            except UserError:
                continue
        return self._principal.account is not None

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no types
        from botocore.config import Config

        source, limits = self.sign_in(region), self.timeouts
        key = (service, region)
        # Clients may be shared by threads, but not made by several at once (boto3 guide, multithreading).
        with source.lock:
            if key not in self._clients:
                retries = {"mode": "standard", "total_max_attempts": limits.attempts}
                config = Config(connect_timeout=limits.connect, read_timeout=limits.read, retries=retries)
                try:
                    client = _maker(source)(
                        service, region_name=region, config=config, endpoint_url=self.endpoint_url
                    )
                except UserError:
                    raise
                except Exception as error:
                    # Settings of the profile and the environment are read here, and invalid ones can raise
                    # anything.
                    raise configuration_error(error) from error
                # botocore's parser error has no status, which decides if AWS or something before it has
                # answered.
                client.meta.events.register("before-parse", _note_status)
                self._clients[key] = client
            return self._clients[key]


def _maker(source: CredentialSource) -> Callable[..., Any]:
    """Return the factory of clients: boto3, or without the extra `deploy` botocore, on which it is based."""
    try:
        from boto3 import Session
    except ImportError:
        create: Callable[..., Any] = source.session.create_client
        return create
    client: Callable[..., Any] = Session(botocore_session=source.session).client
    return client


# By thread, since several ask at the same time, and the hook has no reference to the call.
_latest = threading.local()


def _note_status(response_dict: dict[str, Any], **_: object) -> None:
    """Record the HTTP status of an answer that may turn out to be unreadable."""
    _latest.status = response_dict.get("status_code")


@contextmanager
def _translated(
    source: CredentialSource, service: str, region: str, url: str, *, temporary: bool
) -> Iterator[None]:
    """Translate botocore's errors to ours."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        answer = Answer.of(error.response, now=time.time())
        raise error_from_answer(answer, service, region, temporary=temporary) from None
    except ResponseParserError:
        status = getattr(_latest, "status", None)
        if isinstance(status, int) and status >= 500:
            raise service_unavailable_error(service, region, f"HTTP status {status}") from None
        raise CallFailed(
            f"The response for {service} in {region} did not come from AWS.",
            code="Unreadable",
            remedy="Check HTTPS_PROXY and AWS_ENDPOINT_URL.",
        ) from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        environ = {**os.environ, **source.environment()}
        raise no_answer_error(error, f"{service} in {region}", url=url, environ=environ) from None
    except exceptions.BotoCoreError as error:
        raise configuration_error(error) from error


def exists(call: Callable[[], object], *missing: str) -> bool:
    """Return True if the resource of a call exists; `missing` are AWS's codes for one that does not."""
    try:
        call()
    except CallFailed as error:
        if error.code in missing:
            return False
        raise
    return True
