"""One region that probes talk to over plain HTTP and WebSocket: a deployment's, or the local cloud's."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import aiohttp

from globalchat.client.authentication import key_authentication, signature_authentication
from globalchat.client.http import proxy_for_aiohttp
from globalchat.client.network import proxy_of
from globalchat.client.profiles import RegionEndpoint
from globalchat.core import tls
from globalchat.core.credentials import Credentials
from globalchat.localcloud.definition import JSON
from globalchat.verify.answers import Inconclusive

ANSWER_SECONDS: Final = 15.0
"""Time limit for a single answer."""
JSON_TYPE: Final[Mapping[str, str]] = {"content-type": "application/json"}

Headers = Mapping[str, str]
Observation = dict[str, JSON]
"""A probe's observation without ids, times and addresses, to be compared with that of the other side."""


@dataclass(frozen=True, slots=True)
class Bus:
    """Access to a region's event bus: `put` puts an event with a detail, `count` counts dead letters.

    Both raise Inconclusive if the credentials may not.
    """

    put: Callable[[Mapping[str, JSON]], Awaitable[None]]
    count: Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One region and access to it.

    `channel` is an existing channel. `seconds` is how long a probe waits for an event that may never come.
    """

    endpoint: RegionEndpoint
    channel: str
    session: aiohttp.ClientSession = field(repr=False)
    credentials: Credentials | None = field(default=None, repr=False)
    bus: Bus | None = None
    seconds: float = 20.0

    def key_headers(self) -> dict[str, str]:
        """Return the headers of a request with the API key.

        Raises:
            Inconclusive: the deployment has no key.
        """
        if not self.endpoint.api_key:
            raise Inconclusive("the deployment takes no API key")
        return dict(key_authentication(self.endpoint).get_headers())

    def authorization(self, body: str = "", headers: Headers = JSON_TYPE) -> dict[str, str]:
        """Return the headers of an authorised request: with the API key, or signed if there is none.

        Without a body they are those of a socket's handshake.

        Raises:
            Inconclusive: there is neither a key nor credentials.
        """
        if self.endpoint.api_key:
            return {**self.key_headers(), **(headers if body else {})}
        return self.signed(body, credentials=self.signer(), headers=headers if body else None)

    def signer(self) -> Credentials:
        """Return the credentials that sign requests.

        Raises:
            Inconclusive: there are none.
        """
        if self.credentials is None:
            raise Inconclusive("it needs AWS credentials")
        return self.credentials

    def signed(
        self,
        body: str = "",
        *,
        credentials: Credentials,
        endpoint: RegionEndpoint | None = None,
        headers: Headers | None = None,
    ) -> dict[str, str]:
        """Return the headers of a signed request; without a body those of a socket's handshake.

        `endpoint` and `headers` override the defaults.
        """
        signing = signature_authentication(endpoint or self.endpoint, credentials)
        return dict(signing.get_headers(body or None, None if headers is None else dict(headers)))

    async def request(
        self, body: bytes | str, headers: Headers, *, method: str = "POST", path: str = ""
    ) -> "HttpAnswer":
        """Send one request to the GraphQL endpoint, or to `path` on its host.

        Raises:
            Inconclusive: no answer came.
        """
        url = self.endpoint.graphql_url
        if path:
            url = url.removesuffix("/graphql") + path
        # As a file, since aiohttp warns about large bodies of bytes.
        data = BytesIO(body.encode() if isinstance(body, str) else body) if body else None
        try:
            async with self.session.request(
                method,
                url,
                data=data,
                headers=_sendable(headers),
                # A redirect is an observation, and the credentials must not follow it.
                allow_redirects=False,
                **_connection_options(url),
            ) as answer:
                return HttpAnswer(answer.status, dict(answer.headers), await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Inconclusive(f"no answer came ({type(error).__name__})") from None

    async def graphql(self, document: str, variables: Mapping[str, JSON] | None = None) -> "HttpAnswer":
        """Run an operation."""
        body = json.dumps({"query": document, "variables": dict(variables or {})})
        return await self.request(body, self.authorization(body))

    @asynccontextmanager
    async def socket(
        self, headers: Mapping[str, Any], *, protocols: tuple[str, ...] = ("graphql-ws",)
    ) -> "AsyncIterator[Socket]":
        """Open a realtime socket whose handshake carries the authorization headers.

        Raises:
            Inconclusive: it was not opened.
        """
        url = self.endpoint.realtime_url
        query = {"header": _base64(headers), "payload": "e30="}
        try:
            opened = await self.session.ws_connect(
                url,
                params=query,
                protocols=protocols,
                autoping=True,
                # No limit, since frames of any size are to be observed.
                max_msg_size=0,
                **_connection_options(url),
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Inconclusive(f"the socket was not opened ({type(error).__name__})") from None
        try:
            yield Socket(opened)
        finally:
            await opened.close()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer over HTTP."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)

    @property
    def document(self) -> Mapping[str, JSON]:
        """The body as a JSON object; empty if it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def errors(self) -> list[dict[str, JSON]]:
        """The GraphQL errors."""
        return errors_in(self.document)

    def observation(self) -> Observation:
        """Return the status, the types of errors, and if there is data."""
        types: list[JSON] = [each.get("errorType") for each in self.errors]
        return {"status": self.status, "errorTypes": types, "data": "data" in self.document}


class Socket:
    """A realtime socket, frame by frame."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = opened

    async def send(self, frame: Mapping[str, JSON] | str) -> None:
        """Send a frame, a string as it is.

        On a closed socket this does nothing; the next read reports the close.
        """
        text = frame if isinstance(frame, str) else json.dumps(frame)
        if not self._socket.closed:
            try:
                await self._socket.send_str(text)
            except ConnectionError:
                return

    async def next_frame(self, seconds: float = ANSWER_SECONDS) -> Observation | None:
        """Return the next frame except keep-alives; `{"closed": code}` at the end, None if none came."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await self._socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return {"closed": self._socket.close_code}
                    frame = json.loads(message.data)
                    if isinstance(frame, dict) and frame.get("type") != "ka":
                        return frame
        except TimeoutError:
            return None

    async def wait_for(self, *types: str, seconds: float = ANSWER_SECONDS) -> Observation | None:
        """Return the first frame of one of these types, or the end, or None."""
        async with asyncio.timeout(None) as limit:
            limit.reschedule(asyncio.get_running_loop().time() + seconds)
            while (frame := await self.next_frame(seconds)) is not None:
                if "closed" in frame or frame.get("type") in types:
                    return frame
        return None

    async def open(self) -> None:
        """Send `connection_init` and wait for the answer.

        Raises:
            Inconclusive: the connection was refused.
        """
        await self.send({"type": "connection_init"})
        if (await self.wait_for("connection_ack", "connection_error") or {}).get("type") != "connection_ack":
            raise Inconclusive("the connection was refused")


def start_frame(
    target: ProbeTarget, name: str, headers: Mapping[str, Any] | None = None, *, id_: str = "1"
) -> Observation:
    """Return the frame that subscribes to a channel."""
    data = subscription(name)
    given = target.authorization(data, {}) if headers is None else headers
    return {
        "id": id_,
        "type": "start",
        "payload": {"data": data, "extensions": {"authorization": dict(given)}},
    }


def subscription(name: str) -> str:
    """Return the request that subscribes to a channel, as a `start` frame carries it."""
    document = "subscription Probe($name: String!) { subscribe(name: $name) { id name message } }"
    return json.dumps({"query": document, "variables": {"name": name}})


def errors_in(document: Mapping[str, JSON]) -> list[dict[str, JSON]]:
    """Return the errors of a response or of a frame's payload; AppSync sends some as one object."""
    errors = document.get("errors")
    found = [errors] if isinstance(errors, dict) else errors if isinstance(errors, list) else []
    return [each for each in found if isinstance(each, dict)]


def observation_of(frame: Observation | None) -> Observation:
    """Return the compared parts of a frame: its type, and the types and fields of its errors."""
    if frame is None:
        return {"frame": None}
    if "closed" in frame:
        return dict(frame)
    payload = frame.get("payload")
    errors = errors_in(payload) if isinstance(payload, dict) else []
    types: list[JSON] = [each.get("errorType") for each in errors]
    codes: list[JSON] = [each.get("errorCode") for each in errors]
    # Whether there is an id is compared, not which: ids differ on the two sides.
    return {"frame": frame.get("type"), "id": "id" in frame, "errorTypes": types, "errorCodes": codes}


def _base64(headers: Mapping[str, Any]) -> str:
    return b64encode(json.dumps(dict(headers)).encode()).decode()


def _sendable(headers: Headers) -> dict[str, str]:
    """Leave out headers that the connection sets itself."""
    return {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}


def _connection_options(url: str) -> dict[str, Any]:
    """Return aiohttp's options for a URL: the proxy and the SSL context."""
    secure = url.startswith(("https:", "wss:"))
    return {"proxy": proxy_for_aiohttp(proxy_of(url)), "ssl": tls.context() if secure else True}
