"""The pictures of the pages are there, load nothing from elsewhere and stay small; how they are drawn."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.text import Text

from docs.browser_picture import FILE as BROWSER
from docs.picture import FOLDER, names
from docs.terminal_svg import Frame, Window, frame_of, moving, still
from tests.docs.helpers.pages import PAGES, prose_of
from tests.paths import ROOT

LARGEST, LARGEST_DEMO, LARGEST_OF_BROWSER = 60_000, 400_000, 100_000
SHOWN = {
    (page.parent / target).resolve()
    for page in PAGES
    for target in re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)", prose_of(page))
}
"""The pictures that the pages show, all with a text for readers who do not see them."""


def test_the_pages_show_each_picture_that_the_script_draws_and_no_other() -> None:
    made = {*(FOLDER / f"{name}.svg" for name in names()), BROWSER}
    assert {*FOLDER.iterdir()} == made
    assert made <= SHOWN
    assert all(shown.suffix == ".svg" for shown in SHOWN - {BROWSER})


def test_the_picture_of_the_browser_is_small_and_nothing_but_pixels() -> None:
    content = BROWSER.read_bytes()
    assert len(content) <= LARGEST_OF_BROWSER
    assert content.startswith(b"\x89PNG\r\n")
    assert not {b"tEXt", b"iTXt", b"zTXt", b"eXIf"} & set(re.findall(rb"[a-zA-Z]{4}", content[:200]))


@pytest.mark.parametrize("picture", sorted(SHOWN - {BROWSER}), ids=lambda picture: picture.name)
def test_a_picture_is_small_and_loads_nothing(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert len(text.encode()) <= (LARGEST_DEMO if picture.stem == "demo" else LARGEST)
    assert loaded(text) == []
    assert str(ROOT) not in text


def loaded(svg: str) -> list[str]:
    """Return what a picture would load or execute: addresses, scripts, images, other documents."""
    found = []
    for element in ElementTree.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        if tag in ("script", "image", "foreignObject", "iframe"):
            found.append(tag)
        for value in (element.text or "", element.tail or "", *element.attrib.values()):
            found += re.findall(r"\S*://\S*|@import.*|url\((?!#)[^)]*\)", value)
    return found


def test_the_check_finds_what_a_picture_would_load() -> None:
    font = '<style>@font-face{src:url("//fonts.example/a.woff")}</style>'
    image = '<image href="https://example.com/a.png"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{font}{image}<rect fill="url(#a)"/></svg>'
    assert loaded(svg) == ['url("//fonts.example/a.woff")', "image", "https://example.com/a.png"]


def frame(*lines: str) -> Frame:
    console = Console(width=20, color_system="truecolor", force_terminal=True)
    return frame_of(console.render(Text.from_markup("\n".join(lines))), 20)


def test_texts_are_in_their_cells_and_lines_are_shapes() -> None:
    svg = still("<title>", frame("a  [b]b[/] 文 <c>", "│──┘"), 20)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    texts = re.findall(r'<text x="(\d+)" y="18"(?: textLength="(\d+)")?.*?>(.*?)</text>', svg)
    assert texts == [("0", "", "a"), ("36", "", "b"), ("60", "24", "文"), ("96", "36", "&lt;c&gt;")]
    assert 'class="b"' in svg
    assert "&lt;title&gt;" in svg
    assert "│" not in svg
    assert "─" not in svg


def test_only_lines_that_change_have_times() -> None:
    window = Window(
        "w", 20, [(0, frame("same", "one")), (2, frame("same", "two")), (6, frame("same", "one"))]
    )
    svg = moving([window], 8, poster=3)
    assert svg.count(">same<") == svg.count(">one<") == svg.count(">two<") == 1
    steps = dict(re.findall(r"@keyframes (\w+)\{(.*?\})\}", svg))
    shown = {text: steps[name] for name, text in re.findall(r'<g class="(\w+)"><text.*?>(\w+)<', svg)}
    assert shown == {
        "one": "0.000%{visibility:visible}25.000%{visibility:hidden}75.000%{visibility:visible}",
        "two": "0.000%{visibility:hidden}25.000%{visibility:visible}75.000%{visibility:hidden}",
    }
    hidden = re.findall(r"\.(\w+)\{visibility:hidden\}", svg.partition("@media")[0])
    assert [steps[name] for name in hidden] == [shown["one"]]
