"""Who may put events on a bus or deliver them, and which entries are taken."""

import pytest

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.interfaces import PutEventsEntry, PutEventsError
from tests.localcloud.helpers.eventbridge_harness import World
from tests.localcloud.helpers.small_backend import OREGON, SYDNEY, Backend, properties


async def test_a_relay_without_permission_is_dead_lettered() -> None:
    backend = Backend()
    document = properties(backend.oregon_relay, "RelayPolicy")["PolicyDocument"]
    document["Statement"][0]["Action"] = "events:DescribeRule"
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    ((_, attributes),) = world.dead_letters("oregon-relay")
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert "events:PutEvents" in attributes["ERROR_MESSAGE"]
    assert "RETRY_ATTEMPTS" not in attributes
    assert world.appsync.received(SYDNEY) == []


@pytest.mark.parametrize(
    ("template", "role", "queue", "code"),
    [
        ("oregon_relay", "RelayRole", "oregon-relay", "NO_PERMISSIONS"),
        ("oregon_api", "BroadcastRole", "oregon-api", "FAILED_TO_ASSUME_ROLE"),
    ],
)
async def test_a_role_that_does_not_trust_eventbridge_delivers_nothing(
    template: str, role: str, queue: str, code: str
) -> None:
    backend = Backend()
    trust = properties(getattr(backend, template), role)["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Principal"] = {"Service": "lambda.amazonaws.com"}
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    ((_, attributes),) = world.dead_letters(queue)
    assert attributes["ERROR_CODE"] == code


async def test_a_role_without_the_permission_may_not_put() -> None:
    world = World()
    oregon, sydney = world.deployment.regions
    role = oregon.apis[0].data_sources["bus"].role_arn or ""
    entries = [PutEventsEntry("chat", "message", "{}")]
    backend = Backend()
    trust = properties(backend.oregon_api, "PublishRole")["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Principal"] = {"Service": "lambda.amazonaws.com"}
    with pytest.raises(PutEventsError, match="not authorized"):
        await World(backend.provision()).put({"id": "1"})
    for bus_arn, role_arn in (
        (sydney.buses[0].arn, role),
        (oregon.buses[0].arn, "arn:aws:iam::000000000000:role/gone"),
        (oregon.buses[0].arn, oregon.rules[0].targets[0].role_arn or ""),
    ):
        with pytest.raises(PutEventsError, match="not authorized to perform: events:PutEvents") as caught:
            await world.bridge.put_events(bus_arn=bus_arn, entries=entries, role_arn=role_arn)
        assert caught.value.code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"ArnLike": {"aws:SourceArn": "arn:aws:appsync:us-west-2:*:apis/*"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "000000000000"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:appsync:ap-southeast-2:*:apis/*"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, False),
    ],
)
async def test_a_data_sources_role_sees_which_api_asks(condition: JSON, *, allowed: bool) -> None:
    backend = Backend()
    trust = properties(backend.oregon_api, "PublishRole")["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Condition"] = condition
    world = World(backend.provision())
    if allowed:
        assert (await world.put({"id": "1"}))[0].event_id
    else:
        with pytest.raises(PutEventsError, match="not authorized"):
            await world.put({"id": "1"})


@pytest.mark.parametrize(
    ("condition", "delivered"),
    [
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:us-west-2:*:rule/chat-bus/*"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, False),
    ],
)
async def test_a_targets_role_sees_which_rule_asks(condition: JSON, *, delivered: bool) -> None:
    backend = Backend()
    trust = properties(backend.oregon_relay, "RelayRole")["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Condition"] = condition
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    assert bool(world.appsync.received(SYDNEY)) is delivered


async def test_a_bus_that_does_not_exist_takes_everything() -> None:
    backend = Backend()
    document = properties(backend.oregon_api, "PublishPolicy")["PolicyDocument"]
    document["Statement"][0]["Resource"] = "*"
    world = World(backend.provision())
    (result,) = await world.bridge.put_events(
        bus_arn="arn:aws:events:us-west-2:000000000000:event-bus/gone",
        entries=[PutEventsEntry("chat", "message", "{}")],
        role_arn=world.deployment.regions[0].apis[0].data_sources["bus"].role_arn or "",
    )
    assert result.event_id


async def test_entries_are_judged_one_by_one() -> None:
    world = World()
    async with world.bridge:
        good, bad, unmatched = await world.put({"id": "1"}, [], {"id": "2"})
        await world.put({"id": "3"}, source="other")
        await world.bridge.settled()
    assert good.event_id
    assert bad.error_code == "MalformedDetail"
    assert unmatched.event_id
    assert world.appsync.received(OREGON) == [{"id": "1"}, {"id": "2"}]
