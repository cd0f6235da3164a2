"""Every permission of the packaged templates, taken away: what needs it must not happen, and be seen."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from globalchat.localcloud.events.deliveries import DeliverySettings
from globalchat.localcloud.interfaces import PutEventsEntry
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.region import RunningRegion
from tests.localcloud.helpers.cloud_client import Listener, call, listening, publish
from tests.localcloud.helpers.edited_templates import Template, edit, of_type, templates

POLICY, TRUST, QUEUE = "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::SQS::QueuePolicy"
STRANGER = "lambda.amazonaws.com"


@dataclass(frozen=True)
class Permission:
    """One action that a template allows: by a role's policy, a role's trust, or a queue's policy."""

    template: str
    kind: str
    logical_id: str
    action: str

    @property
    def alias(self) -> str:
        return self.template.split("-")[1]

    def __str__(self) -> str:
        return f"{self.alias}: {self.logical_id}: {self.action}"

    def take_away(self, folder: Path) -> None:
        edit(folder, self.template, self._without)

    def _without(self, template: Template) -> None:
        properties = template["Resources"][self.logical_id]["Properties"]
        if self.kind == TRUST:
            # A role must trust a principal: AWS takes no empty document.
            properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"Service": STRANGER}
            return
        document = properties["PolicyDocument"]
        for statement in allowing(document):
            statement["Action"] = [action for action in actions(statement) if action != self.action]
        document["Statement"] = [s for s in document["Statement"] if s["Action"]]
        if not document["Statement"]:
            del template["Resources"][self.logical_id]
            for resource in template["Resources"].values():
                resource["DependsOn"] = [
                    name for name in resource.get("DependsOn", []) if name != self.logical_id
                ]


def allowing(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (statement for statement in document["Statement"] if statement["Effect"] == "Allow")


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


def permissions() -> Iterator[Permission]:
    documents = {POLICY: "PolicyDocument", TRUST: "AssumeRolePolicyDocument", QUEUE: "PolicyDocument"}
    for name, template in templates():
        for kind, document in documents.items():
            for logical_id, properties in of_type(template, kind):
                for statement in allowing(properties[document]):
                    for action in actions(statement):
                        yield Permission(name, kind, logical_id, action)


ALL = tuple(permissions())


def those(purpose: str) -> pytest.MarkDecorator:
    found = [permission for permission in ALL if permission.logical_id.startswith(purpose)]
    return pytest.mark.parametrize("permission", found, ids=str)


@dataclass(frozen=True)
class World:
    """A cloud from changed templates: the region of the change, the other one, and who listens in each."""

    cloud: LocalCloud
    here: RunningRegion
    there: RunningRegion
    near: Listener
    far: Listener

    async def received(self) -> list[list[str]]:
        """Return what arrived near and far once all deliveries are over."""
        await self.cloud.events.settled()
        return [await listener.texts() for listener in (self.near, self.far)]

    def count(self, rule: str) -> dict[str, int]:
        """Return the counters of a rule in the region of the change that are not 0."""
        (found,) = [
            counters
            for arn, counters in self.cloud.events.counters.items()
            if f":{self.here.region}:" in arn and rule in arn
        ]
        return {name: count for name, count in found.items() if count}

    @property
    def letters(self) -> dict[str, list[dict[str, str]]]:
        """The attributes of the letters of every queue that has some, by region and name."""
        return {
            ":".join((arn.split(":")[3], arn.split(":")[5])): [dict(each.attributes) for each in found]
            for arn, found in self.cloud.events.dead_letters.items()
            if found
        }


@asynccontextmanager
async def changed(
    folder: Path, alias: str, *, delivery: DeliverySettings | None = None
) -> AsyncIterator[World]:
    """The cloud of the templates in a folder, in which those of a region have been changed."""
    async with LocalCloud.open(folder, options=CloudOptions(delivery=delivery)) as cloud:
        here = cloud.region(alias)
        (there,) = [region for region in cloud.regions if region is not here]
        async with listening(here) as near, listening(there) as far:
            yield World(cloud, here, there, near, far)


def test_the_templates_hold_the_permissions_that_are_tested_here() -> None:
    purposes = ("GraphqlPublish", "GraphqlLogs", "GraphqlHistory", "Broadcast", "Malformed", "Relay")
    assert all(permission.logical_id.startswith(purposes) for permission in ALL)
    expected = {
        "events:PutEvents": 4,  # publish and relay
        "appsync:GraphQL": 2,
        "sqs:SendMessage": 6,
        # The CDK allows a rule with a queue as its target these as well; nothing shows that it needs them.
        "sqs:GetQueueAttributes": 2,
        "sqs:GetQueueUrl": 2,
        "logs:CreateLogGroup": 2,
        "logs:CreateLogStream": 2,
        "logs:PutLogEvents": 2,
        "dynamodb:PutItem": 2,
        "dynamodb:Query": 2,
        "sts:AssumeRole": 12,
    }
    found = [permission.action for permission in ALL]
    assert {action: found.count(action) for action in set(found)} == expected


@those("GraphqlPublish")
async def test_without_it_publish_tells_the_client(permission: Permission, tmp_path: Path) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        answer = await publish(world.here, "refused")
        assert answer["data"] == {"publish": None}
        (error,) = answer["errors"]
        assert error["errorType"] == "NotAccepted"
        assert error["errorInfo"]["code"] == "AccessDeniedException"
        await publish(world.there, "the other region's role")
        expected = ["the other region's role"]
        assert await world.received() == [expected, expected]


@those("GraphqlHistoryWriter")
async def test_without_it_messages_arrive_but_are_not_stored(permission: Permission, tmp_path: Path) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        await publish(world.here, "hi")
        assert await world.received() == [["hi"], ["hi"]]
        assert world.letters == {}
        assert await stored(world.here) == {"data": {"history": {"messages": []}}}
        assert await stored(world.there) == {"data": {"history": {"messages": [{"message": "hi"}]}}}


@those("GraphqlHistoryReader")
async def test_without_it_history_cannot_be_read_and_says_nothing_of_the_role(
    permission: Permission, tmp_path: Path
) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        await publish(world.here, "hi")
        assert await world.received() == [["hi"], ["hi"]]
        answer = await stored(world.here)
        (error,) = answer["errors"]
        assert error["errorType"] == "HistoryFailed"
        assert error["errorInfo"]["code"].startswith("DynamoDB:")
        assert "arn:" not in json.dumps(answer)
        assert "errors" not in await stored(world.there)


async def stored(region: RunningRegion) -> dict[str, Any]:
    """Return what a region answers about the texts of the channel that it stored."""
    _, answer = await call(region, 'query { history(name: "tech") { messages { message } } }', {})
    assert isinstance(answer, dict)
    return answer


@those("BroadcastRole")
async def test_without_it_this_region_hears_nothing(permission: Permission, tmp_path: Path) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        await publish(world.here, "hi")
        assert await world.received() == [[], ["hi"]]
        ((queue, (letter,)),) = world.letters.items()
        assert queue == f"{world.here.region}:globalchat-broadcast-dlq"
        code = "FAILED_TO_ASSUME_ROLE" if permission.kind == TRUST else "NO_PERMISSIONS"
        assert letter["ERROR_CODE"] == code
        assert world.count("broadcast") == {
            "MatchedEvents": 1,
            "Invocations": 1,
            "FailedInvocations": 1,
            "InvocationsSentToDlq": 1,
        }


@those("RelayRole")
async def test_without_it_the_other_region_hears_nothing(permission: Permission, tmp_path: Path) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        await publish(world.here, "hi")
        assert await world.received() == [["hi"], []]
        ((queue, (letter,)),) = world.letters.items()
        assert queue == f"{world.here.region}:globalchat-relay-dlq"
        assert letter["ERROR_CODE"] == "NO_PERMISSIONS"
        assert letter["TARGET_ARN"].split(":")[3] == world.there.region
        assert "RETRY_ATTEMPTS" not in letter
        assert world.count("relay")["InvocationsSentToDlq"] == 1


@pytest.mark.parametrize("rule", ["Broadcast", "Relay"])
@pytest.mark.parametrize("alias", ["oregon", "sydney"])
async def test_without_it_the_queue_takes_no_letter(rule: str, alias: str, tmp_path: Path) -> None:
    """The delivery's own permission is gone as well, so that there is a letter to write."""
    taken = [each for each in ALL if each.alias == alias and each.logical_id.startswith(rule)]
    for permission in taken:
        if permission.kind in (POLICY, QUEUE):
            permission.take_away(tmp_path)
    async with changed(tmp_path, alias) as world:
        await publish(world.here, "lost")
        await world.cloud.events.settled()
        assert world.letters == {}
        assert world.count(rule.lower()) == {
            "MatchedEvents": 1,
            "Invocations": 1,
            "FailedInvocations": 1,
            "InvocationsFailedToBeSentToDlq": 1,
        }


@those("Malformed")
async def test_without_it_malformed_events_are_lost(permission: Permission, tmp_path: Path) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        await put(world, {"id": "1"})
        assert await world.received() == [[], []]
        lost = permission.action == "sqs:SendMessage"
        assert world.letters == ({} if lost else {f"{world.here.region}:globalchat-malformed-dlq": [{}]})
        counted = world.count("malformed")
        if lost:
            assert counted["FailedInvocations"] == 1
        else:
            assert counted == {"MatchedEvents": 1, "Invocations": 1, "SuccessfulInvocationAttempts": 1}


async def test_a_role_of_another_name_is_not_the_broadcast(tmp_path: Path) -> None:
    """The guard of `publishFromBus`: policies would let it."""

    def rename(template: Template) -> None:
        for _, properties in of_type(template, "AWS::IAM::Role"):
            if properties["RoleName"] == "globalchat.oregon.broadcast":
                properties["RoleName"] = "globalchat.oregon.renamed"

    edit(tmp_path, "globalchat-oregon-api.template.json", rename)
    async with changed(tmp_path, "oregon") as world:
        assert "errors" not in await publish(world.here, "hi")
        assert await world.received() == [[], ["hi"]]
        assert world.count("broadcast")["GraphQLErrors"] == 1


MESSAGE = {
    "id": "1",
    "name": "tech",
    "message": "hi",
    "region": "us-west-2",
    "sentAt": "2026-01-01T00:00:00.000Z",
}


@pytest.mark.parametrize("missing", [None, *MESSAGE])
async def test_an_event_that_is_not_a_message_is_kept_and_counted_and_never_broadcast(
    missing: str | None, tmp_path: Path
) -> None:
    edit(tmp_path, "globalchat-oregon-api.template.json", lambda template: None)
    detail = {name: value for name, value in MESSAGE.items() if name != missing}
    async with changed(tmp_path, "oregon") as world:
        await put(world, detail)
        if missing is None:
            assert await world.received() == [["hi"], ["hi"]]
            assert world.count("malformed") == {}
            assert world.letters == {}
        else:
            assert await world.received() == [[], []]
            assert world.count("broadcast") == world.count("relay") == {}
            assert world.count("malformed")["Invocations"] == 1
            assert world.letters == {"us-west-2:globalchat-malformed-dlq": [{}]}


async def test_an_unknown_detail_type_is_no_message(tmp_path: Path) -> None:
    edit(tmp_path, "globalchat-oregon-api.template.json", lambda template: None)
    async with changed(tmp_path, "oregon") as world:
        await put(world, MESSAGE, detail_type="message invented")
        await put(world, MESSAGE, source="someone.else")
        assert await world.received() == [[], []]
        assert world.count("malformed")["MatchedEvents"] == 1


async def put(
    world: World,
    detail: Mapping[str, str],
    *,
    source: str = "globalchat",
    detail_type: str = "message published",
) -> None:
    """Put an event on the bus of the changed region, as the role of its API."""
    account = world.here.event_bus.split(":")[4]
    role = f"arn:aws:iam::{account}:role/globalchat.{world.here.alias}.publish"
    entry = PutEventsEntry(source, detail_type, json.dumps(detail))
    (result,) = await world.cloud.events.put_events(
        bus_arn=world.here.event_bus, entries=[entry], role_arn=role
    )
    assert result.error_code is None


@those("GraphqlLogs")
async def test_logs_are_nobodys_concern(permission: Permission, tmp_path: Path) -> None:
    permission.take_away(tmp_path)
    async with changed(tmp_path, permission.alias) as world:
        assert "errors" not in await publish(world.here, "hi")
        assert await world.received() == [["hi"], ["hi"]]


@pytest.mark.parametrize("reading", ["ignored", "dead-lettered"])
async def test_a_broadcast_that_leaves_a_variable_out(reading: str, tmp_path: Path) -> None:
    def leave_out(template: Template) -> None:
        for _, properties in of_type(template, "AWS::Events::Rule"):
            with suppress(KeyError):
                parameters = properties["Targets"][0]["AppSyncParameters"]
                operation = parameters["GraphQLOperation"]
                parameters["GraphQLOperation"] = operation.replace(", sentAt: $sentAt", "").replace(
                    ", $sentAt: AWSDateTime!", ""
                )
                assert parameters["GraphQLOperation"] != operation

    edit(tmp_path, "globalchat-sydney-api.template.json", leave_out)
    settings = DeliverySettings(appsync_errors="ignored" if reading == "ignored" else "dead-lettered")
    async with changed(tmp_path, "sydney", delivery=settings) as world:
        assert "errors" not in await publish(world.there, "hi")
        assert await world.received() == [[], ["hi"]]
        counters = world.count("broadcast")
        assert counters["GraphQLErrors"] == 1
        if reading == "ignored":
            assert world.letters == {}
            assert counters["SuccessfulInvocationAttempts"] == 1
        else:
            ((queue, (letter,)),) = world.letters.items()
            assert queue == f"{world.here.region}:globalchat-broadcast-dlq"
            assert letter["ERROR_CODE"] == "ERROR_FROM_TARGET"
            assert "sentAt" in letter["ERROR_MESSAGE"]
            assert counters["FailedInvocations"] == 1
