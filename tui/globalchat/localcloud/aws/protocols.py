"""The wire protocols of AWS's APIs: JSON, REST with JSON, and query with XML.

Sources: the protocols of AWS's Smithy documentation (`awsJson1_1`, `restJson1`, `awsQuery`), and each API
reference's "Common errors" for the names and statuses of errors before the operation.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final
from urllib.parse import parse_qsl, unquote

from globalchat.localcloud import json_text
from globalchat.localcloud.aws.model import (
    AwsError,
    AwsOperation,
    AwsRequest,
    AwsResponse,
    AwsService,
    Parameters,
    text,
)
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.sigv4 import Problem

_REQUEST_ID: Final = "x-amzn-RequestId"
# Characters that XML forbids, even as references.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class WireProtocol(ABC):
    """One protocol for requests and responses."""

    refusals: ClassVar[Mapping[Problem, tuple[str, int]]]
    """Code and status for each problem with a signature."""
    no_token: ClassVar[tuple[str, int]]
    """Code and status for an unsigned request."""
    denied: ClassVar[tuple[str, int]]
    """Code and status for a caller without permission."""

    @abstractmethod
    def called(self, request: AwsRequest) -> str:
        """Return the name of the requested operation, as far as it is known."""

    @abstractmethod
    def find(self, service: AwsService, request: AwsRequest) -> AwsOperation | None:
        """Return the requested operation."""

    @abstractmethod
    def unknown(self, message: str) -> AwsError:
        """Return the error for an operation that there is not."""

    @abstractmethod
    def parameters(self, request: AwsRequest, operation: AwsOperation, /) -> Parameters:
        """Parse the operation's input; raise AwsError if the body is malformed."""

    @abstractmethod
    def result(
        self, value: Mapping[str, JSON], request_id: str, service: AwsService, operation: AwsOperation, /
    ) -> AwsResponse:
        """Encode the result of an operation."""

    @abstractmethod
    def error(self, error: AwsError, request_id: str) -> AwsResponse:
        """Encode an error."""


class JsonProtocol(WireProtocol):
    """JSON bodies; `X-Amz-Target` names the operation."""

    refusals: ClassVar = {
        Problem.INCOMPLETE: ("IncompleteSignatureException", 400),
        Problem.WRONG: ("InvalidSignatureException", 400),
        Problem.UNKNOWN_KEY: ("UnrecognizedClientException", 400),
        Problem.EXPIRED: ("ExpiredTokenException", 400),
    }
    no_token = ("MissingAuthenticationTokenException", 400)
    denied = ("AccessDeniedException", 400)

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type

    def called(self, request: AwsRequest) -> str:
        """Return the name of the requested operation."""
        return request.headers["x-amz-target"].rpartition(".")[2]

    def find(self, service: AwsService, request: AwsRequest) -> AwsOperation | None:
        """Find the operation that `X-Amz-Target` names."""
        prefix, _, name = request.headers["x-amz-target"].rpartition(".")
        if not service.target or prefix != service.target:
            return None
        return next((each for each in service.operations if each.name == name), None)

    def unknown(self, message: str) -> AwsError:
        """Return the error for an operation that there is not."""
        return AwsError("UnknownOperationException", message)

    def parameters(self, request: AwsRequest, _operation: AwsOperation, /) -> Parameters:
        """Read the JSON object of the body."""
        return _json_object(request.body)

    def result(
        self, value: Mapping[str, JSON], request_id: str, _service: AwsService, _operation: AwsOperation, /
    ) -> AwsResponse:
        """Write a JSON object."""
        headers = {"content-type": self._content_type, _REQUEST_ID: request_id}
        return AwsResponse(200, headers, _json_bytes(value))

    def error(self, error: AwsError, request_id: str) -> AwsResponse:
        """Write `__type` and `message`; SQS's also the name that its query protocol had."""
        headers = {"content-type": self._content_type, _REQUEST_ID: request_id}
        if error.query_code is not None:
            headers["x-amzn-query-error"] = f"{error.query_code};Sender"
        body = _json_bytes({"__type": error.code, "message": error.message})
        return AwsResponse(error.status, headers, body)


class RestProtocol(WireProtocol):
    """JSON bodies; method and path say what is asked for."""

    refusals: ClassVar = {
        Problem.INCOMPLETE: ("IncompleteSignatureException", 403),
        Problem.WRONG: ("InvalidSignatureException", 403),
        Problem.UNKNOWN_KEY: ("UnrecognizedClientException", 403),
        Problem.EXPIRED: ("ExpiredTokenException", 403),
    }
    no_token = ("MissingAuthenticationTokenException", 403)
    denied = ("AccessDeniedException", 403)

    def called(self, request: AwsRequest) -> str:
        """Name the operation by its method and path."""
        return f"{request.method} {request.target.partition('?')[0]}"

    def find(self, service: AwsService, request: AwsRequest) -> AwsOperation | None:
        """Find the operation at a method and path."""
        called = self.called(request)
        matching = (each for each in service.operations if _path_members(each.route, called) is not None)
        return next(matching, None)

    def unknown(self, message: str) -> AwsError:
        """Return the error for a path at which there is nothing."""
        return AwsError("UnknownOperationException", message, status=404)

    def parameters(self, request: AwsRequest, operation: AwsOperation, /) -> Parameters:
        """Read the JSON object of the body, and the members in the path."""
        return {**_json_object(request.body), **(_path_members(operation.route, self.called(request)) or {})}

    def result(
        self, value: Mapping[str, JSON], request_id: str, _service: AwsService, _operation: AwsOperation, /
    ) -> AwsResponse:
        """Write a JSON object."""
        headers = {"content-type": "application/json", _REQUEST_ID: request_id}
        return AwsResponse(200, headers, _json_bytes(value))

    def error(self, error: AwsError, request_id: str) -> AwsResponse:
        """Write a message; a header names the error."""
        headers = {
            "content-type": "application/json",
            _REQUEST_ID: request_id,
            "x-amzn-ErrorType": error.code,
        }
        return AwsResponse(error.status, headers, _json_bytes({"message": error.message}))


class QueryProtocol(WireProtocol):
    """Form fields, among them `Action`; the answer is XML."""

    refusals: ClassVar = {
        Problem.INCOMPLETE: ("IncompleteSignature", 400),
        Problem.WRONG: ("SignatureDoesNotMatch", 403),
        Problem.UNKNOWN_KEY: ("InvalidClientTokenId", 403),
        Problem.EXPIRED: ("ExpiredToken", 403),
    }
    no_token = ("MissingAuthenticationToken", 403)
    denied = ("AccessDenied", 403)

    def called(self, request: AwsRequest) -> str:
        """Name the action that is asked for."""
        return text(_fields(request), "Action", required=False)

    def find(self, service: AwsService, request: AwsRequest) -> AwsOperation | None:
        """Find the operation that `Action` names."""
        name = self.called(request)
        return next((each for each in service.operations if service.namespace and each.name == name), None)

    def unknown(self, message: str) -> AwsError:
        """Return the error for an action that there is not."""
        return AwsError("InvalidAction", message)

    def parameters(self, request: AwsRequest, _operation: AwsOperation, /) -> Parameters:
        """Read the fields; all are texts."""
        return _fields(request)

    def result(
        self, value: Mapping[str, JSON], request_id: str, service: AwsService, operation: AwsOperation, /
    ) -> AwsResponse:
        """Write the texts of an answer as XML."""
        name = operation.name
        fields = "".join(f"<{key}>{_xml_text(str(each))}</{key}>" for key, each in value.items())
        return _xml(
            200,
            f'<{name}Response xmlns="{service.namespace}"><{name}Result>{fields}</{name}Result>'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>",
            request_id,
        )

    def error(self, error: AwsError, request_id: str) -> AwsResponse:
        """Write code and message as XML."""
        return _xml(
            error.status,
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{error.code}</Code>"
            f"<Message>{_xml_text(error.message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>",
            request_id,
        )


def protocol_of(request: AwsRequest) -> WireProtocol:
    """Return the protocol that a request speaks, by its headers."""
    content_type = request.headers.get("content-type", "")
    if "x-amz-target" in request.headers:
        # Services differ in the version; a response has that of its request.
        known = content_type in ("application/x-amz-json-1.0", "application/x-amz-json-1.1")
        return JsonProtocol(content_type if known else "application/x-amz-json-1.1")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return QueryProtocol()
    return RestProtocol()


def _path_members(route: str, called: str) -> dict[str, JSON] | None:
    """Return the input that a path has in the places of a route's `{name}`; None if the paths differ."""
    names, words = route.split("/"), called.split("/")
    if len(names) != len(words):
        return None
    members: dict[str, JSON] = {}
    for name, word in zip(names, words, strict=True):
        if name.startswith("{"):
            members[name.strip("{}")] = unquote(word)
        elif name != word:
            return None
    return members


def _json_object(body: bytes) -> Parameters:
    try:
        value = json_text.read(body.decode()) if body else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The body is not a JSON object.")
    return value


def _json_bytes(value: Mapping[str, JSON]) -> bytes:
    return json_text.write(value).encode("utf-8", "replace")


def _fields(request: AwsRequest) -> dict[str, JSON]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _xml_text(text: str) -> str:
    whole = _NOT_XML.sub("\ufffd", text)
    return whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _xml(status: int, body: str, request_id: str) -> AwsResponse:
    return AwsResponse(status, {"content-type": "text/xml", _REQUEST_ID: request_id}, body.encode())
