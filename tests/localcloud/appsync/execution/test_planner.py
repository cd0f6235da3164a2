# One case a line, whatever its length.
# ruff: noqa: E501

import pytest

from globalchat.localcloud.appsync.model import Caller, FilterRule, GraphQLRequest, SubscriptionPlan
from globalchat.localcloud.definition import JSON, Api
from tests.localcloud.helpers.api_harness import ADMIN, KEY, PUBLISH, SUBSCRIBE, Harness, small_api

SCHEMA = """
type Author { name: String! email: String @aws_iam }
type Post { id: ID! title: String author: Author authors: [Author!] secret: String! @aws_iam }
type Query { a: Int }
type Mutation { post(id: ID): Post }
type Subscription {
  posted(id: ID, title: String = "t", tag: String): Post @aws_subscribe(mutations: ["post"])
  must: Post! @aws_subscribe(mutations: ["post"])
  administered: Post @aws_subscribe(mutations: ["post"]) @aws_iam
}
"""
RESPOND = "export function request(ctx) {{ return {{ payload: null }}; }}\nexport function response(ctx) {{ {} return null; }}"


NOTHING = RESPOND.format("")


def with_response(statements: str) -> Api:
    code = "import { util, extensions } from '@aws-appsync/utils';\n" + RESPOND.format(statements)
    return small_api(SCHEMA, {"Subscription.posted": code})


async def planned(
    query: str, variables: dict[str, JSON] | None = None, caller: Caller = KEY, api: Api | None = None
) -> SubscriptionPlan:
    harness = Harness(api or small_api(SCHEMA))
    return await harness.executor.subscribe(GraphQLRequest(query, variables or {}), caller)


async def refused(
    query: str, variables: dict[str, JSON] | None = None, caller: Caller = KEY, api: Api | None = None
) -> list[JSON]:
    return await Harness(api or small_api(SCHEMA)).refused_subscription(query, variables, caller)


async def test_the_deployed_subscription() -> None:
    plan = await Harness().executor.subscribe(GraphQLRequest(SUBSCRIBE, {"name": "tech"}), KEY)
    rule = FilterRule("name", "eq", "tech")
    assert (plan.field_name, plan.mutations) == ("subscribe", ("publishFromBus",))
    assert [list(group) for group in plan.filter or ()] == [[rule]]
    assert [list(group) for group in plan.invalidation_filter or ()] == [[rule]]
    assert plan.project({"name": "tech", "message": "hi", "id": "1"}) == {
        "data": {"subscribe": {"message": "hi", "name": "tech"}}
    }


@pytest.mark.parametrize(
    ("query", "variables", "arguments"),
    [
        ("subscription { posted(id: 1) { id } }", {}, {"id": "1", "title": "t"}),
        ("subscription { posted(title: null) { id } }", {}, {"title": None}),
        ("subscription s($i: ID, $t: String) { posted(id: $i, title: $t) { id } }", {"i": None}, {"id": None, "title": "t"}),
        ("subscription s($i: ID, $t: String) { posted(tag: $t, id: $i) { id } }", {}, {"title": "t"}),
    ],
)  # fmt: skip
async def test_only_supplied_arguments_count_and_null_is_one(
    query: str, variables: dict[str, JSON], arguments: dict[str, JSON]
) -> None:
    plan = await planned(query, variables)
    assert plan.arguments == arguments
    assert plan.filter is None
    assert plan.invalidation_filter is None


@pytest.mark.parametrize(
    ("query", "value", "payload"),
    [
        (
            "subscription { p: posted { key: id ...f __typename } } fragment f on Post { title author { name } }",
            {"id": "1", "author": {"name": "a"}},
            {"data": {"p": {"key": "1", "title": None, "author": {"name": "a"}, "__typename": "Post"}}},
        ),
        (
            "subscription { posted { id } }",
            {"title": "t"},
            {
                "data": {"posted": None},
                "errors": [
                    {
                        "path": ["posted", "id"],
                        "locations": None,
                        "message": "Cannot return null for non-nullable type: 'ID' within parent 'Post' (/posted/id)",
                    }
                ],
            },
        ),
        (
            "subscription { posted { id authors { name } author { name } } }",
            {"id": "1", "authors": [{"name": "a"}, {}], "author": {}},
            {
                "data": {"posted": {"id": "1", "authors": None, "author": None}},
                "errors": [
                    {
                        "path": ["posted", "authors", 1, "name"],
                        "locations": None,
                        "message": "Cannot return null for non-nullable type: 'String' within parent 'Author'"
                        " (/posted/authors[1]/name)",
                    },
                    {
                        "path": ["posted", "author", "name"],
                        "locations": None,
                        "message": "Cannot return null for non-nullable type: 'String' within parent 'Author'"
                        " (/posted/author/name)",
                    },
                ],
            },
        ),
    ],
)
async def test_payloads_of_subscribers(query: str, value: dict[str, JSON], payload: dict[str, JSON]) -> None:
    assert (await planned(query)).project(value) == payload


async def test_a_null_where_the_subscription_must_not_be_null_empties_the_data() -> None:
    payload = (await planned("subscription { must { id } }")).project({})
    assert payload["data"] is None


async def test_fields_that_the_subscriber_may_not_read_are_denied() -> None:
    value: dict[str, JSON] = {"id": "1", "secret": "s", "author": {"name": "a", "email": "e"}}
    nullable = "subscription { posted { author { name email } } }"
    payload = (await planned(nullable)).project(value)
    assert payload["data"] == {"posted": {"author": {"name": "a", "email": None}}}
    assert payload["errors"] == [
        {
            "path": ["posted", "author", "email"],
            "data": None,
            "errorType": "Unauthorized",
            "errorInfo": None,
            "locations": [{"line": 1, "column": 39, "sourceName": None}],
            "message": "Not Authorized to access email on type Author",
        }
    ]
    required = (await planned("subscription { posted { id secret } }")).project(value)
    assert required["data"] == {"posted": None}


async def test_fields_beyond_the_depth_of_the_api_are_errors_of_each_message() -> None:
    value: dict[str, JSON] = {"id": "1", "author": {"name": "a"}, "authors": [{"name": "b"}]}
    query = "subscription { posted { id author { __typename name } } }"
    deep = await planned(query, api=small_api(SCHEMA, query_depth_limit=2))
    assert deep.project(value) == {
        "data": {"posted": {"id": "1", "author": None}},
        "errors": [
            {
                "path": ["posted", "author", "name"],
                "data": None,
                "errorType": "QueryDepthLimitReached",
                "errorInfo": None,
                "locations": [{"line": 1, "column": 48, "sourceName": None}],
                "message": "Query depth limit reached.",
            }
        ],
    }
    fits = await planned(query, api=small_api(SCHEMA, query_depth_limit=3))
    assert "errors" not in fits.project(value)
    assert fits.projection_key != deep.projection_key


async def test_a_subscription_runs_one_resolver_so_no_limit_of_them_ends_it() -> None:
    api = small_api(SCHEMA, {"Subscription.posted": NOTHING, "Post.title": NOTHING}, resolver_count_limit=1)
    plan = await planned("subscription { posted { id title } }", api=api)
    assert plan.project({"id": "1", "title": "t"}) == {"data": {"posted": {"id": "1", "title": "t"}}}


@pytest.mark.parametrize(
    ("selected", "posted"),
    [
        ("id @skip(if: $yes)", {}),
        ("id author { email @skip(if: $yes) }", {"id": "1", "author": {}}),
        ("id authors { ...f @skip(if: $yes) }", {"id": "1", "authors": [{}, {}]}),
    ],
)
async def test_an_object_whose_fields_are_all_excluded_is_empty(selected: str, posted: JSON) -> None:
    fragment = " fragment f on Author { email }" if "...f" in selected else ""
    query = f"subscription s($yes: Boolean!) {{ posted {{ {selected} }} }}{fragment}"
    author: JSON = {"name": "a", "email": "e"}
    value: dict[str, JSON] = {"id": "1", "secret": "s", "author": author, "authors": [author, author]}
    assert (await planned(query, {"yes": True})).project(value) == {"data": {"posted": posted}}


async def test_equal_projections_have_equal_keys() -> None:
    async def key(query: str, caller: Caller = KEY) -> str:
        return (await planned(query, caller=caller)).projection_key

    one = await key("subscription { posted { id title } }")
    assert one == await key("subscription a { posted(id: 5) { ...f } } fragment f on Post { id title }")
    different = {
        one,
        await key("subscription { posted { title id } }"),
        await key("subscription { x: posted { id title } }"),
        await key("subscription { posted { id x: title } }"),
        await key("subscription { posted { id } }"),
        await key("subscription { must { id title } }"),
        await key("subscription { posted { author { email } } }"),
    }
    assert len(different) == 7


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        ("subscription { nope { id } }", {}, "Validation error of type FieldUndefined: Field 'nope' in type 'Subscription' is undefined @ 'nope'"),
        ("{ a }", {}, "query not supported through the realtime channel"),
        ("mutation { post { id } }", {}, "mutation not supported through the realtime channel"),
        ("subscription s($i: ID!) { posted(id: $i) { id } }", {}, "Variable 'i' has coerced Null value for NonNull type 'ID!'"),
        ("subscription { administered { id } }", {}, "Not Authorized to access administered on type Subscription"),
        ("subscription a { must { id } } subscription b { must { id } }", {}, "Must provide operation name if query contains multiple operations."),
    ],
)  # fmt: skip
async def test_refused_subscriptions(query: str, variables: dict[str, JSON], message: str) -> None:
    errors = await refused(query, variables)
    assert errors[0]["message"] == message  # type: ignore[index,call-overload]


async def test_an_iam_caller_needs_a_policy_for_the_subscription() -> None:
    query = "subscription { administered { id } }"
    assert await planned(query, caller=ADMIN)
    assert await refused(query, caller=Caller("AWS_IAM"))


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ("util.error('no', 'No');", "no"),
        ("util.appendError('no', 'No');", "no"),
        ("util.unauthorized();", "Not Authorized to access posted on type Subscription"),
        ("undefined.x;", "posted.js:3:33: TypeError: "),
        ("extensions.setSubscriptionFilter({ filterGroup: [] });", '"filterGroup" has no entry.'),
        ("extensions.setSubscriptionFilter(5);", "A subscription filter is an object"),
        ("extensions.setSubscriptionInvalidationFilter({ a: 1 });", "A subscription filter is an object"),
    ],
)
async def test_a_resolver_may_refuse(statements: str, message: str) -> None:
    errors = await refused("subscription { posted { id } }", api=with_response(statements))
    assert str(errors[0]["message"]).startswith(message)  # type: ignore[index,call-overload]
    assert errors[0]["path"] == ["posted"]  # type: ignore[index,call-overload]


async def test_filters_are_expanded() -> None:
    statements = (
        "extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ id: { in: ['1', '2'] } }));"
    )
    plan = await planned("subscription { posted { id } }", api=with_response(statements))
    assert [list(group) for group in plan.filter or ()] == [
        [FilterRule("id", "eq", "1")],
        [FilterRule("id", "eq", "2")],
    ]


async def test_the_sample_mutation_is_not_a_subscription() -> None:
    assert await Harness().refused_subscription(PUBLISH, {"name": "a", "message": "b"}) == [
        {
            "errorType": "UnsupportedOperation",
            "message": "mutation not supported through the realtime channel",
        }
    ]
