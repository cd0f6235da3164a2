"""Passes the credentials of a command to its child processes, and renews them while those run.

SDKs use the endpoint like that of a container (AWS SDKs and tools reference guide, Container credential
provider). It listens on loopback, with a path and a token of its own.
"""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from globalchat.core.credentials import CredentialSource
from globalchat.core.errors import Reason, UserError

# How long `shutdown` may wait; the default of half a second would delay the end of each command.
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class CredentialEndpoint:
    """The endpoint of the credentials; `failure` is the reason why they could not be renewed, if so."""

    url: str
    token: str
    failure: Reason | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which an SDK finds it."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.token,
        }


@contextmanager
def serve(source: CredentialSource) -> Iterator[CredentialEndpoint]:
    """Serve the credentials of a source until the end of the context."""
    # Port 0 lets the system choose a free one.
    server = _Server(("127.0.0.1", 0), _Handler)
    path = f"/{secrets.token_urlsafe(16)}"
    endpoint = CredentialEndpoint(
        f"http://127.0.0.1:{server.server_port}{path}", f"Bearer {secrets.token_urlsafe(32)}"
    )
    server.source, server.endpoint, server.path = source, endpoint, path
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True, name="credential endpoint"
    )
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A handler may be waiting for a sign-in, which must not keep the command from ending.
    block_on_close = False
    source: CredentialSource
    endpoint: CredentialEndpoint
    path: str

    def handle_error(self, *_: object) -> None:
        """Ignore a client that went away: the SDK asks again after a second."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # A client that connects and sends nothing would occupy its thread forever.
    timeout = 10

    def do_GET(self) -> None:
        """Send the credentials to clients with the token."""
        server = self.server
        token = self.headers.get("Authorization") or ""
        # Every user of this machine can reach loopback: the token is what keeps the credentials private.
        if self.path != server.path or not compare_digest(token.encode(), server.endpoint.token.encode()):
            self._answer(403, {"Code": "Forbidden", "Message": "This is for a child process of globalchat."})
            return
        try:
            document = server.source.document(datetime.now(UTC))
        except UserError as error:
            server.endpoint.failure = error.reason
            # A 4xx: of such an answer the JavaScript SDK reads code and message.
            self._answer(400, {"Code": "CredentialsEnded", "Message": str(error)})
            return
        self._answer(200, document)

    def log_message(self, *_: object) -> None:
        """Suppress the line for each request on standard error."""

    def _answer(self, status: int, document: Mapping[str, str]) -> None:
        body = json.dumps(document).encode()
        # Without the headers `Server` and `Date`, and without a log line.
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
