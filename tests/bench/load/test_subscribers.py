"""What subscribers send, by protocol."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from bench.load.subscribers import MqttProtocol, NatsProtocol, masked_frame


def test_nats_subscribes_before_it_pings() -> None:
    [(request, whole)] = NatsProtocol(4222, "tech").steps()
    assert request.endswith(b"\r\nSUB tech 1\r\nPING\r\n")
    assert whole(b"INFO {}\r\nPONG\r\n")
    assert not whole(b"INFO {}\r\n")
    assert NatsProtocol(4222, "tech").publish(b"hi") == b"PUB tech 2\r\nhi\r\n"


def test_mqtt_packets_hold_their_length() -> None:
    protocol = MqttProtocol(1883, "tech")
    assert protocol.publish(b"x" * 10) == b"\x30\x10\x00\x04tech" + b"x" * 10
    assert protocol.publish(b"x" * 200) == b"\x30\xce\x01\x00\x04tech" + b"x" * 200
    [(request, whole)] = protocol.steps()
    assert request.endswith(b"\x82\x09\x00\x01\x00\x04tech\x00")
    assert whole(b"\x20\x02\x00\x00\x90\x03\x00\x01\x00")
    assert not whole(b"\x20\x02\x00\x00")


@given(st.binary(max_size=400))
def test_a_masked_frame_holds_its_length(payload: bytes) -> None:
    frame = masked_frame(payload)
    length = frame[1] & 0x7F
    rest = frame[2:]
    if length == 126:
        length, rest = struct.unpack("!H", rest[:2])[0], rest[2:]
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    assert rest == b"\0\0\0\0" + payload
    assert length == len(payload)
