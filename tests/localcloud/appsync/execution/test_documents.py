"""Documents that are executed, and the errors of the others."""

# One case a line, whatever its length.
# ruff: noqa: E501

import pytest

from tests.localcloud.helpers.api_harness import TREE, Harness, only_error, small_api


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ nope }", "Validation error of type FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'nope'"),
        ("{ limits { nope } }", "Validation error of type FieldUndefined: Field 'nope' in type 'Limits' is undefined @ 'limits/nope'"),
        ("{ limits }", "Validation error of type SubSelectionRequired: Sub selection required for type Limits! of field limits @ 'limits'"),
        ("{ channels { x } }", "Validation error of type SubSelectionNotAllowed: Sub selection not allowed on leaf type [String!]! of field channels @ 'channels'"),
        ('mutation { publish(name: "a") { id } }', "Validation error of type MissingFieldArgument: Missing field argument message @ 'publish'"),
        ("{ channels(x: 1) }", "Validation error of type UnknownArgument: Unknown field argument x @ 'channels'"),
        ('mutation { publish(name: 1, message: "x") { id } }', "Validation error of type WrongType: argument 'name' with value '1' is not a valid 'String!' @ 'publish'"),
        ("query($x: Int) { channels }", "Validation error of type UnusedVariable: Unused variable x"),
        ("query($x: Int) { channels @skip(if: $y) }", "Validation error of type UndefinedVariable: Undefined variable y @ 'channels'"),
        ("{ ...f }", "Validation error of type UndefinedFragment: Undefined fragment f"),
        ("{ channels @nope }", "Validation error of type UnknownDirective: Unknown directive nope @ 'channels'"),
        ("fragment f on Query { channels } { limits { id } }", "Validation error of type UnusedFragment: Unused fragment f @ 'f'"),
        ("fragment f on Query { nope } { ...f }", "Validation error of type FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'f/nope'"),
        ("{", "Invalid syntax: Expected Name, found <EOF>."),
    ],
)  # fmt: skip
async def test_documents_that_are_not_valid(query: str, message: str) -> None:
    body = await Harness().run(query)
    assert body["data"] is None
    errors = body["errors"]
    assert isinstance(errors, list)
    first = errors[0]
    assert isinstance(first, dict)
    assert message in [error["message"] for error in errors if isinstance(error, dict)]
    assert set(first) == {"path", "locations", "message"}
    assert first["path"] is None
    assert isinstance(first["locations"], list)


async def test_operations_are_chosen_by_name() -> None:
    query = "query a { channels } query b { limits { id } }"
    assert await Harness().run(query, operation="b") == {"data": {"limits": {"id": 64}}}
    assert only_error(await Harness().run(query))["message"] == (
        "Must provide operation name if query contains multiple operations."
    )
    assert only_error(await Harness().run(query, operation="c"))["message"] == "Unknown operation named 'c'."


async def test_documents_have_a_largest_number_of_tokens() -> None:
    body = await Harness().run("{" + " channels" * 15_001 + "}")
    assert str(only_error(body)["message"]).startswith("More than 15000 'grammar' tokens")


async def test_introspection_can_be_switched_off() -> None:
    query = "{ __schema { types { name } } __typename }"
    assert (await Harness(small_api(TREE)).run(query))["data"]
    body = await Harness(small_api(TREE, has_introspection=False)).run(query)
    messages = [error["message"] for error in body["errors"]]  # type: ignore[union-attr,index,call-overload]
    assert messages[0] == (
        "Validation error of type FieldUndefined: Field 'types' in type '__Schema' is undefined @ '__schema/types'"
    )
    assert await Harness(small_api(TREE, has_introspection=False)).run("{ __typename }") == {
        "data": {"__typename": "Query"}
    }


async def test_documents_are_kept_but_not_without_bound() -> None:
    harness = Harness()
    for i in range(300):
        await harness.run(f"{{ a{i}: channels }}")
    kept = harness.executor._documents._cache
    assert len(kept) == 256
    assert "{ a299: channels }" in kept
