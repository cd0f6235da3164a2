"""The histogram against exact arithmetic on the values themselves."""

import math
import pickle
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.histogram import ERROR, QUANTILES, Histogram

VALUES = st.lists(
    st.one_of(st.integers(0, 300), st.integers(0, 10**10), st.integers(0, 2**62)), min_size=1, max_size=60
)
SHARES = st.one_of(st.sampled_from(list(QUANTILES.values())), st.fractions(0, 1))


def exact(values: list[int], share: Fraction) -> int:
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


@settings(deadline=None, max_examples=200)
@given(VALUES, SHARES)
def test_a_quantile_is_the_exact_one_within_the_stated_error(values: list[int], share: Fraction) -> None:
    found = Histogram.of(values).quantile(share)
    assert found is not None
    right = exact(values, share)
    assert abs(found - right) <= ERROR * right


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_count_sum_and_ends_are_exact(values: list[int]) -> None:
    made = Histogram.of(values)
    assert (made.count, made.total) == (len(values), sum(values))
    assert (made.minimum, made.maximum) == (min(values), max(values))
    assert made.mean == sum(values) / len(values)
    assert made.quantile(Fraction(0)) == pytest.approx(min(values), rel=float(ERROR))


@settings(deadline=None, max_examples=100)
@given(st.lists(VALUES, max_size=5))
def test_merging_gives_the_histogram_of_all_values_in_any_order(parts: list[list[int]]) -> None:
    forwards, backwards = Histogram(), Histogram()
    for part in parts:
        forwards.merge(Histogram.of(part))
    for part in reversed(parts):
        backwards.merge(Histogram.of(part))
    assert forwards == backwards == Histogram.of(value for part in parts for value in part)


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_every_value_is_in_a_bucket_that_is_narrow_and_its_own(values: list[int]) -> None:
    buckets = list(Histogram.of(values))
    for bucket in buckets:
        assert bucket.count == sum(bucket.low <= value <= bucket.high for value in values)
        assert bucket.high - bucket.low + 1 <= max(1, int(2 * ERROR * bucket.low))
    assert all(one.high < other.low for one, other in pairwise(buckets))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**62), max_size=30))
def test_it_goes_to_another_process_unchanged(values: list[int]) -> None:
    made = Histogram.of(values)
    assert pickle.loads(pickle.dumps(made)) == made


def test_an_empty_one_has_no_quantile_and_nothing_below_zero_is_counted() -> None:
    empty = Histogram()
    assert (empty.quantile(Fraction(1, 2)), empty.mean, list(empty)) == (None, None, [])
    with pytest.raises(ValueError, match="negative"):
        empty.add(-1)
    assert empty == Histogram()
