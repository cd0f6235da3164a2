"""What reaches the targets of a rule, and in which form."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.deliveries import DeliverySettings
from globalchat.localcloud.events.event_bridge import RedriveResult
from globalchat.localcloud.interfaces import AppSyncErrors, Invocation, PutEventsEntry
from globalchat.localcloud.provisioning.assembly import read
from globalchat.localcloud.provisioning.provisioner import provision
from tests.localcloud.helpers.eventbridge_fakes import Call, FakeInterceptor
from tests.localcloud.helpers.eventbridge_harness import World
from tests.localcloud.helpers.small_backend import OREGON, SYDNEY, URLS, Backend, properties, target


async def test_a_message_reaches_the_apis_of_both_regions_as_the_rules_role() -> None:
    world = World()
    (result,) = await world.deliver({"id": "1", "name": "tech"})
    assert result.event_id
    assert result.error_code is None
    assert world.appsync.received(OREGON) == [{"id": "1", "name": "tech"}]
    assert world.appsync.received(SYDNEY) == [{"id": "1", "name": "tech"}]
    broadcast = world.deployment.regions[0].rules[0].targets[0]
    call = world.appsync.calls[0]
    assert (call.role_arn, call.operation) == (broadcast.role_arn, broadcast.graphql_operation)
    assert world.dead_letters("") == []
    delivered = {"MatchedEvents": 1, "Invocations": 1, "SuccessfulInvocationAttempts": 1}
    assert world.count("Broadcast") == delivered
    assert world.count("Relay") == delivered
    assert world.count("Broadcast", SYDNEY) == delivered
    assert world.count("Relay", SYDNEY) == {}


async def test_order_is_kept_while_nothing_fails() -> None:
    world = World()
    numbers: list[JSON] = [{"id": str(number)} for number in range(100)]
    async with world.bridge:
        for start in range(0, 100, 10):
            await world.put(*numbers[start : start + 10])
        await world.bridge.settled()
    assert world.appsync.received(OREGON) == numbers
    assert world.appsync.received(SYDNEY) == numbers


def whole_event(backend: Backend) -> Backend:
    """Let both broadcasts send the whole event."""
    for template in (backend.oregon_api, backend.sydney_api):
        del target(template, "Broadcast")["InputPath"]
    return backend


async def test_the_envelope_crosses_with_a_new_id_and_its_origin() -> None:
    world = World(whole_event(Backend()).provision())
    (result,) = await world.deliver({"id": "1"})
    ((home,), (away,)) = world.appsync.received(OREGON), world.appsync.received(SYDNEY)
    assert isinstance(home, dict)
    assert isinstance(away, dict)
    assert home["id"] == result.event_id
    assert away["id"] != home["id"]
    assert {**away, "id": 0} == {**home, "id": 0}
    assert (away["region"], away["account"]) == (OREGON, "000000000000")


async def test_a_constant_input_is_sent_instead_of_the_event() -> None:
    backend = Backend()
    broadcast = target(backend.oregon_api, "Broadcast")
    del broadcast["InputPath"]
    broadcast["Input"] = '{"id": "constant"}'
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    assert world.appsync.received(OREGON) == [{"id": "constant"}]


async def test_a_transformer_fills_its_template_or_dead_letters_the_event() -> None:
    backend = Backend()
    broadcast = target(backend.oregon_api, "Broadcast")
    del broadcast["InputPath"]
    broadcast["InputTransformer"] = {
        "InputPathsMap": {"id": "$.detail.id"},
        "InputTemplate": '{"id": <id>, "rule": <aws.events.rule-arn>}',
    }
    deployment = backend.provision()
    world = World(deployment)
    await world.deliver({"id": "1"}, {"id": 'a "quoted" one'})
    assert world.appsync.received(OREGON) == [{"id": "1", "rule": deployment.regions[0].rules[0].arn}]
    ((body, attributes),) = world.dead_letters("oregon-api")
    assert body["detail"] == {"id": 'a "quoted" one'}
    assert (attributes["ERROR_CODE"], "RETRY_ATTEMPTS" in attributes) == ("INVALID_JSON", False)
    assert world.count("Broadcast")["FailedInvocations"] == 1


@pytest.mark.parametrize("handling", ["ignored", "dead-lettered"])
async def test_graphql_errors_are_counted_and_then_handled_as_set(handling: AppSyncErrors) -> None:
    world = World(settings=DeliverySettings(appsync_errors=handling))
    world.appsync.answer = lambda _: Invocation({"data": None, "errors": [{"message": "no such field"}]})
    await world.deliver({"id": "1"})
    assert world.count("Broadcast")["GraphQLErrors"] == 1
    letters = world.dead_letters("oregon-api")
    if handling == "ignored":
        assert letters == []
    else:
        ((_, attributes),) = letters
        assert (attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == (
            "ERROR_FROM_TARGET",
            "no such field",
        )


@pytest.mark.parametrize("copies", [(), (0.0, 0.0), (0.0, 3.0)])
async def test_an_interceptor_loses_copies_and_delays(copies: Sequence[float]) -> None:
    world = World(interceptor=FakeInterceptor(delays=copies))
    await world.deliver({"id": "1"})
    assert len(world.appsync.received(SYDNEY)) == len(copies)
    assert len(world.appsync.received(OREGON)) == 1
    assert world.time.naps == [delay for delay in copies if delay > 0]


async def test_a_disabled_rule_does_nothing() -> None:
    backend = Backend()
    properties(backend.oregon_api, "Broadcast")["State"] = "DISABLED"
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    assert world.appsync.received(OREGON) == []
    assert world.count("Broadcast") == {}


async def test_it_ends_with_deliveries_under_way() -> None:
    world = World()
    world.appsync.gate = asyncio.Event()
    async with world.bridge:
        await world.put({"id": "1"})
        await asyncio.sleep(0)
    assert world.appsync.calls == []


async def test_a_bug_in_a_target_surfaces() -> None:
    world = World()

    def fail(call: Call) -> Invocation:
        raise LookupError("a bug")

    world.appsync.answer = fail

    async def deliver() -> None:
        async with world.bridge:
            await world.put({"id": "1"})
            await world.bridge.settled()

    with pytest.raises(ExceptionGroup) as caught:
        await deliver()
    assert caught.value.subgroup(LookupError)


async def test_the_checked_in_templates_carry_a_message_to_both_regions() -> None:
    deployment = provision(read(), urls=URLS)
    world = World(deployment)
    detail: JSON = {
        "id": "1",
        "name": "tech",
        "message": 'a "quoted" \\ \U0001f600',
        "region": OREGON,
        "sentAt": "x",
    }
    region = deployment.regions[0]
    async with world.bridge:
        await world.bridge.put_events(
            bus_arn=region.buses[0].arn,
            entries=[PutEventsEntry("globalchat", "message published", json.dumps(detail))],
            role_arn=region.apis[0].data_sources["bus"].role_arn or "",
        )
        await world.bridge.settled()
    assert world.appsync.received(OREGON) == [detail]
    assert world.appsync.received(SYDNEY) == [detail]
    assert world.dead_letters("") == []


async def test_a_queue_as_a_target_gets_the_whole_event_without_attributes() -> None:
    backend = Backend()
    rule = properties(backend.oregon_api, "Broadcast")
    rule["Targets"] = [{"Id": "Queue", "Arn": rule["Targets"][0]["DeadLetterConfig"]["Arn"]}]
    world = World(backend.provision())
    async with world.bridge:
        (result,) = await world.put({"id": "1"})
        await world.bridge.settled()
        # It is no dead letter: there is nothing to deliver once more.
        assert await world.bridge.redrive() == RedriveResult(0, 0)
    ((body, attributes),) = world.dead_letters("oregon-api")
    assert (body["id"], body["detail"], attributes) == (result.event_id, {"id": "1"}, {})
    assert world.count("Broadcast") == {
        "MatchedEvents": 1,
        "Invocations": 1,
        "SuccessfulInvocationAttempts": 1,
    }
    assert world.appsync.received(OREGON) == []


async def test_a_queue_whose_policy_does_not_admit_the_rule_takes_nothing() -> None:
    backend = Backend()
    rule = properties(backend.oregon_api, "Broadcast")
    rule["Targets"] = [{"Id": "Queue", "Arn": rule["Targets"][0]["DeadLetterConfig"]["Arn"]}]
    del backend.oregon_api["Resources"]["LettersPolicy"]
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    assert world.dead_letters("oregon-api") == []
    assert world.count("Broadcast") == {
        "MatchedEvents": 1,
        "Invocations": 1,
        "FailedInvocations": 1,
        "Dropped": 1,
    }
