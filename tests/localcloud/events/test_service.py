import asyncio
import dataclasses
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from localcloud.assembly import read
from localcloud.definition import JSON, Deployment
from localcloud.events.courier import Courier, Failure
from localcloud.events.lane import DeliverySettings
from localcloud.events.service import EventBridge, Redrive
from localcloud.events.targets import AppSyncErrors
from localcloud.ports import EntryResult, Invocation, InvocationRefused, PutEventsEntry, PutEventsError
from localcloud.provision import provision
from tests.localcloud.events.fakes import Call, FakeAppSync, FakeCourier, FakeTime
from tests.localcloud.stacks import OREGON, SYDNEY, URLS, Backend, properties, target

PARTITION = Failure("CROSS_REGION_INGESTION_FAILED", "partitioned", retryable=True)


class World:
    """EventBridge over the test backend, with fakes around it."""

    def __init__(
        self,
        deployment: Deployment | None = None,
        *,
        courier: Courier | None = None,
        settings: DeliverySettings | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.deployment = deployment or Backend().provision()
        self.appsync = FakeAppSync()
        self.time = FakeTime()
        self.bridge = EventBridge(
            self.deployment,
            graphql=self.appsync,
            clock=self.time,
            rng=random.Random(1),
            sleep=sleep or self.time.sleep,
            courier=courier,
            settings=settings,
        )

    async def put(self, *details: JSON, region: int = 0, source: str = "chat") -> list[EntryResult]:
        definition = self.deployment.regions[region]
        role = definition.apis[0].data_sources["bus"].role_arn or ""
        entries = [PutEventsEntry(source, "message", json.dumps(detail)) for detail in details]
        return await self.bridge.put_events(bus_arn=definition.buses[0].arn, entries=entries, role_arn=role)

    def count(self, rule: str, region: str = OREGON) -> dict[str, int]:
        """The counters of a region's rule that are not zero."""
        (found,) = [
            counters
            for arn, counters in self.bridge.counters.items()
            if f":{region}:" in arn and f"-{rule}-" in arn
        ]
        return {name: value for name, value in found.items() if value}

    def letters(self, queue: str) -> list[tuple[Any, dict[str, str]]]:
        """Body and attributes of the letters in the queues whose ARN holds a text."""
        return [
            (json.loads(letter.body), dict(letter.attributes))
            for arn, letters in self.bridge.dead_letters.items()
            if queue in arn
            for letter in letters
        ]


async def test_a_message_reaches_the_apis_of_both_regions_as_the_rules_role() -> None:
    world = World()
    async with world.bridge:
        (result,) = await world.put({"id": "1", "name": "tech"})
        await world.bridge.settled()
    assert result.event_id
    assert result.error_code is None
    assert world.appsync.received(OREGON) == [{"id": "1", "name": "tech"}]
    assert world.appsync.received(SYDNEY) == [{"id": "1", "name": "tech"}]
    broadcast = world.deployment.regions[0].rules[0].targets[0]
    call = world.appsync.calls[0]
    assert (call.role_arn, call.operation) == (broadcast.role_arn, broadcast.graphql_operation)
    assert world.letters("") == []
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
    async with world.bridge:
        (result,) = await world.put({"id": "1"})
        await world.bridge.settled()
    ((home,), (away,)) = world.appsync.received(OREGON), world.appsync.received(SYDNEY)
    assert isinstance(home, dict)
    assert isinstance(away, dict)
    assert home["id"] == result.event_id
    assert away["id"] != home["id"]
    assert {**away, "id": 0} == {**home, "id": 0}
    assert (away["region"], away["account"]) == (OREGON, "000000000000")


async def test_a_second_hop_ends_in_the_dead_letter_queue_of_its_rule() -> None:
    backend = Backend()
    del properties(backend.sydney_relay, "Relay")["EventPattern"]["region"]
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    assert len(world.appsync.received(OREGON)) == 1
    ((body, attributes),) = world.letters("sydney-relay")
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
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    assert world.count("Back") == {"MatchedEvents": 1, "Invocations": 1, "FailedInvocations": 1, "Dropped": 1}
    assert len(world.appsync.received(OREGON)) == 1


async def test_a_relay_without_permission_is_dead_lettered() -> None:
    backend = Backend()
    document = properties(backend.oregon_relay, "RelayPolicy")["PolicyDocument"]
    document["Statement"][0]["Action"] = "events:DescribeRule"
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    ((_, attributes),) = world.letters("oregon-relay")
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
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    ((_, attributes),) = world.letters(queue)
    assert attributes["ERROR_CODE"] == code


async def test_what_appsync_refuses_is_dead_lettered_at_once() -> None:
    world = World()

    def refuse(call: Call) -> Invocation:
        raise InvocationRefused("NO_PERMISSIONS", "not this role")

    world.appsync.answer = refuse
    async with world.bridge:
        await world.put({"id": "1"}, region=1)
        await world.bridge.settled()
    ((_, attributes), *_) = world.letters("sydney-api")
    assert (attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == ("NO_PERMISSIONS", "not this role")
    assert world.time.naps == []


async def test_variables_that_are_no_object_are_dead_lettered() -> None:
    backend = Backend()
    target(backend.oregon_api, "Broadcast")["InputPath"] = "$.detail.id"
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    ((_, attributes),) = world.letters("oregon-api")
    assert attributes["ERROR_CODE"] == "INVALID_JSON"


async def test_a_constant_input_is_sent_instead_of_the_event() -> None:
    backend = Backend()
    broadcast = target(backend.oregon_api, "Broadcast")
    del broadcast["InputPath"]
    broadcast["Input"] = '{"id": "constant"}'
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
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
    async with world.bridge:
        await world.put({"id": "1"}, {"id": 'a "quoted" one'})
        await world.bridge.settled()
    assert world.appsync.received(OREGON) == [{"id": "1", "rule": deployment.regions[0].rules[0].arn}]
    ((body, attributes),) = world.letters("oregon-api")
    assert body["detail"] == {"id": 'a "quoted" one'}
    assert (attributes["ERROR_CODE"], "RETRY_ATTEMPTS" in attributes) == ("INVALID_JSON", False)
    assert world.count("Broadcast")["FailedInvocations"] == 1


@pytest.mark.parametrize("handling", ["ignored", "dead-lettered"])
async def test_graphql_errors_are_counted_and_then_handled_as_set(handling: AppSyncErrors) -> None:
    world = World(settings=DeliverySettings(appsync_errors=handling))
    world.appsync.answer = lambda _: Invocation({"data": None, "errors": [{"message": "no such field"}]})
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    assert world.count("Broadcast")["GraphQLErrors"] == 1
    letters = world.letters("oregon-api")
    if handling == "ignored":
        assert letters == []
    else:
        ((_, attributes),) = letters
        assert (attributes["ERROR_CODE"], attributes["ERROR_MESSAGE"]) == (
            "ERROR_FROM_TARGET",
            "no such field",
        )


async def test_a_retry_delivers_what_failed_first() -> None:
    courier = FakeCourier(obstacles=[PARTITION, PARTITION])
    world = World(courier=courier)
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
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
    courier = FakeCourier(obstacles=[PARTITION])
    world = World(courier=courier)
    async with world.bridge:
        await world.put({"id": "1"}, {"id": "2"})
        await world.bridge.settled()
    assert world.appsync.received(SYDNEY) == [{"id": "2"}, {"id": "1"}]


def relay_retries(**policy: int) -> Deployment:
    backend = Backend()
    target(backend.oregon_relay, "Relay")["RetryPolicy"] = policy
    return backend.provision()


@pytest.mark.parametrize(("attempts", "obstacles"), [(0, 1), (3, 4)])
async def test_the_last_attempt_ends_in_the_dead_letter_queue(attempts: int, obstacles: int) -> None:
    courier = FakeCourier(obstacles=[PARTITION] * obstacles)
    world = World(relay_retries(MaximumRetryAttempts=attempts), courier=courier)
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    ((_, attributes),) = world.letters("oregon-relay")
    assert attributes["ERROR_CODE"] == "CROSS_REGION_INGESTION_FAILED"
    assert attributes["RETRY_ATTEMPTS"] == str(attempts)
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert courier.obstacles == []
    assert world.count("Relay")["InvocationsSentToDlq"] == 1


async def test_an_event_is_given_up_when_it_is_too_old() -> None:
    courier = FakeCourier(obstacles=[PARTITION] * 1000)
    world = World(relay_retries(MaximumEventAgeInSeconds=60), courier=courier)
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    ((_, attributes),) = world.letters("oregon-relay")
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert sum(world.time.naps) == pytest.approx(60)


async def test_a_queue_whose_policy_refuses_gets_nothing() -> None:
    backend = Backend()
    statements = properties(backend.oregon_relay, "LettersPolicy")["PolicyDocument"]["Statement"]
    statements[1]["Condition"]["ArnEquals"]["aws:SourceArn"] = (
        "arn:aws:events:us-west-2:000000000000:rule/other"
    )
    courier = FakeCourier(obstacles=[dataclasses.replace(PARTITION, retryable=False)])
    world = World(backend.provision(), courier=courier)
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    assert world.letters("oregon-relay") == []
    assert world.count("Relay")["InvocationsFailedToBeSentToDlq"] == 1


@pytest.mark.parametrize("copies", [(), (0.0, 0.0), (0.0, 3.0)])
async def test_a_courier_loses_copies_and_delays(copies: Sequence[float]) -> None:
    world = World(courier=FakeCourier(delays=copies))
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    assert len(world.appsync.received(SYDNEY)) == len(copies)
    assert len(world.appsync.received(OREGON)) == 1
    assert world.time.naps == [delay for delay in copies if delay > 0]


async def test_events_that_a_courier_holds_back_are_bounded() -> None:
    held = asyncio.Event()

    async def hold(_: float) -> None:
        await held.wait()

    world = World(courier=FakeCourier(delays=(60.0,)), settings=DeliverySettings(waiting=2), sleep=hold)
    async with world.bridge:
        results = await world.put({"id": "0"}, {"id": "1"}, {"id": "2"})
        assert [result.error_code for result in results] == [None, None, "ThrottlingException"]
        held.set()
        await world.bridge.settled()
        assert (await world.put({"id": "3"}))[0].event_id
        await world.bridge.settled()
    assert world.appsync.received(SYDNEY) == [{"id": "0"}, {"id": "1"}, {"id": "3"}]


async def test_redriven_letters_are_delivered_and_leave_their_queue() -> None:
    world = World(courier=FakeCourier(obstacles=[dataclasses.replace(PARTITION, retryable=False)] * 4))
    async with world.bridge:
        await world.put({"id": "1"}, {"id": "2"})
        await world.bridge.settled()
        (queue,) = [arn for arn, letters in world.bridge.dead_letters.items() if letters]
        assert await world.bridge.redrive() == Redrive(delivered=0, failed=2)
        assert [body["detail"]["id"] for body, _ in world.letters("oregon-relay")] == ["1", "2"]
        assert await world.bridge.redrive(queue) == Redrive(delivered=2, failed=0)
        await world.bridge.settled()
    assert world.letters("") == []
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
        assert await world.bridge.redrive() == Redrive(delivered=0, failed=1)
    assert len(world.appsync.received(OREGON)) == 1


async def test_a_full_lane_throttles_instead_of_losing() -> None:
    world = World(settings=DeliverySettings(queue=2))
    world.appsync.gate = asyncio.Event()
    async with world.bridge:
        results = await world.put({"id": "0"}, {"id": "1"}, {"id": "2"}, {"id": "3"})
        assert [result.error_code for result in results] == [None, None, *["ThrottlingException"] * 2]
        world.appsync.gate.set()
        await world.bridge.settled()
    assert len(world.appsync.received(OREGON)) == 2


async def test_more_retries_than_may_wait_end_as_dead_letters() -> None:
    courier = FakeCourier(obstacles=[PARTITION] * 2)
    world = World(courier=courier, settings=DeliverySettings(waiting=1))
    async with world.bridge:
        await world.put({"id": "1"}, {"id": "2"})
        await world.bridge.settled()
    assert len(world.letters("oregon-relay")) == 1
    assert world.appsync.received(SYDNEY) == [{"id": "1"}]


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
async def test_a_data_sources_role_is_told_which_api_asks(condition: JSON, *, allowed: bool) -> None:
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
async def test_a_targets_role_is_told_which_rule_asks(condition: JSON, *, delivered: bool) -> None:
    backend = Backend()
    trust = properties(backend.oregon_relay, "RelayRole")["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Condition"] = condition
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
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


async def test_a_disabled_rule_does_nothing() -> None:
    backend = Backend()
    properties(backend.oregon_api, "Broadcast")["State"] = "DISABLED"
    world = World(backend.provision())
    async with world.bridge:
        await world.put({"id": "1"})
        await world.bridge.settled()
    assert world.appsync.received(OREGON) == []
    assert world.count("Broadcast") == {}


async def test_run_ends_when_closed_even_with_deliveries_under_way() -> None:
    world = World()
    world.appsync.gate = asyncio.Event()
    running = asyncio.create_task(world.bridge.run())
    await world.put({"id": "1"})
    await asyncio.sleep(0)
    world.bridge.close()
    await running
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
    detail: JSON = {"id": "1", "name": "tech", "message": 'a "quoted" \\ \U0001f600', "sentAt": "x"}
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
    assert world.letters("") == []
