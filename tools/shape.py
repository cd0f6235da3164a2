"""Prints how the code is cut: sizes of files and functions, repeated names, and the path of one message.

Run it with `make shape`. The counts are about the product's Python, `tui/` and `infra/`: neither tests nor
benchmarks. CONTRIBUTING.md says what to aim for.
"""

import ast
import asyncio
import io
import math
import re
import sys
import threading
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {"globalchat": ROOT / "tui", "globalchat_infra": ROOT / "infra"}
"""Package to the folder that it lies in."""
SCREEN = (110, 24)
ENTRY_POINTS = ("__init__", "__main__")


@dataclass(frozen=True)
class Module:
    """One file of Python."""

    name: str
    file: Path
    source: str
    tree: ast.Module

    @property
    def base_name(self) -> str:
        """The last part of the module's name; the package's for an `__init__`."""
        return self.file.stem

    def code_lines(self) -> int:
        """Count the lines that hold code: no blank lines, comments or docstrings."""
        comments = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
        held: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            if token.type not in comments and token.type != tokenize.ENDMARKER:
                held.update(range(token.start[0], token.end[0] + 1))
        return len(held - set(self._docstring_lines()))

    def comment_lines(self) -> int:
        """Count the lines that are a comment."""
        return sum(line.lstrip().startswith("#") for line in self.source.splitlines())

    def _docstring_lines(self) -> Iterator[int]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)

    def imports(self) -> Iterator[str]:
        """Yield each name that the module imports, in full: `a.b` of `from a import b`."""
        package = self.name if self.base_name == "__init__" else self.name.rpartition(".")[0]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                start = ".".join([*above, *([node.module] if node.module else [])])
                yield start
                yield from (f"{start}.{alias.name}" for alias in node.names)

    def public_classes(self) -> Iterator[str]:
        """Yield the names of the classes at the top of the module that have no leading underscore."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name

    def function_lengths(self) -> Iterator[int]:
        """Yield the length of every function in lines, with its docstring."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1


def modules() -> list[Module]:
    """Read every module of the product."""
    found = []
    for package, source in SOURCES.items():
        for file in sorted((source / package).rglob("*.py")):
            parts = file.relative_to(source).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = file.read_text(encoding="utf-8")
            found.append(Module(name, file, text, ast.parse(text)))
    return found


def quantile(values: Sequence[int], share: float) -> int:
    """Return the smallest value that a share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def single_importers(all_modules: Sequence[Module]) -> list[str]:
    """Return the modules that exactly one other module imports."""
    names = {module.name for module in all_modules}
    importers: dict[str, set[str]] = defaultdict(set)
    for module in all_modules:
        for imported in set(module.imports()) & names - {module.name}:
            importers[imported].add(module.name)
    return sorted(
        module.name
        for module in all_modules
        if module.base_name not in ENTRY_POINTS and len(importers[module.name]) == 1
    )


def repeated(pairs: Iterable[tuple[str, str]], allowed: int = 1) -> dict[str, list[str]]:
    """Return the names that stand in more than `allowed` places, with the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in pairs:
        places[name].append(place)
    return {name: sorted(where) for name, where in sorted(places.items()) if len(where) > allowed}


@dataclass
class Trace:
    """The product's files and functions that ran, and how often control moved from one file to another."""

    files: set[str]
    functions: set[tuple[str, str]]
    moves: int = 0

    def __post_init__(self) -> None:
        self._last: dict[int, str] = {}
        self._roots = tuple(str(source / package) for package, source in SOURCES.items())

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """Count a call; a function for `sys.setprofile`."""
        if event != "call" or not frame.f_code.co_filename.startswith(self._roots):
            return
        file, thread = frame.f_code.co_filename, threading.get_ident()
        self.files.add(file)
        self.functions.add((file, frame.f_code.co_qualname))
        if self._last.get(thread, file) != file:
            self.moves += 1
        self._last[thread] = file

    @contextmanager
    def running(self) -> Iterator[None]:
        """Trace what this thread does, and all that it starts."""
        threading.setprofile(self.profile)
        sys.setprofile(self.profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


async def message_trace() -> Trace:
    """Trace one message from Enter in the composer until its own row shows ✓✓, in a chat on a local cloud.

    Chat and both regions run in this process, so that all of the way is seen.
    """
    from globalchat.cli.local_cloud import profile_of
    from globalchat.client.profiles import Profile
    from globalchat.localcloud.server.cloud import LocalCloud
    from globalchat.ui.app import ChatApp

    async with LocalCloud.open() as cloud:

        async def open_profile() -> Profile:
            return profile_of(cloud.regions)

        app = ChatApp(open_profile, region="oregon", channel="tech", sender="you", profile_name="local")
        async with app.run_test(size=SCREEN) as pilot:

            async def shown(text: str, times: int = 1) -> None:
                async with asyncio.timeout(20):
                    while re.sub(r"&#160;|\s", " ", app.export_screenshot()).count(text) < times:
                        await pilot.pause(0.05)

            await shown("live")
            await pilot.press(*"first")
            await pilot.press("enter")
            await shown("✓✓")  # From here on nothing is loaded or greeted for the first time.
            await pilot.press(*"second")
            trace = Trace(set(), set())
            with trace.running():
                await pilot.press("enter")
                for _ in range(100):
                    await pilot.pause(0.01)
            await shown("✓✓", times=2)
            return trace


def _package(module: str) -> str:
    """Return what a module is counted under: a package of `globalchat`, or all of `globalchat_infra`."""
    parts = module.split(".")
    return ".".join(parts[: 2 if parts[0] == "globalchat" else 1])


def print_shape() -> None:
    """Print all counts that need no run."""
    all_modules = modules()
    sizes = [len(module.source.splitlines()) for module in all_modules]
    functions = [length for module in all_modules for length in module.function_lengths()]
    code, comments = (
        sum(map(Module.code_lines, all_modules)),
        sum(map(Module.comment_lines, all_modules)),
    )
    classes = repeated((name, module.name) for module in all_modules for name in module.public_classes())
    bases = repeated(
        ((module.base_name, module.name) for module in all_modules if module.base_name not in ENTRY_POINTS), 2
    )
    single = single_importers(all_modules)
    print(f"files                             {len(all_modules)}")
    print(f"lines                             {sum(sizes)}")
    print(f"code lines                        {code}")
    print(f"comment lines                     {comments} ({comments / sum(sizes):.1%})")
    per_file = f"median {quantile(sizes, 0.5)}, p90 {quantile(sizes, 0.9)}, max {max(sizes)}"
    print(f"lines per file                    {per_file}")
    print(f"lines per function                p90 {quantile(functions, 0.9)}, max {max(functions)}")
    print(f"files with one importer           {len(single)}")
    print(f"public class names used twice     {len(classes)}")
    print(f"module names used more than twice {len(bases)}")
    for package, count in sorted(Counter(_package(module.name) for module in all_modules).items()):
        print(f"  {package:32}{count} files")
    for title, names in (("classes", classes), ("modules", bases)):
        for name, places in names.items():
            print(f"  {title}: {name} in {', '.join(places)}")
    for name in single if "--one-importer" in sys.argv else ():
        print(f"  one importer: {name}")


def print_message_path() -> None:
    """Print through which files a message goes."""
    trace = asyncio.run(message_trace())
    print(f"one message, Enter to ✓✓          {len(trace.files)} files, {trace.moves} moves between files,")
    print(f"                                  {len(trace.functions)} functions")
    for package, source in SOURCES.items():
        counts = Counter(
            Path(file).relative_to(source / package).parts[0]
            for file in trace.files
            if file.startswith(str(source / package))
        )
        for part, count in sorted(counts.items()):
            print(f"  {package}.{part:21}{count} files")
    for file in sorted(trace.files) if "--files" in sys.argv else ():
        print(f"  {Path(file).relative_to(ROOT)}")


if __name__ == "__main__":
    print_shape()
    if "--no-run" not in sys.argv:
        print_message_path()
