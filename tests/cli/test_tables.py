"""Columns, durations, and histograms as lines."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.cli.tables import (
    MAX_ROWS,
    NS_PER_MS,
    columns,
    durations_document,
    histogram_lines,
    milliseconds,
    row_edges,
)
from globalchat.measure.histogram import Histogram

VALUES = st.lists(st.integers(0, 10**12), min_size=1, max_size=80)
MS = NS_PER_MS


def test_milliseconds_as_people_and_programs_read_them() -> None:
    assert [milliseconds(each) for each in (None, 0, 1_234_567, 12_345_678, 1_234_500_000)] == [
        "-",
        "0.00",
        "1.23",
        "12.3",
        "1,234",
    ]
    document = durations_document(Histogram.of([MS, 3 * MS]))
    assert document["count"] == 2
    assert (document["minMs"], document["meanMs"], document["maxMs"]) == (1.0, 2.0, 3.0)
    assert document["p50Ms"] == pytest.approx(1.0, rel=0.004)
    assert durations_document(Histogram())["p99.9Ms"] is None
    assert json.loads(json.dumps(document)) == document


def test_columns_are_aligned_by_their_kind() -> None:
    assert columns(("name", "n"), [("a", "1,000"), ("long name", "2")]) == [
        "name           n",
        "a          1,000",
        "long name      2",
    ]


@settings(deadline=None, max_examples=150)
@given(VALUES, st.integers(20, 200), st.booleans())
def test_the_bars_fit_and_hold_every_value(values: list[int], width: int, ascii_only: bool) -> None:
    drawn = histogram_lines(Histogram.of(values), width=width, ascii_only=ascii_only)
    assert 1 <= len(drawn) <= MAX_ROWS
    counts = [int(each.rsplit(maxsplit=1)[-1].replace(",", "")) for each in drawn]
    assert sum(counts) == len(values)
    assert all(each.isascii() == ascii_only or counts[number] == 0 for number, each in enumerate(drawn))
    marks = "#" if ascii_only else "▏▎▍▌▋▊▉█"
    assert [any(mark in each for mark in marks) for each in drawn] == [count > 0 for count in counts]
    assert len({len(each) for each in drawn}) == 1
    if width >= 70:
        assert len(drawn[0]) <= width
        assert any(len(each.rstrip("0123456789, ")) >= width - 30 for each in drawn)


@settings(deadline=None, max_examples=150)
@given(VALUES)
def test_rows_are_few_and_cover_everything(values: list[int]) -> None:
    edges = row_edges(min(values), max(values))
    assert edges == sorted(set(edges))
    assert edges[0] <= min(values)
    assert edges[-1] > max(values)
    assert len(edges) <= MAX_ROWS + 1


def test_a_histogram_as_it_is_drawn() -> None:
    times = Histogram.of([2 * MS] * 8 + [3 * MS] * 4 + [4 * MS])
    assert histogram_lines(times, width=40, ascii_only=True) == [
        "    2-2.2 ms ######################## 8",
        "  2.2-2.4 ms                          0",
        "  2.4-2.6 ms                          0",
        "  2.6-2.8 ms                          0",
        "    2.8-3 ms                          0",
        "    3-3.2 ms ############             4",
        "  3.2-3.4 ms                          0",
        "  3.4-3.6 ms                          0",
        "  3.6-3.8 ms                          0",
        "    3.8-4 ms                          0",
        "    4-4.2 ms ###                      1",
    ]
    assert histogram_lines(Histogram(), width=40, ascii_only=True) == []
