"""Data sources: the requests of resolvers to the bus, and its results."""

# One case a line, whatever its length.
# ruff: noqa: E501

import json

import pytest

from globalchat.localcloud.interfaces import EntryResult
from tests.localcloud.helpers.api_harness import TREE, Harness, only_error, small_api
from tests.localcloud.helpers.resolver_code import RESPONSE

TWO = "export function request() { return { operation: 'PutEvents', events: [1, 2].map((n) => ({ source: 's', detailType: 't', detail: { n } })) }; }\nexport function response(ctx) { return { name: JSON.stringify([ctx.error ?? null, ctx.result]) }; }"


async def test_a_partial_failure_is_in_the_result_and_not_an_error() -> None:
    harness = Harness(small_api(TREE, {"Query.node": TWO}, source="Bus"))
    harness.events.answers = [
        EntryResult(event_id="event-1"),
        EntryResult(error_code="ThrottlingException", error_message="Slow down"),
    ]
    body = await harness.run("{ node { name } }")
    assert "errors" not in body
    assert json.loads(body["data"]["node"]["name"]) == [  # type: ignore[index,call-overload,arg-type]
        None,
        {
            "Entries": [
                {"EventId": "event-1"},
                {"ErrorCode": "ThrottlingException", "ErrorMessage": "Slow down"},
            ],
            "FailedEntryCount": 1,
        },
    ]


@pytest.mark.parametrize(
    ("request_code", "message"),
    [
        ("{ events: [] }", "Value for field '$[operation]' not found."),
        ("{ operation: 'Put', events: [] }", "Unsupported operation 'Put'."),
        ("{ operation: 'PutEvents' }", "Value for field '$[events]' not found."),
        ("{ operation: 'PutEvents', events: [] }", "is not a list of 1 to 10 events"),
        ("{ operation: 'PutEvents', events: [1] }", "Value for field '$[events][0]' is not an object."),
        ("{ operation: 'PutEvents', events: [{ source: 's', detailType: 't' }] }", "'$[events][0][detail]' not found"),
        ("{ operation: 'PutEvents', events: [{ source: 's', detailType: 't', detail: '{}' }] }", "[detail]' is not an object"),
        ("{ operation: 'PutEvents', events: [{ source: 1, detailType: 't', detail: {} }] }", "[source]' is not a string"),
        ("{ operation: 'PutEvents', events: [{ source: 's', detailType: 't', detail: {}, x: 1 }] }", "Unsupported element '$[events][0][x]'."),
        ("{ operation: 'PutEvents', events: [{ source: 's', detailType: 't', detail: {}, resources: 'r' }] }", "[resources]' is not a list"),
        ("undefined", "Value for field '$' is not an object."),
    ],
)  # fmt: skip
async def test_malformed_requests_to_the_bus(request_code: str, message: str) -> None:
    code = f"export function request(ctx) {{ return {request_code}; }}\n{RESPONSE}"
    harness = Harness(small_api(TREE, {"Query.node": code}, source="Bus"))
    error = only_error(await harness.run("{ node { id } }"))
    assert error["errorType"] == "MappingTemplate"
    assert message in str(error["message"])
    assert harness.events.calls == []


async def test_lone_surrogates_never_reach_the_bus() -> None:
    code = f"export function request(ctx) {{ return {{ operation: 'PutEvents', events: [{{ source: 's', detailType: 't', detail: {{ a: '\\ud800x' }}, time: '2026-01-01T00:00:00Z', resources: ['r'] }}] }}; }}\n{RESPONSE}"
    harness = Harness(small_api(TREE, {"Query.count": code}, source="Bus"))
    await harness.run("{ count }")
    [entry] = harness.events.entries
    assert entry.detail == '{"a":"\ufffdx"}'
    assert (entry.time, entry.resources) == ("2026-01-01T00:00:00Z", ("r",))


async def test_a_defect_surfaces() -> None:
    class Broken(Exception):
        pass

    harness = Harness(
        small_api(
            TREE,
            {
                "Query.node": "export function request() { return { operation: 'PutEvents', events: [{ source: 's', detailType: 't', detail: {} }] }; }\n"
                + RESPONSE
            },
            source="Bus",
        )
    )

    async def put_events(**_arguments: object) -> list[object]:
        raise Broken

    harness.events.put_events = put_events  # type: ignore[method-assign,assignment]
    with pytest.raises(Broken):
        await harness.run("{ node { id } }")
