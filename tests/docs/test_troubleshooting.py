"""`docs/troubleshooting.md` quotes sentences of this program as it writes them."""

import re

from tests.docs.helpers.pages import text_of
from tests.paths import INFRA, ROOT

PAGE = text_of(ROOT / "docs" / "troubleshooting.md")
OF_OTHERS = {
    "ensurepip is not available",
    "command not found: globalchat",
    "cannot be written: No space left on device",
    "AccessDenied",
}
"""Sentences of Python, the shell, the system and AWS."""


def test_quoted_sentences_are_those_of_the_program() -> None:
    sources = [file for folder in (ROOT / "tui", INFRA / "globalchat_infra") for file in folder.rglob("*.py")]
    # Sentences go over lines: `"… not "` and `"answer."`.
    text = re.sub(r'"\s*\n\s*f?"', "", "".join(map(text_of, sources))) + text_of(ROOT / "Makefile")
    text += "".join(map(text_of, (INFRA / "resolvers").glob("*.js")))
    parts = (part.strip() for each in re.findall("“(.*?)”", PAGE) for part in each.split("…"))
    quoted = {part for part in parts if part}
    assert len(quoted) > 20
    assert {each for each in quoted - OF_OTHERS if each not in text} == set()
