"""The product's code keeps the shape that CONTRIBUTING.md asks for."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.paths import load_tool

LONGEST = 600
"""Lines of a module."""


@pytest.fixture(scope="module")
def shape() -> ModuleType:
    """The tool that counts."""
    return load_tool("shape")


@pytest.fixture(scope="module")
def modules(shape: ModuleType) -> Sequence[Any]:
    """Every module of the product."""
    found: Sequence[Any] = shape.modules()
    assert len(found) > 200
    return found


def test_no_module_is_longer_than_a_reader_bears(modules: Sequence[Any]) -> None:
    lengths = {each.name: len(each.source.splitlines()) for each in modules}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_a_public_class_name_means_one_thing(shape: ModuleType, modules: Sequence[Any]) -> None:
    pairs = ((name, each.name) for each in modules for name in each.public_classes())
    assert shape.repeated(pairs) == {}


def test_no_module_name_occurs_more_than_twice(shape: ModuleType, modules: Sequence[Any]) -> None:
    pairs = ((each.base_name, each.name) for each in modules if each.base_name not in shape.ENTRY_POINTS)
    assert shape.repeated(pairs, allowed=2) == {}


def test_code_is_what_is_neither_blank_nor_comment_nor_docstring(shape: ModuleType) -> None:
    source = (
        '"""Doc."""\n\n# Why.\nA = """x\ny"""\n\n\ndef f():\n    """Doc\n    more."""\n    return A  # here\n'
    )
    module = shape.Module("m", Path("m.py"), source, shape.ast.parse(source))
    assert (module.code_lines(), module.comment_lines()) == (4, 1)
    assert list(module.function_lengths()) == [4]


def test_an_import_is_counted_by_its_full_name(shape: ModuleType) -> None:
    source = "from . import x\nfrom ..a import b\nimport c.d\n"
    module = shape.Module("p.q.m", Path("p/q/m.py"), source, shape.ast.parse(source))
    assert {"p.q.x", "p.a.b", "c.d"} <= set(module.imports())
