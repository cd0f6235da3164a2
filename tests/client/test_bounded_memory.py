"""What a session keeps does not grow with what it has received."""

import asyncio
import gc
import tracemalloc

import pytest

from globalchat.client.buffer import EventBuffer
from globalchat.client.events import MessageReceived
from globalchat.client.inbox import Inbox, SeenWindow
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset
from globalchat.client.options import SessionOptions
from globalchat.client.watch import Pairing

OPTIONS = SessionOptions(buffer=200, dedupe_ids=1_000)
FULL = 2_000
"""Messages after which every window is full."""


def feed(inbox: Inbox, buffer: EventBuffer, pairing: Pairing, first: int, count: int) -> None:
    now = 0
    for number in range(first, first + count):
        message = Message(f"id-{number:026}", "tech", "x" * 100, "sender", "us-west-2", number)
        event = inbox.receive(message, "oregon", now)
        assert event is not None
        buffer.put(event)
        pairing.arrive(message, "oregon", at=number, now=number / 1000)
        if number % 3:
            assert inbox.receive(message, "oregon", now) is None
            pairing.arrive(message, "sydney", at=number, now=number / 1000)


@pytest.mark.parametrize("messages", [2_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
async def test_memory_stays_flat(messages: int) -> None:
    buffer = EventBuffer(OPTIONS.buffer)
    seen = SeenWindow(capacity=OPTIONS.dedupe_ids)
    pairing = Pairing(("oregon", "sydney"), within=30.0, capacity=OPTIONS.buffer)
    inbox = Inbox(seen=seen, offset=ClockOffset(), is_own=lambda message: False)
    tracemalloc.start()
    try:
        feed(inbox, buffer, pairing, 0, FULL)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        feed(inbox, buffer, pairing, FULL, messages)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert before > 100_000
    assert grown < before * 0.05, f"{grown} bytes more after {messages} messages"
    assert len(seen) == OPTIONS.dedupe_ids
    assert seen.duplicates > messages / 2
    async with asyncio.timeout(60):
        received = [each for each in await buffer.take(10_000) if isinstance(each, MessageReceived)]
    assert len(received) == OPTIONS.buffer
