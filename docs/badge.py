"""Draws the badges of the README from pyproject.toml: `make badges`.

They are files of the repository, so that they need no service and are true in every copy of it.
"""

import tomllib
from collections.abc import Mapping
from html import escape
from pathlib import Path

FOLDER = Path(__file__).with_name("badges")
PROJECT = Path(__file__).parent.parent / "pyproject.toml"

_HEIGHT = 20
_CELL = 6.6
"""The usual width of a character; a text is centred, whatever font there is."""
_MARGIN = 8
_SYSTEMS = {"MacOS": "macOS", "POSIX :: Linux": "Linux"}
"""How the classifiers of systems are written."""


def badges() -> Mapping[str, str]:
    """Return the pictures by name."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    classifiers = project["classifiers"]
    versions = [each.rpartition(" :: ")[2] for each in classifiers if " :: Python :: 3." in each]
    systems = [each.partition(" :: ")[2] for each in classifiers if each.startswith("Operating System")]
    return {
        "python": drawn("Python", f"{versions[0]} – {versions[-1]}", "#3d6d9e"),
        "systems": drawn("runs on", ", ".join(sorted(_SYSTEMS[each] for each in systems)), "#4a6b57"),
        "license": drawn("licence", project["license"], "#6b5a7d"),
    }


def drawn(label: str, value: str, colour: str) -> str:
    """Return a badge: a label on grey, and its value on a colour."""
    left, right = (round(len(each) * _CELL + 2 * _MARGIN) for each in (label, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img">'
        f"<title>{escape(label)}: {escape(value)}</title>"
        f'<rect width="{left + right}" height="{_HEIGHT}" rx="3" fill="{colour}"/>'
        f'<path d="M3 0H{left}V{_HEIGHT}H3A3 3 0 0 1 0 {_HEIGHT - 3}V3A3 3 0 0 1 3 0Z" fill="#4b5058"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f"{_text(label, left / 2)}{_text(value, left + right / 2)}</g></svg>\n"
    )


def _text(text: str, x: float) -> str:
    return f'<text x="{x:g}" y="14">{escape(text)}</text>'


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in badges().items():
        (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
