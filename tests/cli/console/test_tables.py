"""Milliseconds and columns."""

import json

import pytest

from globalchat.cli.console import milliseconds
from globalchat.cli.console.columns import columns
from globalchat.measure.histogram import Histogram

MS = milliseconds.NS


def test_milliseconds_as_people_and_programs_read_them() -> None:
    assert [milliseconds.spell(each) for each in (None, 0, 1_234_567, 12_345_678, 1_234_500_000)] == [
        "-",
        "0.00",
        "1.23",
        "12.3",
        "1,234",
    ]
    document = milliseconds.document(Histogram.of([MS, 3 * MS]))
    assert document["count"] == 2
    assert (document["minMs"], document["meanMs"], document["maxMs"]) == (1.0, 2.0, 3.0)
    assert document["p50Ms"] == pytest.approx(1.0, rel=0.004)
    assert milliseconds.document(Histogram())["p99.9Ms"] is None
    assert json.loads(json.dumps(document)) == document


def test_columns_are_aligned_by_their_kind() -> None:
    assert columns(("name", "n"), [("a", "1,000"), ("long name", "2")]) == [
        "name           n",
        "a          1,000",
        "long name      2",
    ]
