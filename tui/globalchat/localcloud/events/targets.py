"""The targets of rules: an AppSync API, another bus or a queue. Each returns None or a Failure.

Roles and policies never change while the local cloud runs, so each permission is evaluated once.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from globalchat.core.clock import EpochClock
from globalchat.localcloud.definition import JSON, Role, Rule, RuleTarget
from globalchat.localcloud.events.deliveries import (
    SERVICE,
    DeadLetterQueues,
    Failure,
    Route,
    RuleCounters,
    on_behalf_of,
)
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.records import DeadLetter
from globalchat.localcloud.events.target_input import InputPath, NotDelivered, Transformer
from globalchat.localcloud.iam import evaluate, may_assume
from globalchat.localcloud.interfaces import AppSyncErrors, GraphQLTarget, InvocationRefused

_PUT_EVENTS: Final = "events:PutEvents"


def not_assumable(route: Route, roles: Mapping[str, Role], code: str) -> Failure | None:
    """Return the failure if a role does not trust EventBridge, or None.

    AWS does not document the code for each target.
    """
    role = roles.get(route.target.role_arn or "")
    if role is not None and may_assume(role, SERVICE, on_behalf_of(route.rule.arn)):
        return None
    return Failure(code, f"{SERVICE} may not assume the role {route.target.role_arn}.")


def not_permitted(route: Route, roles: Mapping[str, Role]) -> Failure | None:
    """Return the failure if a role that EventBridge may assume may not put events, or None."""
    role = roles[route.target.role_arn or ""]
    if evaluate(role.statements, action=_PUT_EVENTS, resource=route.target.arn):
        return None
    return Failure(
        "NO_PERMISSIONS", f"The role {role.arn} is not allowed to do {_PUT_EVENTS} on {route.target.arn}."
    )


Forward: TypeAlias = Callable[[str, dict[str, JSON]], Failure | None]
"""Puts an event's document on a bus (by ARN); returns a Failure if that bus cannot accept it now."""


class AppSyncTarget:
    """Calls a mutation with the event, or a part of it, as variables."""

    def __init__(
        self,
        route: Route,
        roles: Mapping[str, Role],
        graphql: GraphQLTarget,
        counters: RuleCounters,
        errors: AppSyncErrors,
    ) -> None:
        target = route.target
        self._endpoint = target.arn
        self._operation = target.graphql_operation or ""
        self._role = target.role_arn or ""
        self._variables = variables(route.rule, target)
        self._refusal = not_assumable(route, roles, "FAILED_TO_ASSUME_ROLE")
        self._graphql = graphql
        self._counters = counters
        self._errors = errors

    async def deliver(self, event: Event) -> Failure | None:
        """Run the mutation as the target's role."""
        if self._refusal is not None:
            return self._refusal
        try:
            values = self._variables(event)
        except NotDelivered as problem:
            return Failure("INVALID_JSON", str(problem))
        if not isinstance(values, dict):
            return Failure("INVALID_JSON", "The input of the target is not a JSON object of variables.")
        try:
            invocation = await self._graphql.invoke(
                endpoint_arn=self._endpoint,
                operation=self._operation,
                variables=values,
                role_arn=self._role,
            )
        except InvocationRefused as refused:
            return Failure(refused.code, refused.message, refused.retryable)
        if not invocation.errors:
            return None
        self._counters.graphql_errors += 1
        if self._errors == "ignored":
            return None
        return Failure("ERROR_FROM_TARGET", _message(invocation.errors))


class BusTarget:
    """Forwards an event to another bus, but only once.

    An event that came from a bus target goes to no further bus target.
    """

    def __init__(
        self, route: Route, roles: Mapping[str, Role], forward: Forward, new_id: Callable[[], str]
    ) -> None:
        self._bus_arn = route.target.arn
        self._crosses = route.from_region != route.to_region
        self._refusal = not_assumable(route, roles, "NO_PERMISSIONS") or not_permitted(route, roles)
        self._forward = forward
        self._new_id = new_id

    async def deliver(self, event: Event) -> Failure | None:
        """Put the event on the bus; in another region under a new id, else unchanged.

        Others have measured this on AWS. Whether the time changes, too, is not documented; here it does not.
        """
        if event.forwarded:
            code = "THIRD_REGION_HOP_DETECTED" if self._crosses else "THIRD_ACCOUNT_HOP_DETECTED"
            return Failure(code, _hop_message(event))
        if self._refusal is not None:
            return self._refusal
        # The document is shared with other targets: a new id needs a copy.
        document = {**event.document, "id": self._new_id()} if self._crosses else event.document
        return self._forward(self._bus_arn, document)


class QueueTarget:
    """Sends an event to a queue as a message without attributes, which only dead letters have."""

    def __init__(self, route: Route, dead_letters: DeadLetterQueues, clock: EpochClock) -> None:
        self._queue_arn = route.target.arn
        self._target_id = route.target.id
        self._refusal: Failure | None = None
        if not dead_letters.admits(self._queue_arn, route.rule.arn):
            message = f"The policy of {self._queue_arn} does not let {SERVICE} send for {route.rule.arn}."
            self._refusal = Failure("NO_PERMISSIONS", message)
        self._dead_letters = dead_letters
        self._clock = clock

    async def deliver(self, event: Event) -> Failure | None:
        """Put the event into the queue."""
        if self._refusal is not None:
            return self._refusal
        self._dead_letters.add(self._queue_arn, DeadLetter(event, {}, self._clock(), self._target_id))
        return None


def variables(rule: Rule, target: RuleTarget) -> Callable[[Event], JSON]:
    """Compile the input of a target: a constant, a part of the event, a filled template, or all of it.

    The returned function raises NotDelivered for an event that does not fit the template.
    """
    if target.input is not None:
        value: JSON = json.loads(target.input)
        return lambda _: value
    if target.input_path is not None:
        part = InputPath.parse(target.input_path)
        return lambda event: part.of(event.document)
    if target.transformer is not None:
        return Transformer(target.transformer, rule_arn=rule.arn, rule_name=rule.name).transform
    return lambda event: event.document


def _hop_message(event: Event) -> str:
    return (
        f"Event ingestion rejected for event {event.id} because an event can be sent to an event bus target "
        "only once. This event was previously delivered to an event bus target."
    )


def _message(errors: JSON) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    message = first.get("message") if isinstance(first, dict) else None
    return str(message) if message else "The GraphQL API answered with errors."
