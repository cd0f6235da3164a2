"""What policies allow around a bus: to put events on it, to act as a target's role, to fill a queue.

Roles and policies never change while the local cloud runs, so each question is asked once.
"""

from collections.abc import Mapping
from typing import Final

from globalchat.localcloud.definition import Deployment, Queue, Role
from globalchat.localcloud.events.courier import Failure, Route
from globalchat.localcloud.iam import allows_service, evaluate, may_assume

SERVICE: Final = "events.amazonaws.com"

_APPSYNC: Final = "appsync.amazonaws.com"
_PUT_EVENTS: Final = "events:PutEvents"


def may_put(deployment: Deployment, role_arn: str, bus_arn: str) -> bool:
    """Whether an API with a data source of this role may assume it, and the role may put events on the bus.

    `aws:SourceArn` is the API's ARN (AppSync developer guide, attaching a data source, IAM trust policy).
    """
    role = deployment.roles.get(role_arn)
    if role is None or not evaluate(role.statements, action=_PUT_EVENTS, resource=bus_arn):
        return False
    return any(
        may_assume(role, _APPSYNC, {"aws:SourceArn": api.arn, "aws:SourceAccount": api.account})
        for region in deployment.regions
        for api in region.apis
        for source in api.data_sources.values()
        if source.role_arn == role_arn
    )


def not_assumable(route: Route, roles: Mapping[str, Role], code: str) -> Failure | None:
    """The failure of a role that does not trust EventBridge; AWS does not document its code by target."""
    role = roles.get(route.target.role_arn or "")
    if role is not None and may_assume(role, SERVICE, _on_behalf_of(route.rule.arn)):
        return None
    return Failure(code, f"{SERVICE} may not assume the role {route.target.role_arn}.")


def not_permitted(route: Route, roles: Mapping[str, Role]) -> Failure | None:
    """The failure of a role, which EventBridge may assume, that may not put events on the target's bus."""
    role = roles[route.target.role_arn or ""]
    if evaluate(role.statements, action=_PUT_EVENTS, resource=route.target.arn):
        return None
    return Failure(
        "NO_PERMISSIONS", f"The role {role.arn} is not allowed to do {_PUT_EVENTS} on {route.target.arn}."
    )


def admits(queue: Queue, rule_arn: str) -> bool:
    """Whether a dead-letter queue's policy lets EventBridge send on behalf of a rule."""
    return allows_service(
        queue.statements,
        service=SERVICE,
        action="sqs:SendMessage",
        resource=queue.arn,
        context={**_on_behalf_of(rule_arn), "aws:SecureTransport": "true"},
    )


def _on_behalf_of(rule_arn: str) -> dict[str, str]:
    return {"aws:SourceArn": rule_arn, "aws:SourceAccount": rule_arn.split(":")[4]}
