"""The watermark of what was accepted or refused; whole load tests are in test_coordinator."""

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.load.publisher import AckWatermark


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 5), st.integers(1, 6), st.permutations(range(12)))
def test_the_watermark_is_the_smallest_unsettled_number(first: int, step: int, order: list[int]) -> None:
    watermark, settled = AckWatermark(first, step), set[int]()
    for position in order:
        number = first + position * step
        watermark.settle(number)
        settled.add(number)
        candidates = (first + each * step for each in range(13))
        assert watermark.value == next(each for each in candidates if each not in settled)
