"""The event buffer."""

import asyncio
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.buffer import BoundedQueue, EventBuffer, size_of
from globalchat.client.events import (
    ChannelRevoked,
    DraftUnsent,
    EventsSkipped,
    GapReason,
    GapRecorded,
    MessageReceived,
    OutboxUnavailable,
    SessionEvent,
)
from globalchat.client.messages import Draft, Message


def gap(at: int) -> GapRecorded:
    return GapRecorded(("tech",), at, at, GapReason.SKIPPED)


def received(number: int, text: str = "hi") -> MessageReceived:
    return MessageReceived(Message(str(number), "tech", text, None, "r", number), "oregon", number, None)


def other(number: int) -> ChannelRevoked:
    return ChannelRevoked(str(number))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8), st.integers(1, 10))
def test_keeps_order_and_the_latest_of_each_sort(kinds: list[bool], limit: int, batch: int) -> None:
    async def play() -> list[SessionEvent]:
        buffer = EventBuffer(limit)
        for event in events:
            buffer.put(event)
        buffer.close()
        taken: list[SessionEvent] = []
        while got := await buffer.take(batch):
            assert len(got) <= batch + 2
            taken += got
        return taken

    events: list[SessionEvent] = [received(i) if kind else other(i) for i, kind in enumerate(kinds)]
    messages = [each for each in events if isinstance(each, MessageReceived)][-limit:]
    others = [each for each in events if isinstance(each, ChannelRevoked)][-limit:]
    kept = [each for each in events if each in messages or each in others]
    dropped = [each for each in events if each not in kept]
    lost = [each.received_at for each in dropped if isinstance(each, MessageReceived)]
    notice: list[SessionEvent] = [EventsSkipped(len(dropped))] if dropped else []
    if lost:
        notice.append(GapRecorded(("tech",), min(lost), max(lost), GapReason.SKIPPED))
    assert asyncio.run(play()) == [*notice, *kept]


async def test_dropped_gap_is_part_of_the_gap_that_is_emitted() -> None:
    buffer = EventBuffer(1)
    buffer.put(GapRecorded(("cars",), 5, 9))
    buffer.put(received(7))
    buffer.put(received(20))
    buffer.put(other(1))
    assert await buffer.take(9) == [
        EventsSkipped(2),
        GapRecorded(("cars", "tech"), 5, 9, GapReason.SKIPPED),
        received(20),
        other(1),
    ]


async def test_waits_for_an_event_and_ends_when_closed() -> None:
    buffer = EventBuffer(5)
    taking = asyncio.create_task(buffer.take(10))
    await asyncio.sleep(0)
    assert not taking.done()
    buffer.put(other(1))
    assert await taking == [other(1)]
    taking = asyncio.create_task(buffer.take(10))
    await asyncio.sleep(0)
    buffer.close()
    assert await taking == []
    buffer.put(other(2))
    assert await buffer.take(10) == []


@pytest.mark.parametrize("limit", [0, -5])
async def test_limits_below_one_are_one(limit: int) -> None:
    buffer = EventBuffer(limit)
    buffer.put(received(1))
    buffer.put(received(2))
    assert await buffer.take(limit) == [
        EventsSkipped(1),
        GapRecorded(("tech",), 1, 1, GapReason.SKIPPED),
        received(2),
    ]


def test_a_slow_reader_of_large_messages_costs_bounded_memory() -> None:
    buffer = EventBuffer(10_000, most_bytes=1_000_000)
    tracemalloc.start()
    try:
        for number in range(2_000):
            buffer.put(received(number, "é" * 50_000))
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 1_200_000


async def test_what_is_dropped_for_its_size_is_counted_and_leaves_a_gap() -> None:
    buffer = EventBuffer(100, most_bytes=10_000)
    buffer.put(other(1))
    for number in range(10):
        buffer.put(received(number, "x" * 4_000))
    assert await buffer.take(9) == [
        EventsSkipped(8),
        GapRecorded(("tech",), 0, 7, GapReason.SKIPPED),
        other(1),
        received(8, "x" * 4_000),
        received(9, "x" * 4_000),
    ]
    buffer.put(received(11, "x" * 20_000))
    buffer.put(received(12, "small"))
    assert await buffer.take(9) == [
        EventsSkipped(1),
        GapRecorded(("tech",), 11, 11, GapReason.SKIPPED),
        received(12, "small"),
    ]


async def test_a_message_larger_than_all_room_is_kept_alone() -> None:
    buffer = EventBuffer(100, most_bytes=10)
    buffer.put(received(1))
    assert await buffer.take(9) == [received(1)]


@pytest.mark.parametrize(
    "event",
    [
        DraftUnsent(Draft("1", "tech", "x" * 9_000, None, 0), "reason"),
        OutboxUnavailable("x" * 9_000),
        received(1, "x" * 9_000),
    ],
)
def test_the_texts_of_every_kind_of_event_count(event: SessionEvent) -> None:
    assert 9_000 < size_of(event) < 10_500


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 9), st.integers(0, 120))
def test_the_queue_keeps_the_newest_that_have_room(sizes: list[int], limit: int, most: int) -> None:
    queue, dropped = BoundedQueue[int](limit, most), list[int]()
    for number, size in enumerate(sizes):
        dropped += queue.put(number, size)
        kept = sizes[len(dropped) : number + 1]
        assert len(queue) == len(kept) <= limit
        assert sum(kept) <= most or len(kept) == 1
    assert [queue.take() for _ in range(len(queue))] == list(range(len(dropped), len(sizes)))
    assert dropped == list(range(len(dropped)))
