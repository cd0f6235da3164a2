from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.lines import LONGEST_LINE, Line, read_lines


def test_each_line_is_a_text_without_its_end() -> None:
    assert list(read_lines(BytesIO(b"one\ntwo\r\nthree"))) == [
        Line(1, "one"),
        Line(2, "two"),
        Line(3, "three"),
    ]


def test_an_empty_line_is_kept_and_an_empty_stream_has_none() -> None:
    assert list(read_lines(BytesIO(b"\n"))) == [Line(1, "")]
    assert list(read_lines(BytesIO(b""))) == []


def test_a_line_that_is_not_utf8_is_a_fault_and_the_others_are_texts() -> None:
    first, second, third = read_lines(BytesIO("é\n".encode() + b"\xff\n" + "😀\n".encode()))

    assert first == Line(1, "é")
    assert second == Line(2, fault="The line is not UTF-8.")
    assert third == Line(3, "😀")


def test_a_line_without_end_is_not_kept_in_memory_and_counts_as_one() -> None:
    long, after = read_lines(BytesIO(b"x" * (3 * LONGEST_LINE + 5) + b"\nafter\n"))

    assert long.fault is not None
    assert long.number == 1
    assert after == Line(2, "after")


def test_a_long_line_at_the_end_of_the_stream_counts_once() -> None:
    assert [line.number for line in read_lines(BytesIO(b"x" * (2 * LONGEST_LINE)))] == [1]


def test_an_argument_with_undecodable_bytes_is_a_fault() -> None:
    assert Line.of_argument("héllo 😀") == Line(None, "héllo 😀")
    assert Line.of_argument("a\udcffb").fault == "The text is not UTF-8."


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))))
@settings(max_examples=50, deadline=None)
def test_texts_come_back_unchanged(texts: list[str]) -> None:
    stream = BytesIO("".join(f"{text}\n" for text in texts).encode())

    assert [line.text for line in read_lines(stream)] == texts
