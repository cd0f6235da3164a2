"""Which messages are new, which were seen before, and which use another's id."""

import struct
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.inbox import Novelty, SeenWindow, digest
from globalchat.client.messages import Message

SOME = settings(deadline=None, max_examples=100)


MESSAGE = Message("1", "tech", "hi", None, "us-west-2", 0)


def test_window_tells_new_duplicate_and_conflicting() -> None:
    seen = SeenWindow()
    other = replace(MESSAGE, text="other")
    assert seen.observe(MESSAGE) is Novelty.NEW
    assert seen.observe(replace(MESSAGE, region="elsewhere", sent_at=9)) is Novelty.DUPLICATE
    assert seen.observe(other) is Novelty.CONFLICTING
    assert seen.observe(other) is Novelty.DUPLICATE
    assert seen.observe(MESSAGE) is Novelty.DUPLICATE
    assert (seen.duplicates, seen.conflicts, len(seen)) == (3, 1, 2)


def test_a_message_that_was_forgotten_and_seen_again_has_the_place_of_the_second_time() -> None:
    seen = SeenWindow(capacity=3, keeps_unsaved=True)
    others = [replace(MESSAGE, id=f"other{number}") for number in range(4)]
    seen.observe(MESSAGE)
    seen.forget(MESSAGE)
    seen.forget(MESSAGE)
    assert not seen.is_known(digest(MESSAGE))
    for message in (others[0], MESSAGE, others[1]):
        assert seen.observe(message) is Novelty.NEW
    assert seen.is_known(digest(MESSAGE))
    assert [each.digest for each in seen.take_unsaved()] == list(map(digest, (others[0], MESSAGE, others[1])))
    seen.observe(others[2])
    assert seen.is_known(digest(MESSAGE))
    seen.observe(others[3])
    assert not seen.is_known(digest(MESSAGE))


def test_window_keeps_no_long_ids() -> None:
    seen = SeenWindow()
    tracemalloc.start()
    try:
        for number in range(1_000):
            seen.observe(replace(MESSAGE, id=f"{number}{'x' * 10_000}"))
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
    assert seen.observe(replace(MESSAGE, id=f"7{'x' * 10_000}", text="other")) is Novelty.CONFLICTING


@SOME
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), max_size=80),
    st.integers(1, 10),
)
def test_window_agrees_with_a_plain_model(arrivals: list[tuple[int, int]], capacity: int) -> None:
    seen = SeenWindow(capacity=capacity)
    model: list[tuple[str, str]] = []
    for number, variant in arrivals:
        message = replace(MESSAGE, id=str(number), text=str(variant))
        if (message.id, message.text) in model:
            expected = Novelty.DUPLICATE
        else:
            known = any(each[0] == message.id for each in model)
            expected = Novelty.CONFLICTING if known else Novelty.NEW
            model = [*model, (message.id, message.text)][-capacity:]
        assert seen.observe(message) is expected
        assert len(seen) == len(model) <= capacity


def test_window_is_bounded_also_against_one_id_with_many_contents() -> None:
    seen = SeenWindow(capacity=100)
    for number in range(10_000):
        seen.observe(replace(MESSAGE, text=str(number)))
    assert len(seen) == 100
    assert len(seen._seen) == 100
    assert list(seen._variants.values()) == [100]


SHORT = st.text(max_size=5)


PARTS = st.tuples(SHORT, SHORT, SHORT, st.none() | SHORT, st.none() | SHORT)


@SOME
@given(PARTS, PARTS)
def test_digests_differ_exactly_if_the_contents_do(
    one: tuple[str, str, str, str | None, str | None], two: tuple[str, str, str, str | None, str | None]
) -> None:
    def mark(parts: tuple[str, str, str, str | None, str | None]) -> bytes:
        identity, channel, text, sender, author = parts
        return digest(Message(identity, channel, text, sender, "r", 0, author=author))

    assert (mark(one) == mark(two)) == (one == two)


def test_digests_tell_boundaries_and_absence_apart() -> None:
    one, two = replace(MESSAGE, channel="ab", text="c"), replace(MESSAGE, channel="a", text="bc")
    assert digest(one) != digest(two)
    assert digest(replace(MESSAGE, sender=None)) != digest(replace(MESSAGE, sender=""))
    assert digest(replace(MESSAGE, sender="ab", author="c")) != digest(
        replace(MESSAGE, sender="a", author="bc")
    )
    assert digest(replace(MESSAGE, author=None)) != digest(replace(MESSAGE, author=""))
    assert digest(replace(MESSAGE, text="\ud800"))


@pytest.mark.parametrize("more", ["", "abc"])
@pytest.mark.parametrize("counted", [4, 5])
def test_an_id_that_contains_another_message_has_a_digest_of_its_own(more: str, counted: int) -> None:
    def lengths(*of: int) -> str:
        return struct.pack(f">{counted}q", *of[-counted:]).decode()

    def message(name: str, channel: str, text: str) -> Message:
        return Message(name, channel, text, "", "r", 0, author="")

    name = 1 + 8 * counted + 1 + len(more)
    text = more + lengths(name, 1, 1, 0, 0) + "yz"
    before = "a" + lengths(1, 1, len(text), 0, 0) + "c" + more
    assert len(before) == name
    # Without the length of the id before it, both are the same text.
    assert digest(message("a", "c", text)) != digest(message(before, "y", "z"))
