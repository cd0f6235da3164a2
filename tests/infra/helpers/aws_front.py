"""A loopback server that gives AWS's answers by service, region and action; it may stand before moto."""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_XML = frozenset({"sts", "cloudformation", "iam", "sns"})
"""Services whose errors are XML; EC2's is another XML, all others' JSON."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as far as its signature and body tell: unsigned ones have no service."""

    service: str
    region: str
    action: str
    key: str
    form: dict[str, str]
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Rule = Callable[[Call], Reply | None]
"""Answers a call, or leaves it to the next rule."""


class _Times:
    """Counts down how often a rule answers, for calls that come in several threads at once; always if < 0."""

    def __init__(self, times: int) -> None:
        self._left = times
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Count one answer; return False if there are none left."""
        with self._lock:
            if self._left == 0:
                return False
            self._left -= 1
            return True


@dataclass
class AwsFront:
    """The server: its address, its rules (the latest first), and every call that came."""

    url: str
    behind: str | None = None
    rules: list[Rule] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def on(
        self,
        action: str,
        reply: Reply | Callable[[Call], Reply],
        *,
        region: str | None = None,
        times: int = -1,
    ) -> None:
        """Answer an action, in one region or in all, a number of times or always."""
        left = _Times(times)

        def rule(call: Call) -> Reply | None:
            if call.action != action or region not in (None, call.region) or not left.take():
                return None
            return reply(call) if callable(reply) else reply

        self.rules.insert(0, rule)

    def refuse(
        self,
        code: str,
        message: str,
        *,
        action: str | None = None,
        region: str | None = None,
        status: int = 400,
        times: int = -1,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer an error, in the protocol of the service that is called."""
        left = _Times(times)

        def rule(call: Call) -> Reply | None:
            if action not in (None, call.action) or region not in (None, call.region) or not left.take():
                return None
            return failure(call.service, code, message, status=status, headers=headers)

        self.rules.insert(0, rule)

    @contextmanager
    def behind_tls(self, context: ssl.SSLContext) -> Iterator[str]:
        """Serve it over TLS, too: the URL, whose host is localhost."""
        with _serving(self, context) as port:
            yield f"https://localhost:{port}"

    def actions(self) -> list[str]:
        """The actions that were called, in turn."""
        return [call.action for call in self.calls]

    def answer(self, call: Call) -> Reply | None:
        """The reply of the first rule that has one."""
        self.calls.append(call)
        return next((reply for rule in list(self.rules) if (reply := rule(call)) is not None), None)


def failure(
    service: str, code: str, message: str, *, status: int = 400, headers: dict[str, str] | None = None
) -> Reply:
    """An error as the service would write it."""
    if service == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        return Reply(status, f"{body}<RequestID>1</RequestID></Response>".encode(), headers or {})
    if service in _XML or not service:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"
        return Reply(status, body.encode(), {"Content-Type": "text/xml", **(headers or {})})
    text = json.dumps({"__type": code, "message": message})
    return Reply(status, text.encode(), {"x-amzn-ErrorType": code, **(headers or {})})


def identity(call: Call, *, account: str = "123456789012", name: str = "user/ana") -> Reply:
    """Return what STS answers to GetCallerIdentity."""
    arn = f"arn:aws:iam::{account}:{name}"
    result = f"<Arn>{arn}</Arn><UserId>A</UserId><Account>{account}</Account>"
    return Reply(body=_result("GetCallerIdentity", result))


def assumed(
    access_key: str = "ASIAROLE", *, expires: str = "2099-01-01T00:00:00Z", action: str = "AssumeRole"
) -> Reply:
    """Return what STS answers to AssumeRole."""
    credentials = (
        f"<AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>t</SessionToken><Expiration>{expires}</Expiration>"
    )
    role = "<Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId>"
    result = f"<Credentials>{credentials}</Credentials><AssumedRoleUser>{role}</AssumedRoleUser>"
    return Reply(body=_result(action, result))


def _result(action: str, result: str) -> bytes:
    text = f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{result}'
    return f"{text}</{action}Result></{action}Response>".encode()


@contextmanager
def aws_front(behind: str | None = None) -> Iterator[AwsFront]:
    """Serve on a free loopback port; what no rule answers goes to `behind`, or is AWS's InvalidAction."""
    front = AwsFront("", behind)
    with _serving(front) as port:
        front.url = f"http://127.0.0.1:{port}"
        yield front


@contextmanager
def _serving(front: AwsFront, context: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = _read(self, body)
            reply = front.answer(call)
            if reply is None:
                reply = (
                    failure(call.service, "InvalidAction", f"{call.action} is unknown here")
                    if front.behind is None
                    else _forward(front.behind, self, body)
                )
            self.send_response_only(reply.status)
            if "Date" not in reply.headers:
                self.send_header("Date", self.date_time_string())
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _handle  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.03}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that go away, or do not trust the certificate."""


def _read(request: BaseHTTPRequestHandler, body: bytes) -> Call:
    scope = _SCOPE.search(request.headers.get("Authorization") or "")
    form: dict[str, str] = {}
    if "urlencoded" in (request.headers.get("Content-Type") or ""):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    target = request.headers.get("X-Amz-Target") or ""
    action = (
        form.get("Action") or target.rpartition(".")[2] or f"{request.command} {urlsplit(request.path).path}"
    )
    key, region, service = (scope["key"], scope["region"], scope["service"]) if scope else ("", "", "")
    return Call(service, region, action, key, form, request.path, dict(request.headers), body)


def _forward(behind: str, request: BaseHTTPRequestHandler, body: bytes) -> Reply:
    connection = HTTPConnection(urlsplit(behind).netloc, timeout=30)
    try:
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        skipped = ("content-length", "transfer-encoding", "connection", "date", "server")
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in skipped}
        return Reply(answer.status, content, headers)
    finally:
        connection.close()
