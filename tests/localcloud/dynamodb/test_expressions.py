"""The expressions of DynamoDB's documentation, and the refusals that were recorded from AWS."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.dynamodb.expressions import (
    Between,
    ComparisonNode,
    Function,
    In,
    Junction,
    Literal,
    Not,
    Path,
    Placeholders,
    parse_condition,
    parse_projection,
)
from globalchat.localcloud.dynamodb.items import DynamoDBError, Value
from globalchat.localcloud.dynamodb.reserved_words import RESERVED_WORDS

NAMES = {"#n": "name", "#p": "Price", "#dotted": "Safety.Warning", "#unused": "x"}
VALUES: dict[str, Value] = {
    ":a": {"S": "a"}, ":b": {"S": "b"}, ":one": {"N": "1"}, ":two": {"N": "2"}, ":yes": {"BOOL": True},
    ":type": {"S": "SS"}, ":set": {"SS": ["a"]},
}  # fmt: skip
A, B = Literal({"S": "a"}), Literal({"S": "b"})


def condition(text: str) -> object:
    return parse_condition(text, Placeholders(NAMES, VALUES), "FilterExpression")


def refusal(text: str) -> str:
    with pytest.raises(DynamoDBError) as caught:
        condition(text)
    assert caught.value.code == "ValidationException"
    return caught.value.message


def path(*parts: str | int) -> Path:
    return Path(parts)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("Title = :a", ComparisonNode("=", path("Title"), A)),
        (":a <= Title", ComparisonNode("<=", A, path("Title"))),
        ("#n<>:a", ComparisonNode("<>", path("name"), A)),
        ("#p between :one and :two", Between(path("Price"), Literal({"N": "1"}), Literal({"N": "2"}))),
        ("ProductCategory IN (:a, :b)", In(path("ProductCategory"), (A, B))),
        ("attribute_not_exists(Id)", Function("attribute_not_exists", (path("Id"),))),
        (
            "attribute_type ( ProductReviews.FiveStar , :type )",
            Function("attribute_type", (path("ProductReviews", "FiveStar"), Literal({"S": "SS"}))),
        ),
        ("begins_with(Pictures.FrontView, :a)", Function("begins_with", (path("Pictures", "FrontView"), A))),
        (
            "size(Brand) <= :one",
            ComparisonNode("<=", Function("size", (path("Brand"),)), Literal({"N": "1"})),
        ),
        ("RelatedItems[0][1].x = :a", ComparisonNode("=", path("RelatedItems", 0, 1, "x"), A)),
        ("#dotted = :a", ComparisonNode("=", path("Safety.Warning"), A)),
        ("NOT contains(Color, :a)", Not(Function("contains", (path("Color"), A)))),
        ("(Title) = (:a)", ComparisonNode("=", path("Title"), A)),
    ],
)
def test_each_form_is_parsed(text: str, parsed: object) -> None:
    assert condition(text) == parsed


def test_not_binds_before_and_and_and_before_or() -> None:
    first, second, third = (ComparisonNode("=", path(name), A) for name in ("x", "y", "z"))
    assert condition("x = :a OR y = :a AND NOT z = :a") == Junction(
        "OR", (first, Junction("AND", (second, Not(third))))
    )
    assert condition("(x = :a or y = :a) and z = :a") == Junction(
        "AND", (Junction("OR", (first, second)), third)
    )
    assert condition("NOT (x = :a AND y = :a)") == Not(Junction("AND", (first, second)))


def test_the_and_of_between_is_its_own() -> None:
    assert condition("Price BETWEEN :one AND :two AND x = :a") == Junction(
        "AND",
        (
            Between(path("Price"), Literal({"N": "1"}), Literal({"N": "2"})),
            ComparisonNode("=", path("x"), A),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("  ", "The expression can not be empty;"),
        ("x", 'Syntax error; token: "<EOF>", near: "x"'),
        ("x == :a", 'Syntax error; token: "=", near: "== :a"'),
        ("x = :a y", 'Syntax error; token: "y", near: ":a y"'),
        ("x = 4", 'Syntax error; token: "4", near: "= 4"'),
        ("(x = :a", 'Syntax error; token: "<EOF>", near: ":a"'),
        ("x IN :a", 'Syntax error; token: ":a", near: "IN :a"'),
        ("x.[0] = :a", 'Syntax error; token: "[", near: ".[0"'),
        ("AND = :a", 'Syntax error; token: "AND", near: "AND ="'),
        ("x = :a AND", 'Syntax error; token: "<EOF>", near: "AND"'),
        ("((x = :a))", "The expression has redundant parentheses;"),
        ("x = :a AND ((y = :a))", "The expression has redundant parentheses;"),
        ("name = :a", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("x.Region = :a", "Attribute name is a reserved keyword; reserved keyword: Region"),
        (
            "#no = :a",
            "An expression attribute name used in the document path is not defined; attribute name: #no",
        ),
        ("x = :no", "An expression attribute value used in expression is not defined; attribute value: :no"),
        ("foo(x)", "Invalid function name; function: foo"),
        ("Size(x) = :a", "Invalid function name; function: Size"),
        (
            "attribute_exists(x, y)",
            "Incorrect number of operands for operator or function; "
            "operator or function: attribute_exists, number of operands: 2",
        ),
        (
            "attribute_exists(:a)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(x, :one)",
            "Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N",
        ),
        (
            "x < :yes",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "attribute_type(x, y)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, "
            "operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
        ),
        (
            "attribute_type(x, :a)",
            "Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        ("size(x)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(x) = :a",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "contains(#n, #n)",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: contains, first operand: [name]",
        ),
        (
            "x.y[1] = x.y[1]",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: =, first operand: [x, y, [1]]",
        ),
        (
            "x BETWEEN :one AND :a",
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}",
        ),
        (
            "x BETWEEN :b AND :a",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}",
        ),
    ],
)
def test_refusals_are_in_dynamodbs_words(text: str, message: str) -> None:
    assert refusal(text) == f"Invalid FilterExpression: {message}"


def test_limits_are_those_of_dynamodb() -> None:
    assert refusal(f"x = :a{' ' * 4096}").endswith("expression size: 4102")
    assert "too many operands; number of operands: 101" in refusal(f"x IN ({', '.join([':a'] * 101)})")
    many = " OR ".join(["x=:a"] * 151)
    assert "too many operators" in refusal(many)
    assert condition(" OR ".join(["x=:a"] * 150))


@pytest.mark.parametrize("text", ["NOT " * 200 + "x = :a", "(x = :a OR " * 200 + "x = :a" + ")" * 200])
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    assert "nesting" in refusal(text)


def test_every_name_and_value_has_to_be_used() -> None:
    placeholders = Placeholders({"#n": "name", "#x": "x"}, {":a": {"S": "a"}, ":b": {"S": "b"}})
    parse_condition("#n = :a", placeholders, "FilterExpression")
    with pytest.raises(DynamoDBError, match=r"ExpressionAttributeNames unused in expressions: keys: {#x}"):
        placeholders.check_use()
    parse_projection("#x", placeholders)
    with pytest.raises(DynamoDBError, match=r"ExpressionAttributeValues unused in expressions: keys: {:b}"):
        placeholders.check_use()


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, None, "ExpressionAttributeNames must not be empty"),
        (None, {}, "ExpressionAttributeValues must not be empty"),
        ({"n": "name"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "n"'),
        (None, {"a": {"S": "a"}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"'),
    ],
)
def test_placeholders_are_checked(
    names: dict[str, str] | None, values: dict[str, Value] | None, message: str
) -> None:
    with pytest.raises(DynamoDBError) as caught:
        Placeholders(names, values)
    assert caught.value.message == message


def test_a_projection_is_a_list_of_paths() -> None:
    parsed = parse_projection("Description, RelatedItems[0], #n.FiveStar", Placeholders(NAMES, None))
    assert parsed == (path("Description"), path("RelatedItems", 0), path("name", "FiveStar"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a, a", "path one: [a], path two: [a]"),
        ("a, a.b", "path one: [a], path two: [a, b]"),
        ("a[1].b, a[1]", "path one: [a, [1], b], path two: [a, [1]]"),
        ("#n, b, #n", "path one: [name], path two: [name]"),
    ],
)
def test_paths_of_a_projection_must_not_overlap(text: str, message: str) -> None:
    with pytest.raises(DynamoDBError) as caught:
        parse_projection(text, Placeholders(NAMES, None))
    assert caught.value.message == (
        "Invalid ProjectionExpression: Two document paths overlap with each other; "
        f"must remove or rewrite one of these paths; {message}"
    )


@pytest.mark.parametrize("text", ["", "a,", "a b", "size(a)", ":a", "name"])
def test_malformed_projections_are_refused(text: str) -> None:
    with pytest.raises(DynamoDBError, match=r"^Invalid ProjectionExpression: "):
        parse_projection(text, Placeholders(NAMES, VALUES))


def test_words_that_people_use_as_names_are_reserved() -> None:
    assert {"NAME", "REGION", "STATUS", "DATA", "TTL", "TYPE", "VALUES"} <= RESERVED_WORDS
    assert not {"ID", "MESSAGE", "SENDER", "ARRIVAL", "EXPIRES", "AUTHOR"} & RESERVED_WORDS
    assert len(RESERVED_WORDS) == 573


PIECES = (
    "x", "#n", ":a", ":one", "(", ")", ",", ".", "[", "0", "]", "=", "<>", "<", "AND", "OR", "NOT", "IN",
    "BETWEEN", "size", "contains", "attribute_exists", "name", "é", '"', "#", ":",
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (condition, lambda text: parse_projection(text, Placeholders(NAMES, VALUES))):
        with suppress(DynamoDBError):
            parse(text)
