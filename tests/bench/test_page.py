"""How the table gets into docs/performance.md, and that the page fits it."""

import re

import pytest

from bench import page
from bench.catalogue import BENCHMARKS
from bench.results import SERVERS, comparison_table


def test_only_what_is_between_the_marks_is_replaced() -> None:
    old = f"before\n{page.START}old\n{page.END}after\n"
    new = page.with_content(old, "new\n")
    assert new == f"before\n{page.START}\nnew\n\n{page.END}after\n"
    assert page.with_content(new, "new") == new
    with pytest.raises(ValueError, match="marks"):
        page.with_content("before after", "new")


def test_the_page_has_the_marks_and_names_benchmarks_that_exist() -> None:
    text = page.FILE.read_text()
    for mark in (page.START, page.CURVES):
        assert page.with_content(text, "", mark=mark) != text
    named = set(re.findall(r"python -m bench ([a-z][\w-]*)", text))
    assert named <= BENCHMARKS.keys()


def test_the_table_of_the_page_has_todays_columns() -> None:
    written = page.FILE.read_text().partition(page.START)[2].partition(page.END)[0]
    assert comparison_table({}).splitlines()[0] in written
    assert all(server in written for server in SERVERS)
