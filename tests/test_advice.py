"""Sentences that advise a command put it in backticks, by which `as_typed_here` finds it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.cli.main import COMMANDS
from tests.paths import ROOT

SOURCES = [file for root in ("tui", "infra/globalchat_infra") for file in sorted((ROOT / root).rglob("*.py"))]
_NAMES = "|".join(COMMANDS)
_PLAIN = re.compile(rf"(?<![`\w$])(?<!\$ )globalchat (?:{_NAMES}|--\w+)\b(?!:)")
_ALONE = re.compile(r"(?:## )?globalchat [a-z ]+")
"""A command that is no part of a sentence: a heading, the text of a message, the description of a key."""


def plain_commands(source: str) -> Iterator[str]:
    """Yield the texts in a source that name a command without backticks, help and docstrings apart."""
    tree = ast.parse(source)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and _is_plain(node.value)]
    if not found:
        return
    docs = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and _is_text(node.value)]
    helps = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and _is_help(node)]
    exempt = {id(part) for node in (*docs, *helps) for part in ast.walk(node)}
    yield from (str(node.value) for node in found if id(node) not in exempt)


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, str)
        and "globalchat " in value
        and "\n" not in value
        and not _ALONE.fullmatch(value)
        and _PLAIN.search(value) is not None
    )


def _is_help(node: ast.Assign) -> bool:
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return any("HELP" in name for name in names)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_an_advised_command_is_in_backticks(file: Path) -> None:
    assert list(plain_commands(file.read_text("utf-8"))) == []


def test_a_plain_command_is_found() -> None:
    assert list(
        plain_commands('raise E(f"{x} See globalchat doctor.", remedy="Run `globalchat deploy`.")')
    ) == [" See globalchat doctor."]
    assert list(plain_commands('echo_err("End it with: globalchat local down")')) != []
    assert list(plain_commands('HELP = "globalchat doctor"')) == []
