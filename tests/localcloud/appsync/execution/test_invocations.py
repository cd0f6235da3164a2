"""The mutations that EventBridge's rules call."""

import re
from dataclasses import replace

import pytest

from globalchat.localcloud.appsync.execution.executor import AppSync
from globalchat.localcloud.appsync.model import Publication
from globalchat.localcloud.definition import JSON, Role, Statement
from globalchat.localcloud.interfaces import InvocationRefused
from tests.localcloud.helpers.api_harness import (
    API_ARN,
    ENDPOINT_ARN,
    FROM_BUS,
    MESSAGE,
    Harness,
    deployed_api,
    small_api,
)
from tests.localcloud.helpers.resolver_code import returning

ROLE = "arn:aws:iam::000000000000:role/globalchat.oregon.broadcast"
FIELD = f"{API_ARN}/types/Mutation/fields/publishFromBus"


def service(harness: Harness, *statements: Statement) -> AppSync:
    given = statements or (Statement("Allow", ("appsync:GraphQL",), (FIELD,)),)
    return AppSync([harness.executor], {ROLE: Role(ROLE, (), given)})


async def invoke(appsync: AppSync, variables: dict[str, JSON] | None = None, /, **changes: str) -> JSON:
    call = {"endpoint_arn": ENDPOINT_ARN, "operation": FROM_BUS, "role_arn": ROLE, **changes}
    invocation = await appsync.invoke(variables=MESSAGE if variables is None else variables, **call)
    return dict(invocation.response)


async def refusal(appsync: AppSync, **changes: str) -> tuple[str, str]:
    with pytest.raises(InvocationRefused) as raised:
        await invoke(appsync, **changes)
    return raised.value.code, raised.value.message


async def test_the_broadcast_rule_reaches_subscribers() -> None:
    harness = Harness()
    assert await invoke(service(harness)) == {"data": {"publishFromBus": MESSAGE}}
    assert harness.subscribers.published == [Publication("publishFromBus", MESSAGE)]


async def test_undeclared_variables_are_ignored() -> None:
    assert "errors" not in await invoke(service(Harness()), {**MESSAGE, "more": 1})  # type: ignore[operator]


async def test_errors_are_part_of_the_answer() -> None:
    harness = Harness()
    invocation = await service(harness).invoke(
        endpoint_arn=ENDPOINT_ARN, operation=FROM_BUS, variables={"name": "x"}, role_arn=ROLE
    )
    assert invocation.errors
    assert harness.subscribers.published == []
    broken = await service(harness).invoke(
        endpoint_arn=ENDPOINT_ARN, operation="{", variables={}, role_arn=ROLE
    )
    assert broken.errors


async def test_an_unknown_endpoint() -> None:
    code, message = await refusal(service(Harness()), endpoint_arn="arn:nowhere")
    assert code == "NO_RESOURCE"
    assert "arn:nowhere" in message


@pytest.mark.parametrize(
    "statement",
    [
        Statement("Allow", ("appsync:GraphQL",), (f"{API_ARN}/types/Mutation/fields/publish",)),
        Statement("Allow", ("appsync:graphql:x",), (FIELD,)),
        Statement("Deny", ("*",), ("*",)),
    ],
)
async def test_a_role_that_may_not_call_the_field(statement: Statement) -> None:
    harness = Harness()
    code, message = await refusal(service(harness, statement))
    assert code == "NO_PERMISSIONS"
    assert "Mutation.publishFromBus" in message
    assert harness.subscribers.published == []


async def test_one_field_that_the_role_may_not_call_stops_the_others() -> None:
    harness = Harness()
    operation = FROM_BUS.replace("publishFromBus(", "unsubscribe(name: $name) { name } publishFromBus(")
    code, message = await refusal(service(harness), operation=operation)
    assert code == "NO_PERMISSIONS"
    assert message.startswith("arn:aws:sts::000000000000:assumed-role/globalchat.oregon.broadcast/")
    assert message.endswith(" may not call Mutation.unsubscribe.")
    assert harness.subscribers.published == []
    skipped = operation.replace("(name: $name)", "(name: $name) @skip(if: true)", 1)
    assert await invoke(service(harness), operation=skipped) == {"data": {"publishFromBus": MESSAGE}}


async def test_an_unknown_role() -> None:
    assert (await refusal(service(Harness()), role_arn="arn:other"))[0] == "NO_PERMISSIONS"


async def test_an_api_without_iam() -> None:
    harness = Harness(replace(deployed_api(), modes=("API_KEY",)))
    assert (await refusal(service(harness)))[0] == "NO_PERMISSIONS"


async def test_a_role_calls_as_the_session_that_assumed_it() -> None:
    code = returning("{ id: ctx.identity.username, name: ctx.identity.userArn }")
    api = small_api(
        "type Query { me: Me @aws_iam } type Me @aws_iam { id: ID name: String }", {"Query.me": code}
    )
    appsync = AppSync([Harness(api).executor], {ROLE: Role(ROLE, (), (Statement("Allow", ("*",), ("*",)),))})
    invocation = await appsync.invoke(
        endpoint_arn=api.endpoint_arn, operation="{ me { id name } }", variables={}, role_arn=ROLE
    )
    data = invocation.response["data"]
    assert isinstance(data, dict)
    assert isinstance(data["me"], dict)
    assert re.fullmatch(
        r"arn:aws:sts::000000000000:assumed-role/globalchat\.oregon\.broadcast/[0-9a-f]{32}",
        str(data["me"]["name"]),
    )
    assert re.fullmatch(r"AROA[A-Z2-7]{17}:[0-9a-f]{32}", str(data["me"]["id"]))
