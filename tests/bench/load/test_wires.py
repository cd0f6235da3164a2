"""What the load says to each kind of server."""

import os
import struct
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from bench import usage
from bench.load.wires import Mqtt, Nats, masked


def test_nats_subscribes_before_it_pings() -> None:
    [(words, whole)] = Nats(4222, "tech").steps()
    assert words.endswith(b"\r\nSUB tech 1\r\nPING\r\n")
    assert whole(b"INFO {}\r\nPONG\r\n")
    assert not whole(b"INFO {}\r\n")
    assert Nats(4222, "tech").publish(b"hi") == b"PUB tech 2\r\nhi\r\n"


def test_mqtt_packets_say_their_length() -> None:
    wire = Mqtt(1883, "tech")
    assert wire.publish(b"x" * 10) == b"\x30\x10\x00\x04tech" + b"x" * 10
    assert wire.publish(b"x" * 200) == b"\x30\xce\x01\x00\x04tech" + b"x" * 200
    [(words, whole)] = wire.steps()
    assert words.endswith(b"\x82\x09\x00\x01\x00\x04tech\x00")
    assert whole(b"\x20\x02\x00\x00\x90\x03\x00\x01\x00")
    assert not whole(b"\x20\x02\x00\x00")


@given(st.binary(max_size=400))
def test_a_masked_frame_says_its_length(payload: bytes) -> None:
    frame = masked(payload)
    length = frame[1] & 0x7F
    rest = frame[2:]
    if length == 126:
        length, rest = struct.unpack("!H", rest[:2])[0], rest[2:]
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    assert rest == b"\0\0\0\0" + payload
    assert length == len(payload)


def test_the_usage_of_a_process_is_seen_from_outside() -> None:
    busy = "import time\nwhile time.process_time() < 0.1: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = usage.of(process.pid)
        process.communicate(b"\n")
    assert 0.05 <= used.cpu < 5
    assert used.rss > 1 << 20


def test_a_process_is_on_a_cpu_for_a_while_only() -> None:
    if not hasattr(os, "sched_getaffinity"):
        return
    before = os.sched_getaffinity(0)
    with usage.pinned(0):
        assert os.sched_getaffinity(0) == {0}
    assert os.sched_getaffinity(0) == before
