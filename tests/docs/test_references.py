"""What the pages point at is there: links, headings, files, commands with their options."""

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from docs import diagram
from globalchat.cli.main import root
from tests.docs.helpers.pages import PAGES, headings, inline_code, prose_of, text_of
from tests.paths import ROOT

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in headings(linked)):
            broken.append(target)
    assert broken == []


@every_page
def test_files_that_are_named_exist(page: Path) -> None:
    folders = "infra|tui|tests|bench|docs"
    named = {code for code in inline_code(page) if re.fullmatch(rf"({folders})/[\w./-]*", code)}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@every_page
def test_commands_that_are_named_exist_with_their_options(page: Path) -> None:
    unknown = []
    for code in inline_code(page):
        if code.startswith("globalchat "):
            unknown += [f"{code}: {fault}" for fault in faults_of(code.split()[1:])]
    assert unknown == []


def faults_of(words: list[str]) -> list[str]:
    """What of a command's words the program does not know. Capitals and brackets stand for other words."""
    command: click.Command = root
    context = click.Context(root)
    rest = [word.strip("[],.") for word in words if word.strip("[],.…")]
    while isinstance(command, click.Group) and rest and re.fullmatch(r"[a-z]+(\|[a-z]+)*", rest[0]):
        alternatives = rest.pop(0).split("|")
        for name in alternatives:
            if command.get_command(context, name) is None:
                return (
                    [] if command is root and name in ("oregon", "sydney", "auto") else [f"no command {name}"]
                )
        command = command.get_command(context, alternatives[0]) or command
    if command is root:
        command = import_module("globalchat.cli.commands.chat").command
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    known |= {"--help", "--version", "--"}
    given = [word.split("=")[0] for word in rest if word.startswith("--")]
    return [f"no option {option}" for option in given if option not in known]


def test_the_test_itself_finds_what_is_not_there() -> None:
    assert faults_of(["publish", "tech", "--jason"]) == ["no option --jason"]
    assert faults_of(["local", "surve"]) == ["no command surve"]
    assert faults_of(["oregon"]) == []


def test_the_diagram_is_made_from_its_text() -> None:
    assert diagram.mark(diagram.SOURCE.read_bytes()) in text_of(diagram.PICTURE), "run `make diagram`"
