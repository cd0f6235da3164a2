"""The AWS endpoint without a socket: what it refuses, and in which form."""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest as Unsigned
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.execution.executor import AppSync
from globalchat.localcloud.aws.endpoint import AwsEndpoint
from globalchat.localcloud.aws.model import AwsCall, AwsRequest, AwsResponse
from globalchat.localcloud.aws.services import services
from globalchat.localcloud.aws.sqs import Queues
from globalchat.localcloud.definition import (
    JSON,
    CloudDefinition,
    EventBus,
    Queue,
    RegionDefinition,
    Role,
    Statement,
)
from globalchat.localcloud.events.deliveries import DeadLetterQueues
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.events.records import DeadLetter
from globalchat.localcloud.iam import AccessKey, Principal, session, user

ACCOUNT, REGION, HOST = "000000000000", "us-west-2", "127.0.0.1:5004"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/bus"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dlq"
ADMIN = user("admin", ACCOUNT, (Statement("Allow", ("*",), ("*",)),))
ROLE = Role(
    f"arn:aws:iam::{ACCOUNT}:role/Operator",
    (),
    (
        Statement("Allow", ("events:PutEvents",), (BUS,)),
        Statement("Allow", ("sqs:*",), ("*",)),
        Statement("Deny", ("sqs:PurgeQueue",), (QUEUE,)),
    ),
)
OPERATOR = session(ROLE, "ann")
NOW = 1_780_000_000.0
TOKEN = "session-token"
ENTRY = {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": "bus"}


def endpoint(
    principal: Principal = ADMIN, *, token: str | None = None, expires: float | None = None
) -> AwsEndpoint:
    """An endpoint over one bus and one queue, with one access key."""
    region = RegionDefinition(
        REGION, "oregon", ACCOUNT, (), (EventBus(BUS, "bus"),), (), (Queue(QUEUE, "dlq", ()),), {}
    )
    bridge = EventBridge(CloudDefinition((region,), {}), clock=lambda: NOW)
    bridge.connect(AppSync([], {}))
    return AwsEndpoint(
        services(bridge, base_url=f"http://{HOST}", clock=lambda: NOW),
        regions=(REGION,),
        access_keys={"AKIA": AccessKey("secret", principal, token, expires)},
        clock=lambda: NOW,
        new_request_id=lambda: "request-1",
    )


def request(
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    token: str | None = None,
    target: str = "/",
    region: str = REGION,
) -> AwsRequest:
    """A request that is signed at NOW."""
    unsigned = Unsigned("POST", f"http://{HOST}{target}", dict(headers), body)
    signer = SigV4Auth(Credentials("AKIA", "secret", token), service, region)
    unsigned.context["timestamp"] = "20260528T202640Z"
    signer._modify_request_before_signing(unsigned)
    text = signer.string_to_sign(unsigned, signer.canonical_request(unsigned))
    signer._inject_signature_to_request(unsigned, signer.signature(text, unsigned))
    found = {name.lower(): value for name, value in unsigned.headers.items()}
    return AwsRequest("POST", target, {"host": HOST, **found}, body)


def json_call(service: str, target: str, parameters: object, *, token: str | None = None) -> AwsRequest:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    return request(service, headers, json.dumps(parameters).encode(), token=token)


def query_call(service: str, body: str, *, token: str | None = None) -> AwsRequest:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return request(service, headers, body.encode(), token=token)


async def answer(asked: AwsRequest, at: AwsEndpoint | None = None) -> AwsResponse:
    return await (at or endpoint()).respond(asked, authorized=lambda: None)


def error_of(response: AwsResponse) -> tuple[int, str, str]:
    """Status, code and message, whatever the form."""
    if response.headers["content-type"] == "text/xml":
        tree = ElementTree.fromstring(response.body)
        return response.status, tree.findtext(".//Code") or "", tree.findtext(".//Message") or ""
    document: dict[str, Any] = json.loads(response.body)
    code = document.get("__type") or response.headers["x-amzn-ErrorType"]
    return response.status, code, document["message"]


PUT = json_call("events", "AWSEvents.PutEvents", {"Entries": [ENTRY]})


async def test_a_call_is_answered_once_it_is_authorized() -> None:
    noted = []
    response = await endpoint().respond(PUT, authorized=lambda: noted.append(1))
    assert (response.status, json.loads(response.body)["FailedEntryCount"], noted) == (200, 0, [1])
    assert response.headers == {"content-type": "application/x-amz-json-1.1", "x-amzn-RequestId": "request-1"}


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (PUT, 400, "MissingAuthenticationTokenException"),
        (query_call("sts", "Action=GetCallerIdentity&Version=2011-06-15"), 403, "MissingAuthenticationToken"),
        (request("appsync", {}, b"{}", target="/v1/apis"), 403, "MissingAuthenticationTokenException"),
    ],
)
async def test_a_request_without_a_signature(asked: AwsRequest, status: int, code: str) -> None:
    bare = {name: value for name, value in asked.headers.items() if name != "authorization"}
    noted: list[int] = []
    response = await endpoint().respond(
        AwsRequest(asked.method, asked.target, bare, asked.body), authorized=lambda: noted.append(1)
    )
    assert error_of(response)[:2] == (status, code)
    assert not noted


@pytest.mark.parametrize(
    ("asked", "incomplete", "expired"),
    [
        (json_call("events", "AWSEvents.PutEvents", {}, token=TOKEN), (400, "Exception"), (400, "Exception")),
        (query_call("sts", "Action=GetCallerIdentity", token=TOKEN), (400, ""), (403, "")),
        (request("appsync", {}, b"", token=TOKEN), (403, "Exception"), (403, "Exception")),
    ],
)
async def test_signatures_that_are_incomplete_or_have_expired(
    asked: AwsRequest, incomplete: tuple[int, str], expired: tuple[int, str]
) -> None:
    ended = endpoint(token=TOKEN, expires=NOW)
    status, code, _ = error_of(await answer(asked, ended))
    assert (status, code) == (expired[0], f"ExpiredToken{expired[1]}")
    broken = {
        **asked.headers,
        "authorization": asked.headers["authorization"].replace("SignedHeaders=", "S="),
    }
    status, code, message = error_of(
        await answer(AwsRequest(asked.method, asked.target, broken, asked.body), ended)
    )
    assert (status, code) == (incomplete[0], f"IncompleteSignature{incomplete[1]}")
    assert message.startswith("Authorization header requires 'SignedHeaders' parameter.")


async def test_a_role_may_do_what_its_policy_says() -> None:
    at = endpoint(OPERATOR, token=TOKEN, expires=NOW + 1)
    put = json_call("events", "AWSEvents.PutEvents", {"Entries": [ENTRY]}, token=TOKEN)
    assert (await answer(put, at)).status == 200
    other = json_call(
        "events", "AWSEvents.PutEvents", {"Entries": [ENTRY, {**ENTRY, "EventBusName": "other"}]}, token=TOKEN
    )
    assert error_of(await answer(other, at)) == (
        400,
        "AccessDeniedException",
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Operator/ann is not authorized to perform: "
        f"events:PutEvents on resource: arn:aws:events:{REGION}:{ACCOUNT}:event-bus/other because no "
        "identity-based policy allows the events:PutEvents action",
    )
    url = {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/dlq"}
    assert (await answer(json_call("sqs", "AmazonSQS.ReceiveMessage", url, token=TOKEN), at)).status == 200
    purge = json_call("sqs", "AmazonSQS.PurgeQueue", url, token=TOKEN)
    assert error_of(await answer(purge, at))[1] == "AccessDeniedException"
    who = await answer(query_call("sts", "Action=GetCallerIdentity", token=TOKEN), at)
    assert f"<Arn>{OPERATOR.arn}</Arn>".encode() in who.body
    assert f"<UserId>{OPERATOR.user_id}</UserId>".encode() in who.body


async def test_equal_letters_are_messages_of_their_own() -> None:
    queues = DeadLetterQueues([Queue(QUEUE, "dlq", ())])
    dead_letter = DeadLetter(Event({"id": "1"}, NOW), {"RULE_ARN": "rule"}, NOW, "Target0")
    for _ in range(3):
        queues.add(QUEUE, dead_letter)
    operations = {
        each.name: each for each in Queues(queues, base_url="", clock=lambda: NOW).service().operations
    }

    async def call(name: str, **parameters: JSON) -> Mapping[str, Any]:
        found = await operations[name].handle(AwsCall(REGION, ADMIN, {"QueueUrl": "/dlq", **parameters}))
        return dict(found)

    messages = (await call("ReceiveMessage", MaxNumberOfMessages=10))["Messages"]
    assert len({message["MessageId"] for message in messages}) == 3
    await call("DeleteMessage", ReceiptHandle=messages[0]["ReceiptHandle"])
    assert len(queues.messages[QUEUE]) == 2
    await call("PurgeQueue")
    assert queues.messages[QUEUE] == []


async def test_another_service_cannot_be_called_by_the_target_of_one() -> None:
    asked = json_call("sqs", "AWSEvents.PutEvents", {"Entries": [ENTRY]})
    status, code, message = error_of(await answer(asked))
    assert (status, code) == (400, "UnknownOperationException")
    assert message == "The local cloud does not emulate sqs:PutEvents."


@pytest.mark.parametrize(
    ("target", "parameters"),
    [
        ("AWSEvents.PutEvents", []),
        ("AWSEvents.PutEvents", {"Entries": "x"}),
        ("AWSEvents.PutEvents", {"Entries": [ENTRY], "EndpointId": "abcde.veo"}),
        ("AWSEvents.PutEvents", {"Entries": [1]}),
        ("AWSEvents.PutEvents", {"Entries": [{**ENTRY, "Detail": 5}]}),
        ("AWSEvents.PutEvents", {"Entries": [{**ENTRY, "Resources": "x"}]}),
        ("AWSEvents.PutEvents", {"Entries": [{**ENTRY, "Time": "now"}]}),
        ("AWSEvents.PutEvents", {"Entries": [{**ENTRY, "Time": 1e300}]}),
        ("AWSEvents.PutEvents", {"Entries": [{**ENTRY, "Time": []}]}),
        ("AWSEvents.PutEvents", {"Entries": [{**ENTRY, "EventBusName": "arn:aws:x"}]}),
        ("AmazonSQS.ReceiveMessage", {}),
        ("AmazonSQS.ReceiveMessage", {"QueueUrl": 1}),
        ("AmazonSQS.ReceiveMessage", {"QueueUrl": "/dlq", "MaxNumberOfMessages": "1"}),
        ("AmazonSQS.ReceiveMessage", {"QueueUrl": "/dlq", "VisibilityTimeout": -1}),
        ("AmazonSQS.ReceiveMessage", {"QueueUrl": "/dlq", "WaitTimeSeconds": 21}),
        ("AmazonSQS.DeleteMessage", {"QueueUrl": "/dlq", "ReceiptHandle": "/"}),
    ],
)
async def test_requests_that_no_sdk_sends_are_refused(target: str, parameters: object) -> None:
    service = "events" if target.startswith("AWSEvents") else "sqs"
    status, code, message = error_of(await answer(json_call(service, target, parameters)))
    assert status == 400
    assert code
    assert message


@given(
    service=st.sampled_from(["events", "sqs", "sts", "appsync", "x"]),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "X-Amz-Target": st.sampled_from(["", ".", "AWSEvents.PutEvents", "AmazonSQS.GetQueueUrl", "x.y"]),
            "Content-Type": st.sampled_from(
                ["application/x-www-form-urlencoded", "application/x-amz-json-1.0", "text/plain", ""]
            ),
        },
    ),
    body=st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"Action=", b"Action=%3Cx%3E%00", b'{"QueueName": "\\ud800"}', b"[" * 5000]),
    ),
)
@settings(deadline=None, max_examples=60)
async def test_garbage_is_answered_with_an_error_that_can_be_read(
    service: str, headers: dict[str, str], body: bytes
) -> None:
    response = await answer(request(service, headers, body))
    assert response.status >= 400
    assert all(error_of(response))
