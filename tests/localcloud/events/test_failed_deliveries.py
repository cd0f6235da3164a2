"""What happens to a delivery that fails: dead letters, retries, redrives, bounds."""

import asyncio
import dataclasses

import pytest

from globalchat.localcloud.definition import CloudDefinition
from globalchat.localcloud.events.deliveries import DeliverySettings
from globalchat.localcloud.events.event_bridge import RedriveResult
from globalchat.localcloud.interfaces import Invocation, InvocationRefused
from tests.localcloud.helpers.eventbridge_fakes import Call, FakeInterceptor
from tests.localcloud.helpers.eventbridge_harness import PARTITION, World
from tests.localcloud.helpers.small_backend import OREGON, SYDNEY, Backend, properties, target


async def test_a_second_hop_ends_in_the_dead_letter_queue_of_its_rule() -> None:
    backend = Backend()
    del properties(backend.sydney_relay, "Relay")["EventPattern"]["region"]
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    assert len(world.appsync.received(OREGON)) == 1
    ((body, attributes),) = world.dead_letters("sydney-relay")
    relay = world.deployment.regions[1].rules[1]
    assert body["detail"] == {"id": "1"}
    assert attributes == {
        "RULE_ARN": relay.arn,
        "TARGET_ARN": relay.targets[0].arn,
        "ERROR_CODE": "THIRD_REGION_HOP_DETECTED",
        "ERROR_MESSAGE": f"Event ingestion rejected for event {body['id']} because an event can be sent to "
        "an event bus target only once. This event was previously delivered to an event bus target.",
    }


async def test_a_hop_inside_the_region_counts_as_well() -> None:
    backend = Backend()
    resources = backend.oregon_api["Resources"]
    resources["Second"] = {"Type": "AWS::Events::EventBus", "Properties": {"Name": "second"}}
    properties(backend.oregon_relay, "RelayPolicy")["PolicyDocument"]["Statement"][0]["Resource"] = "*"
    rule = properties(backend.oregon_relay, "Relay")
    rule["Targets"][0]["Arn"] = "arn:aws:events:us-west-2:000000000000:event-bus/second"
    back = {**rule, "EventBusName": "second", "Targets": [dict(rule["Targets"][0])]}
    back["Targets"][0]["Arn"] = "arn:aws:events:us-west-2:000000000000:event-bus/chat-bus"
    del back["Targets"][0]["DeadLetterConfig"]
    backend.oregon_relay["Resources"]["Back"] = {"Type": "AWS::Events::Rule", "Properties": back}
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    assert world.count("Back") == {"MatchedEvents": 1, "Invocations": 1, "FailedInvocations": 1, "Dropped": 1}
    assert len(world.appsync.received(OREGON)) == 1


async def test_an_event_that_appsync_refuses_is_dead_lettered_at_once() -> None:
    world = World()

    def refuse(call: Call) -> Invocation:
        raise InvocationRefused("NO_PERMISSIONS", "not this role")

    world.appsync.answer = refuse
    await world.deliver({"id": "1"}, region=1)
    ((_, attributes), *_) = world.dead_letters("sydney-api")
    assert (attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == ("NO_PERMISSIONS", "not this role")
    assert world.time.naps == []


async def test_variables_that_are_no_object_are_dead_lettered() -> None:
    backend = Backend()
    target(backend.oregon_api, "Broadcast")["InputPath"] = "$.detail.id"
    world = World(backend.provision())
    await world.deliver({"id": "1"})
    ((_, attributes),) = world.dead_letters("oregon-api")
    assert attributes["ERROR_CODE"] == "INVALID_JSON"


async def test_a_retry_delivers_what_failed_first() -> None:
    interceptor = FakeInterceptor(failures=[PARTITION, PARTITION])
    world = World(interceptor=interceptor)
    await world.deliver({"id": "1"})
    assert world.appsync.received(SYDNEY) == [{"id": "1"}]
    first, second = world.time.naps
    assert 0.25 <= first <= 0.5 <= second <= 1.0
    assert world.count("Relay") == {
        "MatchedEvents": 1,
        "Invocations": 1,
        "SuccessfulInvocationAttempts": 1,
        "RetryInvocationAttempts": 2,
    }


async def test_a_failing_event_does_not_hold_up_the_next() -> None:
    interceptor = FakeInterceptor(failures=[PARTITION])
    world = World(interceptor=interceptor)
    await world.deliver({"id": "1"}, {"id": "2"})
    assert world.appsync.received(SYDNEY) == [{"id": "2"}, {"id": "1"}]


def relay_retries(**policy: int) -> CloudDefinition:
    backend = Backend()
    target(backend.oregon_relay, "Relay")["RetryPolicy"] = policy
    return backend.provision()


@pytest.mark.parametrize(("attempts", "obstacles"), [(0, 1), (3, 4)])
async def test_the_last_attempt_ends_in_the_dead_letter_queue(attempts: int, obstacles: int) -> None:
    interceptor = FakeInterceptor(failures=[PARTITION] * obstacles)
    world = World(relay_retries(MaximumRetryAttempts=attempts), interceptor=interceptor)
    await world.deliver({"id": "1"})
    ((_, attributes),) = world.dead_letters("oregon-relay")
    assert attributes["ERROR_CODE"] == "CROSS_REGION_INGESTION_FAILED"
    assert attributes["RETRY_ATTEMPTS"] == str(attempts)
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert interceptor.failures == []
    assert world.count("Relay")["InvocationsSentToDlq"] == 1


async def test_an_event_is_given_up_when_it_is_too_old() -> None:
    interceptor = FakeInterceptor(failures=[PARTITION] * 1000)
    world = World(relay_retries(MaximumEventAgeInSeconds=60), interceptor=interceptor)
    await world.deliver({"id": "1"})
    ((_, attributes),) = world.dead_letters("oregon-relay")
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert sum(world.time.naps) == pytest.approx(60)


async def test_a_queue_whose_policy_refuses_gets_nothing() -> None:
    backend = Backend()
    statements = properties(backend.oregon_relay, "LettersPolicy")["PolicyDocument"]["Statement"]
    statements[1]["Condition"]["ArnEquals"]["aws:SourceArn"] = (
        "arn:aws:events:us-west-2:000000000000:rule/other"
    )
    interceptor = FakeInterceptor(failures=[dataclasses.replace(PARTITION, retryable=False)])
    world = World(backend.provision(), interceptor=interceptor)
    await world.deliver({"id": "1"})
    assert world.dead_letters("oregon-relay") == []
    assert world.count("Relay")["InvocationsFailedToBeSentToDlq"] == 1


async def test_events_that_an_interceptor_holds_back_are_bounded() -> None:
    held = asyncio.Event()

    async def hold(_: float) -> None:
        await held.wait()

    world = World(
        interceptor=FakeInterceptor(delays=(60.0,)), settings=DeliverySettings(waiting=2), sleep=hold
    )
    async with world.bridge:
        results = await world.put({"id": "0"}, {"id": "1"}, {"id": "2"})
        assert [result.error_code for result in results] == [None, None, "ThrottlingException"]
        held.set()
        await world.bridge.settled()
        assert (await world.put({"id": "3"}))[0].event_id
        await world.bridge.settled()
    assert world.appsync.received(SYDNEY) == [{"id": "0"}, {"id": "1"}, {"id": "3"}]


async def test_redriven_letters_are_delivered_and_leave_their_queue() -> None:
    world = World(interceptor=FakeInterceptor(failures=[dataclasses.replace(PARTITION, retryable=False)] * 4))
    async with world.bridge:
        await world.put({"id": "1"}, {"id": "2"})
        await world.bridge.settled()
        (queue,) = [arn for arn, letters in world.bridge.dead_letters.items() if letters]
        assert await world.bridge.redrive() == RedriveResult(delivered=0, failed=2)
        assert [body["detail"]["id"] for body, _ in world.dead_letters("oregon-relay")] == ["1", "2"]
        assert await world.bridge.redrive(queue) == RedriveResult(delivered=2, failed=0)
        await world.bridge.settled()
    assert world.dead_letters("") == []
    assert world.appsync.received(SYDNEY) == [{"id": "1"}, {"id": "2"}]
    # The letter had reached Oregon's own API: only the failed target is tried again.
    assert world.appsync.received(OREGON) == [{"id": "1"}, {"id": "2"}]
    assert world.count("Relay") == {
        "MatchedEvents": 2,
        "Invocations": 6,
        "SuccessfulInvocationAttempts": 2,
        "FailedInvocations": 4,
        "InvocationsSentToDlq": 2,
    }
    with pytest.raises(KeyError):
        await world.bridge.redrive("arn:gone")


async def test_a_second_hop_is_refused_at_a_redrive_too() -> None:
    backend = Backend()
    del properties(backend.sydney_relay, "Relay")["EventPattern"]["region"]
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
        assert await world.bridge.redrive() == RedriveResult(delivered=0, failed=1)
    assert len(world.appsync.received(OREGON)) == 1


async def test_a_full_queue_throttles_instead_of_losing() -> None:
    world = World(settings=DeliverySettings(queue=2))
    world.appsync.gate = asyncio.Event()
    async with world.bridge:
        results = await world.put({"id": "0"}, {"id": "1"}, {"id": "2"}, {"id": "3"})
        assert [result.error_code for result in results] == [None, None, *["ThrottlingException"] * 2]
        world.appsync.gate.set()
        await world.bridge.settled()
    assert len(world.appsync.received(OREGON)) == 2


async def test_more_retries_than_may_wait_end_as_dead_letters() -> None:
    interceptor = FakeInterceptor(failures=[PARTITION] * 2)
    world = World(interceptor=interceptor, settings=DeliverySettings(waiting=1))
    await world.deliver({"id": "1"}, {"id": "2"})
    assert len(world.dead_letters("oregon-relay")) == 1
    assert world.appsync.received(SYDNEY) == [{"id": "1"}]
