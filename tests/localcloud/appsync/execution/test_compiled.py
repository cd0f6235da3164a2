"""Compiled operations answer exactly as graphql-core does."""

# One table a line, whatever its length.
# ruff: noqa: E501

import itertools
import json
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.execution.compiled import CompiledOperation
from globalchat.localcloud.appsync.model import Caller, GraphQLRequest
from globalchat.localcloud.definition import JSON, Api, Resolver
from globalchat.localcloud.iam import user
from globalchat.localcloud.interfaces import PutEventsError
from tests.localcloud.helpers.api_harness import (
    ADMIN,
    FROM_BUS,
    KEY,
    PUBLISH,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Harness,
    small_api,
)

ARGUMENTS = (
    "(value: String!, how: String, id: ID, count: Int, when: AWSDateTime, json: AWSJSON!, list: [Int!],"
    " color: Color, input: In%s)"
)
DEFAULTED = ", level: Int = 3"
FIELDS = {
    "node": "Node", "must": "Node!", "nodes": "[Node!]", "text": "String!", "texts": "[String]!", "color": "Color",
    "closed": "Node @aws_iam", "thing": "Thing", "put": "Node",
}  # fmt: skip
SCHEMA = f"""
enum Color {{ RED GREEN }}
input In {{ a: Int! b: [Color] }}
interface Thing {{ id: ID! }}
type Node implements Thing @aws_api_key @aws_iam {{
  id: ID! name: String! n: Int f: Float flag: Boolean when: AWSDateTime json: AWSJSON color: Color
  tags: [String!] grid: [[Int]!] node: Node nodes: [Node!] must: Node! secret: String @aws_iam
  guarded: String! @aws_iam calc: Int labelled(x: Int): String
}}
type Query @aws_api_key @aws_iam {{ node{ARGUMENTS % ""}: Node must{ARGUMENTS % DEFAULTED}: Node! }}
type Mutation @aws_api_key @aws_iam {{ {" ".join(f"{name}{ARGUMENTS % (DEFAULTED if name == 'must' else '')}: {type_}" for name, type_ in FIELDS.items())} plain: Int }}
type Subscription {{ made: Node @aws_subscribe(mutations: ["node", "put"]) }}
"""
CODE = """import { util, extensions } from '@aws-appsync/utils';
export function request(ctx) {
  const { value, how } = ctx.args;
  const given = JSON.parse(value);
  const seen = { args: ctx.args, variables: ctx.info.variables };
  if (how === 'error') util.error('no', 'No', given, seen);
  if (how === 'append') util.appendError('also', 'Also', given, seen);
  if (how === 'unauthorized') util.unauthorized();
  if (how === 'throw') given.a.b.c;
  ctx.stash.value = given;
  if (ctx.info.fieldName !== 'put') return { payload: given };
  return { operation: 'PutEvents', events: [{ source: 's', detailType: 't', detail: seen }] };
}
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type, ctx.result, null);
  if (ctx.args.how === 'invalidate' && ctx.info.parentTypeName === 'Mutation') {
    extensions.invalidateSubscriptions({ subscriptionField: 'made', payload: { id: '1' } });
  }
  return ctx.info.fieldName === 'put' ? ctx.stash.value : ctx.result;
}"""
CALC = """export function request(ctx) { return { payload: ctx.source.n * 2 }; }
export function response(ctx) { return ctx.result; }"""


def api(depth: int = 0) -> Api:
    places = [("Query", "node"), ("Query", "must"), *(("Mutation", name) for name in FIELDS)]
    resolvers = [
        Resolver(type_, name, "Bus" if name == "put" else "None", CODE, f"{name}.js")
        for type_, name in places
    ]
    resolvers.append(Resolver("Node", "calc", "None", CALC, "calc.js"))
    return replace(small_api(SCHEMA, query_depth_limit=depth), resolvers=tuple(resolvers))


def pair(depth: int) -> tuple[Harness, Harness]:
    """The same API twice; the second leaves everything to graphql-core."""
    compiled, interpreted = Harness(api(depth)), Harness(api(depth))
    interpreted.executor._documents._compile = lambda *_: None
    return compiled, interpreted


T = TypeVar("T")
PAIRS = [pair(depth) for depth in (0, 2, 3)]


def mostly(usual: st.SearchStrategy[T], odd: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    return st.integers(0, 7).flatmap(lambda number: usual if number else odd)


LEAVES = ["id", "name", "n", "f", "flag", "when", "json", "color", "tags", "grid", "__typename"]
ODD_LEAVES = [
    "secret",
    "secret",
    "guarded",
    "calc",
    "labelled",
    "labelled(x: 1)",
    "name @include(if: $flag)",
    "n @skip(if: true)",
]
LEAF = mostly(
    st.sampled_from([*LEAVES, *LEAVES, *LEAVES, "id_: id", "json_: json", "name_: name"]),
    st.builds("{}{}".format, st.sampled_from(["", "a: ", "name: "]), st.sampled_from([*LEAVES, *ODD_LEAVES])),
)
SELECTIONS = st.recursive(
    st.lists(LEAF, min_size=1, max_size=5).map(" ".join),
    lambda inner: st.builds(
        "{} {} {{ {} }}".format,
        st.lists(LEAF, max_size=3).map(" ".join),
        mostly(
            st.sampled_from(["node", "nodes", "a_node: node", "must", "... on Node", "..."]),
            st.just("node: nodes"),
        ),
        inner,
    ),
    max_leaves=3,
)
TEXTS = st.sampled_from(["", "a", "é😀", "\ud800", "RED", "null", "[1]", "9007199254740993"])
WHEN = st.just("2026-01-01T00:00:00Z")
ATOMS: st.SearchStrategy[JSON] = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.5) | st.just(2**31) | TEXTS | st.just([1])
)


def nodes(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    """Values that fit a Node, its nodes made of `inner`."""
    numbers = st.none() | st.integers(-3, 3)
    return st.fixed_dictionaries(
        {"id": TEXTS, "name": TEXTS, "must": inner},
        optional={
            "n": numbers, "f": st.just(0.5), "flag": st.booleans(), "when": WHEN, "json": ATOMS, "color": st.just("RED"),
            "tags": st.lists(TEXTS, max_size=2), "grid": st.lists(st.lists(numbers, max_size=2), max_size=2),
            "secret": TEXTS, "guarded": TEXTS, "node": inner | st.none(), "nodes": st.lists(inner, max_size=2),
        },
    )  # fmt: skip


FITTING = nodes(nodes(nodes(st.just({"id": 5, "name": "leaf", "must": None}))))


ODD = st.fixed_dictionaries(dict.fromkeys([*LEAVES[:-1], "node", "nodes", "must"], ATOMS))
LACKING = st.builds(lambda node, name: {**node, name: None}, FITTING, st.sampled_from(["id", "name"]))
VALUES = FITTING | FITTING | FITTING | LACKING | nodes(LACKING | ODD) | mostly(ODD, ATOMS)
RETURNED: dict[str, st.SearchStrategy[JSON]] = {"nodes": st.lists(VALUES, max_size=2), "text": TEXTS, "texts": st.lists(TEXTS, max_size=2), "color": st.just("RED")}  # fmt: skip
DECLARED = {
    "value": "String!", "how": "String", "id": "ID", "count": "Int", "when": "AWSDateTime", "json": "AWSJSON!",
    "list": "[Int!]", "color": "Color", "level": "Int", "input": "In",
}  # fmt: skip
LITERALS = {"id": '"7"', "count": "null", "list": "[1]", "color": "GREEN", "input": "{a: 1}"}
INPUTS: dict[str, st.SearchStrategy[JSON]] = {
    "how": st.sampled_from([None, None, None, "append", "append", "error", "unauthorized", "throw", "invalidate"]),
    "id": TEXTS | st.integers() | st.none(), "count": st.integers(-3, 3) | st.none(), "when": WHEN, "json": st.sampled_from(["[1]", "[1]", "[1]", "null"]), "color": st.just("RED"),
    "list": st.lists(st.integers(0, 1)), "level": st.integers(1, 2), "input": st.just({"a": 1}),
}  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, JSON]]:
    """A query or mutation, mostly of one field whose arguments are variables, mostly of values that fit."""
    kind = draw(st.sampled_from(["mutation", "mutation", "query"]))
    name = draw(mostly(st.sampled_from(["node", "must", "put", "put"]), st.sampled_from(list(FIELDS))))
    name = name if kind == "mutation" or name == "must" else "node"
    passed = {"value", "json", "how", *draw(st.sets(st.sampled_from(list(DECLARED)), max_size=3))}
    passed -= set() if name == "must" else {"level"}
    literals = draw(mostly(st.just(set()), st.just(set(LITERALS))))
    default = draw(mostly(st.just(""), st.just(" = 5")))
    used = [each for each in DECLARED if each in passed - literals]
    declared = " ".join(f"${each}: {DECLARED[each]}{default if each == 'count' else ''}" for each in used)
    given = [f"{each}: ${each}" for each in used] + [
        f"{each}: {LITERALS[each]}" for each in passed & literals
    ]
    selection = "" if name in ("text", "texts", "color") else draw(SELECTIONS)
    declared += " $flag: Boolean = true" if "$flag" in selection else ""
    shown = f"{{ {selection} }}" if selection else ""
    fragment = f" fragment f on Node {shown}" if shown and draw(st.booleans()) else ""
    alias = draw(st.sampled_from(["", "x: "]))
    other = draw(mostly(st.just(""), st.sampled_from(["__typename", "plain"]))) if kind == "mutation" else ""
    query = f"{kind} m({declared}) {{ {alias}{name}({' '.join(given)}) {'{ ...f }' if fragment else shown} {other} }}{fragment}"
    inputs: dict[str, JSON] = {each: draw(INPUTS[each]) for each in used if each != "value"}
    inputs |= {"value": json.dumps(draw(RETURNED.get(name, VALUES)))}
    odd = draw(
        mostly(st.just({}), st.dictionaries(st.sampled_from([*used, "undeclared"]), ATOMS, max_size=1))
    )
    for each in draw(mostly(st.just([]), st.lists(st.sampled_from(used), max_size=1))):
        del inputs[each]
    return query, {**inputs, **odd}


async def compare(query: str, variables: dict[str, JSON], caller: Caller, limited: int, fails: bool) -> None:
    answers = []
    for harness in PAIRS[limited]:
        harness.events.failure = PutEventsError("AccessDeniedException", "denied") if fails else None
        harness.events.entries.clear()
        harness.events.calls.clear()
        harness.subscribers.published.clear()
        harness.subscribers.invalidated.clear()
        body = await harness.run(query, variables, caller)
        # The order of keys counts too, so texts are compared.
        answers.append((json.dumps(body), repr((harness.subscribers, harness.events))))
    assert answers[0] == answers[1]


@given(
    requests(),
    mostly(st.sampled_from([KEY, ADMIN]), st.just(Caller("AWS_IAM", user("nobody", "000000000000")))),
    st.sampled_from([0, 0, 0, 1, 2]),
    mostly(st.just(False), st.just(True)),
)
@settings(deadline=None, max_examples=100)
async def test_the_answer_is_the_same(
    request: tuple[str, dict[str, JSON]], caller: Caller, limited: int, fails: bool
) -> None:
    await compare(*request, caller, limited, fails)


@pytest.mark.parametrize("how", [None, "append", "error"])
@pytest.mark.parametrize(
    ("declared", "given", "selected"),
    [
        ("", "", "id __typename node { name }"),
        ("", "", "id node { must { name node { id } } }"),
        ("$id: ID, $count: Int", "id: $id, count: $count", "x: id"),
        ("$count: Int = 5", "count: $count", "id secret"),
        ("$list: [Int!]", "list: $list", "id must { name secret guarded }"),
        ("$id: ID", 'id: $id, when: "2026-01-01T00:00:00Z"', "id"),
        ("$input: In!", "input: $input", "id"),
    ],
)
async def test_the_answer_is_the_same_in_corners(
    declared: str, given: str, selected: str, how: str | None
) -> None:
    node: JSON = {"id": "3", "name": "leaf", "secret": "s", "guarded": "g"}
    value = json.dumps({"id": "1", "node": {"must": {"name": None}, "name": "n"}, "must": node})
    passed: dict[str, JSON] = {
        "value": value,
        "how": how,
        "id": None,
        "list": 4,
        "input": {"a": 1},
    }
    query = (
        f"mutation m($value: String!, $how: String, $json: AWSJSON!, {declared})"
        f" {{ put(value: $value, how: $how, json: $json, {given}) {{ {selected} }} }}"
    )
    for limited, caller, odd in itertools.product(range(len(PAIRS)), (KEY, ADMIN), ("1", "null")):
        await compare(query, {**passed, "json": odd}, caller, limited, fails=False)


def compiled(query: str, harness: Harness | None = None) -> CompiledOperation | None:
    return (harness or PAIRS[0][0]).executor._documents.operation(GraphQLRequest(query)).compiled


@pytest.mark.parametrize("query", [PUBLISH, FROM_BUS, UNSUBSCRIBE, "{ channels }", "{ limits { id } }"])
def test_operations_of_the_chat_are_compiled(query: str) -> None:
    assert compiled(query, Harness())


@pytest.mark.parametrize(
    "query",
    [
        "{ a: channels limits { id } }",
        "{ channels @include(if: true) }",
        "{ __typename }",
        "{ __schema { types { name } } }",
        SUBSCRIBE,
    ],
)
def test_operations_that_are_not_compiled(query: str) -> None:
    assert compiled(query, Harness()) is None


@pytest.mark.parametrize("selection", ["calc", "labelled", "labelled(x: 1)", "node { node { calc } }"])
def test_selections_that_are_not_compiled(selection: str) -> None:
    query = 'mutation {{ node(value: "1", json: "1") {{ {} }} }}'
    assert compiled(query.format("id"))
    assert compiled(query.format(selection)) is None


async def test_a_compiled_operation_does_not_use_graphql_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("globalchat.localcloud.appsync.execution.executor.execute")
    query = 'mutation m($value: String!) { node(value: $value, json: "1") { id name nodes { id } } }'
    value = {"id": "1", "name": "n", "nodes": [{"id": "2"}]}
    body = await PAIRS[0][0].run(query, {"value": json.dumps(value)})
    assert body == {"data": {"node": value}}
