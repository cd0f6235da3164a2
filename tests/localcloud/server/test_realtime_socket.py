import asyncio
from collections.abc import Callable

import pytest

from globalchat.localcloud.appsync.realtime.frames import text_frame, text_header
from globalchat.localcloud.server.realtime_socket import Flusher, FrameBuffer


class Transport(asyncio.WriteTransport):
    """Remembers writes; `stuck` bytes of them stay unsent."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.stuck = 0
        self.aborted = self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.stuck

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


class Turns:
    """A loop of which only `call_soon` is used: `turn` runs what waits."""

    def __init__(self) -> None:
        self.flusher = Flusher(self.call_soon)
        self.calls: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.calls.append(callback)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def frame_buffer(turns: Turns, transport: Transport, limit: int = 1000) -> tuple[FrameBuffer, list[bool]]:
    overflows: list[bool] = []
    made = FrameBuffer(transport, turns.flusher, on_overflow=lambda: overflows.append(True), limit=limit)
    return made, overflows


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_header_takes_its_shortest_form(length: int, header: bytes) -> None:
    assert text_header(length) == header


def test_frames_wait_for_the_end_of_the_turn_and_leave_together() -> None:
    turns, first, second = Turns(), Transport(), Transport()
    one, _ = frame_buffer(turns, first)
    two, _ = frame_buffer(turns, second)
    one.send(text_frame(b"a"))
    two.send(text_frame(b"b"))
    one.send(text_frame(b"c"))
    assert first.writes == []
    assert len(turns.calls) == 1
    turns.turn()
    assert first.writes == [b"\x81\x01a\x81\x01c"]
    assert second.writes == [b"\x81\x01b"]
    turns.turn()
    one.send(text_frame(b"d"))
    turns.turn()
    assert first.writes[1:] == [b"\x81\x01d"]


def test_a_client_that_does_not_read_is_cut_once() -> None:
    turns, transport = Turns(), Transport()
    box, overflows = frame_buffer(turns, transport)
    transport.stuck = 1001
    box.send(text_frame(b"a"))
    turns.turn()
    box.send(text_frame(b"b"))
    turns.turn()
    assert transport.aborted
    assert overflows == [True]
    assert len(transport.writes) == 1


def test_a_burst_within_one_turn_is_bounded_too() -> None:
    turns, transport = Turns(), Transport()
    box, overflows = frame_buffer(turns, transport)
    transport.stuck = 1001
    for _ in range(100):
        box.send(text_frame(b"x" * 100))
    assert overflows == [True]
    assert sum(map(len, transport.writes)) < 1200


def test_closing_writes_what_waits_and_nothing_later() -> None:
    turns, transport = Turns(), Transport()
    box, _ = frame_buffer(turns, transport)
    box.send(text_frame(b"a"))
    box.close()
    box.send(text_frame(b"b"))
    turns.turn()
    assert transport.writes == [b"\x81\x01a"]


def test_nothing_is_written_to_a_closing_transport() -> None:
    turns, transport = Turns(), Transport()
    box, overflows = frame_buffer(turns, transport)
    transport.closing = True
    box.send(text_frame(b"a"))
    turns.turn()
    assert transport.writes == []
    assert overflows == []


def test_a_frame_alone_leaves_at_once() -> None:
    turns, transport = Turns(), Transport()
    box, _ = frame_buffer(turns, transport)
    box.send_alone(text_frame(b"a"))
    assert transport.writes == [b"\x81\x01a"]
    assert turns.calls == []


def test_a_frame_alone_does_not_overtake_what_waits() -> None:
    turns, transport = Turns(), Transport()
    box, _ = frame_buffer(turns, transport)
    box.send(text_frame(b"a"))
    box.send_alone(text_frame(b"b"))
    turns.turn()
    assert transport.writes == [b"\x81\x01a\x81\x01b"]


@pytest.mark.parametrize("alone", [True, False])
def test_discarded_frames_never_leave(alone: bool) -> None:
    turns, transport = Turns(), Transport()
    box, _ = frame_buffer(turns, transport)
    box.send(text_frame(b"a"))
    box.discard()
    (box.send_alone if alone else box.send)(text_frame(b"b"))
    turns.turn()
    box.close()
    assert transport.writes == []


def test_a_frame_alone_that_fills_the_buffer_disconnects() -> None:
    turns, transport = Turns(), Transport()
    box, overflows = frame_buffer(turns, transport)
    transport.stuck = 1001
    box.send_alone(text_frame(b"a"))
    assert overflows == [True]
    assert transport.aborted
    box.send_alone(text_frame(b"b"))
    assert len(transport.writes) == 1


def test_a_frame_alone_does_not_go_to_a_closing_transport() -> None:
    turns, transport = Turns(), Transport()
    box, _ = frame_buffer(turns, transport)
    transport.closing = True
    box.send_alone(text_frame(b"a"))
    turns.turn()
    assert transport.writes == []
