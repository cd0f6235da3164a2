"""What the modules of the AWS endpoint pass to each other: requests, operations, services, errors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.iam import Principal

Parameters = Mapping[str, JSON]
"""The input of an operation, by AWS's own names; of the query protocol all values are texts."""


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """A request as it came. `target` is path and query as sent, `headers` are by lower-case name."""

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
    """An operation fails, in AWS's words. `query_code` is the name in SQS's former query protocol."""

    def __init__(self, code: str, message: str, *, status: int = 400, query_code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One call of an operation: in which AWS region, by whom, with what."""

    region: str
    principal: Principal
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class AwsOperation:
    """One operation of a service.

    Attributes:
        name: AWS's name, such as `PutEvents`; with the service's it is the action that policies name.
        handle: answers a call that is permitted, or raises AwsError.
        resources: the ARNs on which the caller needs the permission; None if it takes no permission.
        route: method and path (`POST /v1/things`) of an operation in the REST protocol.
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
        target: what precedes the operation in `X-Amz-Target`; empty if it does not speak that protocol.
        namespace: of the XML of the query protocol; empty if it does not speak that protocol.
    """

    name: str
    operations: Sequence[AwsOperation]
    target: str = ""
    namespace: str = ""


def text(parameters: Parameters, name: str, *, required: bool = True) -> str:
    """Return a text; empty if it is absent and not required.

    Raises:
        AwsError: it is absent although it is required, or no text.
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
    """Return a list of texts, which may be absent.

    Raises:
        AwsError: it is no list of texts.
    """
    value = parameters.get(name)
    if value is None:
        return ()
    found = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(found) != len(value):
        raise AwsError("SerializationException", f"{name} must be a list of strings.")
    return tuple(found)


def integer(parameters: Parameters, name: str, default: int, allowed: range) -> int:
    """Return a whole number.

    Raises:
        AwsError: it is none, or not an allowed one.
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
