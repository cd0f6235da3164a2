"""What terminals send: keys in every dialect, answers to questions, and both changed at random."""

import random
from collections.abc import Iterator

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from globalchat.ui.safe_app import UnbracketedPaste
from globalchat.ui.terminal_driver import messages_for
from globalchat.ui.terminal_input import PASTE_TIMEOUT, TerminalInput

REPLIES = [
    b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07",  # background
    b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",  # foreground
    b"\x1b]52;c;c2VjcmV0\x07",  # clipboard
    b"\x1b]l a title\x1b\\",
    b"\x1b]4;1;rgb:cdcd/0000/0000\xc2\x9c",
    b"\x1b[?62;4;22c",  # DA1
    b"\x1b[>0;276;0c",  # DA2
    b"\x1bP!|7E565445\x1b\\",  # DA3
    b"\x1bP>|XTerm(380)\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1bP1+r544e=787465726d\x1b\\",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x1b^private\x1b\\",
    b"\x1bXstring\x1b\\",
    b"\x1b[?997;1n",  # dark or light
    b"\x1b[0n",
    b"\x1b[?1u",  # flags of the keyboard protocol
    b"\x1b[8;24;80t",
    b"\x1b[4;600;800t",
    b"\x1b[12;40R",
    b"\x1b[?12;40;1R",
    b"\x1b[?2026;2$y",
    b"\x1b[M \xc80",  # X10 mouse, column 168
    b"\x1b[M#!!",
    b"\x1b[32;10;5M",  # urxvt mouse
    b"\x1b[>4;2m",
    b"\xc2\x9b?62;4c",
    b"\xc2\x9d11;rgb:0/0/0\x07",
]
"""Answers of terminals: no input of a person."""

KEYS = [
    *(b"a", b"\xe9", b"\xc3\xa9", "👩\u200d🚀".encode(), b"\r", b"\t", b"\x7f", b"\x1b", b"\x1bx", b"\x1b\r"),
    *(b"\x1b[97;1:1;97u", b"\x1b[1089::99;5:1u", b"\x1b[1;5:1A", b"\x1b[1083::107;5u", b"\x1b[1114112u"),
    *(b"\x1b[55296u", b"\x1b[0;;55296u", b"\x1b[0;;20320:22909u", b"\x1b[27;2;13~", b"\x1b[13;2u", b"\x1bOP"),
    *(b"\x1b[[A", b"\x1b[3$", b"\x1b[Z", b"\x1b[1;2R", b"\x1b[999;1~", b"\x1b[57441;2u", b"\x1b[<0;5;5M"),
    *(
        b"\x1b[<35;1;1M",
        b"\x1b[48;24;80;600;800t",
        b"\x1b[48;0;0;0;0t",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b]",
        b"\x1bP",
    ),
    *(b"\x1b[200~pasted\x1b[201~", b"\x1b[200~", b"\x1b[201~", b"one\rtwo\rthree\r", b"\x1b[48;1;1;0;0t"),
]
_PARTS = [*REPLIES, *KEYS]
_BYTES = b"\x1b[]OPX^_\\;:?<>0123456789~umMtRAa\x00\x07\x0d\x18\x7f\x80\x9b\xc2\xc3\xe9\xf0\xff"


class Input:
    """The whole way from a terminal's bytes to Textual's messages."""

    def __init__(self) -> None:
        self.sorting = TerminalInput()
        self.parser = XTermParser()
        self.now = 0.0

    def read(self, data: bytes) -> list[Message]:
        """Return the messages of bytes that are read in one go."""
        return [
            message
            for token in self.sorting.feed(data, self.now)
            for message in messages_for(token, self.parser)
        ]

    def silence(self, seconds: float = PASTE_TIMEOUT) -> list[Message]:
        """Return the messages of what is unfinished when nothing more comes."""
        self.now += seconds
        return [
            message for token in self.sorting.tick(self.now) for message in messages_for(token, self.parser)
        ]


def keys(messages: list[Message]) -> list[str]:
    """The names of the keys; a paste is its text in brackets, lines without brackets in double ones."""
    named = []
    for message in messages:
        match message:
            case events.Key(key=key):
                named.append(key)
            case UnbracketedPaste(text=text):
                named.append(f"[[{text}]]")
            case events.Paste(text=text):
                named.append(f"[{text}]")
            case _:
                named.append(type(message).__name__)
    return named


def mutated(chance: random.Random) -> Iterator[bytes]:
    """Reads of a terminal, for ever: sequences with bytes changed, cut into pieces."""
    while True:
        data = bytearray(b"".join(chance.choices(_PARTS, k=chance.choice([1, 1, 2, 3]))))
        for _ in range(chance.choice([0, 1, 1, 2, 4])):
            place = chance.randrange(len(data) + 1)
            match chance.randrange(4):
                case 0:
                    data[place:place] = bytes([chance.choice(_BYTES)])
                case 1:
                    del data[place : place + chance.choice([1, 1, 3])]
                case 2:
                    data[place : place + 1] = bytes([chance.randrange(256)])
                case _:
                    data[place:place] = data[place : place + 4] * chance.choice([1, 3])
        cut = chance.randrange(len(data) + 1) if chance.random() < 0.3 else len(data)
        yield bytes(data[:cut])
        if data[cut:]:
            yield bytes(data[cut:])
