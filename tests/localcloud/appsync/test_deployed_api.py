"""The repository's own schema and resolver files, run as they will be deployed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.model import Caller, Invalidation, Publication
from globalchat.localcloud.definition import JSON, Role, Statement
from globalchat.localcloud.iam import Principal, session, user
from globalchat.localcloud.interfaces import EntryResult, PutEventsError
from tests.localcloud.helpers.api_harness import (
    ADMIN,
    API_ARN,
    BROADCAST,
    BUS_ARN,
    BUS_ROLE,
    FROM_BUS,
    KEY,
    MESSAGE,
    PUBLISH,
    ROLE,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Harness,
    deployed_api,
    only_error,
)

FULL = """mutation P($name: String!, $message: String!, $id: ID, $sender: String) {
  publish(name: $name, message: $message, id: $id, sender: $sender) { id name message sender region sentAt }
}"""

ANYTHING = (Statement("Allow", ("*",), ("*",)),)
"""The policy of an administrator."""
CHANNELS: list[JSON] = ["cars", "robots", "tech", "music", "media"]
HOSTILE = [
    "quotes \" and ' and `",
    "backslashes \\ \\\\ \\n \\u0041",
    "new\nline\r\ttab",
    "\u2028\u2029\u0085\ufeff",
    "emoji 😀👩‍👩‍👧 and \U0010fffe",
    "${x} $ctx $ctx.args.name #{y} {{z}}",
    "[bold]markup[/bold] \x1b[31m \x9b",
    '"},"injected":{"a":"',
    "<script>\x7f",
    "é e\u0301 ﷽",
]


def detail(harness: Harness) -> JSON:
    return json.loads(harness.events.entries[-1].detail)  # type: ignore[no-any-return]


async def test_queries() -> None:
    body = await Harness().run("{ channels limits { message sender id } }")
    assert body == {
        "data": {
            "channels": CHANNELS,
            "limits": {"message": 2000, "sender": 32, "id": 64},
        }
    }


async def test_publish_puts_the_stamped_message_on_the_bus_and_answers_it() -> None:
    harness = Harness()
    body = await harness.run(FULL, {"name": "tech", "message": "hi", "id": "m-1", "sender": "ann"})
    message = {**MESSAGE, "id": "m-1", "sender": "ann"}
    assert body == {"data": {"publish": message}}
    assert detail(harness) == message
    entry = harness.events.entries[0]
    assert (entry.source, entry.detail_type) == ("globalchat", "message published")
    assert harness.events.calls == [(BUS_ARN, BUS_ROLE)]
    assert harness.subscribers.published == []


async def test_without_an_id_each_message_gets_its_own() -> None:
    harness = Harness()
    for _ in range(2):
        body = await harness.run(PUBLISH, {"name": "tech", "message": "hi"})
        assert body == {"data": {"publish": {"message": "hi", "name": "tech"}}}
    ids = {json.loads(entry.detail)["id"] for entry in harness.events.entries}
    assert len(ids) == 2
    assert "sender" not in json.loads(harness.events.entries[0].detail)


@pytest.mark.parametrize(
    ("variables", "error_type", "message"),
    [
        (
            {"name": "nope"},
            "UnknownChannel",
            "There is no such channel.",
        ),
        ({"message": " \n"}, "EmptyMessage", "The message is empty."),
        (
            {"message": "x" * 2001},
            "MessageTooLong",
            "The message has 2001 characters; at most 2000 are allowed.",
        ),
        (
            {"message": "😀" * 1001},
            "MessageTooLong",
            "The message has 2002 characters; at most 2000 are allowed.",
        ),
        ({"message": "a\0b"}, "BadMessage", None),
        ({"message": "a\ud800b"}, "BadMessage", None),
        ({"message": "a\udc00\ud800\nb"}, "BadMessage", None),
        ({"id": "a b"}, "BadMessageId", None),
        ({"id": "a\n"}, "BadMessageId", None),
        ({"id": "x" * 65}, "BadMessageId", None),
        ({"id": ""}, "BadMessageId", None),
        ({"sender": "  "}, "BadSender", None),
        ({"sender": "x" * 33}, "BadSender", None),
        ({"sender": "\ud83d"}, "BadSender", None),
    ],
)
async def test_refusals(variables: dict[str, JSON], error_type: str, message: str | None) -> None:
    harness = Harness()
    body = await harness.run(FULL, {"name": "tech", "message": "hi", **variables})
    error = only_error(body)
    assert body["data"] == {"publish": None}
    assert error["errorType"] == error_type
    assert error["path"] == ["publish"]
    assert error["data"] is None
    assert error["locations"] == [{"line": 2, "column": 3, "sourceName": None}]
    assert message is None or error["message"] == message
    assert harness.events.entries == []


@pytest.mark.parametrize(
    ("document", "caller", "name"), [(PUBLISH, KEY, "nope"), (UNSUBSCRIBE, ADMIN, "Nope")]
)
async def test_an_unknown_channel_is_refused_with_a_list_of_those_that_there_are(
    document: str, caller: Caller, name: str
) -> None:
    error = only_error(await Harness().run(document, {"name": name, "message": "hi"}, caller))
    assert (error["errorType"], error["message"]) == ("UnknownChannel", "There is no such channel.")
    assert error["errorInfo"] == {"channels": CHANNELS}


async def test_longest_values_pass() -> None:
    body = await Harness().run(
        FULL, {"name": "tech", "message": "😀" * 1000, "id": "x" * 64, "sender": "s" * 32}
    )
    assert "errors" not in body


@pytest.mark.parametrize(("code", "retryable"), [("InternalFailure", True), ("MalformedDetail", False)])
async def test_a_refused_entry_is_an_error(code: str, retryable: bool) -> None:
    harness = Harness()
    harness.events.answers = [EntryResult(error_code=code, error_message="why")]
    error = only_error(await harness.run(PUBLISH, {"name": "tech", "message": "hi"}))
    assert error["errorType"] == "NotAccepted"
    assert error["message"] == "The bus refused the message: why"
    assert error["errorInfo"] == {"code": code, "retryable": retryable}


async def test_a_failed_call_is_an_error() -> None:
    harness = Harness()
    harness.events.failure = PutEventsError("AccessDeniedException", "not allowed")
    error = only_error(await harness.run(PUBLISH, {"name": "tech", "message": "hi"}))
    assert error["errorType"] == "NotAccepted"
    assert error["message"] == "The bus could not be reached: not allowed"
    assert error["errorInfo"] == {"code": "AccessDeniedException", "retryable": True}


@pytest.mark.parametrize("text", HOSTILE)
async def test_text_arrives_unchanged_everywhere(text: str) -> None:
    harness = Harness()
    body = await harness.run(FULL, {"name": "tech", "message": text, "sender": text[:10]})
    published = body["data"]["publish"]  # type: ignore[index,call-overload]
    assert published["message"] == text  # type: ignore[index,call-overload]
    sent = detail(harness)
    assert sent["message"] == text  # type: ignore[index,call-overload]
    assert text in json.dumps(sent, ensure_ascii=False) or "\\" in json.dumps(text, ensure_ascii=False)
    passed = await harness.run(FROM_BUS, sent, BROADCAST)  # type: ignore[arg-type]
    assert passed == {"data": {"publishFromBus": sent}}
    assert harness.subscribers.published == [Publication("publishFromBus", sent)]  # type: ignore[arg-type]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
async def test_any_text_round_trips(text: str) -> None:
    harness = ROUND_TRIP
    body = await harness.run(PUBLISH, {"name": "tech", "message": text})
    # What JavaScript's trim() takes for white space.
    if text.strip(
        " \t\n\x0b\x0c\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
        + "".join(map(chr, range(0x2000, 0x200B)))
    ):
        assert body == {"data": {"publish": {"message": text, "name": "tech"}}}
    else:
        assert only_error(body)["errorType"] == "EmptyMessage"


ROUND_TRIP = Harness()


async def test_from_the_bus_is_for_iam_alone() -> None:
    harness = Harness()
    body = await harness.run(FROM_BUS, MESSAGE, KEY)
    assert body["data"] == {"publishFromBus": None}
    assert only_error(body) == {
        "path": ["publishFromBus"],
        "data": None,
        "errorType": "Unauthorized",
        "errorInfo": None,
        "locations": [{"line": 3, "column": 3, "sourceName": None}],
        "message": "Not Authorized to access publishFromBus on type Mutation",
    }
    assert harness.subscribers.published == []


def role(name: str) -> Principal:
    """A session of a role with the rights of an administrator."""
    return session(Role(f"arn:aws:iam::000000000000:role/{name}", (), ANYTHING), "s")


@pytest.mark.parametrize(
    "principal",
    [
        user("admin", "000000000000", ANYTHING),
        user("assumed-role/globalchat.oregon.broadcast/s", "000000000000", ANYTHING),
        role("Admin"),
        # The other region's, of another deployment, and names that only begin or end in the same way.
        role("globalchat.sydney.broadcast"),
        role("other.oregon.broadcast"),
        role("globalchat.oregon.broadcaster"),
        role("my-globalchat.oregon.broadcast"),
        # Its caller chooses the name of a session.
        session(Role("arn:aws:iam::000000000000:role/A", (), ANYTHING), "globalchat.oregon.broadcast"),
    ],
    ids=lambda principal: principal.arn.rpartition(":")[2],
)
async def test_from_the_bus_is_for_the_role_of_the_broadcast_whatever_policies_allow(
    principal: Principal,
) -> None:
    harness = Harness()
    body = await harness.run(FROM_BUS, MESSAGE, Caller("AWS_IAM", principal))
    error = only_error(body)
    assert error["errorType"] == "Unauthorized"
    assert error["message"] == "Not Authorized to access publishFromBus on type Mutation"
    assert body["data"] == {"publishFromBus": None}
    assert harness.subscribers.published == []


async def test_the_api_is_configured_with_the_role_of_the_broadcast() -> None:
    environment = {**deployed_api().environment, "BROADCAST_ROLE": "renamed.oregon.broadcast"}
    harness = Harness(replace(deployed_api(), environment=environment))
    refused = await harness.run(FROM_BUS, MESSAGE, BROADCAST)
    assert only_error(refused)["errorType"] == "Unauthorized"
    renamed = replace(ROLE, arn="arn:aws:iam::000000000000:role/renamed.oregon.broadcast")
    taken = await harness.run(FROM_BUS, MESSAGE, Caller("AWS_IAM", session(renamed, "s")))
    assert taken == {"data": {"publishFromBus": MESSAGE}}


async def test_from_the_bus_publishes_the_selected_fields() -> None:
    harness = Harness()
    body = await harness.run(FROM_BUS.replace("id name message", "key: id name"), MESSAGE, BROADCAST)
    assert body["data"]["publishFromBus"]["key"] == "m1"  # type: ignore[index,call-overload]
    [publication] = harness.subscribers.published
    assert publication.mutation == "publishFromBus"
    assert publication.value == {key: value for key, value in MESSAGE.items() if key != "message"}


async def test_a_bad_time_from_the_bus_is_refused() -> None:
    body = await Harness().run(FROM_BUS, {**MESSAGE, "sentAt": "yesterday"}, BROADCAST)
    assert body["data"] is None
    assert str(only_error(body)["message"]).startswith("Variable 'sentAt' has an invalid value")


@pytest.mark.parametrize("query", [UNSUBSCRIBE, FROM_BUS])
async def test_policies_are_asked_per_top_level_field(query: str) -> None:
    field = "unsubscribe" if query == UNSUBSCRIBE else "publishFromBus"
    resource = f"{API_ARN}/types/Mutation/fields/{field}"
    variables: dict[str, JSON] = {"name": "tech"} if query == UNSUBSCRIBE else MESSAGE

    def caller(*statements: Statement) -> Caller:
        return Caller("AWS_IAM", session(replace(ROLE, statements=statements), "s"))

    allow = Statement("Allow", ("appsync:GraphQL",), (resource,))
    allowed = caller(allow)
    assert "errors" not in await Harness().run(query, variables, allowed)
    for refused in (
        caller(),
        caller(Statement("Allow", ("appsync:GraphQL",), (f"{API_ARN}/types/Mutation/fields/publish",))),
        caller(Statement("Allow", ("appsync:GetGraphqlApi",), ("*",))),
        caller(allow, Statement("Deny", ("*",), (resource,))),
    ):
        error = only_error(await Harness().run(query, variables, refused))
        assert error["message"] == f"Not Authorized to access {field} on type Mutation"


async def test_unsubscribe_invalidates() -> None:
    harness = Harness()
    assert await harness.run(UNSUBSCRIBE, {"name": "tech"}, ADMIN) == {
        "data": {"unsubscribe": {"name": "tech"}}
    }
    assert harness.subscribers.invalidated == [Invalidation("subscribe", {"name": "tech"})]
    denied = await harness.run(UNSUBSCRIBE, {"name": "tech"}, KEY)
    assert only_error(denied)["errorType"] == "Unauthorized"
    assert "errors" not in await harness.run(UNSUBSCRIBE, {"name": "removed"}, ADMIN)
    assert len(harness.subscribers.invalidated) == 2
    for name in ("No", "", "a b", "x" * 51):
        unknown = await harness.run(UNSUBSCRIBE, {"name": name}, ADMIN)
        assert only_error(unknown)["errorType"] == "UnknownChannel"
    assert len(harness.subscribers.invalidated) == 2


async def test_a_request_invalidates_at_most_five_times() -> None:
    harness = Harness()
    fields = " ".join(f'a{i}: unsubscribe(name: "tech") {{ name }}' for i in range(6))
    body = await harness.run(f"mutation {{ {fields} }}", caller=ADMIN)
    assert only_error(body)["path"] == ["a5"]
    assert len(harness.subscribers.invalidated) == 5


async def test_subscribe_refuses_an_unknown_channel() -> None:
    (error,) = await Harness().refused_subscription(SUBSCRIBE, {"name": "nope"})
    assert isinstance(error, dict)
    assert (error["errorType"], error["errorInfo"]) == ("UnknownChannel", {"channels": CHANNELS})


async def test_introspection_shows_the_api() -> None:
    body = await Harness().run(
        '{ __schema { mutationType { fields { name } } } __type(name: "Message") { name } }'
    )
    names = [field["name"] for field in body["data"]["__schema"]["mutationType"]["fields"]]  # type: ignore[index,call-overload,union-attr]
    assert names == ["publish", "publishFromBus", "unsubscribe"]
