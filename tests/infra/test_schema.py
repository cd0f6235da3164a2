import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse, print_ast
from graphql.language import FieldNode, ObjectTypeDefinitionNode

from globalchat.core.errors import UsageError
from globalchat.core.resources import resource
from globalchat_infra.schema import SchemaFile, deployed_code, resolver_files
from tests.infra.helpers.synthesised_templates import Templates, rule_of
from tests.paths import RESOLVERS


@pytest.fixture(scope="module")
def schema() -> SchemaFile:
    return SchemaFile(resource("schema.graphql"))


def test_root_fields_know_their_type(schema: SchemaFile) -> None:
    assert schema.root_fields == {
        "channels": "Query",
        "history": "Query",
        "limits": "Query",
        "whoami": "Query",
        "publish": "Mutation",
        "publishFromBus": "Mutation",
        "unsubscribe": "Mutation",
        "subscribe": "Subscription",
    }


def test_every_root_field_has_exactly_one_resolver_file(schema: SchemaFile) -> None:
    files = resolver_files(schema.root_fields)
    assert [file.name for file in files.values()] == sorted(f"{field}.js" for field in schema.root_fields)


def test_without_history_other_files_take_the_place_of_some(schema: SchemaFile) -> None:
    usual = resolver_files(schema.root_fields)
    without = resolver_files(schema.root_fields, history=False)
    assert without.keys() == usual.keys()
    replaced = {field for field in usual if without[field] != usual[field]}
    assert replaced == {"history", "limits", "publishFromBus"}
    assert {without[field].parent.name for field in replaced} == {"without_history"}


@pytest.mark.parametrize(
    ("names", "odd"), [(["one.js"], "two"), (["one.js", "two.js", "three.js"], "three"), ([], "one, two")]
)
def test_a_field_without_a_file_or_a_file_without_a_field_is_named(
    names: list[str], odd: str, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"differ: {odd}.$"):
        resolver_files(["one", "two"], tmp_path)


def test_a_field_of_two_root_types_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text("type Query { same: Int } type Mutation { same: Int }", encoding="utf-8")
    with pytest.raises(UsageError, match="same is a field of Query and of Mutation"):
        _ = SchemaFile(file).root_fields


@pytest.mark.infra
def test_the_broadcast_passes_every_argument_and_selects_every_field_of_a_message(
    templates: Templates,
) -> None:
    (target,) = rule_of(templates["globalchat-oregon-api"], "broadcast")["Targets"]
    (operation,) = parse(target["AppSyncParameters"]["GraphQLOperation"]).definitions
    assert isinstance(operation, OperationDefinitionNode)
    (call,) = operation.selection_set.selections
    assert isinstance(call, FieldNode)
    assert call.selection_set is not None
    types = {
        definition.name.value: definition
        for definition in parse(resource("schema.graphql").read_text(encoding="utf-8")).definitions
        if isinstance(definition, ObjectTypeDefinitionNode)
    }
    message = [field.name.value for field in types["Message"].fields or ()]
    (mutation,) = (field for field in types["Mutation"].fields or () if field.name.value == "publishFromBus")
    assert call.name.value == "publishFromBus"
    assert [print_ast(selected) for selected in call.selection_set.selections] == message
    # The resolver makes the arrival.
    assert [print_ast(argument) for argument in call.arguments or ()] == [
        f"{name}: ${name}" for name in message if name != "arrival"
    ]
    assert [print_ast(variable) for variable in operation.variable_definitions or ()] == [
        f"${argument.name.value}: {print_ast(argument.type)}" for argument in mutation.arguments or ()
    ]


def test_what_is_deployed_has_no_comment_and_all_code(tmp_path: Path, schema: SchemaFile) -> None:
    file = tmp_path / "field.js"
    file.write_text(
        "// why\nimport { util } from 'x';\n\n/**\n * A doc comment.\n */\nexport function request() {\n"
        "  /** @type {string} */\n  const url = 'http://a'; // kept\n"
        "  const cast = /** @type {string} */ (url);\n  // why\n  return cast;\n}\n",
        encoding="utf-8",
    )
    assert deployed_code(file) == (
        "import { util } from 'x';\nexport function request() {\n const url = 'http://a'; // kept\n"
        " const cast = (url);\n return cast;\n}\n"
    )
    assert "#" not in schema.deployed


def test_what_resolvers_share_is_deployed_with_each(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "double.js").write_text(
        "/** Doubles. */\nexport function double(n) {\n  return 2 * n;\n}\n", encoding="utf-8"
    )
    file = tmp_path / "field.js"
    file.write_text(
        "import { double } from './shared/double.js';\n\nexport function request() {\n"
        "  return double(1);\n}\n",
        encoding="utf-8",
    )
    assert deployed_code(file) == (
        "export function request() {\n return double(1);\n}\nfunction double(n) {\n return 2 * n;\n}\n"
    )


def test_no_resolver_has_a_text_that_spans_lines() -> None:
    for file in RESOLVERS.rglob("*.js"):
        for line in re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL).splitlines():
            assert line.count("`") % 2 == 0, (file.name, line)


def test_the_schema_is_deployed_without_comments(schema: SchemaFile) -> None:
    assert "#" not in schema.deployed
    full = resource("schema.graphql").read_text(encoding="utf-8")
    assert print_ast(parse(schema.deployed)) == print_ast(parse(full))


def test_required_arguments_are_those_without_a_default(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    arguments = "a: Int!, b: Int, c: Int! = 1, d: ID!"
    file.write_text(f"type Query {{ a: Int }} type Mutation {{ m({arguments}): Int }}", encoding="utf-8")
    assert SchemaFile(file).required_arguments("m") == ["a", "d"]
    with pytest.raises(UsageError, match="no mutation gone"):
        SchemaFile(file).required_arguments("gone")


@pytest.mark.parametrize("mutation", ["nothing", "count"])
def test_a_broadcast_needs_a_mutation_that_returns_an_object(mutation: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text("type Query { a: Int } type Mutation { count: Int }", encoding="utf-8")
    with pytest.raises(UsageError, match=f"no mutation {mutation}"):
        SchemaFile(file).call_of(mutation)
