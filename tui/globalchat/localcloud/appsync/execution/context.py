"""Writes what a resolver's handlers receive: `ctx`, the time, the entropy."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphql import FieldNode, GraphQLOutputType

from globalchat.localcloud.appsync.execution.selection import (
    Selection,
    selection_set_graphql,
    selection_set_list,
)
from globalchat.localcloud.appsync.javascript.engine import write
from globalchat.localcloud.appsync.model import Caller, Invalidation
from globalchat.localcloud.definition import JSON

Entropy = Callable[[int], bytes]
"""Makes so many random bytes, like `secrets.token_bytes`."""

_AUTH_TYPES: Final = {"API_KEY": "API Key Authorization", "AWS_IAM": "IAM Authorization"}


@dataclass(frozen=True, slots=True)
class FieldCall:
    """One field of one request, about to be resolved.

    `source` is the parent's value, absent at the top; `path` leads to the field in the response.
    """

    caller: Caller
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


class Evaluations:
    """Writes what the handlers of one resolver receive, as JSON; what both of them see is written once.

    Args:
        call: the field to resolve.
        environment: the API's environment variables as JSON.
        with_selection: whether the handlers see the selection set.
        file: what errors call the resolver's file.
    """

    def __init__(self, call: FieldCall, *, environment: str, with_selection: bool, file: str) -> None:
        self.call = call
        self._environment = environment
        self._with_selection = with_selection
        self._file = file
        self._shared: str | None = None

    def text(self, now: float, seed: bytes, stash: JSON, outcome: Mapping[str, JSON]) -> str:
        """Write the input of one evaluation.

        Args:
            now: the time in epoch seconds.
            seed: 16 random bytes.
            stash: what the handlers pass on.
            outcome: `result` and `error` for a response handler.

        Raises:
            ScriptError: JSON cannot carry it.
        """
        if self._shared is None:
            self._shared = self._write_shared()
        numbers = list(struct.unpack("4i", seed))
        mode = _AUTH_TYPES[self.call.caller.mode]
        own = write({"stash": stash, **outcome}, self._file)
        # Both are objects: one goes on where the other ends.
        context = f"{self._shared[:-1]},{own[1:]}"
        return f'{{"now":{int(now * 1000)},"seed":{numbers},"authType":"{mode}","ctx":{context}}}'

    def _write_shared(self) -> str:
        call = self.call
        info: dict[str, JSON] = {
            "fieldName": call.field_name,
            "parentTypeName": call.parent_type,
            "variables": call.selection.variables.coerced,
        }
        context: dict[str, JSON] = {
            "args": dict(call.arguments),
            "identity": _identity(call),
            "prev": {},
            "request": {"headers": dict(call.caller.headers), "domainName": None},
            "info": info,
        }
        if call.source is not None:
            context["source"] = call.source
        if self._with_selection:
            context["selection"] = {
                "selectionSetList": selection_set_list(call.selection, call.return_type, call.nodes),
                "selectionSetGraphQL": selection_set_graphql(call.nodes),
            }
        return f'{write(context, self._file)[:-1]},"env":{self._environment}}}'


def _identity(call: FieldCall) -> JSON:
    """Return `ctx.identity`: null for an API key, else the documented fields of an IAM caller.

    `username` is the unique id of a user, or `ROLEID:SESSION`. What Cognito knows is null.
    Source: AppSync developer guide, `resolver-context-reference-js`.
    """
    caller = call.caller
    principal = caller.principal
    if principal is None:
        return None
    header = caller.headers.get("x-forwarded-for") or ""
    joined = ",".join(map(str, header)) if isinstance(header, list) else str(header)
    forwarded = [part.strip() for part in joined.split(",") if part.strip()]
    return {
        "accountId": principal.account,
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": [*forwarded, caller.source_ip],
        "username": principal.user_id,
        "userArn": principal.arn,
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }
