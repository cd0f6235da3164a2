import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.bulk.items import Item
from globalchat.client.bulk.lines import LONGEST_LINE, NOT_UTF8, TOO_LONG, LineSplitter
from globalchat.core.errors import UsageError


def split(*chunks: bytes) -> list[Item]:
    splitter = LineSplitter()
    return [*(item for chunk in chunks for item in splitter.feed(chunk)), *splitter.end()]


def test_each_line_is_a_text_without_its_end() -> None:
    assert split(b"one\ntwo\r\nthree") == [Item(1, "one"), Item(2, "two"), Item(3, "three")]


def test_an_empty_line_is_kept_and_an_empty_stream_has_none() -> None:
    assert split(b"\n") == [Item(1, "")]
    assert split() == []


def test_a_line_comes_as_soon_as_it_has_ended() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"a\nb") == [Item(1, "a")]
    assert splitter.feed(b"") == []
    assert splitter.feed(b"\n") == [Item(2, "b")]
    assert splitter.end() == []


def test_a_line_that_is_not_utf8_is_a_fault_and_the_others_are_texts() -> None:
    assert split("é\n".encode() + b"\xff\n" + "😀\n".encode()) == [
        Item(1, "é"),
        Item(2, fault=NOT_UTF8),
        Item(3, "😀"),
    ]


def test_a_line_without_end_is_not_kept_in_memory_and_counts_as_one() -> None:
    splitter = LineSplitter()
    for _ in range(3):
        assert splitter.feed(b"x" * LONGEST_LINE) == []
    assert len(splitter._rest) <= LONGEST_LINE

    assert splitter.feed(b"x\nafter\n") == [Item(1, fault=TOO_LONG), Item(2, "after")]


def test_a_long_line_at_the_end_of_the_stream_counts_once() -> None:
    assert split(b"x" * (LONGEST_LINE + 1), b"x" * LONGEST_LINE) == [Item(1, fault=TOO_LONG)]


def test_the_longest_line_is_a_text() -> None:
    assert split(b"x" * LONGEST_LINE, b"\n") == [Item(1, "x" * LONGEST_LINE)]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))), st.integers(1, 7))
@settings(max_examples=50, deadline=None)
def test_texts_come_back_unchanged_however_they_are_cut(texts: list[str], size: int) -> None:
    data = "".join(f"{text}\n" for text in texts).encode()
    items = split(*(data[at : at + size] for at in range(0, len(data), size)))

    assert [item.text for item in items] == texts
    assert [item.number for item in items] == list(range(1, len(texts) + 1))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_one_byte_order_mark_is_dropped_from_the_stream(size: int) -> None:
    stream = "\ufefffirst\n\ufeffsecond\n".encode()
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert split(*chunks) == [Item(1, "first"), Item(2, "\ufeffsecond")]


@pytest.mark.parametrize("stream", [b"\xef", b"\xff", b"\xef\xbb"])
def test_half_a_byte_order_mark_is_a_line(stream: bytes) -> None:
    assert split(stream) == [Item(1, fault=NOT_UTF8)]
    assert split(stream, b"\nb") == [Item(1, fault=NOT_UTF8), Item(2, "b")]


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf16_is_refused_before_anything_is_published(mark: bytes) -> None:
    splitter = LineSplitter()
    assert splitter.feed(mark[:1]) == []
    with pytest.raises(UsageError, match="UTF-16"):
        splitter.feed(mark[1:] + b"a\x00\n\x00")
