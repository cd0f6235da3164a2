"""A small app's resolvers on a table, over HTTP: what they put, what they get, and what they are refused."""

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from globalchat.localcloud.appsync.graphql_errors import FieldError
from globalchat.localcloud.definition import JSON, DataSource
from globalchat.localcloud.dynamodb.data_source import TableDataSources
from globalchat.localcloud.dynamodb.store import ItemStore
from globalchat.localcloud.dynamodb.tables import Tables
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning.assembly import CloudAssembly, Stack
from globalchat.localcloud.provisioning.provisioner import provision
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from tests.localcloud.helpers import notes_app
from tests.localcloud.helpers.cloud_client import call
from tests.localcloud.helpers.notes_app import TABLE_ARN
from tests.localcloud.helpers.small_backend import Template

FIELDS = "topic place text tags weight done"
PUT = f"""mutation P(
  $topic: ID!, $place: String, $text: String, $tags: [String!], $weight: Float, $done: Boolean
) {{
  put(topic: $topic, place: $place, text: $text, tags: $tags, weight: $weight, done: $done) {{ {FIELDS} }}
}}"""
PUT_ONCE = """mutation P($topic: ID!, $place: String!, $text: String) {
  putOnce(topic: $topic, place: $place, text: $text) { topic place text } }"""
NOTES = f"""query N(
  $topic: ID!, $after: String, $prefix: String, $heavier: Float, $limit: Int,
  $nextToken: String, $newest: Boolean
) {{
  notes(
    topic: $topic, after: $after, prefix: $prefix, heavier: $heavier, limit: $limit, nextToken: $nextToken,
    newest: $newest
  ) {{ items {{ {FIELDS} }} nextToken scannedCount }}
}}"""
RAW = "query R($request: AWSJSON!) { raw(request: $request) }"
SUFFIX = re.compile(r" \(Service: DynamoDb, Status Code: \d+, Request ID: [A-Z2-7]{52}\)$")


class App:
    """The app, as its users see it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._region = cloud.region("us-west-2")

    async def send(self, query: str, **variables: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        status, body = await call(self._region, query, variables)
        assert status == 200, body
        assert isinstance(body, dict)
        return body

    async def put(self, **variables: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        body = await self.send(PUT, **variables)
        assert "errors" not in body, body
        note: dict[str, Any] = body["data"]["put"]
        return note

    async def notes(self, **variables: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        body = await self.send(NOTES, topic="tea", **variables)
        assert "errors" not in body, body
        page: dict[str, Any] = body["data"]["notes"]
        return page

    async def places(self, **variables: Any) -> list[str]:  # noqa: ANN401 - any JSON
        return [item["place"] for item in (await self.notes(**variables))["items"]]

    async def refusal(self, request: object) -> tuple[str, str]:
        """Type and message of the error that a request ends in, without the SDK's suffix."""
        body = await self.send(RAW, request=json.dumps(request))
        (error,) = body["errors"]
        return error["errorType"], SUFFIX.sub("", error["message"])


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with LocalCloud.open(notes_app.write(tmp_path / "app")) as cloud:
        yield App(cloud)


def query(**more: JSON) -> JSON:
    expression: JSON = {"expression": "topic = :t", "expressionValues": {":t": {"S": "tea"}}}
    return {"operation": "Query", "query": expression, **more}


def put(**more: JSON) -> JSON:
    key: JSON = {"topic": {"S": "tea"}, "place": {"S": "a"}}
    return {"operation": "PutItem", "key": key, **more}


async def test_what_is_put_comes_back_from_the_put_and_from_a_query(app: App) -> None:
    note = {"topic": "tea", "place": "a", "text": "ünï 🍵", "tags": ["x", "y"], "weight": 2.5, "done": False}
    assert await app.put(**note) == note
    assert await app.notes() == {"items": [note], "nextToken": None, "scannedCount": 1}


async def test_null_is_stored_and_a_key_may_be_made_by_the_resolver(app: App) -> None:
    note = await app.put(topic="tea", text=None)
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", note["place"])
    assert (await app.notes())["items"] == [note]
    assert note["text"] is None


async def test_pages_conditions_filters_and_order(app: App) -> None:
    for number, place in enumerate(("a1", "a2", "b1", "b2", "c1")):
        await app.put(topic="tea", place=place, weight=float(number))
    assert await app.places() == ["a1", "a2", "b1", "b2", "c1"]
    assert await app.places(newest=True) == ["c1", "b2", "b1", "a2", "a1"]
    assert await app.places(after="a2") == ["b1", "b2", "c1"]
    assert await app.places(prefix="b") == ["b1", "b2"]
    page = await app.notes(heavier=2.5, limit=4)
    assert ([item["place"] for item in page["items"]], page["scannedCount"]) == (["b2"], 4)
    found, token = [], None
    while True:
        page = await app.notes(limit=2, nextToken=token)
        found.append([item["place"] for item in page["items"]])
        if (token := page["nextToken"]) is None:
            break
    assert found == [["a1", "a2"], ["b1", "b2"], ["c1"]]


async def test_a_failed_condition_brings_what_is_stored(app: App) -> None:
    first = await app.send(PUT_ONCE, topic="tea", place="a", text="first")
    assert first["data"]["putOnce"]["text"] == "first"
    second = await app.send(PUT_ONCE, topic="tea", place="a", text="second")
    (error,) = second["errors"]
    assert error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
    assert SUFFIX.sub("", error["message"]) == "The conditional request failed"
    assert error["data"] == {"topic": "tea", "place": "a", "text": "first"}


async def test_a_failed_condition_is_none_if_the_item_is_the_same(app: App) -> None:
    """Of the attributes that `equalsIgnore` does not name."""
    await app.send(PUT_ONCE, topic="tea", place="a", text="same")
    again = await app.send(PUT_ONCE, topic="tea", place="a", text="same")
    assert again == {"data": {"putOnce": {"topic": "tea", "place": "a", "text": "same"}}}


async def test_all_forms_of_typed_values_are_taken(app: App) -> None:
    values: JSON = {
        "number": {"N": 1.5}, "text": {"N": "2"}, "nothing": {"NULL": None}, "yes": {"BOOL": True},
        "numbers": {"NS": [1, "2"]}, "list": {"L": [{"N": 3}]}, "map": {"M": {"a": {"NULL": None}}},
    }  # fmt: skip
    body = await app.send(RAW, request=json.dumps(put(attributeValues=values)))
    assert json.loads(body["data"]["raw"]) == {
        "topic": "tea", "place": "a", "number": 1.5, "text": 2, "nothing": None, "yes": True,
        "numbers": [1, 2], "list": [3], "map": {"a": None},
    }  # fmt: skip


async def test_a_projection_takes_parts(app: App) -> None:
    await app.put(topic="tea", place="a", text="x", weight=1.0)
    projection: JSON = {"expression": "#t, weight", "expressionNames": {"#t": "text"}}
    body = await app.send(RAW, request=json.dumps(query(projection=projection)))
    assert json.loads(body["data"]["raw"])["items"] == [{"text": "x", "weight": 1}]


@pytest.mark.parametrize(
    ("request_", "kind", "message"),
    [
        ({}, "MappingTemplate", "Value for field '$[operation]' not found."),
        ("x", "MappingTemplate", "Value for field '$' is not an object."),
        ({"operation": "Scan"}, "MappingTemplate", "does not emulate the DynamoDB operation 'Scan'."),
        ({"operation": "PutItem"}, "MappingTemplate", "Value for field '$[key]' not found."),
        (put(colour=1), "MappingTemplate", "Unsupported element '$[colour]'."),
        (put(_version=1), "MappingTemplate", "The local cloud does not emulate '$[_version]'."),
        (query(index="byText"), "MappingTemplate", "The local cloud does not emulate '$[index]'."),
        (query(limit="1"), "MappingTemplate", "Value for field '$[limit]' is not of type Integer."),
        (query(limit=True), "MappingTemplate", "Value for field '$[limit]' is not of type Integer."),
        ({"operation": "Query", "query": {}}, "MappingTemplate", "Value for field '$[query][expression]'"),
        (
            put(condition={"expression": "a = b", "conditionalCheckFailedHandler": {"strategy": "Custom"}}),
            "MappingTemplate",
            "does not emulate the strategy 'Custom'",
        ),
        (put(attributeValues={"x": {"B": "YQ=="}}), "DynamoDB:DynamoDbException", "attribute type B"),
        (put(attributeValues={"x": {"N": "x"}}), "DynamoDB:DynamoDbException", "numeric value: x"),
        (
            {"operation": "PutItem", "key": {"topic": {"S": "t"}}},
            "DynamoDB:DynamoDbException",
            "One or more parameter values were invalid: Missing the key place in the item",
        ),
        (
            {
                "operation": "Query",
                "query": {"expression": "name = :t", "expressionValues": {":t": {"S": ""}}},
            },
            "DynamoDB:DynamoDbException",
            "Attribute name is a reserved keyword; reserved keyword: name",
        ),
        (query(limit=0), "DynamoDB:DynamoDbException", "Value at 'Limit' failed to satisfy constraint"),
        (
            query(nextToken="no token"),
            "DynamoDB:UserIllegalArgumentException",
            "InvalidPaginationTokenException: Invalid pagination token given.",
        ),
        (query(nextToken="W10="), "DynamoDB:UserIllegalArgumentException", "Invalid pagination token given."),
    ],
)
def test_what_is_refused_says_why(request_: JSON, kind: str, message: str) -> None:
    stack = Stack("notes", notes_app.REGION, "notes.template.json", notes_app.template())
    definition = provision(CloudAssembly((stack,)), urls={notes_app.REGION: "http://127.0.0.1:1"})
    (region,) = definition.regions
    with closing(ItemStore(None)) as store:
        sources = TableDataSources(Tables(region.tables, store, time.time), definition)
        assert message in refusal(sources, region.apis[0].data_sources["notes"], request_)[kind]


def refusal(sources: TableDataSources, source: DataSource, request: JSON) -> dict[str, str]:
    """The message of an error by its type."""
    try:
        error = sources.run(source, request)["error"]
    except FieldError as malformed:
        return {str(malformed.error_type): malformed.message}
    assert isinstance(error, dict)
    return {str(error["type"]): str(error["message"])}


async def test_a_token_of_another_partition_does_not_go_on(app: App) -> None:
    for topic in ("tea", "coffee"):
        for place in ("a", "b"):
            await app.put(topic=topic, place=place)
    token = (await app.notes(limit=1))["nextToken"]
    expression = {"expression": "topic = :t", "expressionValues": {":t": {"S": "coffee"}}}
    kind, message = await app.refusal({"operation": "Query", "query": expression, "nextToken": token})
    assert kind == "DynamoDB:DynamoDbException"
    assert message.startswith("The provided starting key is outside query boundaries")


@pytest.mark.parametrize(
    ("lacking", "action", "query_", "variables"),
    [
        ("PutPolicy", "PutItem", PUT, {"topic": "tea", "place": "a"}),
        ("QueryPolicy", "Query", NOTES, {"topic": "tea"}),
    ],
)
async def test_the_role_needs_each_permission(
    tmp_path: Path, lacking: str, action: str, query_: str, variables: dict[str, str]
) -> None:
    template = notes_app.template()
    del template["Resources"][lacking]
    async with LocalCloud.open(notes_app.write(tmp_path / "app", template)) as cloud:
        body = await App(cloud).send(query_, **variables)
    (error,) = body["errors"]
    assert error["errorType"] == "DynamoDB:DynamoDbException"
    assert re.fullmatch(
        r"User: arn:aws:sts::000000000000:assumed-role/notes-Role-\w+/APPSYNC_ASSUME_ROLE is not authorized "
        rf"to perform: dynamodb:{action} on resource: {TABLE_ARN} because no identity-based policy allows "
        rf"the dynamodb:{action} action",
        SUFFIX.sub("", error["message"]),
    )


async def test_comparing_after_a_failed_condition_needs_the_permission_to_get(tmp_path: Path) -> None:
    template = notes_app.template()
    del template["Resources"]["GetPolicy"]
    async with LocalCloud.open(notes_app.write(tmp_path / "app", template)) as cloud:
        app = App(cloud)
        await app.send(PUT_ONCE, topic="tea", place="a", text="first")
        body = await app.send(PUT_ONCE, topic="tea", place="a", text="first")
    assert "dynamodb:GetItem" in body["errors"][0]["message"]


async def test_a_role_that_does_not_trust_appsync_may_nothing(tmp_path: Path) -> None:
    template = notes_app.template()
    trust = template["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"]["Service"] = "events.amazonaws.com"
    async with LocalCloud.open(notes_app.write(tmp_path / "app", template)) as cloud:
        body = await App(cloud).send(NOTES, topic="tea")
    assert "is not authorized to perform: dynamodb:Query" in body["errors"][0]["message"]


def with_code(code: str) -> Template:
    template = notes_app.template()
    template["Resources"]["Raw"]["Properties"]["Code"] = notes_app.IMPORT + code + notes_app.ANSWER
    return template


@pytest.mark.parametrize("operation", ["Scan", "GetItem", "UpdateItem", "TransactWriteItems"])
async def test_other_operations_are_refused_at_start(tmp_path: Path, operation: str) -> None:
    code = (
        "export function request(ctx) {\n  if (ctx.args.x) return null;\n"
        f"  return {{ operation: '{operation}' }};\n}}"
    )
    with pytest.raises(TemplateError) as caught:
        async with LocalCloud.open(notes_app.write(tmp_path / "app", with_code(code))):
            pass
    assert str(caught.value) == (
        f"API notes: raw.js:4:12: not emulated: the operation {operation} of a DynamoDB data source."
    )


async def test_requests_may_come_from_the_helper_module(tmp_path: Path) -> None:
    code = """import * as ddb from '@aws-appsync/utils/dynamodb';
export function request(ctx) {
  return ddb.query({ query: { topic: { eq: 'tea' }, place: { ge: 'b' } }, scanIndexForward: false });
}"""
    async with LocalCloud.open(notes_app.write(tmp_path / "app", with_code(code))) as cloud:
        app = App(cloud)
        for place in "abc":
            await app.put(topic="tea", place=place)
        body = await app.send(RAW, request="{}")
    assert [item["place"] for item in json.loads(body["data"]["raw"])["items"]] == ["c", "b"]


async def test_an_attribute_called_operation_is_none(tmp_path: Path) -> None:
    code = (
        "export function request(ctx) { const item = { operation: 'Scan' };"
        " return { operation: `Query`, query: { expression: 'a = b' }, item }; }"
    )
    async with LocalCloud.open(notes_app.write(tmp_path / "app", with_code(code))):
        pass


async def test_what_was_put_is_there_in_the_next_cloud(tmp_path: Path) -> None:
    options = CloudOptions(tables_file=tmp_path / "tables.sqlite")
    folder = notes_app.write(tmp_path / "app")
    async with LocalCloud.open(folder, options=options) as cloud:
        await App(cloud).put(topic="tea", place="a", text="kept")
    async with LocalCloud.open(folder, options=options) as cloud:
        assert [item["text"] for item in (await App(cloud).notes())["items"]] == ["kept"]
        assert cloud.notices == ()
    (tmp_path / "tables.sqlite").write_bytes(b"x" * 5000)
    async with LocalCloud.open(folder, options=options) as cloud:
        assert (await App(cloud).notes())["items"] == []
        assert cloud.notices == (
            "The file of the tables was damaged; they are empty now. "
            f"It is kept as {tmp_path / 'tables.sqlite.damaged-1'}.",
        )
