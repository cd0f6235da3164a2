"""The one table of all benchmarks, and how it gets into the page."""

import re

import pytest

from bench import page
from bench.catalogue import BENCHMARKS
from bench.findings import BASELINE, SERVERS, Finding, Report, comparison
from bench.table import table


def cells(finding: Finding) -> dict[str, str]:
    heads, _, row = comparison({"fanout": Report("", [finding])}).splitlines()
    return dict(zip(*(line.strip("| ").split(" | ") for line in (heads, row)), strict=True))


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_peer_stands_in_its_column_with_how_many_times_its_figure_ours_is() -> None:
    row = cells(Finding("KB", 1234.5, {"NATS": 617.25, "mosquitto": 0.0}))
    assert row["globalchat"] == "**1,234.5**"
    assert row["NATS"] == "617.2 (2.0 ×)"
    assert row["mosquitto"] == "0.0 (–)"
    assert row[BASELINE] == row["websockets"] == "–"
    assert row["command"] == "`python -m bench fanout`"


def test_a_peer_without_a_column_is_named_in_its_cell() -> None:
    assert cells(Finding("ms", 330, {"Textual": 300}, 0))[BASELINE] == "Textual: 300 (1.1 ×)"


@pytest.mark.parametrize(
    ("ours", "shown"), [(0.051, "0.05 ×"), (0.996, "1.0 ×"), (9.96, "10 ×"), (131.4, "131 ×")]
)
def test_a_ratio_has_two_digits(ours: float, shown: str) -> None:
    assert cells(Finding("KB", ours, {"NATS": 1.0}))["NATS"].endswith(f"({shown})")


def test_only_what_is_between_the_marks_is_replaced() -> None:
    old = f"before\n{page.BEGIN}old\n{page.END}after\n"
    new = page.replaced(old, "new\n")
    assert new == f"before\n{page.BEGIN}\nnew\n\n{page.END}after\n"
    assert page.replaced(new, "new") == new
    with pytest.raises(ValueError, match="marks"):
        page.replaced("before after", "new")


def test_the_page_has_the_marks_and_names_benchmarks_that_exist() -> None:
    text = page.FILE.read_text()
    assert page.replaced(text, "") != text
    named = set(re.findall(r"python -m bench ([a-z][\w-]*)", text))
    assert named <= BENCHMARKS.keys()


def test_the_table_of_the_page_has_todays_columns() -> None:
    written = page.FILE.read_text().partition(page.BEGIN)[2].partition(page.END)[0]
    assert comparison({}).splitlines()[0] in written
    assert all(server in written for server in SERVERS)
