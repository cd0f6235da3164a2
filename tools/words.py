"""Refuses words that this project does not use, in its code and its documentation.

Run it with `make words`; `make lint` includes it. Prose is comments, docstrings, strings and Markdown; names
are what the code defines. CONTRIBUTING.md has the glossary with the words to use.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ("tui", "infra", "bench", "tests", "tools", "docs")
ITSELF = (Path(__file__).relative_to(ROOT), Path("tests/test_words.py"))
"""Where the refused words stand as such."""

PROSE: tuple[tuple[str, str], ...] = (
    (r"\banew\b", "again"),
    (r"\blikewise\b", "also"),
    (r"\blest\b", "so that … not"),
    (r"\bsomebody\b", "the one who acts: a user, another process, an administrator"),
    # "cannot be told apart" and "tells mistakes from gaps" are good English.
    (r"\btold\b(?! apart| from)", "reported, shown, logged, passed"),
    (r"\btells\b(?![^.]{0,60}\b(?:apart|from)\b)", "reports, shows, says"),
    (r"\bthe begin\b(?!-)", "the start"),
    (r"\bsteady clock\b", "monotonic clock"),
    # "For good measure" is good English.
    (r"\bfor good\b(?! measure)", "permanently"),
    (r"\b(?:one|object|message) a line\b", "one per line"),
    (r"""["'`”}] is no (?=\w)""", "is not a …; unknown …; invalid …"),
)
"""A pattern, and what to write instead."""
MAY_HOLD = re.compile("|".join(re.split(r"\(\?[!=]", pattern)[0].replace(r"\b", "") for pattern, _ in PROSE))
"""The patterns without what may surround them, for text in lower case: files without a match are not taken
apart, which takes long."""
SUMMARY = (
    (r"Whether\b", "Return True if …"),
    (r"Tell\b", "Report, show, log, return …"),
    (r"Take note\b", "Record …"),
    (r"What\b|Who\b|How\b|Where\b", "a verb"),
)
"""What the docstring of a function does not begin with."""
NOT_AN_ATTRIBUTE = r"(Return|Get|Whether|What|Who|How|Where|When|Since)\b"
"""What the docstring of a property does not begin with: it names the value, as that of an attribute does."""
NAMES = {
    "chores": "background tasks",
    "courier": "interceptor",
    "crew": "worker pool",
    "curtain": "splash screen",
    "deed": "action",
    "desk": "view model",
    "ear": "subscriber",
    "keeper": "store",
    "lane": "queue",
    "patience": "backoff",
    "standing": "existing",
    "told": "reported",
    "wish": "request",
}
"""A part of a name, and the word to use."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
GERUND = re.compile(r"[a-z_]*ing")
NOUNS_IN_ING = {"gc_tuning", "string", "heading", "setting", "binding", "ping", "meaning", "recording"}
"""Names of modules that end like a gerund and are nouns."""


@dataclass(frozen=True, order=True)
class Finding:
    """A word at a place, with the word to use."""

    file: Path
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.word!r}: {self.instead}"


def prose_findings(file: Path, first_line: int, text: str) -> Iterator[Finding]:
    """Yield the refused words of a text that begins in a line of a file."""
    for pattern, instead in PROSE:
        for match in re.finditer(pattern, text, re.IGNORECASE):
            line = first_line + text.count("\n", 0, match.start())
            yield Finding(file, line, match.group().strip(), instead)


def summary_findings(file: Path, nodes: Iterable[ast.AST]) -> Iterator[Finding]:
    """Yield the functions whose docstring does not say what they do, and the `__init__` that have one."""
    for node in nodes:
        if not isinstance(node, FUNCTIONS):
            continue
        summary = ast.get_docstring(node) or ""
        if node.name == "__init__" and summary:
            yield Finding(file, node.lineno, summary.split()[0], "in the docstring of the class")
        patterns = ((NOT_AN_ATTRIBUTE, "The …; True if …"),) if _is_property(node) else SUMMARY
        for pattern, instead in patterns:
            if match := re.match(pattern, summary):
                yield Finding(file, node.lineno, match.group(), instead)


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def name_findings(file: Path, nodes: Iterable[ast.AST]) -> Iterator[Finding]:
    """Yield the refused words in the names that a module defines, and in its own."""
    for part in _parts(file.stem):
        if part in NAMES:
            yield Finding(file, 1, part, NAMES[part])
    if GERUND.fullmatch(file.stem) and file.stem not in NOUNS_IN_ING and not file.stem.startswith("test_"):
        yield Finding(file, 1, file.stem, "a noun")
    for node in nodes:
        for name in _defined(node):
            for part in _parts(name):
                if part in NAMES:
                    yield Finding(file, getattr(node, "lineno", 1), name, NAMES[part])


def _defined(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            yield node.id
    elif isinstance(node, ast.Attribute):
        if isinstance(node.ctx, ast.Store):
            yield node.attr
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name


def _parts(name: str) -> list[str]:
    """Split `snake_case` and `CamelCase` into words in lower case."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def python_findings(file: Path, source: str) -> Iterator[Finding]:
    """Yield the findings of a file of Python: prose only in comments and strings."""
    nodes = list(ast.walk(ast.parse(source)))
    yield from summary_findings(file, nodes)
    yield from name_findings(file, nodes)
    if not MAY_HOLD.search(source.lower()):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) or token.type == getattr(
            tokenize, "FSTRING_MIDDLE", -1
        ):
            yield from prose_findings(file, token.start[0], token.string)


def tracked_files() -> list[Path]:
    """Return the files that the check reads, relative to the repository's root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    files = [Path(name) for name in listed if name and (ROOT / name).is_file()]
    return [file for file in files if file not in ITSELF and _is_read(file)]


def _is_read(file: Path) -> bool:
    if file.suffix == ".py":
        return file.parts[0] in PYTHON
    return file.suffix in (".md", ".graphql", ".tcss") or file.parts[:2] == ("infra", "resolvers")


def findings() -> list[Finding]:
    """Return all findings of the repository, in the order of files and lines."""
    found: list[Finding] = []
    for file in tracked_files():
        text = (ROOT / file).read_text(encoding="utf-8")
        found += python_findings(file, text) if file.suffix == ".py" else prose_findings(file, 1, text)
    return sorted(set(found))


def main() -> int:
    """Print the findings and return the exit code."""
    found = findings()
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
