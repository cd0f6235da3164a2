"""The table of all benchmarks."""

import pytest

from bench.results import (
    BASELINE,
    BenchmarkResult,
    ComparisonRow,
    comparison_table,
    markdown_table,
)


def cells(comparison: ComparisonRow) -> dict[str, str]:
    heads, _, row = comparison_table({"fanout": BenchmarkResult("", [comparison])}).splitlines()
    return dict(zip(*(line.strip("| ").split(" | ") for line in (heads, row)), strict=True))


def test_a_table_is_markdown() -> None:
    assert markdown_table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_peer_stands_in_its_column_with_how_many_times_its_figure_ours_is() -> None:
    row = cells(ComparisonRow("KB", 1234.5, {"NATS": 617.25, "mosquitto": 0.0}))
    assert row["globalchat"] == "**1,234.5**"
    assert row["NATS"] == "617.2 (2.0 ×)"
    assert row["mosquitto"] == "0.0 (–)"
    assert row[BASELINE] == row["websockets"] == "–"
    assert row["command"] == "`python -m bench fanout`"


def test_a_peer_without_a_column_is_named_in_its_cell() -> None:
    assert cells(ComparisonRow("ms", 330, {"Textual": 300}, 0))[BASELINE] == "Textual: 300 (1.1 ×)"


@pytest.mark.parametrize(
    ("ours", "shown"), [(0.051, "0.05 ×"), (0.996, "1.0 ×"), (9.96, "10 ×"), (131.4, "131 ×")]
)
def test_a_ratio_has_two_digits(ours: float, shown: str) -> None:
    assert cells(ComparisonRow("KB", ours, {"NATS": 1.0}))["NATS"].endswith(f"({shown})")
