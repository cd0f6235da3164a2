"""`util` and `extensions` give what AWS's runtime gives."""

import base64
import re
import uuid
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.javascript.engine import Script
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.script_runs import RESPONSE, evaluation, run

CALL = Script(
    """
    import { util } from '@aws-appsync/utils';
    export function request({ args }) {
      const calls = {
        matches: util.matches, urlEncode: util.urlEncode, urlDecode: util.urlDecode,
        base64Encode: util.base64Encode, base64Decode: util.base64Decode,
        filter: util.transform.toSubscriptionFilter, escape: util.escapeJavaScript,
      };
      return calls[args.name](...args.with);
    }
    """
    + RESPONSE,
    "x.js",
)


def call(name: str, *arguments: JSON) -> JSON:
    return CALL.call("request", evaluation(args={"name": name, "with": list(arguments)}))["value"]


def outcome(handler_body: str, handler: str = "request", type_name: str = "Query") -> dict[str, JSON]:
    other = "response" if handler == "request" else "request"
    code = f"export function {handler}(ctx) {{ {handler_body} }}\nexport function {other}() {{}}"
    payload = evaluation(info={"fieldName": "f", "parentTypeName": type_name, "variables": {}})
    answer = Script(code, "x.js").call("request" if handler == "request" else "response", payload)
    effects = answer["effects"]
    assert isinstance(effects, dict)
    return {**answer, **effects}


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a*b", "aaaaab", True),
        ("a", "ab", False),
        ("b", "ab", False),
        ("a|ab", "ab", True),
        ("^[A-Za-z0-9_-]{1,4}$", "a_-9", True),
        ("^[A-Za-z0-9_-]{1,4}$", "a_-9\n", False),
        ("[a-z]+", "", False),
        (r"(?s).*\p{Cs}.*", "a\ud800\nb", True),
        (r"(?s).*\p{Cs}.*", "a😀\nb", False),
        (r".*", "a\nb", False),
        (r".*", "a\u0085b", False),
        (r"(?s).*", "a\nb", True),
        (r"(?i)abc", "aBC", True),
        (r"(?m)^a$\n^b$", "a\nb", True),
        (r"(?m)a$", "a\nb", False),
        (r"\p{L}+", "äßç", True),
        (r"\p{Lu}\p{javaX}", "A", None),
        (r"\p{Alpha}+", "abc", True),
        (r"\p{Alpha}+", "äbc", False),
        (r"[\p{Alpha}_]+", "a_b", True),
        (r"\P{Alpha}", "1", True),
        (r"\p{IsLatin}+", "abc", True),
        (r"\pL", "a", True),
        (r"\d+\-\w", "12-x", True),
        (r"[\w\-.]+", "a-b.c", True),
        (r"a\.b\/c\@d\ e", "a.b/c@d e", True),
        (r"\s", "\u00a0", False),
        (r"[\s]", "\t", True),
        (r"a{2}}", "aa}", True),
        (r"x]", "x]", True),
        (r"[]a]+", "]a", True),
        (r"\x41\u0042", "AB", True),
        (r"\Aab\z", "ab", True),
        (r"(?<x>a)\k<x>", "aa", True),
        (r"a++", "a", None),
        (r"a\++", "a++", True),
        (r"(?>a)b", "ab", None),
        (r"[a-z&&[^b]]", "a", None),
        (r"\Qa.b\E", "a.b", None),
        (r"(?x)a b", "ab", None),
        ("(", "a", None),
        ("a\\", "a", None),
    ],
)
def test_matches_has_the_semantics_of_java(pattern: str, text: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(ScriptError, match=r"util\.matches"):
            call("matches", pattern, text)
    else:
        assert call("matches", pattern, text) is matches


@given(st.text())
@settings(deadline=None, max_examples=100)
def test_encodings_agree_with_python(text: str) -> None:
    assert call("base64Encode", text) == base64.b64encode(text.encode()).decode()
    assert call("base64Decode", call("base64Encode", text)) == text
    assert call("urlEncode", text) == quote_plus(text, safe="*-._").replace("~", "%7E")
    assert call("urlDecode", call("urlEncode", text)) == text


def test_escape_javascript() -> None:
    assert call("escape", 'it\'s "a"\n\\/é') == 'it\\\'s \\"a\\"\\n\\\\\\/\\u00E9'


def test_ids_have_their_forms_and_differ() -> None:
    ids = run(
        "const u = util;"
        "return [u.autoId(), u.autoId(), u.autoUlid(), u.autoUlid(), u.autoKsuid(), u.autoKsuid()];"
    )
    assert isinstance(ids, list)
    assert len(set(map(str, ids))) == 6
    assert uuid.UUID(str(ids[0])).version == 4
    # 1700000000123 ms in Crockford's base 32.
    assert re.fullmatch("01HF7YAT3V[0-9A-HJKMNP-TV-Z]{16}", str(ids[2]))
    assert re.fullmatch("[0-9A-Za-z]{27}", str(ids[4]))
    assert str(ids[4])[:4] == str(ids[5])[:4]


def test_the_seed_decides() -> None:
    script = Script(
        f"export function request() {{ return [util.autoUlid(), Math.random()]; }}{RESPONSE}", "x.js"
    )
    first, again = (script.call("request", evaluation())["value"] for _ in range(2))
    other = script.call("request", evaluation(seed=(5, 6, 7, 8)))["value"]
    assert first == again
    assert first != other


def test_the_time_is_an_argument_of_the_call() -> None:
    assert run(
        "const t = util.time; return [t.nowISO8601(), t.nowEpochSeconds(), t.nowEpochMilliSeconds(),"
        " t.epochMilliSecondsToISO8601(0), t.parseISO8601ToEpochMilliSeconds('1970-01-01T00:00:01Z'),"
        " t.epochMilliSecondsToSeconds(1999)];"
    ) == ["2023-11-14T22:13:20.123Z", 1_700_000_000, 1_700_000_000_123, "1970-01-01T00:00:00.000Z", 1000, 1]


def test_outcomes() -> None:
    assert outcome("util.error('no', 'No', {a: 1}, {b: 2}); return 1;")["error"] == {
        "message": "no",
        "type": "No",
        "data": {"a": 1},
        "info": {"b": 2},
    }
    assert outcome("util.error('no');")["error"] == {
        "message": "no",
        "type": None,
        "data": None,
        "info": None,
    }
    assert outcome("util.unauthorized();")["status"] == "unauthorized"
    assert outcome("runtime.earlyReturn({a: 1});")["value"] == {"a": 1}
    appended = outcome("util.appendError('one', 'A'); util.appendError('two'); return 3;")
    assert (appended["status"], appended["value"]) == ("value", 3)
    assert [error["message"] for error in appended["errors"]] == ["one", "two"]  # type: ignore[union-attr,index,call-overload]
    assert outcome("return [1, 2].map((x) => util.error(`bad ${x}`));")["error"]["message"] == "bad 1"  # type: ignore[index,call-overload]
    assert run(
        "return [util.authType(), util.math.roundNum(2.5), util.str.normalize('e\\u0301', 'nfc')];"
    ) == [
        "API Key Authorization",
        3,
        "é",
    ]


@pytest.mark.parametrize(
    ("body", "handler", "type_name"),
    [
        ("extensions.setSubscriptionFilter({});", "request", "Subscription"),
        ("extensions.setSubscriptionFilter({});", "response", "Mutation"),
        ("extensions.setSubscriptionInvalidationFilter({});", "response", "Query"),
        ("extensions.invalidateSubscriptions({subscriptionField: 'a', payload: {}});", "request", "Mutation"),
        (
            "extensions.invalidateSubscriptions({subscriptionField: 'a', payload: {}});",
            "response",
            "Subscription",
        ),
        ("runtime.earlyReturn();", "response", "Query"),
    ],
)
def test_extensions_have_their_place(body: str, handler: str, type_name: str) -> None:
    with pytest.raises(ScriptError, match="belongs in"):
        outcome(body, handler, type_name)


def test_at_most_five_invalidations() -> None:
    one = "extensions.invalidateSubscriptions({subscriptionField: 's', payload: {n: 1}});"
    assert len(outcome(one * 5, "response", "Mutation")["invalidations"]) == 5  # type: ignore[arg-type]
    with pytest.raises(ScriptError, match="at most 5"):
        outcome(one * 6, "response", "Mutation")


def rule(name: str, operator: str, value: JSON) -> JSON:
    return {"fieldName": name, "operator": operator, "value": value}


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ([{"name": {"eq": "tech"}}], [[rule("name", "eq", "tech")]]),
        ([{"a": {"eq": 1}, "b": {"ne": 2}}], [[rule("a", "eq", 1), rule("b", "ne", 2)]]),
        ([{"a": {"le": 9, "ge": 1}}], [[rule("a", "le", 9)], [rule("a", "ge", 1)]]),
        (
            [{"a": {"eq": 1}, "or": [{"b": {"eq": 2}}, {"c": {"eq": 3}}]}],
            [[rule("a", "eq", 1), rule("b", "eq", 2)], [rule("a", "eq", 1), rule("c", "eq", 3)]],
        ),
        (
            [{"and": [{"a": {"eq": 1}}, {"or": [{"b": {"eq": 2}}, {"c": {"eq": 3}}]}]}],
            [[rule("a", "eq", 1), rule("b", "eq", 2)], [rule("a", "eq", 1), rule("c", "eq", 3)]],
        ),
        ([{"a": {"eq": 1}, "b": {"eq": 2}}, ["b"]], [[rule("a", "eq", 1)]]),
        (
            [{"a": {"eq": 1}}, [], {"b": {"eq": 2}, "c": {"eq": 3}}],
            [[rule("a", "eq", 1), rule("b", "eq", 2)], [rule("a", "eq", 1), rule("c", "eq", 3)]],
        ),
        ([{}, [], {"b": {"eq": 2}}], [[rule("b", "eq", 2)]]),
        (['{"a":{"in":[1,2]}}'], [[rule("a", "in", [1, 2])]]),
        ([{"a": {"eq": 1}}, ["a"]], []),
    ],
)
def test_to_subscription_filter(arguments: list[JSON], groups: list[list[JSON]]) -> None:
    assert call("filter", *arguments) == {"filterGroup": [{"filters": group} for group in groups]}


def test_a_product_of_alternatives_stays_bounded() -> None:
    many: JSON = {f"f{i}": {"ge": 1, "le": 2, "eq": 3} for i in range(30)}
    groups = call("filter", many)["filterGroup"]  # type: ignore[index,call-overload]
    assert len(groups) > 10  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("toDynamoDB('foo')", {"S": "foo"}),
        ("toDynamoDB(12345)", {"N": 12345}),
        ("toDynamoDB(true)", {"BOOL": True}),
        ("toDynamoDB(null)", {"NULL": None}),
        (
            "toDynamoDB(['foo', 123, { bar: 'baz' }])",
            {"L": [{"S": "foo"}, {"N": 123}, {"M": {"bar": {"S": "baz"}}}]},
        ),
        (
            "toDynamoDB({ foo: 'bar', baz: 1234, beep: ['boop'] })",
            {"M": {"foo": {"S": "bar"}, "baz": {"N": 1234}, "beep": {"L": [{"S": "boop"}]}}},
        ),
        ("toString('foo')", {"S": "foo"}),
        ("toString(null)", None),
        ("toStringSet(['foo', 'bar'])", {"SS": ["foo", "bar"]}),
        ("toNumber(12345)", {"N": 12345}),
        ("toNumberSet([1, 23, 4.56])", {"NS": [1, 23, 4.56]}),
        ("toBoolean(false)", {"BOOL": False}),
        ("toNull()", {"NULL": None}),
        ("toList(['foo', 1])", {"L": [{"S": "foo"}, {"N": 1}]}),
        ("toMap({ foo: 'bar' })", {"M": {"foo": {"S": "bar"}}}),
        ("toMap(undefined)", None),
        ("toMapValues({ foo: 'bar', no: null })", {"foo": {"S": "bar"}, "no": {"NULL": None}}),
        ("toMapValues(JSON.parse('{\"__proto__\": 1}'))", {"__proto__": {"N": 1}}),
    ],
)
def test_values_become_attribute_values_as_documented(expression: str, expected: JSON) -> None:
    assert run(f"return util.dynamodb.{expression};") == expected


@pytest.mark.parametrize(
    "expression",
    [
        "toString(1)", "toNumber('1')", "toStringSet('a')", "toStringSet(['a', 1])", "toBoolean(1)",
        "toList({})", "toMapValues('a')", "toMapValues(['a'])",
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error(expression: str) -> None:
    with pytest.raises(ScriptError, match=r"util\.dynamodb was given something other than an? "):
        run(f"return util.dynamodb.{expression};")


HELPERS = """import * as ddb from '@aws-appsync/utils/dynamodb';
import { put, query } from '@aws-appsync/utils/dynamodb';"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "ddb.put({ key: { id: 'a' }, item: { n: 1 } })",
            {"operation": "PutItem", "key": {"id": {"S": "a"}}, "attributeValues": {"n": {"N": 1}}},
        ),
        (
            "query({ query: { id: { eq: 'a' }, place: { between: ['b', 'c'] } }, limit: 3, nextToken: '' })",
            {
                "operation": "Query",
                "query": {
                    "expression": "#k0 = :k0_0_0 AND #k1 BETWEEN :k1_0_0 AND :k1_0_1",
                    "expressionNames": {"#k0": "id", "#k1": "place"},
                    "expressionValues": {
                        ":k0_0_0": {"S": "a"}, ":k1_0_0": {"S": "b"}, ":k1_0_1": {"S": "c"},
                    },
                },
                "limit": 3,
                "nextToken": "",
            },
        ),
        (
            "query({ query: { place: { beginsWith: 'b' } }, projection: ['id', 'list[0].city'] })",
            {
                "operation": "Query",
                "query": {
                    "expression": "begins_with(#k0, :k0_0_0)",
                    "expressionNames": {"#k0": "place"},
                    "expressionValues": {":k0_0_0": {"S": "b"}},
                },
                "projection": {
                    "expression": "#p0_0, #p1_0[0].#p1_1",
                    "expressionNames": {"#p0_0": "id", "#p1_0": "list", "#p1_1": "city"},
                },
            },
        ),
    ],
)  # fmt: skip
def test_helpers_make_requests_to_a_table(call: str, expected: JSON) -> None:
    assert run(f"return {call};", HELPERS) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("put({ key: {}, item: {}, condition: { a: { eq: 1 } } })", "not emulated: condition of put"),
        ("query({ query: {}, filter: { a: { eq: 1 } } })", "not emulated: filter of query"),
        ("query({ query: { a: { ne: 1 } } })", "a key condition has no operator ne"),
    ],
)
def test_helpers_refuse_what_they_lack(call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        run(f"return {call};", HELPERS)
