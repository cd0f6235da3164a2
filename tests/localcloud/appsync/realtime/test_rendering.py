"""Frames are rendered once for many subscriptions; each must get what it would get alone."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.model import FilterRule, GraphQLRequest, Publication, SubscriptionPlan
from globalchat.localcloud.appsync.realtime.filters import compile_filter
from globalchat.localcloud.appsync.realtime.hub import Hub
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.api_harness import ADMIN, KEY, Harness, small_api
from tests.localcloud.helpers.realtime_fakes import FakeSocket

SCHEMA = """
type Author @aws_api_key @aws_iam { name: String email: String @aws_iam }
type Post @aws_api_key @aws_iam {
  id: ID! title: String author: Author authors: [Author]
  secret: String @aws_iam
}
type Query { a: Int }
type Mutation { post(id: ID): Post }
type Subscription {
  posted: Post @aws_subscribe(mutations: ["post"]) @aws_api_key @aws_iam
  must: Post! @aws_subscribe(mutations: ["post"]) @aws_api_key @aws_iam
}
"""
QUERIES = (
    "subscription { posted { id: title title: id } }",
    "subscription { posted { id title } }",
    "subscription { x: posted { id title } }",
    "subscription { must { id title } }",
    "subscription { posted { title id } }",
    "subscription { posted { id secret } }",
    "subscription { posted { author { name email } authors { email } } }",
    "subscription { posted { ...f author { n: name } } } fragment f on Post { id __typename }",
    "subscription s($yes: Boolean!) { posted { id @skip(if: $yes) title @include(if: $yes) } }",
    "subscription s($yes: Boolean!) { posted { author { name @skip(if: $yes) } } }",
)
FILTERS = (
    [[FilterRule("id", "eq", "1")]],
    [[FilterRule("id", "eq", "2")]],
    [[FilterRule("id", "ne", "1")]],
    [[FilterRule("id", "eq", "1")], [FilterRule("title", "eq", "t")]],
)
MOST_BYTES = 200


async def planned() -> list[SubscriptionPlan]:
    harness = Harness(small_api(SCHEMA))
    return [
        await harness.executor.subscribe(
            GraphQLRequest(query, {"yes": yes} if "$yes" in query else {}), caller
        )
        for query, caller, yes in itertools.product(QUERIES, (KEY, ADMIN), (True, False))
    ]


@pytest.fixture(scope="module")
def plans() -> list[SubscriptionPlan]:
    return asyncio.run(planned())


text = st.none() | st.sampled_from(["t", "é" * 60, "t" * 150])
author = st.none() | st.fixed_dictionaries({"name": text, "email": text})
published = st.fixed_dictionaries(
    {"id": st.sampled_from("123"), "title": text, "secret": text},
    optional={"author": author, "authors": st.lists(author, max_size=2)},
)
# Of two neighbours in QUERIES, so that some subscriptions differ by little: an alias, a caller, a variable.
subscriptions = st.tuples(
    st.integers(0, 1), st.integers(0, 3), st.sampled_from(FILTERS), st.sampled_from(["1", "2", "long", "é"])
)


def alone(plan: SubscriptionPlan, name: str, values: list[dict[str, JSON]]) -> list[JSON]:
    """The frames of a subscription, whatever others there are."""
    assert plan.filter is not None
    payloads = [plan.project(value) for value in values if compile_filter(plan.filter)(value)]
    # As the hub encodes it: CloudWatch's bytes of the payload.
    sizes = [len(json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()) for each in payloads]
    return [
        {"id": name, "type": "data", "payload": dict(payload)}
        for payload, size in zip(payloads, sizes, strict=True)
        if size <= MOST_BYTES
    ]


@pytest.mark.parametrize("first", range(len(QUERIES) - 1))
@settings(deadline=None, max_examples=25)
@given(
    st.lists(subscriptions, min_size=2, max_size=8),
    st.lists(published, min_size=1, max_size=4),
)
def test_each_subscription_gets_what_it_would_get_alone(
    plans: list[SubscriptionPlan],
    first: int,
    chosen: list[tuple[int, int, list[list[FilterRule]], str]],
    values: list[dict[str, JSON]],
) -> None:
    turn: list[Callable[[], None]] = []
    hub = Hub(defer=turn.append, max_payload=MOST_BYTES)
    listening = []
    for query, variant, group, name in chosen:
        plan, socket = replace(plans[(first + query) * 4 + variant], filter=group), FakeSocket()
        hub.add(socket, name, plan)
        listening.append((socket, plan, name))
    for value in values:
        hub.publish(Publication("post", value))
    turn.pop()()
    for socket, plan, name in listening:
        assert [json.loads(frame) for frame in socket.frames] == alone(plan, name, values)
