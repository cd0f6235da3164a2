"""Documents of many fields and of many levels get AppSync's answers, however deep Python's stack may be."""

# One case a line, whatever its length.
# ruff: noqa: E501

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.api_harness import Harness, deployed_api

COUNT = sys.getrecursionlimit()
"""Fields that need one call each to be completed: as many as there may be calls."""


def aliased(count: int) -> list[str]:
    return [f'a{number}: publish(name: "tech", message: "{number}") {{ message }}' for number in range(count)]


def in_one_selection(fields: list[str]) -> str:
    return "mutation { " + " ".join(fields) + " }"


def in_fragments(fields: list[str]) -> str:
    spreads = " ".join(f"...f{number}" for number in range(len(fields)))
    fragments = (f"fragment f{number} on Mutation {{ {field} }}" for number, field in enumerate(fields))
    return f"mutation {{ {spreads} }} {' '.join(fragments)}"


def among_fields_that_need_no_waiting(fields: list[str]) -> str:
    return in_one_selection([f"n{number}: __typename {field}" for number, field in enumerate(fields)])


@pytest.mark.parametrize("document", [in_one_selection, in_fragments, among_fields_that_need_no_waiting])
async def test_as_many_mutations_as_there_may_be_calls_run_in_their_order(
    document: Callable[[list[str]], str],
) -> None:
    count = COUNT if document is in_one_selection else COUNT // 2  # AppSync's quota of tokens
    harness = Harness()

    body = await harness.run(document(aliased(count)))

    assert "errors" not in body
    data = body["data"]
    assert isinstance(data, dict)
    shown = [value["message"] for value in data.values() if isinstance(value, dict)]
    assert shown == [str(number) for number in range(count)]
    assert len(harness.events.entries) == count


async def test_fields_beyond_the_limit_of_the_api_are_refused_one_by_one() -> None:
    harness = Harness(replace(deployed_api(), resolver_count_limit=10))

    body = await harness.run(in_one_selection(aliased(COUNT)))

    data, errors = body["data"], body["errors"]
    assert isinstance(data, dict)
    assert isinstance(errors, list)
    assert sum(value is not None for value in data.values()) == 10
    kinds = [error["errorType"] for error in errors if isinstance(error, dict)]
    assert kinds == ["ResolverExecutionLimitReached"] * (COUNT - 10)


async def test_mutations_that_the_caller_may_not_call_are_refused_field_by_field() -> None:
    fields = [f'u{number}: unsubscribe(name: "tech") {{ name }}' for number in range(COUNT)]

    body = await Harness().run(in_one_selection(fields))

    errors = body["errors"]
    assert isinstance(errors, list)
    assert {error["errorType"] for error in errors if isinstance(error, dict)} == {"Unauthorized"}
    assert len(errors) == COUNT


def chain(levels: int, kind: str, inside: str) -> str:
    """Make fragments of which each spreads the next."""
    links = (f"fragment f{number} on {kind} {{ ...f{number + 1} }}" for number in range(levels))
    return f"{' '.join(links)} fragment f{levels} on {kind} {{ {inside} }}"


def nested(text: str, each: str) -> Callable[[int], str]:
    """Make a document of a number of levels: the text, with `<` and `>` opening and closing each of them."""
    close = "]" if each == "[" else "}"
    return lambda levels: text.replace("<", each * levels).replace(">", close * levels)


NESTED: dict[str, Callable[[int], str]] = {
    "lists": nested('mutation { publish(name: <"x">, message: "x") { id } }', "["),
    "objects": nested('mutation { publish(name: <{a: "x"}>, message: "x") { id } }', "{a: "),
    "selections": nested("{ < x > }", "channels {"),
    "inline fragments": nested("{ < channels > }", "... {"),
    "inline fragments of a mutation": nested('mutation { publish(name: "tech", message: "x") { < id > } }', "... {"),
    "fragments that depend on a variable": nested('mutation ($b: Boolean = true) { publish(name: "tech", message: "x") { < id > } }', "... @include(if: $b) {"),
    "an unknown field": nested('mutation { publish(name: "tech", message: "x") { < nope > } }', "... {"),
    "introspection": nested("{ __schema { types { fields { type { < name > } } } } }", "ofType {"),
    "the type of a variable": nested('mutation ($a: <String>) { publish(name: $a, message: "x") { id } }', "["),
    "the default of a variable": nested("query ($a: [String] = <1>) { channels }", "["),
    "an argument of a directive": nested("{ channels @include(if: <true>) }", "["),
    "a type": nested("type A { a: <B> }", "["),
    "a chain of fragments": lambda levels: "{ ...f0 } " + chain(levels, "Query", "channels"),
    "a chain of fragments of a mutation": lambda levels: 'mutation { publish(name: "tech", message: "x") { ...f0 } } ' + chain(levels, "Message", "id"),
    "a circle of fragments": lambda levels: "{ ...f0 } " + chain(levels, "Query", "...f0"),
}  # fmt: skip


LEVELS = (60, 180, *range(195, 203), 500, 2000)
"""Around 200 the parser gives up; what it lets pass has to pass everywhere after it."""


@pytest.fixture(scope="module")
def harness() -> Harness:
    """An API that no request changes."""
    return Harness()


@pytest.mark.parametrize("document", NESTED.values(), ids=NESTED)
async def test_a_document_of_many_levels_is_answered(
    harness: Harness, document: Callable[[int], str]
) -> None:
    for levels in LEVELS:
        await is_answered(harness, document(levels))


@pytest.mark.soak
@pytest.mark.parametrize("document", NESTED.values(), ids=NESTED)
async def test_a_document_of_any_number_of_levels_is_answered(
    harness: Harness, document: Callable[[int], str]
) -> None:
    for levels in range(1, 260):
        await is_answered(harness, document(levels))


async def is_answered(harness: Harness, document: str) -> None:
    body = await harness.run(document)
    errors: JSON = body.get("errors", [])
    assert isinstance(errors, list)
    assert body["data"] is not None or errors
