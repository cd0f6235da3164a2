"""Puts the one table into `docs/performance.md`, between two marks."""

from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN: Final = "<!-- written by `make bench` -->\n"
END: Final = "<!-- end of what `make bench` writes -->\n"


def replaced(document: str, content: str) -> str:
    """The document with new content between the marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the marks {BEGIN.strip()} and {END.strip()} are missing")
    return f"{before}{begin}\n{content.strip()}\n\n{end}{after}"


def write(content: str) -> None:
    """Replace the content of the file."""
    FILE.write_text(replaced(FILE.read_text(), content))
