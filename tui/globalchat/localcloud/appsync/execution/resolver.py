"""Resolves a field with its APPSYNC_JS file: request handler, data source, response handler.

Sources: the AppSync developer guide, `resolver-context-reference-js`, `resolver-reference-none-js` and
`resolver-reference-eventbridge-js`; the errors of data sources are worded as AppSync's for malformed requests
(`Value for field '$[operation]' not found.`).
"""

import asyncio
import struct
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from graphql import FieldNode, GraphQLOutputType

from globalchat.core.clock import EpochClock
from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.environment import ApiEnvironment
from globalchat.localcloud.appsync.execution.selection import (
    Selection,
    selection_set_graphql,
    selection_set_list,
)
from globalchat.localcloud.appsync.graphql_errors import FieldError, not_authorized
from globalchat.localcloud.appsync.javascript.context_members import Members
from globalchat.localcloud.appsync.javascript.engine import (
    NO_EFFECTS,
    Evaluation,
    Handler,
    Script,
    write_json,
)
from globalchat.localcloud.appsync.javascript.parser import ResultTooLarge, ScriptError, Source, parse
from globalchat.localcloud.appsync.model import Caller, Invalidation
from globalchat.localcloud.definition import JSON, DataSource, Resolver
from globalchat.localcloud.interfaces import (
    MAX_ENTRIES,
    EntryResult,
    EventSink,
    PutEventsEntry,
    PutEventsError,
)
from globalchat.localcloud.problems import Defect, Invalid

if TYPE_CHECKING:
    from globalchat.localcloud.dynamodb.data_source import TableDataSources

Entropy = Callable[[int], bytes]
"""Returns a number of random bytes, like `secrets.token_bytes`."""

_AUTH_TYPES: Final = {"API_KEY": "API Key Authorization", "AWS_IAM": "IAM Authorization"}

_NONE_KEYS: Final = frozenset(("payload", "version"))
_EVENTBRIDGE_KEYS: Final = frozenset(("operation", "events", "version"))
_EVENT_KEYS: Final = frozenset(("source", "detail", "detailType", "resources", "time"))


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
    """The side effects of a resolver's handlers. `errors` come from `util.appendError`."""

    errors: list[JSON] = field(default_factory=list)
    filter: JSON = None
    invalidation_filter: JSON = None
    invalidations: list[Invalidation] = field(default_factory=list)


class HandlerInputs:
    """Writes the inputs of one resolver's handlers as JSON: only what they can read of `ctx`.

    Args:
        call: the field to resolve.
        script: the resolver's file.
        environment: the API's environment variables as JSON.
        with_selection: True if the handlers read the selection set.
    """

    def __init__(self, call: FieldCall, script: Script, *, environment: str, with_selection: bool) -> None:
        self.call = call
        self._script = script
        self._environment = environment
        self._with_selection = with_selection
        self._arguments: str | None = None

    def evaluation(
        self, handler: Handler, *, now: float, seed: bytes, stash: str, outcome: Mapping[str, JSON]
    ) -> Evaluation:
        """Return the input of one evaluation.

        Args:
            handler: the handler that will be called.
            now: the time in epoch seconds.
            seed: 16 random bytes.
            stash: `ctx.stash`, which the request handler passes to the response handler, as JSON.
            outcome: `result` and `error` for a response handler.

        Raises:
            ScriptError: a value has no form in JSON.
        """
        read = self._script.members_read[handler]
        return Evaluation(
            context=self._context(read, stash, outcome),
            environment=self._environment if read is None or "env" in read else None,
            now=float(int(now * 1000)),
            seed=struct.unpack("4i", seed),
            auth_type=_AUTH_TYPES[self.call.caller.mode],
            keeps_stash=handler == "request",
        )

    def _context(self, read: Members, stash: str, outcome: Mapping[str, JSON]) -> str:
        """Write the members of `ctx` that are read, without `env`."""
        members = []
        if read is None or "args" in read:
            members.append(f'"args":{self._written_arguments()}')
        if read is None or "stash" in read:
            members.append(f'"stash":{stash}')
        others: dict[str, JSON] = {}
        for name, value in _MEMBERS.items():
            if read is None or name in read:
                others[name] = value(self.call)
        for name, given in outcome.items():
            if read is None or name in read:
                others[name] = given
        if self.call.source is not None and (read is None or "source" in read):
            others["source"] = self.call.source
        if self._with_selection and "info" in others:
            others["selection"] = _selection(self.call)
        if others:
            members.append(write_json(others, self._script.file)[1:-1])
        return f"{{{','.join(members)}}}"

    def _written_arguments(self) -> str:
        if self._arguments is None:
            self._arguments = write_json(self.call.arguments, self._script.file)
        return self._arguments


def _info(call: FieldCall) -> JSON:
    return {
        "fieldName": call.field_name,
        "parentTypeName": call.parent_type,
        "variables": call.selection.variables.coerced,
    }


def _selection(call: FieldCall) -> JSON:
    """Return the lazy part of `ctx.info`."""
    return {
        "selectionSetList": selection_set_list(call.selection, call.return_type, call.nodes),
        "selectionSetGraphQL": selection_set_graphql(call.nodes),
    }


def _identity(call: FieldCall) -> JSON:
    """Return `ctx.identity`: null for an API key, else the documented fields of an IAM caller.

    `username` is the unique id of a user, or `ROLEID:SESSION`. The fields of Cognito are null.
    Source: AppSync developer guide, `resolver-context-reference-js`.
    """
    caller = call.caller
    principal = caller.principal
    if principal is None:
        return None
    # AWS lists the addresses in the header before the one that it saw.
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


_MEMBERS: Final[Mapping[str, Callable[[FieldCall], JSON]]] = {
    "identity": _identity,
    "prev": lambda _: {},
    "request": lambda call: {"headers": dict(call.caller.headers), "domainName": None},
    "info": _info,
}
"""The members of `ctx` that follow from the call, and that most handlers do not read."""

Outcome = Mapping[str, JSON]


class FieldResolver:
    """A loaded unit resolver.

    Args:
        resolver: the file and the field that it resolves.
        source: the data source between the two handlers.
        environment: the API's environment variables (`ctx.env`).
        events: where an EventBridge data source puts events.
        tables: runs the operations of a DynamoDB data source; None if there is no table.
        clock: the time that `util.time` returns.
        entropy: the randomness of `util.autoId` and the like.

    Raises:
        Invalid: the file breaks a rule of APPSYNC_JS, asks for an operation that is not emulated, or the data
            source lacks its bus, table or role.
    """

    def __init__(
        self,
        resolver: Resolver,
        source: DataSource,
        *,
        environment: ApiEnvironment,
        events: EventSink,
        tables: "TableDataSources | None" = None,
        clock: EpochClock,
        entropy: Entropy,
    ) -> None:
        try:
            self._script = Script(resolver.code, resolver.file)
            if source.type == "AMAZON_DYNAMODB":
                check_operations(resolver.code, resolver.file)
        except ScriptError as error:
            raise Invalid(Defect(str(error), error.is_gap)) from None
        if source.type == "AMAZON_EVENTBRIDGE" and (source.bus_arn is None or source.role_arn is None):
            raise Invalid(f"the data source {source.name} has no bus or no role")
        if source.type == "AMAZON_DYNAMODB" and (
            tables is None or source.table_arn is None or source.role_arn is None
        ):
            raise Invalid(f"the data source {source.name} has no table or no role")
        self._source = source
        self._tables = tables
        self._environment = environment
        self._events = events
        self._clock = clock
        self._entropy = entropy
        # Expensive, and lazy on AWS: computed only for a file that names the selection set.
        self._with_selection = "selectionSet" in resolver.code
        members = self._script.members_read["response"]
        self._is_result_read = members is None or "result" in members

    def resolve(self, call: FieldCall, effects: Effects) -> "JSON | Coroutine[None, None, JSON]":
        """Resolve the field; a coroutine if the data source is asynchronous.

        Raises:
            FieldError: a handler stopped with an error or failed, or its request is malformed.
        """
        inputs = HandlerInputs(
            call,
            self._script,
            # Read for each call: an administrator may put other variables at any time.
            environment=self._environment.text,
            with_selection=self._with_selection,
        )
        outcome = self._evaluate("request", inputs, effects, {}, "{}")
        # `runtime.earlyReturn` skips the data source and the response handler.
        if outcome["status"] == "return":
            return outcome.get("value")
        request, stash = outcome.get("value"), str(outcome["stash"])
        if self._source.type == "NONE":
            result = none_result(request)
            return self._evaluate("response", inputs, effects, {"result": result}, stash).get("value")
        if self._tables is not None and self._source.type == "AMAZON_DYNAMODB":
            delay = self._tables.delay(self._source)
            if delay:
                return self._run_late(delay, request, stash, inputs, effects)
            return self._run_on_table(request, stash, inputs, effects)
        return self._put_events(request, stash, inputs, effects)

    def _run_on_table(self, request: JSON, stash: str, inputs: HandlerInputs, effects: Effects) -> JSON:
        # A rule's event is kept until it is delivered, with a commit in between; others get an answer now.
        answer = cast("TableDataSources", self._tables).run(
            self._source,
            request,
            may_commit_later=inputs.call.caller.is_rule,
            is_result_read=self._is_result_read,
        )
        return self._evaluate("response", inputs, effects, answer, stash).get("value")

    async def _run_late(
        self, delay: float, request: JSON, stash: str, inputs: HandlerInputs, effects: Effects
    ) -> JSON:
        await asyncio.sleep(delay)
        return self._run_on_table(request, stash, inputs, effects)

    async def _put_events(self, request: JSON, stash: str, inputs: HandlerInputs, effects: Effects) -> JSON:
        entries = put_events_entries(request)
        try:
            results = await self._events.put_events(
                bus_arn=cast("str", self._source.bus_arn),
                entries=entries,
                role_arn=cast("str", self._source.role_arn),
            )
        except PutEventsError as error:
            # Not yet an error of the field: the response handler gets it as `ctx.error`.
            outcome: Outcome = {"result": None, "error": {"message": error.message, "type": error.code}}
        else:
            outcome = {"result": put_events_result(results)}
        return self._evaluate("response", inputs, effects, outcome, stash).get("value")

    def _evaluate(
        self, handler: Handler, inputs: HandlerInputs, effects: Effects, before: Outcome, stash: str
    ) -> Outcome:
        now, seed = self._clock(), self._entropy(16)
        try:
            given = inputs.evaluation(handler, now=now, seed=seed, stash=stash, outcome=before)
            outcome = self._script.call(handler, given)
        except ScriptError as error:
            raise _runtime_error(error) from None
        caused = cast("Outcome", outcome["effects"])
        if caused is NO_EFFECTS and outcome["status"] == "value":
            return outcome
        effects.errors += cast("list[JSON]", caused["errors"])
        # If a handler stopped, its appended errors are kept, but not its filters and invalidations.
        if outcome["status"] == "error":
            raise handler_error(cast("dict[str, JSON]", outcome["error"]))
        if outcome["status"] == "unauthorized":
            raise not_authorized(inputs.call.field_name, inputs.call.parent_type)
        _record(caused, effects)
        return outcome


def _record(caused: Outcome, effects: Effects) -> None:
    effects.filter = caused.get("filter", effects.filter)
    effects.invalidation_filter = caused.get("invalidationFilter", effects.invalidation_filter)
    for invalidation in cast("list[dict[str, JSON]]", caused["invalidations"]):
        field = cast("str", invalidation["subscriptionField"])
        payload = cast("dict[str, JSON]", invalidation["payload"])
        effects.invalidations.append(Invalidation(field, payload))


def handler_error(error: Mapping[str, JSON]) -> FieldError:
    """Return the error that the arguments of `util.error` or `util.appendError` describe."""
    error_type = error.get("type")
    # Arguments that have no form in JSON, such as functions, are absent.
    return FieldError(
        str(error["message"]),
        None if error_type is None else str(error_type),
        error.get("data"),
        error.get("info"),
    )


def _runtime_error(error: ScriptError) -> FieldError:
    """Return the error of a handler that failed: `publish.js:6:14: ReferenceError: x is not defined`.

    The form follows a response pasted in aws-appsync-community#328, where every file is called `code.js`; for
    a result that is too large it follows that of mapping templates, since AWS documents none.
    """
    if isinstance(error, ResultTooLarge):
        return FieldError(error.message, "MappingTemplate")
    return FieldError(str(error), "Code")


_EMULATED_OPERATIONS: Final = ("PutItem", "Query")
_OPERATIONS: Final = (
    *_EMULATED_OPERATIONS, "BatchDeleteItem", "BatchGetItem", "BatchPutItem", "DeleteItem", "GetItem", "Scan",
    "Sync", "TransactGetItems", "TransactWriteItems", "UpdateItem",
)  # fmt: skip
"""The operations of AppSync's DynamoDB data source."""


@lru_cache(maxsize=16)  # all regions have the same resolvers
def check_operations(code: str, file: str) -> None:
    """Refuse a file that requests an operation on a table that is not emulated.

    An operation with a computed name is refused at run time.

    Raises:
        ScriptError: names the operation and its place.
    """
    for returned in parse(Source(code, file)).body.walk():
        for request in returned.parts if returned.kind == "return" else ():
            for part in request.parts if request.kind == "object" else ():
                value = part.parts[-1] if part.text == "operation" and part.parts else None
                name = value.text.strip("'\"`") if value is not None else ""
                if name in _OPERATIONS and name not in _EMULATED_OPERATIONS:
                    message = f"not emulated: the operation {name} of a DynamoDB data source"
                    raise ScriptError(message, file=file, line=part.line, column=part.column, is_gap=True)


def none_result(request: JSON) -> JSON:
    """Return the result of a NONE data source: the payload.

    Raises:
        FieldError: the request is not an object with a payload.
    """
    if request is None:
        return None
    return _object(request, "$", _NONE_KEYS).get("payload")


def put_events_entries(request: JSON) -> list[PutEventsEntry]:
    """Parse a request to an EventBridge data source.

    Raises:
        FieldError: the request does not have the documented shape.
    """
    request = _object(request, "$", _EVENTBRIDGE_KEYS)
    operation = _required(request, "operation", "$")
    # The guide documents no other operation.
    if operation != "PutEvents":
        raise _malformed(f"Unsupported operation '{operation}'. The only operation is 'PutEvents'.")
    events = _required(request, "events", "$")
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_ENTRIES:
        raise _malformed(f"Value for field '$[events]' is not a list of 1 to {MAX_ENTRIES} events.")
    return [_entry(event, f"$[events][{index}]") for index, event in enumerate(events)]


def put_events_result(results: list[EntryResult]) -> JSON:
    """Return `ctx.result` for the results of a PutEvents call."""
    entries: list[JSON] = [
        {"EventId": result.event_id}
        if result.error_code is None
        else {"ErrorCode": result.error_code, "ErrorMessage": result.error_message}
        for result in results
    ]
    failed = sum(result.error_code is not None for result in results)
    return {"Entries": entries, "FailedEntryCount": failed}


def _entry(event: JSON, path: str) -> PutEventsEntry:
    event = _object(event, path, _EVENT_KEYS)
    resources = event.get("resources") or []
    if not isinstance(resources, list):
        raise _malformed(f"Value for field '{path}[resources]' is not a list of strings.")
    detail = _required(event, "detail", path)
    if not isinstance(detail, dict):
        raise _malformed(f"Value for field '{path}[detail]' is not an object.")
    time = event.get("time")
    return PutEventsEntry(
        source=_string(_required(event, "source", path), f"{path}[source]"),
        detail_type=_string(_required(event, "detailType", path), f"{path}[detailType]"),
        detail=_well_formed(json_text.write(detail)),
        resources=tuple(_string(item, f"{path}[resources][{i}]") for i, item in enumerate(resources)),
        time=None if time is None else _string(time, f"{path}[time]"),
    )


def _well_formed(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # By way of UTF-16, which also joins two halves that belong together.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _object(value: JSON, path: str, allowed: frozenset[str]) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise _malformed(f"Value for field '{path}' is not an object.")
    for key in value:
        if key not in allowed:
            raise _malformed(f"Unsupported element '{path}[{key}]'.")
    return value


def _required(value: dict[str, JSON], key: str, path: str) -> JSON:
    if value.get(key) is None:
        raise _malformed(f"Value for field '{path}[{key}]' not found.")
    return value[key]


def _string(value: JSON, path: str) -> str:
    if not isinstance(value, str):
        raise _malformed(f"Value for field '{path}' is not a string.")
    return value


def _malformed(message: str) -> FieldError:
    return FieldError(message, "MappingTemplate")
