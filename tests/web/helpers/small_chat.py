"""A stand-in for the chat of a tab: draws its words and environment, echoes input, does as it is asked."""

import json
import os
import signal
import sys

CHANNEL = int(sys.argv[-1])


def send(kind: bytes, payload: bytes) -> None:
    """Send a packet."""
    packet = kind + len(payload).to_bytes(4, "big") + payload
    while packet:
        packet = packet[os.write(CHANNEL, packet) :]


def meta(**document: object) -> None:
    """Send an object."""
    send(b"M", json.dumps(document).encode())


def receive(size: int) -> bytes:
    """Return that many bytes; end at the end of the channel."""
    data = b""
    while len(data) < size:
        piece = os.read(CHANNEL, size - len(data))
        if not piece:
            os._exit(7)
        data += piece
    return data


def act(words: list[str]) -> None:
    """Do what the first word says."""
    match words:
        case ["title", title]:
            meta(type="title", title=title)
        case ["url", url]:
            meta(type="open_url", url=url)
        case ["file", name]:
            meta(type="deliver_file_start", key=KEY, path=name)
        case ["print"]:
            sys.stdout.write("Dstray" * 100)
            sys.stdout.flush()
            sys.stderr.write("M\0\0\0\xff")
        case ["garbage"]:
            os.write(CHANNEL, b"what is this?")
        case ["end", *lines]:
            meta(type="ended", lines=lines)
            os._exit(0)
        case ["crash"]:
            os._exit(1)
        case ["hang"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                signal.pause()
        case ["flood"]:
            while True:
                send(b"D", b"x" * 60_000)


KEY = "0123456789abcdef" * 2
pieces = [b"first ", b"second", b""]
stubborn = "--stubborn" in sys.argv
send(b"D", json.dumps({"pid": os.getpid(), "words": sys.argv[1:-1], "env": dict(os.environ)}).encode())
while True:
    kind, size = receive(1), int.from_bytes(receive(4), "big")
    payload = receive(size)
    if kind == b"D":
        send(b"D", b"echo " + payload)
        act(payload.decode().split("|"))
        continue
    document = json.loads(payload)
    if document["type"] == "quit" and not stubborn:
        os._exit(0)
    elif document["type"] == "deliver_chunk_request":
        if "--breaks" in sys.argv and len(pieces) < 3:
            os._exit(1)
        send(b"F", document["key"].encode() + pieces.pop(0))
    else:
        send(b"D", b"meta " + payload)
