"""AppSync as EventBridge sees it: the target of rules."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from globalchat.localcloud.appsync.execution.executor import GraphQLExecutor
from globalchat.localcloud.appsync.model import Caller, GraphQLRequest
from globalchat.localcloud.definition import JSON, Role
from globalchat.localcloud.interfaces import Invocation, InvocationRefused
from globalchat.localcloud.principals import session

SOURCE_IP: Final = "events.amazonaws.com"


class AppSync:
    """All APIs of a deployment; implements `GraphQLTarget`.

    Args:
        executors: one per API.
        roles: the deployment's roles by ARN, among them those of rule targets.
    """

    def __init__(self, executors: Iterable[GraphQLExecutor], roles: Mapping[str, Role]) -> None:
        self._executors = {executor.api.endpoint_arn: executor for executor in executors}
        self._roles = roles

    async def invoke(
        self, *, endpoint_arn: str, operation: str, variables: Mapping[str, JSON], role_arn: str
    ) -> Invocation:
        """Run a mutation as a role (mode AWS_IAM); the response may still hold errors.

        Raises:
            InvocationRefused: no such endpoint, or the role may not call the operation's fields.
        """
        executor = self._executors.get(endpoint_arn)
        if executor is None:
            raise InvocationRefused("NO_RESOURCE", f"There is no GraphQL API at {endpoint_arn}.")
        role = self._roles.get(role_arn)
        if role is None:
            raise InvocationRefused("NO_PERMISSIONS", f"There is no role {role_arn}.")
        if "AWS_IAM" not in executor.api.modes:
            raise InvocationRefused(
                "NO_PERMISSIONS", f"The API {executor.api.name} does not accept IAM callers."
            )
        request = GraphQLRequest(operation, variables)
        caller = Caller("AWS_IAM", session(role, _session_name(role_arn)), SOURCE_IP)
        return Invocation(await executor.invoke(request, caller))


def _session_name(role_arn: str) -> str:
    """Name the session in which EventBridge acts; what AWS takes for it is not documented."""
    return hashlib.sha256(role_arn.encode()).hexdigest()[:32]
