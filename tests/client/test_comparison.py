"""What regions have stored, compared: of any messages in any regions."""

from hypothesis import given
from hypothesis import strategies as st

from globalchat.client.comparison import MARGIN_MS, SETTLING_MS, StoredInRegion, compare
from globalchat.client.messages import Message

NOW = 1_800_000_000_000
HOUR = 3_600_000


def message(number: int, sent_at: int = NOW - HOUR, text: str = "hi") -> Message:
    return Message(f"m{number}", "tech", text, None, "us-west-2", sent_at)


def region(alias: str, *messages: Message, since: int = 0) -> StoredInRegion:
    made = StoredInRegion(alias, since)
    made.add(messages)
    return made


def lacking(*regions: StoredInRegion) -> list[tuple[str, str]]:
    found = compare(regions, since=NOW - 2 * HOUR, now=NOW)
    return [(each.lacked_by, each.message.id) for each in found.lacking]


@given(st.lists(st.sets(st.integers(0, 9)), min_size=2, max_size=4))
def test_every_region_lacks_exactly_what_only_others_have(stored: list[set[int]]) -> None:
    regions = [region(f"r{place}", *map(message, sorted(some))) for place, some in enumerate(stored)]
    everything = set().union(*stored)
    expected = {
        (f"r{place}", f"m{number}") for place, some in enumerate(stored) for number in everything - some
    }
    found = compare(regions, since=NOW - 2 * HOUR, now=NOW)
    assert {(each.lacked_by, each.message.id) for each in found.lacking} == expected
    assert (found.compared, found.young, found.not_kept) == (len(everything), 0, {})


def test_a_copy_that_was_sent_again_is_the_same_message_and_other_content_is_not() -> None:
    assert lacking(region("a", message(1)), region("b", message(1, NOW - HOUR + 5000))) == []
    other = region("b", message(1, text="other"))
    assert sorted(lacking(region("a", message(1)), other)) == [("a", "m1"), ("b", "m1")]


def test_a_copy_from_before_the_window_decides() -> None:
    old, again = message(1, NOW - 2 * HOUR - 1), message(1, NOW - 2 * HOUR + 1)
    assert lacking(region("a", old, again), region("b")) == []


def test_what_may_be_on_its_way_and_what_is_not_kept_is_counted_apart() -> None:
    edge = NOW - HOUR
    some = [
        message(1, NOW - SETTLING_MS + 1),
        message(2, NOW - SETTLING_MS),
        message(3, edge + MARGIN_MS),
        message(4, edge + MARGIN_MS - 1),
    ]
    found = compare([region("a", *some), region("b", since=edge)], since=NOW - 2 * HOUR, now=NOW)
    assert [each.message.id for each in found.lacking] == ["m3", "m2"]
    assert (found.young, found.not_kept) == (1, {"b": 1})
