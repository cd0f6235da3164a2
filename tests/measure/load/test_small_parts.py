"""The small pure parts of a run: marks, sets of numbers, the floor, the pipe."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.load import mark, pipe
from globalchat.measure.load.floor import Floor
from globalchat.measure.load.mark import SHORTEST, WARM_UP, Mark
from globalchat.measure.load.numbers import Numbers
from globalchat.measure.load.orders import Expect, Go

MARKS = st.builds(
    Mark,
    run=st.text("0123456789abcdef", min_size=8, max_size=8),
    number=st.one_of(st.just(WARM_UP), st.integers(0, 10**12 - 1)),
    floor=st.integers(0, 10**12 - 1),
    sent_at=st.integers(0, 10**20 - 1),
)


@settings(deadline=None, max_examples=100)
@given(MARKS, st.integers(SHORTEST, 300))
def test_a_mark_comes_back_from_a_text_of_the_wanted_size(made: Mark, size: int) -> None:
    text = mark.write(made, size)
    assert len(text) == size
    assert mark.read(text) == made


@pytest.mark.parametrize("text", ["", "hello", "gcload 12345678 1 1", "gcload 1234567z 1 1 1 ", "x gcload"])
def test_other_texts_have_no_mark(text: str) -> None:
    assert mark.read(text) is None


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 3000)), st.lists(st.integers(0, 3000)))
def test_numbers_are_a_set(given_numbers: list[int], others: list[int]) -> None:
    made, seen = Numbers(), set[int]()
    for number in given_numbers:
        assert made.add(number) == (number not in seen)
        seen.add(number)
    assert list(made) == sorted(seen)
    assert len(made) == len(seen)
    assert all((number in made) == (number in seen) for number in others)
    assert made.without(Numbers.of(others)) == len(seen - set(others))
    assert list(Numbers(made.pack())) == sorted(seen)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 5), st.integers(1, 6), st.permutations(range(12)))
def test_the_floor_is_the_smallest_unsettled_number(first: int, step: int, order: list[int]) -> None:
    floor, settled = Floor(first, step), set[int]()
    for place in order:
        number = first + place * step
        floor.settle(number)
        settled.add(number)
        missing = (first + each * step for each in range(13))
        assert floor.value == next(each for each in missing if each not in settled)


class Memory:
    """A pipe's writing end that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        """Nothing waits."""


async def test_objects_go_through_a_pipe_and_its_end_is_nothing() -> None:
    sink, source = Memory(), asyncio.StreamReader()
    sent = [Go(5), Expect(b"\x01" * 100_000), "text"]
    for thing in sent:
        await pipe.send(sink, thing)
    source.feed_data(sink.written + b"\x00\x00")
    source.feed_eof()
    assert [await pipe.receive(source) for _ in sent] == sent
    assert await pipe.receive(source) is None
