"""Makes what a resolver's handlers receive: `ctx`, the time, the entropy."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphql import FieldNode, GraphQLOutputType

from localcloud.appsync.model import Caller, Invalidation
from localcloud.appsync.selection import Selection, selection_set_graphql, selection_set_list
from localcloud.definition import JSON

Clock = Callable[[], float]
"""Tells the time in epoch seconds, like `time.time`."""

Entropy = Callable[[int], bytes]
"""Makes so many random bytes, like `secrets.token_bytes`."""

_AUTH_TYPES: Final = {"API_KEY": "API Key Authorization", "AWS_IAM": "IAM Authorization"}


@dataclass(frozen=True, slots=True)
class FieldCall:
    """One field of one request, about to be resolved.

    `source` is the parent's value, absent at the top; `path` leads to the field in the response.
    """

    caller: Caller
    account: str
    parent_type: str
    field_name: str
    arguments: Mapping[str, JSON]
    source: JSON
    selection: Selection
    return_type: GraphQLOutputType
    nodes: Sequence[FieldNode]
    path: Sequence[str | int]


@dataclass(slots=True)
class Effects:
    """What a resolver's handlers did beside answering. `errors` come from `util.appendError`."""

    errors: list[JSON] = field(default_factory=list)
    filter: JSON = None
    invalidation_filter: JSON = None
    invalidations: list[Invalidation] = field(default_factory=list)


def evaluation(
    call: FieldCall,
    *,
    environment: Mapping[str, str],
    clock: Clock,
    entropy: Entropy,
    stash: JSON,
    with_selection: bool,
    outcome: Mapping[str, JSON],
) -> dict[str, JSON]:
    """Make the input of one evaluation; `outcome` holds `result` and `error` for a response handler."""
    info: dict[str, JSON] = {
        "fieldName": call.field_name,
        "parentTypeName": call.parent_type,
        "variables": dict(call.selection.variables.coerced),
    }
    context: dict[str, JSON] = {
        "args": dict(call.arguments),
        "identity": _identity(call),
        "stash": stash,
        "prev": {},
        "request": {"headers": dict(call.caller.headers), "domainName": None},
        "info": info,
        "env": dict(environment),
        **outcome,
    }
    if call.source is not None:
        context["source"] = call.source
    if with_selection:
        context["selection"] = {
            "selectionSetList": selection_set_list(call.selection, call.return_type, call.nodes),
            "selectionSetGraphQL": selection_set_graphql(call.nodes),
        }
    return {
        "now": int(clock() * 1000),
        "seed": list(struct.unpack("4i", entropy(16))),
        "authType": _AUTH_TYPES[call.caller.mode],
        "ctx": context,
    }


def _identity(call: FieldCall) -> JSON:
    """Give `ctx.identity`: none for an API key. An IAM user's `username` is the last part of its ARN here."""
    caller = call.caller
    if caller.mode == "API_KEY":
        return None
    header = caller.headers.get("x-forwarded-for") or ""
    joined = ",".join(map(str, header)) if isinstance(header, list) else str(header)
    forwarded = [part.strip() for part in joined.split(",") if part.strip()]
    return {
        "accountId": call.account,
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": [*forwarded, caller.source_ip],
        "username": (caller.arn or "").rpartition("/")[2],
        "userArn": caller.arn,
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }
