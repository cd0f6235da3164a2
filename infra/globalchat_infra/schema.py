"""Reads `schema.graphql` for the app: the fields that need a resolver, and the broadcast operation."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graphql import (
    GraphQLField,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_object_type,
    is_required_argument,
)

from globalchat.core.errors import UsageError
from globalchat.core.files import read_text
from globalchat.core.resources import resource

PRELUDE = """
scalar AWSDateTime
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
"""
"""The parts of AppSync's built-in schema that ours uses."""


_COMMENT = re.compile(r"^ *(/\*\*.*?\*/|//[^\n]*)\n|/\*\* @type [^*]*\*/ ", re.MULTILINE | re.DOTALL)
"""A comment on lines of its own, or the type of a value, in a resolver file."""
_SHARED_IMPORT = re.compile(r"^import \{ \w+ \} from '\./(shared/\w+\.js)';\n", re.MULTILINE)
"""What a resolver takes from a file that several share."""
_KEY_DIRECTIVE = re.compile(r"\s+@aws_api_key\b")
_SCHEMA_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)


@dataclass(frozen=True)
class SchemaFile:
    """An AppSync schema in a file; the first use parses it and may raise `GraphQLError` or `TypeError`."""

    file: Path

    @cached_property
    def _types(self) -> GraphQLSchema:
        return build_schema(PRELUDE + read_text(self.file))

    @property
    def deployed(self) -> str:
        """The text as deployed: without comments, for which a template has no room."""
        return _SCHEMA_COMMENT.sub("", read_text(self.file))

    @property
    def without_key(self) -> str:
        """The deployed text for an API that takes no key."""
        return _KEY_DIRECTIVE.sub("", self.deployed)

    @cached_property
    def root_fields(self) -> Mapping[str, str]:
        """Every field of a root type, with that type's name.

        Raises:
            UsageError: a field name occurs under two root types (resolver files are named by field alone).
        """
        fields: dict[str, str] = {}
        for root in (self._types.query_type, self._types.mutation_type, self._types.subscription_type):
            for name in root.fields if root else ():
                if name in fields:
                    raise UsageError(f"{name} is a field of {fields[name]} and of {root}: rename one.")
                fields[name] = str(root)
        return fields

    def required_arguments(self, mutation: str) -> list[str]:
        """Return the required arguments of a mutation, in the schema's order.

        Raises:
            UsageError: there is no such mutation.
        """
        return [name for name, each in self._mutation(mutation).args.items() if is_required_argument(each)]

    def call_of(self, mutation: str) -> str:
        """Return the operation that calls a mutation with all arguments and selects every field of its type.

        Subscribers receive only fields that the mutation's operation selects, so it has to select all.

        Raises:
            UsageError: there is no such mutation, or it does not return an object.
        """
        field = self._mutation(mutation)
        answer = get_named_type(field.type)
        if not is_object_type(answer):
            raise UsageError(f"The schema has no mutation {mutation} that returns an object.")
        declared = ", ".join(f"${name}: {argument.type}" for name, argument in field.args.items())
        passed = ", ".join(f"{name}: ${name}" for name in field.args)
        selected = " ".join(answer.fields)
        return f"mutation Broadcast({declared}) {{ {mutation}({passed}) {{ {selected} }} }}"

    def _mutation(self, name: str) -> GraphQLField:
        root = self._types.mutation_type
        field: GraphQLField | None = root.fields.get(name) if root else None
        if field is None:
            raise UsageError(f"The schema has no mutation {name}.")
        return field


WITHOUT_HISTORY = "without_history"
"""The folder next to the resolvers with those that replace others if no messages are stored."""


def resolver_files(
    fields: Collection[str], folder: Path | None = None, *, history: bool = True
) -> Mapping[str, Path]:
    """Return the resolver file `<field>.js` of each root field, sorted by field (default: our own).

    `history` is True if messages are stored.

    Raises:
        UsageError: a field has no file, or a file no field.
    """
    folder = folder or resource("infra/resolvers")
    files = {file.stem: file for file in sorted(folder.glob("*.js"))}
    if odd := sorted(files.keys() ^ set(fields)):
        raise UsageError(f"Root fields and files of {folder.name}/ differ: {', '.join(odd)}.")
    if not history:
        files |= {file.stem: file for file in (folder / WITHOUT_HISTORY).glob("*.js")}
    return files


def deployed_code(file: Path) -> str:
    """Return the code of a resolver as it is deployed: in one piece, without comments and empty lines.

    A resolver cannot import another file: what files share is written into each (AppSync developer guide,
    bundling). A template has room for 51,200 bytes, and what is left out here is a third of the resolvers.
    Text that spans lines would lose its blanks; there is none.
    """
    code = read_text(file)
    shared = [read_text(file.parent / each).replace("export ", "") for each in _SHARED_IMPORT.findall(code)]
    lines = _COMMENT.sub("", "\n".join([_SHARED_IMPORT.sub("", code), *shared])).splitlines()
    return "".join(f"{_indentation(line) // 2 * ' '}{line.strip()}\n" for line in lines if line.strip())


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
