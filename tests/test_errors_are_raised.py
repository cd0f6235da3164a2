"""Our errors are raised: no function returns one beside something else, and no value holds one."""

import ast
import builtins
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

SOURCES = [file for folder in ("tui", "infra/globalchat_infra") for file in (ROOT / folder).rglob("*.py")]
NOT_HELD = ("type", "Callable", "ContextManager", "AbstractContextManager")
"""What is written with an error in brackets and holds none."""
CARRIERS = {
    # A pure state machine raises nothing: its shell passes on what it caught, and is given what to end with.
    *("ConnectFailed", "SubscribeFailed", "ConnectionLost", "Abort"),
    # An error that was caught before graphql-core runs, and is raised at the field it belongs to.
    "PrecomputedResult",
}
"""Classes whose purpose is to carry an error from where it was caught to where it is handled."""


def base_names(definition: ast.ClassDef) -> Iterator[str]:
    for base in definition.bases:
        if isinstance(base, ast.Name | ast.Attribute):
            yield base.id if isinstance(base, ast.Name) else base.attr


def error_classes(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of the classes of errors that are defined there."""
    builtin = {name for name, each in vars(builtins).items() if _is_error(each)}
    found = set(builtin)
    bases = {
        node.name: set(base_names(node))
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    while new := {name for name, own in bases.items() if own & found} - found:
        found |= new
    return found - builtin


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation


def held(annotation: ast.expr) -> Iterator[str]:
    """Yield the names of the classes whose objects a value of this type may be or hold."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Constant(value=str()):
            yield from held(unquoted(annotation))
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, *_])):
            yield from held(kind)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name)) if name in NOT_HELD:
            return
        case _:
            for each in ast.iter_child_nodes(annotation):
                if isinstance(each, ast.expr):
                    yield from held(each)


def makes_errors(name: str, result: ast.expr, errors: set[str]) -> bool:
    """Return True if a function makes an error, for its caller to raise, and returns nothing else.

    A private step of such a translation may find that an error is not its own, and return None.
    """
    match result:
        case ast.Name():
            return True
        case ast.BinOp(left=ast.Name(id=kind), right=ast.Constant(value=None)):
            return name.startswith("_") and kind in errors
    return False


def offences(tree: ast.Module, errors: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and type of what may return an error beside something else, or holds one."""
    for node in ast.walk(tree):
        annotations: list[ast.expr] = []
        match node:
            case ast.FunctionDef(returns=ast.expr() as result):
                annotations = [] if makes_errors(node.name, unquoted(result), errors) else [result]
            case ast.AsyncFunctionDef(returns=ast.expr() as result):
                annotations = [] if isinstance(unquoted(result), ast.Name) else [result]
            case ast.ClassDef(name=name, body=body) if not name.startswith("_") and name not in CARRIERS:
                annotations = [each.annotation for each in body if isinstance(each, ast.AnnAssign)]
            case ast.AnnAssign(annotation=ast.Subscript() as container):
                annotations = [container]
        for annotation in annotations:
            if errors & set(held(annotation)):
                yield annotation.lineno, ast.unparse(annotation)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f() -> Mine | None: ...", ["Mine | None"]),
        ("async def f() -> 'int | Mine': ...", ["'int | Mine'"]),
        ("def f() -> list['Mine']: ...", ["list['Mine']"]),
        ("def f() -> asyncio.Task[Mine]: ...", ["asyncio.Task[Mine]"]),
        ("def f() -> tuple[int, Mine | None]: ...", ["tuple[int, Mine | None]"]),
        ("class Outcome:\n    error: Mine | None = None", ["Mine | None"]),
        ("class Outcome:\n    error: Mine", ["Mine"]),
        ("waiting: dict[str, Mine] = {}", ["dict[str, Mine]"]),
        ("def f():\n    failures: list[Mine] = []", ["list[Mine]"]),
        ("def f() -> Mine: ...", []),
        ("def f() -> 'Mine': ...", []),
        ("def _file_error(error: OSError) -> Mine | None: ...", []),
        ("async def _try() -> Mine | None: ...", ["Mine | None"]),
        ("async def _failure() -> Mine: ...", []),
        ("def _look() -> list[int] | Mine: ...", ["list[int] | Mine"]),
        ("def f() -> type[Mine]: ...", []),
        ("def f(hear: Callable[[Mine], None], error: Mine | None) -> int | None: ...", []),
        ("def f() -> OSError | None: ...", []),
        ("def f():\n    failure: Mine | None = None", []),
        ("class _Memo:\n    failure: Mine | None = None", []),
        ("class Outcome:\n    hear: Callable[[Mine | None], None]", []),
    ],
)
def test_what_counts(source: str, found: list[str]) -> None:
    tree = ast.parse(f"class Mine(ValueError): ...\n{source}")
    assert [text for _, text in offences(tree, error_classes([tree]))] == found


def test_errors_are_raised_and_not_returned_or_held() -> None:
    trees: dict[Path, ast.Module] = {file: ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}
    assert len(trees) > 200
    errors = error_classes(trees.values())
    assert {"UserError", "Refused", "FieldError"} <= errors
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file, tree in trees.items()
        for line, text in offences(tree, errors)
    ]
    assert found == [], "raise it, or keep a `Reason`"
