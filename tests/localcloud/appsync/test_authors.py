"""Who a message is from, as AWS vouches for it: whoami and publish say the same of each caller."""

import json
from dataclasses import replace

import pytest

from globalchat.localcloud.appsync.model import Caller
from globalchat.localcloud.definition import JSON, Role, Statement
from globalchat.localcloud.iam import Principal, session, user
from tests.localcloud.helpers.api_harness import BROADCAST, FROM_BUS, KEY, MESSAGE, Harness, deployed_api

OWN, OTHER = "000000000000", "999999999999"
ANYTHING = (Statement("Allow", ("*",), ("*",)),)
REQUEST = 'mutation { publish(name: "tech", message: "hi", id: "m1") { author sender } }'


def assumed(role: str, name: str, account: str = OWN) -> Principal:
    return session(Role(f"arn:aws:iam::{account}:role/{role}", (), ANYTHING), name)


def with_arn(arn: str) -> Principal:
    return Principal(arn, "id", arn.split(":")[4], ANYTHING)


STS = f"arn:aws:sts::{OWN}:assumed-role"
AUTHORS: dict[str, tuple[Principal | None, str | None]] = {
    "an API key": (None, None),
    "a user": (user("ana", OWN, ANYTHING), f"arn:aws:iam::{OWN}:user/ana"),
    "a user with a path": (user("staff/ana", OWN, ANYTHING), f"arn:aws:iam::{OWN}:user/staff/ana"),
    "a user named as a person": (
        user("AWSReservedSSO_Chat_1/ana", OWN, ANYTHING),
        f"arn:aws:iam::{OWN}:user/AWSReservedSSO_Chat_1/ana",
    ),
    "the root user": (with_arn(f"arn:aws:iam::{OWN}:root"), f"arn:aws:iam::{OWN}:root"),
    "a role, whose caller chose the session": (assumed("Admin", "ana@example.com"), f"{STS}/Admin"),
    "Identity Center": (assumed("AWSReservedSSO_Chat_0a1b2c", "ana@example.com"), "ana@example.com"),
    "a role that is named exactly": (assumed("deployers", "ben"), "ben"),
    "a role with a longer name": (assumed("deployers2", "ben"), f"{STS}/deployers2"),
    "a role with another case of letters": (assumed("awsreservedsso_x", "ben"), f"{STS}/awsreservedsso_x"),
    "a role that ends as a verified one begins": (
        assumed("my-AWSReservedSSO_", "ben"),
        f"{STS}/my-AWSReservedSSO_",
    ),
    "a session named as a verified role": (assumed("Admin", "AWSReservedSSO_Chat"), f"{STS}/Admin"),
    "Identity Center of another account": (
        assumed("AWSReservedSSO_Chat_0a1b2c", "ana@example.com", OTHER),
        f"arn:aws:sts::{OTHER}:assumed-role/AWSReservedSSO_Chat_0a1b2c",
    ),
    "a federated user": (
        with_arn(f"arn:aws:sts::{OWN}:federated-user/deployers"),
        f"arn:aws:sts::{OWN}:federated-user",
    ),
}


def caller(principal: Principal | None) -> Caller:
    return KEY if principal is None else Caller("AWS_IAM", principal)


@pytest.mark.parametrize("kind", AUTHORS)
async def test_whoami_and_publish_agree(kind: str) -> None:
    principal, author = AUTHORS[kind]
    harness = Harness()
    assert await harness.run("{ whoami }", caller=caller(principal)) == {"data": {"whoami": author}}
    published = await harness.run(REQUEST, caller=caller(principal))
    assert published == {"data": {"publish": {"author": author, "sender": None}}}
    detail = json.loads(harness.events.entries[0].detail)
    assert detail.get("author") == author
    assert ("author" in detail) == (author is not None)


async def test_without_verified_roles_no_one_is_a_person() -> None:
    api = deployed_api()
    harness = Harness(replace(api, environment={**api.environment, "VERIFIED_ROLES": ""}))
    for principal, author in AUTHORS.values():
        body = await harness.run("{ whoami }", caller=caller(principal))
        if principal is not None and author is not None and ":" not in author:
            author = principal.arn.rpartition("/")[0]
        assert body == {"data": {"whoami": author}}


FORGERIES: dict[str, tuple[str, dict[str, JSON]]] = {
    "an argument": ('mutation { publish(name: "tech", message: "x", author: "eve") { author } }', {}),
    "a variable": (
        'mutation M($author: String) { publish(name: "tech", message: "x", author: $author) { author } }',
        {"author": "eve"},
    ),
    "an argument of the field": (
        'mutation { publish(name: "tech", message: "x") { author(as: "eve") } }',
        {},
    ),
    "an argument in a fragment": (
        "mutation { ...F } fragment F on Mutation "
        '{ publish(name: "tech", message: "x", author: "eve") { author } }',
        {},
    ),
}
"""Documents that AppSync refuses: the schema knows no such argument."""


@pytest.mark.parametrize("kind", AUTHORS)
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_an_author_cannot_be_given(forgery: str, kind: str) -> None:
    document, variables = FORGERIES[forgery]
    harness = Harness()
    body = await harness.run(document, variables, caller(AUTHORS[kind][0]))
    assert "eve" not in json.dumps(body.get("data"))
    assert body["errors"]
    assert harness.events.entries == []


@pytest.mark.parametrize("kind", AUTHORS)
@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ('mutation { publish(name: "tech", message: "x", sender: "eve") { id: author author: sender } }', {}),
        (
            'mutation M($text: String!) { publish(name: "tech", message: $text) { id: author } }',
            {"text": "x", "author": "eve", "identity": {"userArn": "eve"}},
        ),
        (
            'mutation { publish(name: "tech", message: "x", sender: "eve") { ...F } } '
            "fragment F on Message { id: author }",
            {},
        ),
    ],
    ids=["aliases", "a variable", "a fragment"],
)
async def test_an_author_is_the_caller_whatever_the_document_calls_it(
    document: str, variables: dict[str, JSON], kind: str
) -> None:
    principal, author = AUTHORS[kind]
    harness = Harness()
    body = await harness.run(document, variables, caller(principal))
    assert body["data"]["publish"]["id"] == author  # type: ignore[index,call-overload]
    assert json.loads(harness.events.entries[0].detail).get("author") == author


@pytest.mark.parametrize("kind", AUTHORS)
async def test_from_the_bus_is_no_way_to_forge(kind: str) -> None:
    harness = Harness()
    body = await harness.run(FROM_BUS, {**MESSAGE, "author": "eve"}, caller(AUTHORS[kind][0]))
    assert body["data"] == {"publishFromBus": None}
    assert harness.subscribers.published == []


@pytest.mark.parametrize("author", [None, "ana@example.com", f"{STS}/Admin"])
async def test_subscribers_get_the_author_that_the_event_carries(author: str | None) -> None:
    harness = Harness()
    document = FROM_BUS.replace("sentAt\n", "sentAt author\n")
    message = {**MESSAGE, "author": author}
    assert await harness.run(document, message, BROADCAST) == {"data": {"publishFromBus": message}}
    assert harness.subscribers.published[0].value == message
