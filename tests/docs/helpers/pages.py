"""The Markdown pages of the project, and what can be checked in them: links, paths, commands."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGES = tuple(
    sorted(
        ROOT / name
        for name in ("README.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
    )
) + tuple(sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.+\n?)+", re.MULTILINE)
_COMMAND = re.compile(
    r"(?:[a-z]+=\$\(|eval \"\$\()?(?:\.venv/bin/)?(?:aws|globalchat|make|npx|npm|cdk|pip)(?= |\))|globalchat$"
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command line as a page gives it, without prompt and comment; continued lines are joined."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} {self.text[:60]}"


def text_of(page: Path) -> str:
    """The page."""
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The page without its blocks of code."""
    return _INDENTED.sub("", _FENCE.sub("", text_of(page)))


def inline_code(page: Path) -> set[str]:
    """Return what stands between backticks in running text and tables."""
    return set(re.findall(r"`([^`\n]+)`", prose_of(page)))


def invocations(line: str) -> Iterator[list[str]]:
    """Yield the words after each `globalchat` of a shell line."""
    for part in re.split(r"\||&&|;|\$\(", re.sub(r"\s#\s.*|\s{3,}.*", "", line)):
        if match := re.match(r'\s*"?globalchat\b(.*)', re.split(r"\s[<>]|\)", part)[0]):
            is_quoted = match[1].count('"') % 2 == 1  # as in eval "$(globalchat …)"
            yield shlex.split(match[1].removesuffix('"') if is_quoted else match[1])


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of the page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: Path) -> list[Command]:
    """Every command line of the page's blocks of code."""
    return [Command(page, line, text) for line, text in _lines(text_of(page)) if _COMMAND.match(text)]


def other_lines(page: Path) -> list[str]:
    """Every line of the page's blocks of shell commands that begins with another program."""
    return [text for _, text in _lines(text_of(page)) if text and not _COMMAND.match(text)]


def blocks(page: Path) -> list[str]:
    """Every block of shell commands of the page, in its order, without prompts."""
    text = text_of(page)
    found = [(fence.start(), fence[2]) for fence in _FENCE.finditer(text) if fence[1] == "sh"]
    bare = _FENCE.sub(lambda fence: re.sub(r"[^\n]", " ", fence[0]), text)
    for block in _INDENTED.finditer(bare):
        if block[0].strip():
            found.append((block.start(), re.sub(r"^ {4}", "", block[0], flags=re.MULTILINE)))
    return [block for _, block in sorted(found)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for fence in _FENCE.finditer(text):
        if fence[1] in ("console", "sh"):
            yield from _commands(
                fence[2], text.count("\n", 0, fence.start(2)) + 1, prompt=fence[1] == "console"
            )
    for block in _INDENTED.finditer(_FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)):
        start = text.count("\n", 0, block.start()) + 1
        yield from _commands(re.sub(r"^ {4}", "", block[0], flags=re.MULTILINE), start, prompt=False)


def _commands(block: str, start: int, *, prompt: bool) -> Iterator[tuple[int, str]]:
    joined = re.sub(r"\\\n *", lambda _: "\0", block)
    number = start
    for raw in joined.split("\n"):
        line = raw.removeprefix("$ ") if prompt else raw
        if line != raw or not prompt:
            yield number, re.sub(r"(?:^|\s+)# .*$", "", line.replace("\0", "")).strip()
        number += 1 + raw.count("\0")
