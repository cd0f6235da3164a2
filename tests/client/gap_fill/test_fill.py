"""One reading: where it ends, and what it calls missed."""

from globalchat.client.gap_fill.fill import MOST_READ, Fill
from globalchat.client.gap_fill.gaps import Place
from globalchat.client.history import HistoryPage, cursor_at
from globalchat.client.inbox import digest
from globalchat.client.messages import Message

PLACE = Place("us-west-2", "tech")


def stored(at: int, text: str = "") -> Message:
    """Return a message that arrived at `at` (epoch ms)."""
    return Message(text or f"m{at}", "tech", text or "hi", "ana", "us-west-2", at, cursor_at(at)[:-1] + "1")


def page(*times: int, more: bool = True) -> HistoryPage:
    messages = tuple(stored(at) for at in times)
    return HistoryPage(messages, messages[0].arrival if more else None)


def reading(
    floor: int = 0, *, known: tuple[int, ...] = (), limit: int = 10, margin: float | None = None
) -> Fill:
    marks = {digest(stored(at)) for at in known}
    return Fill(PLACE, cursor_at(floor), marks.__contains__, limit, margin=margin)


def times(fill: Fill) -> list[int]:
    return [message.sent_at for message in fill.in_order]


def test_it_reads_backwards_down_to_the_floor() -> None:
    fill = reading(floor=15)
    fill.add(page(30, 40))
    assert (fill.is_over, fill.before) == (False, stored(30).arrival)
    fill.add(page(10, 20))
    assert fill.is_over
    assert fill.is_complete
    assert times(fill) == [20, 30, 40]
    assert fill.newest == stored(40).arrival


def test_it_ends_with_what_is_kept() -> None:
    fill = reading()
    fill.add(page(30, more=False))
    assert fill.is_complete
    empty = reading()
    empty.add(HistoryPage((), None))
    assert (empty.is_complete, empty.newest, times(empty)) == (True, None, [])


def test_a_page_whose_items_have_expired_does_not_end_it() -> None:
    fill = reading()
    fill.add(HistoryPage((), stored(50).arrival))
    assert (fill.is_over, fill.before) == (False, stored(50).arrival)
    fill.add(page(40, more=False))
    assert times(fill) == [40]


def test_it_ends_after_the_missed_messages_of_the_limit() -> None:
    fill = reading(limit=2)
    fill.add(page(30, 40))
    assert (fill.is_over, fill.is_complete, fill.oldest) == (True, False, stored(30).arrival)


def test_known_messages_do_not_count_but_are_not_read_without_end() -> None:
    fill = reading(limit=2, known=tuple(range(100)))
    for number in range(MOST_READ):
        assert not fill.is_over
        fill.add(page(98 - 2 * number, 99 - 2 * number))
    assert (fill.is_over, fill.is_complete, fill.reached_limit, times(fill)) == (True, False, False, [])


def test_a_message_put_twice_is_missed_once_where_it_arrived_first() -> None:
    fill = reading()
    fill.add(HistoryPage((stored(10, "a"), stored(20, "b"), stored(30, "a")), None))
    assert times(fill) == [10, 20]


def test_the_first_reading_of_a_channel_ends_a_margin_before_its_newest_message() -> None:
    fill = reading(margin=0.015)
    fill.add(page(30, 40))
    fill.add(page(20, 24))
    assert (fill.is_over, fill.is_complete, times(fill)) == (True, True, [30, 40])
