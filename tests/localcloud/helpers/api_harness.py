"""The deployed API, built from the repository's own schema and resolver files, and fakes around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from globalchat.localcloud.appsync.execution.executor import GraphQLExecutor
from globalchat.localcloud.appsync.model import (
    REQUEST_SECONDS,
    Caller,
    GraphQLRequest,
    Invalidation,
    Publication,
    RequestRejected,
)
from globalchat.localcloud.definition import JSON, Api, DataSource, Resolver, Role, Statement
from globalchat.localcloud.iam import session, user
from globalchat.localcloud.interfaces import EntryResult, PutEventsEntry, PutEventsError
from globalchat_infra.schema import deployed_code
from tests.paths import ROOT

NOW = 1_780_000_000.25
API_ARN = "arn:aws:appsync:us-west-2:000000000000:apis/abc"
ENDPOINT_ARN = "arn:aws:appsync:us-west-2:000000000000:endpoints/graphql-api/abc"
BUS_ARN = "arn:aws:events:us-west-2:000000000000:event-bus/globalchat-bus"
BUS_ROLE = "arn:aws:iam::000000000000:role/put-events"
KEY = Caller("API_KEY", headers={"x-api-key": "da2-test"})
ROLE = Role(
    "arn:aws:iam::000000000000:role/globalchat.oregon.broadcast",
    (),
    (Statement("Allow", ("appsync:GraphQL",), (f"{API_ARN}/types/Mutation/fields/publishFromBus",)),),
)
"""The role of the Broadcast rule."""
BROADCAST = Caller("AWS_IAM", session(ROLE, "0123456789abcdef0123456789abcdef"))
ADMIN = Caller("AWS_IAM", user("admin", "000000000000", (Statement("Allow", ("*",), ("*",)),)))

PUBLISH = (
    "mutation Publish($message: String!, $name: String!){publish(message:$message,name:$name){message name}}"
)
SUBSCRIBE = "subscription Subscribe($name: String!){subscribe(name:$name){message name}}"
UNSUBSCRIBE = "mutation Unsubscribe($name: String!){unsubscribe(name:$name){name}}"
FROM_BUS = """mutation FromBus($id: ID!, $name: String!, $message: String!, $sender: String, $region: String!,
  $sentAt: AWSDateTime!, $author: String) {
  publishFromBus(id: $id, name: $name, message: $message, sender: $sender, author: $author, region: $region,
    sentAt: $sentAt) {
    id name message sender region sentAt
  }
}"""

MESSAGE: dict[str, JSON] = {
    "id": "m1",
    "name": "tech",
    "message": "hi",
    "sender": None,
    "region": "us-west-2",
    "sentAt": "2026-05-28T20:26:40.250Z",
}

TREE = """
type Node { id: ID! name: String tags: [String!] children: [Node!] secret: String @aws_iam }
type Query { node(id: ID, deep: Boolean): Node nodes: [Node] count: Int when: AWSDateTime must: Node! }
type Mutation { make(name: String): Node }
type Subscription { made: Node @aws_subscribe(mutations: ["make"]) }
"""
"""A small schema; its resolvers are the test's own."""

FIELDS = {
    "channels": "Query",
    "history": "Query",
    "limits": "Query",
    "whoami": "Query",
    "publish": "Mutation",
    "publishFromBus": "Mutation",
    "unsubscribe": "Mutation",
    "subscribe": "Subscription",
}


@dataclass
class FakeEvents:
    """EventBridge: answers each entry with the next of `answers` (else an event id), or fails as a whole."""

    answers: list[EntryResult] = field(default_factory=list)
    failure: PutEventsError | None = None
    entries: list[PutEventsEntry] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)

    async def put_events(
        self, *, bus_arn: str, entries: Sequence[PutEventsEntry], role_arn: str
    ) -> list[EntryResult]:
        self.calls.append((bus_arn, role_arn))
        if self.failure:
            raise self.failure
        self.entries += entries
        return [
            self.answers.pop(0) if self.answers else EntryResult(event_id=f"event-{i}")
            for i, _ in enumerate(entries)
        ]


@dataclass
class FakeSubscribers:
    published: list[Publication] = field(default_factory=list)
    invalidated: list[Invalidation] = field(default_factory=list)

    def publish(self, publication: Publication) -> None:
        self.published.append(publication)

    def invalidate(self, invalidation: Invalidation) -> None:
        self.invalidated.append(invalidation)


def _code(field: str) -> str:
    """The resolver of a deployment that stores no messages: tests with a table boot the whole local cloud."""
    other = ROOT / "infra/resolvers/without_history" / f"{field}.js"
    return deployed_code(other if other.exists() else ROOT / f"infra/resolvers/{field}.js")


def deployed_api() -> Api:
    return Api(
        id="abc",
        arn=API_ARN,
        endpoint_arn=ENDPOINT_ARN,
        name="globalchat",
        region="us-west-2",
        account="000000000000",
        schema=(ROOT / "schema.graphql").read_text(),
        modes=("API_KEY", "AWS_IAM"),
        environment={
            "ACCOUNT": "000000000000",
            "BROADCAST_ROLE": "globalchat.oregon.broadcast",
            "CHANNELS": "cars,robots,tech,music,media",
            "HISTORY_DAYS": "0",
            "HISTORY_SINCE": "[0,0]",
            "LIMITS": '{"message":2000,"sender":32,"id":64}',
            "REGION": "us-west-2",
            "VERIFIED_ROLES": "AWSReservedSSO_* deployers",
        },
        data_sources={
            "None": DataSource("None", "NONE"),
            "Bus": DataSource("Bus", "AMAZON_EVENTBRIDGE", BUS_ARN, BUS_ROLE),
        },
        resolvers=tuple(
            Resolver(
                type_name,
                name,
                "Bus" if name == "publish" else "None",
                _code(name),
                f"{name}.js",
            )
            for name, type_name in FIELDS.items()
        ),
        has_api_key=True,
    )


def small_api(
    schema: str, resolvers: dict[str, str] | None = None, *, source: str = "None", **changes: object
) -> Api:
    """Return an API with another schema; `resolvers` maps `Type.field` to the code of its file."""
    made = []
    for place, code in (resolvers or {}).items():
        type_name, _, name = place.partition(".")
        made.append(Resolver(type_name, name, source, code, f"{name}.js"))
    return replace(deployed_api(), schema=schema, resolvers=tuple(made), **changes)  # type: ignore[arg-type]


class Harness:
    """An executor with fakes around it."""

    def __init__(self, api: Api | None = None, request_seconds: float = REQUEST_SECONDS) -> None:
        self.events = FakeEvents()
        self.subscribers = FakeSubscribers()
        self.now = NOW
        self.executor = GraphQLExecutor(
            api or deployed_api(),
            events=self.events,
            subscribers=self.subscribers,
            clock=lambda: self.now,
            request_seconds=request_seconds,
        )

    async def run(
        self,
        query: str,
        variables: dict[str, JSON] | None = None,
        caller: Caller = KEY,
        operation: str | None = None,
    ) -> dict[str, JSON]:
        return await self.executor.execute(GraphQLRequest(query, variables or {}, operation), caller)

    async def refused_subscription(
        self, query: str, variables: dict[str, JSON] | None = None, caller: Caller = KEY
    ) -> list[JSON]:
        """The errors of a subscription that is refused."""
        with pytest.raises(RequestRejected) as rejected:
            await self.executor.subscribe(GraphQLRequest(query, variables or {}), caller)
        return rejected.value.errors


def only_error(body: dict[str, JSON]) -> dict[str, JSON]:
    """The one error of a response."""
    errors = body["errors"]
    assert isinstance(errors, list)
    assert len(errors) == 1
    assert isinstance(errors[0], dict)
    return errors[0]
