"""The event buffer, and the nudge for the waiting task."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.buffer import EventBuffer
from globalchat.client.events import ChannelRevoked, EventsSkipped, GapRecorded, MessageReceived, SessionEvent
from globalchat.client.messages import Message
from globalchat.client.signal import Signal


def received(number: int) -> MessageReceived:
    return MessageReceived(Message(str(number), "tech", "hi", None, "r", number), "oregon", number, None)


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
        notice.append(GapRecorded(("tech",), min(lost), max(lost)))
    assert asyncio.run(play()) == [*notice, *kept]


async def test_dropped_gap_is_part_of_the_gap_that_is_told() -> None:
    buffer = EventBuffer(1)
    buffer.put(GapRecorded(("cars",), 5, 9))
    buffer.put(received(7))
    buffer.put(received(20))
    buffer.put(other(1))
    assert await buffer.take(9) == [
        EventsSkipped(2),
        GapRecorded(("cars", "tech"), 5, 9),
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


async def test_signal_remembers_one_nudge() -> None:
    signal = Signal()
    signal.fire()
    signal.fire()
    assert await signal.race(timeout=60)
    assert not await signal.race(timeout=0)


async def test_signal_wakes_the_waiter() -> None:
    signal = Signal()
    waiting = asyncio.create_task(signal.race(timeout=60))
    await asyncio.sleep(0)
    signal.fire()
    assert await waiting


async def test_signal_yields_to_what_it_races() -> None:
    other_future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    other_future.set_result(None)
    assert not await Signal().race(other_future, timeout=60)


@pytest.mark.parametrize("limit", [0, -5])
async def test_limits_below_one_are_one(limit: int) -> None:
    buffer = EventBuffer(limit)
    buffer.put(received(1))
    buffer.put(received(2))
    assert await buffer.take(limit) == [EventsSkipped(1), GapRecorded(("tech",), 1, 1), received(2)]
