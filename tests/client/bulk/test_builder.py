"""From bytes or a template to a draft."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.bulk.builder import (
    LONGEST_LINE,
    NOT_UTF8,
    TOO_LONG,
    Item,
    LineSplitter,
    MessageBuilder,
    PlaceholderError,
    Template,
    generate,
    pad,
    placeholders,
    repeat,
    units,
)
from globalchat.core.errors import Refused, UsageError


def composer(*, templated: bool = False, size: int | None = None) -> MessageBuilder:
    return MessageBuilder(
        "tech",
        "ana",
        region="oregon",
        clock=lambda: 1000,
        templated=templated,
        size=size,
    )


def test_a_text_is_sent_as_it_is_unless_it_is_a_template() -> None:
    item = Item(3, "{n} {time} {region}")

    assert composer().build(item).text == "{n} {time} {region}"
    assert composer(templated=True).build(item).text == "3 1970-01-01T00:00:01.000Z oregon"


def test_the_size_counts_after_filling_in() -> None:
    one = composer(templated=True, size=4)

    assert one.build(Item(9, "😀{n}")).text == "😀9 "
    assert one.build(Item(99, "😀{n}")).text == "😀99"
    with pytest.raises(Refused, match="5 UTF-16 units, more than the size of 4"):
        one.build(Item(100, "😀{n}"))


@pytest.mark.parametrize(("item", "reason"), [(Item(1, fault="No."), "No."), (Item(1, "{x}"), "placeholder")])
def test_what_is_no_text_is_refused(item: Item, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        composer(templated=True).build(item)


async def test_the_same_text_comes_so_often_with_its_number() -> None:
    assert [item async for item in repeat("x", 3)] == [Item(1, "x"), Item(2, "x"), Item(3, "x")]


def test_drafts_carry_channel_sender_time_and_ids_of_their_own() -> None:
    one = composer()
    first, second = one.build(Item(1, "a")), one.build(Item(2, "a"))

    assert (first.channel, first.sender, first.created_at) == ("tech", "ana", 1000)
    assert first.id < second.id


VALUES = {"n": 7, "time": "2026-11-24T14:00:00.000Z", "region": "oregon"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain }", "plain }"),
        ("{n}", "7"),
        ("{n}{n}", "77"),
        ("{n} of {region} at {time}", "7 of oregon at 2026-11-24T14:00:00.000Z"),
        ("{{n}}", "{n}"),
        ("{{{n}}}", "{7}"),
        ('{{"a": {{"n": {n}}}}}', '{"a": {"n": 7}}'),
        ("${n} #{n}", "$7 #7"),
    ],
)
def test_placeholders_are_filled_in_and_double_braces_are_braces(text: str, filled: str) -> None:
    assert Template.parse(text).fill(**VALUES) == filled  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{x}", "{x}"),
        ("{ n }", "{ n }"),
        ("{}", "{}"),
        ("{N}", "{N}"),
        ("a {", "not closed"),
        ("{n", "not closed"),
    ],
)
def test_an_unknown_placeholder_is_refused_by_name_and_the_known_are_listed(text: str, word: str) -> None:
    with pytest.raises(PlaceholderError) as caught:
        Template.parse(text)

    assert word in str(caught.value)
    assert "{n}, {time}, {region}" in str(caught.value)


def test_a_long_unknown_name_is_cut() -> None:
    with pytest.raises(PlaceholderError) as caught:
        Template.parse("{" + "x" * 5000 + "}")

    assert len(str(caught.value)) < 200


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_survives_with_its_braces_doubled(text: str) -> None:
    template = Template.parse(text.replace("{", "{{").replace("}", "}}"))

    assert len(template.parts) == 1
    assert template.fill(n=1, time="", region="") == text


def test_what_looks_like_a_placeholder_is_found() -> None:
    assert placeholders('{"n": 1} {region} {N}') == ("{region}",)
    assert placeholders("plain") == ()


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("é", 1), ("😀", 2), ("a😀", 3)])
def test_lengths_are_in_utf16_units(text: str, length: int) -> None:
    assert units(text) == length == len(text.encode("utf-16-le")) // 2


def test_padding_reaches_the_size_and_cuts_nothing() -> None:
    assert pad("😀a", 5) == "😀a  "
    assert pad("abcdef", 3) == "abcdef"


@pytest.mark.parametrize("size", [1, 36, 37, 2000])
def test_a_made_up_text_has_its_size_and_is_not_blank(size: int) -> None:
    assert units(generate(size)) == size
    assert not generate(size).isspace()


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
