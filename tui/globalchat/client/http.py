"""GraphQL over HTTP: gql's aiohttp transport, with the client's errors."""

import json
import logging
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import cache, cached_property
from typing import Any

from gql import GraphQLRequest
from gql.transport.appsync_auth import AppSyncAuthentication
from gql.transport.exceptions import TransportError, TransportProtocolError, TransportServerError
from graphql import DocumentNode, ExecutionResult, parse

from globalchat.client import connect_errors, response_errors
from globalchat.client.authentication import RenewedSignature, authentication_of, signature_authentication
from globalchat.client.network import proxy_of
from globalchat.client.offset import read_date
from globalchat.client.profiles import RegionEndpoint
from globalchat.core import redaction, tls
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unauthorized, UserError
from globalchat.core.logs import log_event
from globalchat.core.net import Proxy, host_of, proxy_refused_error

with tls.no_authorities():
    import aiohttp
    from gql.transport.aiohttp import AIOHTTPTransport

LARGEST_ANSWER = 5 * 1024 * 1024
"""The most bytes of an answer; AppSync's own limit for an evaluated response."""

_ERROR_TYPE = "x-amzn-ErrorType"
"""The header that names AWS's error even if the body is not GraphQL."""
_REQUEST_ID = "x-amzn-RequestId"
_answer: ContextVar[tuple[int, str | None] | None] = ContextVar("answer", default=None)
"""The status and request id of the answer to this task's current call."""

_date: ContextVar[int | None] = ContextVar("date", default=None)
"""The `Date` header (epoch ms) of that answer."""

log = logging.getLogger(__name__)
# Before the first request, since the libraries log headers at level debug, and the key is one.
redaction.install()


def date_of_answer() -> int | None:
    """Return the `Date` header (epoch ms) of the answer to this task's latest call; None without one."""
    return _date.get()


def _authentication(endpoint: RegionEndpoint, credentials: Credentials | None) -> AppSyncAuthentication:
    return signature_authentication(endpoint, credentials) if credentials else authentication_of(endpoint)


class GraphQLHttp:
    """One region's HTTP endpoint. Keeps its connection between calls."""

    def __init__(self, endpoint: RegionEndpoint, *, credentials: Credentials | None, timeout: float) -> None:
        self.where = host_of(endpoint.graphql_url)
        self._url = endpoint.graphql_url
        self._signed = credentials is not None or endpoint.auth == "iam"
        self._auth = _authentication(endpoint, credentials)
        self._transport = _Transport(
            endpoint.graphql_url,
            auth=self._auth,
            # `True` is the default of aiohttp, and has no effect without TLS.
            ssl=tls.context() if endpoint.graphql_url.startswith("https:") else True,
            ssl_close_timeout=1,
            # Without `trust_env`, which would also send the passwords of ~/.netrc.
            client_session_args={"timeout": aiohttp.ClientTimeout(total=timeout)},
        )

    async def open(self) -> None:
        """Make the connection pool, without connecting yet."""
        await self._transport.connect()

    async def close(self) -> None:
        """Drop the connections."""
        await self._transport.close()

    @property
    def clock_skew(self) -> float | None:
        """Seconds that this machine's clock is ahead of the server's, by its latest answer; None if unknown.

        Accurate to half a second at best: the Date header has whole seconds.
        """
        return self._transport.clock_skew()

    @cached_property
    def _proxy(self) -> Proxy | None:
        return proxy_of(self._url)

    async def execute(self, document: str, variables: Mapping[str, object]) -> dict[str, object]:
        """Run a query or mutation; return its `data`.

        Raises:
            ProxyRefused: the environment names a proxy that cannot be used.
            Refused: the API answered with errors.
            Unauthorized: key or signature were not accepted.
            Unreachable: no usable answer came.
        """
        # The previous call of the same task may have left its answer, which a call that fails early would
        # log.
        _answer.set(None)
        _date.set(None)
        try:
            data = await self._execute_signed(document, variables)
        except UserError as error:
            self._log(document, variables, error)
            raise
        self._log(document, variables, None)
        return data

    def _log(self, document: str, variables: Mapping[str, object], failure: UserError | None) -> None:
        """Log a call at level `debug`, or as a warning if it failed, with AWS's request id."""
        level = logging.DEBUG if failure is None else logging.WARNING
        if not log.isEnabledFor(level):
            return
        status, request_id = _answer.get() or (None, None)
        log_event(
            log,
            level,
            "call answered" if failure is None else "call failed",
            host=self.where,
            # The operation's name alone: the variables hold what the user has written.
            operation=document.split("{")[0].split("(")[0].split()[-1],
            id=variables.get("id"),
            status=status,
            requestId=request_id,
            error=type(failure).__name__ if failure else None,
            reason=str(failure) if failure else None,
        )

    async def _execute_signed(self, document: str, variables: Mapping[str, object]) -> dict[str, object]:
        """Execute a document; if the credentials are refused and there are others, once more with those."""
        if not isinstance(self._auth, RenewedSignature):
            return await self._execute(document, variables)
        used = await self._auth.renew()
        try:
            return await self._execute(document, variables)
        except Unauthorized as refusal:
            if not await self._auth.replace(refusal, used):
                raise
        return await self._execute(document, variables)

    async def _execute(self, document: str, variables: Mapping[str, object]) -> dict[str, object]:
        request = _Request(document, variables)
        failure: UserError | None = None
        result: ExecutionResult | None = None
        try:
            # A redirect would take the key, which is a header of ours and not a standard one, to another
            # host.
            options = {"allow_redirects": False, "proxy": proxy_for_aiohttp(self._proxy)}
            result = await self._transport.execute(request, extra_args=options)
        except TransportError as error:
            failure = self._translate(error)
        # Raised outside the handler, so that the transport's exception, which may contain the key, is not in
        # the chain.
        if failure is not None:
            raise failure
        return self._data(result, variables)

    def _translate(self, error: TransportError) -> UserError:
        if isinstance(error, _Throttled):
            if error.code == 429:
                return response_errors.throttled_error(self.where, error.retry_after)
            return response_errors.unavailable_error(
                connect_errors.service_unavailable_error(self.where, 503), error.retry_after
            )
        if isinstance(error, TransportServerError):
            if error.code == 401:
                return response_errors.unauthorized_error(
                    self.where, signed=self._signed, skew=self.clock_skew
                )
            return self._no_answer(error.code or 0)
        if isinstance(error, TransportProtocolError):
            return connect_errors.not_the_api_error(self.where, str(error))
        # gql wraps what aiohttp raised, and the cause says whether the request was sent.
        return connect_errors.unreachable_error(error.__cause__, self.where, self._proxy)

    def _no_answer(self, status: int) -> UserError:
        if status == 407 and self._proxy is not None:  # A URL without TLS is requested without a tunnel.
            return proxy_refused_error(self._proxy, status, self.where)
        if status >= 500:
            return connect_errors.service_unavailable_error(self.where, status)
        return connect_errors.not_the_api_error(self.where, f"HTTP status {status}")

    def _data(self, result: ExecutionResult | None, variables: Mapping[str, object]) -> dict[str, object]:
        if result is not None and result.errors:
            # In every operation of the API, `name` is a channel.
            channel = str(variables["name"]) if "name" in variables else None
            raise response_errors.refusal(
                response_errors.read_errors(result.errors),
                self.where,
                channel=channel,
                signed=self._signed,
                skew=self.clock_skew,
            )
        if result is None or not isinstance(result.data, dict):
            raise connect_errors.not_the_api_error(self.where, "without data")
        return result.data


def proxy_for_aiohttp(proxy: Proxy | None) -> str | None:
    """Return the URL of a proxy with user name and password as aiohttp expects them.

    aiohttp decodes them as UTF-8 and sends them as Latin-1; encoded like this they arrive in UTF-8, as curl
    sends them.
    """
    if proxy is None or proxy.user is None:
        return None if proxy is None else str(proxy)
    user, password = (each.encode().decode("latin-1") for each in (proxy.user, proxy.password))
    return replace(proxy, user=user, password=password).url


class _Request(GraphQLRequest):
    """A request whose document is sent as written: printing it again took half of a publish's CPU time."""

    def __init__(self, document: str, variables: Mapping[str, object]) -> None:
        super().__init__(_parsed(document), variable_values=dict(variables))
        self._text = document

    @property
    def payload(self) -> dict[str, object]:
        payload: dict[str, object] = {"query": self._text}
        if self.variable_values:
            payload["variables"] = self.variable_values
        return payload


class _Throttled(TransportServerError):
    """The server asks for fewer calls (429), or for a later one (503)."""

    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__("throttled", status)
        self.retry_after = retry_after


class _Transport(AIOHTTPTransport):
    """gql's transport, with a limit on the size of answers, and without their text in errors."""

    _dated: tuple[str, float] | None = None
    """The latest Date header and the time of its arrival (epoch seconds)."""

    def clock_skew(self) -> float | None:
        if self._dated is None:
            return None
        try:
            theirs = parsedate_to_datetime(self._dated[0]).timestamp()
        except (ValueError, OverflowError):
            return None
        # The header is rounded down, so on average the server's time was half a second later.
        return self._dated[1] - theirs - 0.5

    async def _prepare_result(self, response: aiohttp.ClientResponse) -> ExecutionResult:
        _answer.set((response.status, response.headers.get(_REQUEST_ID)))
        if "Date" in response.headers:
            self._dated = (response.headers["Date"], time.time())
            if response.status == 200:  # Other statuses may be a proxy's.
                _date.set(read_date(response.headers["Date"]))
        if response.status == 429 or (response.status == 503 and "Retry-After" in response.headers):
            raise _Throttled(response.status, response.headers.get("Retry-After"))
        # Read in chunks, since the length that a server declares need not be true, or be there at all.
        body = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                response.close()
                raise TransportProtocolError("far more than it should")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        # AppSync sends GraphQL errors also with other statuses than 200, and they explain more than the
        # status.
        if isinstance(answer, dict) and (answer.get("errors") or (response.ok and "data" in answer)):
            return ExecutionResult(data=answer.get("data"), errors=answer.get("errors"))
        # A refusal before GraphQL (a signature, the firewall) names its type in the header alone.
        if 400 <= response.status < 500 and (kind := response.headers.get(_ERROR_TYPE)):
            errors: Any = [{"errorType": kind, "message": _message(answer)}]
            return ExecutionResult(errors=errors)
        if not 200 <= response.status < 300:
            raise TransportServerError("no GraphQL answer", response.status)
        raise TransportProtocolError("something other than GraphQL")


def _message(answer: object) -> str:
    """Return the text of an error in AWS's general form, `{"message": …}`."""
    text = answer.get("message") or answer.get("Message") if isinstance(answer, dict) else None
    return text if isinstance(text, str) else ""


@cache
def _parsed(document: str) -> DocumentNode:
    return parse(document)
