"""Resolves a field with its APPSYNC_JS file: request handler, data source, response handler."""

from collections.abc import Coroutine, Mapping
from typing import cast

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync.execution import data_sources
from globalchat.localcloud.appsync.execution.context import Effects, Entropy, Evaluations, FieldCall
from globalchat.localcloud.appsync.graphql_errors import FieldError, not_authorized
from globalchat.localcloud.appsync.javascript.engine import Handler, Script, write
from globalchat.localcloud.appsync.javascript.errors import ResultTooLarge, ScriptError
from globalchat.localcloud.appsync.model import Invalidation
from globalchat.localcloud.definition import JSON, DataSource, Resolver
from globalchat.localcloud.interfaces import EventSink, PutEventsError
from globalchat.localcloud.problems import Unsupported

Outcome = Mapping[str, JSON]


class FieldResolver:
    """A unit resolver, loaded.

    Args:
        resolver: the file and the field that it resolves.
        source: the data source between the two handlers.
        environment: the API's environment variables (`ctx.env`).
        events: where an EventBridge data source puts events.
        clock: the time that `util.time` tells.
        entropy: what `util.autoId` and the like are made of.

    Raises:
        Unsupported: the file breaks a rule of APPSYNC_JS, or the data source lacks its bus or role.
    """

    def __init__(
        self,
        resolver: Resolver,
        source: DataSource,
        *,
        environment: Mapping[str, str],
        events: EventSink,
        clock: EpochClock,
        entropy: Entropy,
    ) -> None:
        try:
            self._script = Script(resolver.code, resolver.file)
        except ScriptError as error:
            raise Unsupported(str(error)) from None
        if source.type == "AMAZON_EVENTBRIDGE" and (source.bus_arn is None or source.role_arn is None):
            raise Unsupported(f"the data source {source.name} has no bus or no role")
        self._source = source
        self._environment = write(environment, resolver.file)
        self._events = events
        self._clock = clock
        self._entropy = entropy
        # Costly to make, and lazy on AWS: only a file that names it gets it.
        self._with_selection = "selectionSet" in resolver.code

    def resolve(self, call: FieldCall, effects: Effects) -> "JSON | Coroutine[None, None, JSON]":
        """Resolve the field; a coroutine if the data source is asynchronous.

        Raises:
            FieldError: a handler stopped with an error or failed, or its request is malformed.
        """
        inputs = Evaluations(
            call,
            environment=self._environment,
            with_selection=self._with_selection,
            file=self._script.file,
        )
        outcome = self._evaluate("request", inputs, effects, {}, {})
        if outcome["status"] == "return":
            return outcome.get("value")
        request, stash = outcome.get("value"), outcome.get("stash")
        if self._source.type == "NONE":
            result = data_sources.none_result(request)
            return self._evaluate("response", inputs, effects, {"result": result}, stash).get("value")
        return self._put_events(request, stash, inputs, effects)

    async def _put_events(self, request: JSON, stash: JSON, inputs: Evaluations, effects: Effects) -> JSON:
        entries = data_sources.put_events_entries(request)
        try:
            results = await self._events.put_events(
                bus_arn=cast("str", self._source.bus_arn),
                entries=entries,
                role_arn=cast("str", self._source.role_arn),
            )
        except PutEventsError as error:
            outcome: Outcome = {"result": None, "error": {"message": error.message, "type": error.code}}
        else:
            outcome = {"result": data_sources.put_events_result(results)}
        return self._evaluate("response", inputs, effects, outcome, stash).get("value")

    def _evaluate(
        self, handler: Handler, inputs: Evaluations, effects: Effects, before: Outcome, stash: JSON
    ) -> Outcome:
        try:
            text = inputs.text(self._clock(), self._entropy(16), stash, before)
            outcome = self._script.call(handler, text)
        except ScriptError as error:
            raise _runtime_error(error) from None
        caused = cast("Outcome", outcome["effects"])
        effects.errors += cast("list[JSON]", caused["errors"])
        if outcome["status"] == "error":
            raise raised(cast("dict[str, JSON]", outcome["error"]))
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


def raised(error: Mapping[str, JSON]) -> FieldError:
    """Read what `util.error` or `util.appendError` was given."""
    error_type = error.get("type")
    # What JSON cannot carry, such as a function, is absent.
    return FieldError(
        str(error["message"]),
        None if error_type is None else str(error_type),
        error.get("data"),
        error.get("info"),
    )


def _runtime_error(error: ScriptError) -> FieldError:
    """Report a handler that failed: `publish.js:6:14: ReferenceError: x is not defined`.

    The form follows a response pasted in aws-appsync-community#328, where every file is called `code.js`; for
    a result that is too large it follows the one of mapping templates, since AWS documents none.
    """
    if isinstance(error, ResultTooLarge):
        return FieldError(error.message, "MappingTemplate")
    return FieldError(str(error), "Code")
