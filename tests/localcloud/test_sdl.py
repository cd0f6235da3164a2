"""AppSync's dialect of SDL: what GraphQL allows and AppSync refuses, and the other way round."""

import pytest
from graphql import (
    GraphQLObjectType,
    ObjectTypeDefinitionNode,
    get_introspection_query,
    graphql_sync,
    parse,
    print_ast,
)

from globalchat.core.resources import resource
from globalchat.localcloud.appsync.schema import build_schema
from globalchat.localcloud.problems import Invalid
from globalchat.localcloud.sdl import parse_sdl


@pytest.mark.parametrize(
    ("sdl", "problem"),
    [
        ('"A." type Query { a: Int }', "line 1, column 1: a string description"),
        ('type Query {\n  "A."\n  a: Int\n}', "line 2, column 3: a string description"),
        ('type Query {\n  """\n  A.\n  """\n  a: Int\n}', "line 2, column 3: a string description"),
        ('type Query { a("Why." b: Int): Int }', "line 1, column 16: a string description"),
        ('type Query { a: Int } enum E { "A." A }', "line 1, column 32: a string description"),
        ('type Query { a: Int } input I { "A." a: Int }', "line 1, column 33: a string description"),
        ('type Query { a: Int } "All." schema { query: Query }', "line 1, column 23: a string description"),
        ("type Query { a: Int }\nextend type Query { b: Int }", "line 2, column 1: `extend` is not"),
        ("type Query { a: Int }\nenum E { A }\nextend enum E { B }", "line 3, column 1: `extend` is not"),
        (
            "type Query { a: Int } schema { query: Query }\nextend schema { mutation: Query }",
            "line 2, column 1",
        ),
        ("enum E {\n  A\n  # null\n  B\n}", "line 3, column 3: a # comment inside the enum E"),
        ("enum E { # all\n A }", "line 1, column 10: a # comment inside the enum E"),
        ("enum E { A\n # the end\n}", "line 2, column 2: a # comment inside the enum E"),
        ("interface A { a: Int }\ninterface B implements A { a: Int }", "line 2, column 1: the interface B"),
        ("type Query { a", "line 1: Syntax Error"),
        ("type A implements B, { a: Int } interface B { a: Int } type Query { a: %", "line 1: Syntax Error"),
    ],
)
def test_sdl_that_appsync_refuses_is_refused_with_its_place(sdl: str, problem: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_sdl(sdl)
    assert problem in raised.value.reason


def test_one_refusal_names_several_problems_and_counts_the_rest() -> None:
    fields = "".join(f'  "Field {n}."\n  f{n}: Int\n' for n in range(8))
    with pytest.raises(Invalid) as raised:
        parse_sdl("type Query {\n" + fields + "}")
    reason = raised.value.reason
    assert reason.count("a string description") == 5
    assert "line 2, column 3" in reason
    assert reason.endswith("and 3 more")


@pytest.mark.parametrize(
    "between",
    [
        " B, C ",
        " B & C ",
        " & B & C ",
        " B,C",
        " B , C ",
        " B, # first, then\n C ",
        " B # first, then\n , C ",
    ],
)
def test_interfaces_are_parted_by_commas_or_ampersands(between: str) -> None:
    definition = parse_sdl(f"type A implements{between}{{ a: Int }}").definitions[0]
    assert isinstance(definition, ObjectTypeDefinitionNode)
    assert [interface.name.value for interface in definition.interfaces or ()] == ["B", "C"]


def test_a_schema_with_commas_between_interfaces_is_built() -> None:
    interfaces = "interface B { a: Int } interface C { a: Int } interface D { a: Int }"
    schema = build_schema(f"{interfaces} type A implements B, C, D {{ a: Int }} type Query {{ a: A }}")
    built = schema.graphql.type_map["A"]
    assert isinstance(built, GraphQLObjectType)
    assert [each.name for each in built.interfaces] == ["B", "C", "D"]


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query {\n  implements: Int, a: Int, b: Int\n}",
        "enum E {\n  type, implements, A, B\n}",
        "type A implements B\n@deprecated\n{\n  a(b: Int, c: Int): Int\n}",
    ],
)
def test_other_commas_stay_what_they_are(sdl: str) -> None:
    assert print_ast(parse_sdl(sdl)) == print_ast(parse(sdl))


def test_the_comment_above_a_definition_is_its_description() -> None:
    sdl = """
# Of the file.

# What can
# be asked.
type Query {
  # The first.
  a(
    # How many.
    n: Int
  ): Int

  b: Int # Not above b.
  #
  c: Int
}
"""
    result = graphql_sync(build_schema(sdl).graphql, get_introspection_query())
    assert result.data is not None
    (query,) = (each for each in result.data["__schema"]["types"] if each["name"] == "Query")
    assert query["description"] == "What can\nbe asked."
    described = {field["name"]: field["description"] for field in query["fields"]}
    assert described["a"] == "The first."
    assert described["b"] is None
    assert query["fields"][0]["args"][0]["description"] == "How many."


def test_the_deployed_schema_describes_itself_in_comments() -> None:
    (message, *_) = parse_sdl(resource("schema.graphql").read_text(encoding="utf-8")).definitions
    assert isinstance(message, ObjectTypeDefinitionNode)
    descriptions = {field.name.value: field.description for field in message.fields or ()}
    assert descriptions["name"] is not None
    assert descriptions["name"].value == "The channel."
