"""The text frames that AppSync's realtime service sends, as JSON bytes.

Shapes follow the developer guide (`real-time-websocket-client`) and responses pasted in public issues;
where AppSync's own is not known, the function says so.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from globalchat.localcloud.appsync.encoding import dump
from globalchat.localcloud.appsync.graphql_errors import unsupported_operation
from globalchat.localcloud.definition import JSON

CONNECTION_TIMEOUT_MS: Final = 300_000

KEEP_ALIVE: Final = b'{"type":"ka"}'


def connection_ack() -> bytes:
    """Answer `connection_init`."""
    return dump({"type": "connection_ack", "payload": {"connectionTimeoutMs": CONNECTION_TIMEOUT_MS}})


def connection_error(message: str, code: int, error_type: str | None = None) -> bytes:
    """Refuse the connection; subprotocol errors have no `errorType`."""
    error: dict[str, JSON] = {} if error_type is None else {"errorType": error_type}
    error |= {"message": message, "errorCode": code}
    return dump({"type": "connection_error", "payload": {"errors": [error]}})


def start_ack(subscription: str) -> bytes:
    """Tell that the subscription is live."""
    return dump({"type": "start_ack", "id": subscription})


def complete(subscription: str) -> bytes:
    """Tell that the subscription has ended."""
    return dump({"type": "complete", "id": subscription})


def data_prefix(subscription: str) -> bytes:
    """All of a data frame up to its payload: `data_prefix(id) + data_tail(payload)` is the frame."""
    return b'{"id":' + dump(subscription) + b',"type":"data","payload":'


def data_tail(payload: Mapping[str, JSON]) -> bytes:
    """The part of a data frame that is equal for every subscription that sees this payload."""
    return dump(payload) + b"}"


def error(errors: "Sequence[JSON] | Mapping[str, JSON]", subscription: str | None = None) -> bytes:
    """Tell an error, of a subscription if `subscription` is given."""
    frame: dict[str, object] = {} if subscription is None else {"id": subscription}
    return dump({"type": "error", **frame, "payload": {"errors": errors}})


def unsupported() -> bytes:
    """Refuse a frame that is none of a client's, or a `start` without a request; it carries no id.

    AppSync was seen to say this of a `start` without `payload.data`. What it says of a frame that is no JSON
    or has an unknown type is not known: the same is sent.
    """
    return error([unsupported_operation("unknown")])


def unauthorized(subscription: str, message: str, error_type: str) -> bytes:
    """Refuse a `start` whose credentials were not accepted."""
    return error([{"errorType": error_type, "message": message}], subscription)


def too_many_subscriptions(subscription: str, limit: int) -> bytes:
    """Refuse a `start` beyond the quota; here `errors` was seen to be an object, not a list."""
    message = f"Max number of {limit} subscriptions reached"
    return error({"errorType": "MaxSubscriptionsReachedError", "message": message}, subscription)


def duplicate(subscription: str) -> bytes:
    """Refuse a `start` whose id is in use. Its name is known from client code, its shape is not."""
    message = "A subscription with this id is already active on the connection"
    return error([{"errorType": "DuplicatedOperationError", "message": message}], subscription)


def connect_rate_limited() -> bytes:
    """Refuse a connection that came too soon after others. AWS does not document it; the code is a guess."""
    return connection_error("Rate limit exceeded", 429, "LimitExceededError")


def rate_limited() -> bytes:
    """Refuse a `start` that came too soon after others; it carries no id."""
    return error([{"errorType": "LimitExceededError", "message": "Rate limit exceeded"}])
