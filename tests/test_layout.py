"""The tests mirror the packages: the test of a module and every helper are found by their names."""

import ast
import subprocess
from collections import defaultdict
from pathlib import Path

from tests.paths import ROOT

TESTS = ROOT / "tests"
SOURCES = {
    "bench": ROOT / "bench",
    "infra": ROOT / "infra" / "globalchat_infra",
    **{
        package.parent.name: package.parent for package in (ROOT / "tui" / "globalchat").glob("*/__init__.py")
    },
}
"""The package that each folder of `tests` mirrors."""
NOT_OF_ONE_PACKAGE = ("docs", "e2e", "packaging")
"""Folders about the pages of `docs/`, about processes, and about the wheel."""
HELPERS = "helpers"

FILES = sorted(file.relative_to(TESTS) for file in TESTS.rglob("*.py"))
TEST_FILES = [file for file in FILES if file.name.startswith("test_") and len(file.parts) > 1]
MIRRORING = [file for file in TEST_FILES if file.parts[0] in SOURCES]


def parsed(file: Path) -> ast.Module:
    return ast.parse((TESTS / file).read_text(encoding="utf-8"))


def place(file: Path, name: str = "") -> Path:
    """Return where the folder of a test, or a module or package in it, lies in the package."""
    return SOURCES[file.parts[0]].joinpath(*file.parts[1:-1], name)


def mirrors(file: Path) -> bool:
    module = place(file, file.stem.removeprefix("test_"))
    return module.with_suffix(".py").is_file() or (module / "__init__.py").is_file()


def test_the_repository_holds_text_and_one_screenshot() -> None:
    """Raise if a built file, such as a wheel, was committed with others."""
    screenshot = ROOT / "docs/pictures/web.png"
    assert screenshot.read_bytes().startswith(b"\x89PNG\r\n")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    assert len(files) > 1000
    assert [file for file in files if file.is_file() and b"\0" in file.read_bytes()] == [screenshot]


def test_every_folder_is_one_of_its_package() -> None:
    unknown = {file.parts[0] for file in TEST_FILES} - {*SOURCES, *NOT_OF_ONE_PACKAGE}
    assert not unknown
    strange = {str(file.parent) for file in MIRRORING if not place(file).is_dir()}
    assert not strange, "the packages have no such folders"


def test_what_mirrors_no_module_says_what_it_promises() -> None:
    silent = [str(file) for file in MIRRORING if not mirrors(file) and not ast.get_docstring(parsed(file))]
    assert not silent, "neither the name of a module at the same place, nor a docstring"


def test_the_test_of_a_module_lies_at_its_place() -> None:
    misplaced = {
        str(file): [str(module.relative_to(ROOT)) for module in modules]
        for file in MIRRORING
        if not mirrors(file)
        and (modules := list(SOURCES[file.parts[0]].rglob(f"{file.stem.removeprefix('test_')}.py")))
    }
    assert not misplaced, "modules of these names lie elsewhere: move the tests there, or rename them"


def test_helpers_lie_in_one_folder_of_their_package_under_names_of_their_own() -> None:
    others = [file for file in FILES if not file.name.startswith("test_") and file.name != "conftest.py"]
    strays = [str(file) for file in others if file.parts[1:2] != (HELPERS,) and file != Path("paths.py")]
    assert not strays
    named: dict[str, list[str]] = defaultdict(list)
    for file in others:
        if file.name != "__init__.py":
            named[file.name].append(str(file))
    assert not [files for files in named.values() if len(files) > 1]


def test_no_test_imports_from_another() -> None:
    found = [
        f"{file} imports {module}"
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.")
        for module in (node.module or "", *(alias.name for alias in node.names))
        if module.rpartition(".")[2].startswith(("test_", "conftest"))
    ]
    assert not found, "what two tests share is a helper or a fixture"


def test_every_fixture_that_tests_take_from_a_conftest_is_explained() -> None:
    silent = [
        f"{file}: {node.name}"
        for file in FILES
        if file.name == "conftest.py"
        for node in parsed(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent, "`pytest --fixtures` has nothing to say of these"
