"""What the pages point at is there: links, headings, files, commands with their options."""

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import click
import pytest

from docs import diagram
from globalchat.cli.main import root
from tests.docs.helpers.pages import PAGES, headings, inline_code, prose_of, text_of
from tests.paths import INFRA, ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
SOURCES = (ROOT / "tui", INFRA)
PACKAGES = (ROOT / "tui" / "globalchat", INFRA / "globalchat_infra")

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
    assert missing_files(inline_code(page)) == []


def missing_files(codes: Iterable[str]) -> list[str]:
    """The paths and names of our files and modules that lead nowhere.

    Paths begin at the root, or are short: below a source root or in `tui/globalchat/`.
    """
    starts = (ROOT, *SOURCES, ROOT / "tui" / "globalchat")
    known = {entry.name for start in starts for entry in start.iterdir() if entry.is_dir()}
    missing = []
    for code in sorted(codes):
        if re.fullmatch(r"[\w.-]+/[\w./-]*", code) and code.partition("/")[0] in known:
            found = any((start / code).exists() for start in starts)
        elif re.fullmatch(r"\w+\.py", code):
            places = (*PACKAGES, ROOT / "tests", ROOT / "bench", ROOT / "docs")
            found = any(each for place in places for each in place.rglob(code))
        elif re.fullmatch(rf"(globalchat\.({'|'.join(diagram.ABOUT)})|globalchat_infra)\.[\w.]+", code):
            found = is_importable(code)
        else:
            continue
        if not found:
            missing.append(code)
    return missing


def is_importable(name: str) -> bool:
    """Return True if there is such a module, or such an attribute of one."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@every_page
def test_commands_that_are_named_exist_with_their_options(page: Path) -> None:
    unknown = []
    for code in inline_code(page):
        if code.startswith("globalchat "):
            unknown += [f"{code}: {fault}" for fault in faults_of(code.split()[1:])]
    assert unknown == []


def faults_of(words: list[str]) -> list[str]:
    """Return the words of a command that are not known. Capitals and brackets stand for other words."""
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


def test_the_tests_themselves_find_what_is_not_there() -> None:
    named = [
        "client/messages.py",
        "globalchat_infra/api.py",
        "infra/resolvers/",
        "tests/e2e",
        "event_bridge.py",
        "publish.js",
    ]
    assert missing_files([*named, "globalchat.client.events", "a/b", "10/s"]) == []
    wrong = [
        "client/nosuch.py",
        "globalchat.client.nosuch",
        "globalchat_infra/nosuch/",
        "nosuch.py",
        "tui/nosuch",
    ]
    assert missing_files(wrong) == wrong
    assert faults_of(["publish", "tech", "--jason"]) == ["no option --jason"]
    assert faults_of(["local", "surve"]) == ["no command surve"]
    assert faults_of(["oregon"]) == []


@pytest.mark.parametrize("picture", diagram.sources(), ids=lambda picture: picture.name)
def test_pictures_are_made_from_their_texts(picture: Path) -> None:
    assert diagram.mark(diagram.sources()[picture]) in text_of(picture), "run `make diagram`"


def test_the_table_of_packages_says_what_the_contracts_say() -> None:
    rows = re.findall(r"^\| `(\w+)/` \| .* \| (.*) \|$", text_of(ARCHITECTURE), re.MULTILINE)
    allowed = diagram.may_import(diagram.contracts())
    everything = {"all": set(allowed) - {"cli"}, "nothing of ours": set[str]()}
    table = {name: everything.get(cell, set(re.findall(r"`([\w.]+)`", cell))) for name, cell in rows}
    assert table == allowed


def test_every_package_has_its_place_in_table_and_picture() -> None:
    folders = (
        folder for source in SOURCES for folder in source.iterdir() if (folder / "__init__.py").exists()
    )
    inner = (
        folder for folder in (ROOT / "tui" / "globalchat").iterdir() if (folder / "__init__.py").exists()
    )
    assert diagram.ABOUT.keys() == {folder.name for folder in (*folders, *inner)} - {"globalchat"}


def test_what_follows_from_contracts_is_drawn_once() -> None:
    layers = {
        "type": "layers",
        "layers": ["globalchat.cli", "globalchat.ui | globalchat.doctor", "globalchat.core"],
    }
    secret = {
        "type": "forbidden",
        "source_modules": ["globalchat.ui"],
        "forbidden_modules": ["globalchat.client", "globalchat_infra"],
        "ignore_imports": ["globalchat.ui.app -> globalchat.client.events"],
    }
    allowed = diagram.may_import([layers, secret])
    assert allowed["ui"] == {"core", "client.events", "localcloud", "measure", "verify", "web"}
    assert "doctor" not in allowed["core"]
    drawn = diagram.graph(
        {"cli": {"ui", "core"}, "ui": {"core", "client.events"}, "core": set(), "client": set()}
    )
    assert re.findall(r"^  (\w+ -> \w+)(.*)$", drawn, re.MULTILINE) == [
        ("cli -> ui", ""),
        ("ui -> core", ""),
        ("ui -> client", ' [style=dashed, label=" events"]'),
    ]
