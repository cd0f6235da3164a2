"""The AWS endpoint of a real local cloud, as boto3 sees it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.loopback import Certificates
from globalchat.localcloud.server.region import RunningRegion
from tests.localcloud.helpers.aws_clients import AwsClients
from tests.localcloud.helpers.cloud_client import call, publish
from tests.localcloud.helpers.controlled_cloud import LOST, ControlledCloud

BUS = "globalchat-bus"
BUS_ARN = "arn:aws:events:us-west-2:000000000000:event-bus/globalchat-bus"
DETAIL = {
    "id": "m1",
    "name": "tech",
    "message": "hi",
    "region": "us-west-2",
    "sentAt": "2026-05-28T20:26:40.250Z",
}


@pytest.fixture
def aws(local_cloud: LocalCloud) -> AwsClients:
    return AwsClients(local_cloud)


def entry(**changes: object) -> dict[str, object]:
    return {
        "Source": "globalchat",
        "DetailType": "message published",
        "Detail": json.dumps(DETAIL),
        "EventBusName": BUS,
        **changes,
    }


async def test_the_caller_is_named(aws: AwsClients) -> None:
    answer = await aws.call("sts", "get_caller_identity")
    assert (answer["Account"], answer["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:user/admin")
    assert answer["UserId"].startswith("AIDA")
    assert await aws.call("sts", "get_caller_identity", region="us-east-1") == answer


@pytest.mark.parametrize("bus", [BUS, BUS_ARN])
async def test_events_on_a_bus_are_delivered_in_both_regions(
    aws: AwsClients, local_cloud: LocalCloud, bus: str
) -> None:
    answer = await aws.call("events", "put_events", Entries=[entry(EventBusName=bus)])
    assert answer["FailedEntryCount"] == 0
    assert len(answer["Entries"][0]["EventId"]) == 36
    await local_cloud.events.settled()
    assert sum(each["Invocations"] for each in local_cloud.events.counters.values()) == 3


async def test_each_entry_has_its_own_result(aws: AwsClients) -> None:
    answer = await aws.call(
        "events",
        "put_events",
        Entries=[
            entry(Time=datetime(2026, 5, 28, tzinfo=UTC), Resources=["arn:aws:x"]),
            entry(Detail="[]"),
            entry(Source="aws.x"),
            {"Source": "s", "DetailType": "t", "Detail": "{}"},
            {"Source": "s", "EventBusName": BUS},
        ],
    )
    codes = [each.get("ErrorCode") for each in answer["Entries"]]
    assert codes == [None, "MalformedDetail", "NotAuthorizedForSourceException", None, "InvalidArgument"]
    assert answer["FailedEntryCount"] == 3


async def test_too_many_and_too_large_entries_fail_the_call(aws: AwsClients) -> None:
    code, status, message = await aws.refusal("events", "put_events", Entries=[entry()] * 11)
    assert (code, status) == ("ValidationException", 400)
    assert "1 to 10" in message
    large = json.dumps({"text": "x" * 1_048_576})
    code, _, message = await aws.refusal("events", "put_events", Entries=[entry(Detail=large)])
    assert (code, message) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


@pytest.mark.parametrize(
    ("service", "code", "status", "unknown"),
    [
        ("events", "InvalidSignatureException", 400, "UnrecognizedClientException"),
        ("sqs", "InvalidSignatureException", 400, "UnrecognizedClientException"),
        ("sts", "SignatureDoesNotMatch", 403, "InvalidClientTokenId"),
        ("appsync", "InvalidSignatureException", 403, "UnrecognizedClientException"),
    ],
)
async def test_signatures_are_checked_and_refused_in_the_services_own_names(
    aws: AwsClients, service: str, code: str, status: int, unknown: str
) -> None:
    operation = {"events": "list_rules", "sqs": "list_queues", "sts": "get_caller_identity"}.get(
        service, "list_graphql_apis"
    )
    wrong = {"aws_secret_access_key": "another"}
    found = await aws.refusal(service, operation, credentials=wrong)
    assert found[:2] == (code, status)
    assert found[2].startswith("The request signature we calculated does not match")
    for other in ({"aws_access_key_id": "AKIAUNKNOWN"}, {"aws_session_token": "token"}):
        found = await aws.refusal(service, operation, credentials=other)
        assert found == (unknown, status, "The security token included in the request is invalid.")


@pytest.mark.parametrize(
    ("service", "operation", "code", "name"),
    [
        ("events", "list_rules", "UnknownOperationException", "events:ListRules"),
        ("sqs", "list_queues", "UnknownOperationException", "sqs:ListQueues"),
        ("sts", "get_session_token", "InvalidAction", "sts:GetSessionToken"),
        ("lambda", "list_functions", "UnknownOperationException", "lambda:GET /2015-03-31/functions"),
        ("cloudformation", "list_stacks", "InvalidAction", "cloudformation:ListStacks"),
        ("dynamodb", "list_tables", "UnknownOperationException", "dynamodb:ListTables"),
    ],
)
async def test_operations_that_are_not_emulated_are_named(
    aws: AwsClients, service: str, operation: str, code: str, name: str
) -> None:
    found = await aws.refusal(service, operation)
    assert found[0] == code
    assert found[2].rstrip("/.") == f"The local cloud does not emulate {name}"


async def test_another_region_is_refused_by_name(aws: AwsClients) -> None:
    code, _, message = await aws.refusal("events", "put_events", region="eu-west-1", Entries=[entry()])
    assert code == "InvalidRegion"
    assert message == "The local cloud has no region eu-west-1; it has ap-southeast-2, us-west-2."


async def dead_letter(controlled: ControlledCloud) -> AwsClients:
    """Lose one message on its way to Sydney."""
    controlled.interceptor.failures = [LOST]
    await publish(controlled.cloud.region("oregon"), "lost ☃")
    await controlled.cloud.events.settled()
    return AwsClients(controlled.cloud)


async def test_a_dead_letter_is_received_hidden_and_deleted(controlled: ControlledCloud) -> None:
    aws = await dead_letter(controlled)
    url = (await aws.call("sqs", "get_queue_url", QueueName="globalchat-relay-dlq"))["QueueUrl"]
    assert url == f"{controlled.cloud.aws_url}/000000000000/globalchat-relay-dlq"
    assert await aws.call("sqs", "receive_message", QueueUrl=url, region="ap-southeast-2") == {}
    answer = await aws.call(
        "sqs",
        "receive_message",
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["ERROR_CODE", "RULE_*", "TARGET.*"],
        AttributeNames=["All"],
    )
    [message] = answer["Messages"]
    assert json.loads(message["Body"])["detail"]["message"] == "lost ☃"
    assert message["MessageAttributes"] == {"ERROR_CODE": {"StringValue": LOST.code, "DataType": "String"}}
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    [again] = (await aws.call("sqs", "receive_message", QueueUrl=url))["Messages"]
    assert again["MessageId"] == message["MessageId"]
    assert "MessageAttributes" not in again
    assert await aws.call("sqs", "receive_message", QueueUrl=url) == {}  # hidden for 30 s
    handle = again["ReceiptHandle"]
    assert await aws.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=handle) == {}
    assert await aws.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=handle) == {}
    assert not any(controlled.cloud.events.dead_letters.values())


async def test_a_purged_queue_is_empty(controlled: ControlledCloud) -> None:
    aws = await dead_letter(controlled)
    url = (await aws.call("sqs", "get_queue_url", QueueName="globalchat-relay-dlq"))["QueueUrl"]
    await aws.call("sqs", "purge_queue", QueueUrl=url)
    assert not any(controlled.cloud.events.dead_letters.values())


async def test_calls_of_sqs_that_are_wrong(aws: AwsClients) -> None:
    gone = ("AWS.SimpleQueueService.NonExistentQueue", 400, "The specified queue does not exist.")
    assert await aws.refusal("sqs", "get_queue_url", QueueName="no") == gone
    url = (await aws.call("sqs", "get_queue_url", QueueName="globalchat-relay-dlq"))["QueueUrl"]
    assert await aws.refusal("sqs", "receive_message", QueueUrl=f"{url}-no") == gone
    code, _, message = await aws.refusal("sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=11)
    assert code == "InvalidParameterValue"
    assert message.startswith(
        "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1"
    )
    code, _, _ = await aws.refusal("sqs", "delete_message", QueueUrl=url, ReceiptHandle="x")
    assert code == "ReceiptHandleIsInvalid"


async def test_calls_at_once(aws: AwsClients) -> None:
    answers = await asyncio.gather(*(aws.call("events", "put_events", Entries=[entry()]) for _ in range(5)))
    assert [answer["FailedEntryCount"] for answer in answers] == [0] * 5


async def test_over_tls(certificates: Certificates) -> None:
    async with LocalCloud.open(options=CloudOptions(tls=certificates.context)) as cloud:
        assert cloud.aws_url.startswith("https://127.0.0.1:")
        answer = await AwsClients(cloud, str(certificates.authority)).call("sts", "get_caller_identity")
        assert answer["Account"] == "000000000000"


async def test_a_signed_call_counts_as_use(local_cloud: LocalCloud, aws: AwsClients) -> None:
    before = local_cloud.usage.last_used
    await aws.refusal("sts", "get_caller_identity", credentials={"aws_secret_access_key": "another"})
    assert local_cloud.usage.last_used == before
    await aws.call("sts", "get_caller_identity")
    assert local_cloud.usage.last_used > before


async def test_code_is_evaluated_without_an_api(aws: AwsClients) -> None:
    code = "export const request = (ctx) => ctx.args.a;\nexport const response = (ctx) => ctx.result;\n"
    arguments: dict[str, Any] = {
        "runtime": {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
        "code": code,
        "context": '{"arguments": {"a": 1}}',
        "function": "request",
    }
    answer = await aws.call("appsync", "evaluate_code", **arguments)
    assert answer == {"evaluationResult": "1", "logs": [], "stash": "{}", "outErrors": "[]"}
    for change in (
        {"context": "[]"},
        {"function": "neither"},
        {"runtime": {"name": "APPSYNC_JS", "runtimeVersion": "2.0.0"}},
    ):
        code, status, _ = await aws.refusal("appsync", "evaluate_code", **{**arguments, **change})
        assert (code, status) == ("BadRequestException", 400), change


GET_VARIABLES = "get_graphql_api_environment_variables"
PUT_VARIABLES = "put_graphql_api_environment_variables"


async def channels_of(region: RunningRegion) -> object:
    status, answer = await call(region, "{ channels }", {})
    assert status == 200
    return answer


async def test_environment_variables_are_put_and_resolvers_see_them_at_once(
    aws: AwsClients, local_cloud: LocalCloud
) -> None:
    oregon, sydney = local_cloud.regions
    before = (await aws.call("appsync", GET_VARIABLES, apiId=oregon.api_id))["environmentVariables"]
    assert (before["CHANNELS"], before["REGION"]) == ("cars,robots,tech,music,media", "us-west-2")
    put = {**before, "CHANNELS": "tech,ops"}
    answer = await aws.call("appsync", PUT_VARIABLES, apiId=oregon.api_id, environmentVariables=put)
    assert answer == {"environmentVariables": put}
    assert await aws.call("appsync", GET_VARIABLES, apiId=oregon.api_id) == answer
    assert await channels_of(oregon) == {"data": {"channels": ["tech", "ops"]}}
    assert await channels_of(sydney) == {"data": {"channels": before["CHANNELS"].split(",")}}


async def test_what_cannot_be_put_changes_nothing(aws: AwsClients, local_cloud: LocalCloud) -> None:
    api_id = local_cloud.regions[0].api_id
    before = await aws.call("appsync", GET_VARIABLES, apiId=api_id)
    for variables in ({"A B": "1"}, {"AB": "x" * 513}, {f"V{number}": "" for number in range(51)}):
        refused = await aws.refusal("appsync", PUT_VARIABLES, apiId=api_id, environmentVariables=variables)
        assert refused[:2] == ("BadRequestException", 400)
    assert await aws.refusal("appsync", GET_VARIABLES, apiId="no/such api") == (
        "NotFoundException",
        404,
        "GraphQL API no/such api not found.",
    )
    # The API of another region is none of this one.
    elsewhere = await aws.refusal("appsync", GET_VARIABLES, apiId=api_id, region="ap-southeast-2")
    assert elsewhere[0] == "NotFoundException"
    person = local_cloud.people.sign_in("ana")
    credentials = {
        "aws_access_key_id": person.access_key,
        "aws_secret_access_key": person.secret_key,
        "aws_session_token": str(person.token),
    }
    denied = await aws.refusal(
        *("appsync", PUT_VARIABLES),
        apiId=api_id,
        environmentVariables={"CHANNELS": "x"},
        credentials=credentials,
    )
    assert denied[:2] == ("AccessDeniedException", 403)
    assert "appsync:PutGraphqlApiEnvironmentVariables on resource: arn:aws:appsync:us-west-2:" in denied[2]
    assert f":/v1/apis/{api_id}/environmentVariables" in denied[2]
    assert await aws.call("appsync", GET_VARIABLES, apiId=api_id) == before


async def test_a_pattern_is_tested_with_an_event(aws: AwsClients) -> None:
    envelope = {
        "id": "1",
        "account": "1",
        "source": "a",
        "time": "2026-01-02T03:04:05Z",
        "region": "us-west-2",
    }
    event = json.dumps({**envelope, "resources": [], "detail-type": "b", "detail": {}})
    for source, matches in (("a", True), ("b", False)):
        pattern = json.dumps({"source": [source]})
        answer = await aws.call("events", "test_event_pattern", EventPattern=pattern, Event=event)
        assert answer == {"Result": matches}
    for pattern, given in (("{}", event), ('{"source": ["a"]}', "{}")):
        refusal = await aws.refusal("events", "test_event_pattern", EventPattern=pattern, Event=given)
        assert refusal[:2] == ("InvalidEventPatternException", 400)
