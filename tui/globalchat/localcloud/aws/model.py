"""The data types of the AWS endpoint: requests, operations, services, errors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.iam import Principal

Parameters = Mapping[str, JSON]
"""The input of an operation, by AWS's own names; in the query protocol all values are strings."""


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """A request as received. `target` is path and query as sent, `headers` are by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AwsResponse:
    """A response to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AwsError(Exception):
    """An operation fails, with AWS's code and message.

    `query_code` is the name in SQS's former query protocol.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, query_code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One call of an operation: its AWS region, caller and parameters."""

    region: str
    principal: Principal
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class AwsOperation:
    """One operation of a service.

    Attributes:
        name: AWS's name, such as `PutEvents`; with the service's it is the action that policies name.
        handle: answers a call that is permitted, or raises AwsError.
        resources: the ARNs on which the caller needs the permission; None if no permission is needed.
        route: method and path (`POST /v1/things/{id}`) of an operation in the REST protocol.
    """

    name: str
    handle: Callable[[AwsCall], Awaitable[Mapping[str, JSON]]]
    resources: Callable[[AwsCall], Sequence[str]] | None
    route: str = ""


@dataclass(frozen=True, slots=True)
class AwsService:
    """The operations of a service.

    Attributes:
        name: as in a signature's scope and in policies.
        operations: those that are emulated.
        target: the prefix of the operation in `X-Amz-Target`; empty without that protocol.
        namespace: the XML namespace in the query protocol; empty without that protocol.
    """

    name: str
    operations: Sequence[AwsOperation]
    target: str = ""
    namespace: str = ""


def text(parameters: Parameters, name: str, *, required: bool = True) -> str:
    """Return a string; empty if it is absent and not required.

    Raises:
        AwsError: it is absent although required, or not a string.
    """
    value = parameters.get(name)
    if value is None and not required:
        return ""
    if value is None:
        message = f"The request must contain the parameter {name}."
        raise AwsError("MissingParameter", message, query_code="MissingParameter")
    if not isinstance(value, str):
        raise AwsError("SerializationException", f"{name} must be a string.")
    return value


def texts(parameters: Parameters, name: str) -> tuple[str, ...]:
    """Return a list of strings; empty if absent.

    Raises:
        AwsError: it is not a list of strings.
    """
    value = parameters.get(name)
    if value is None:
        return ()
    found = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(found) != len(value):
        raise AwsError("SerializationException", f"{name} must be a list of strings.")
    return tuple(found)


def integer(parameters: Parameters, name: str, default: int, allowed: range) -> int:
    """Return an integer.

    Raises:
        AwsError: it is not an integer, or not an allowed one.
    """
    value = parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise AwsError("SerializationException", f"{name} must be an integer.")
    if value not in allowed:
        reason = f"Must be between {allowed[0]} and {allowed[-1]}, if provided."
        raise AwsError(
            "InvalidParameterValue",
            f"Value {value} for parameter {name} is invalid. Reason: {reason}",
            query_code="InvalidParameterValue",
        )
    return value
