"""Sorts terminal input into typed and pasted text, and drops everything that is not user input.

Of the answers of the terminal, only the one about its background is passed on.

Textual's parser comes after this, and never gets input on which it raises or that it mistakes for text:
invalid UTF-8, late answers of the terminal, unknown sequences. Nothing here raises on any input, and only a
bounded part of unfinished input is kept.
"""

import re
from codecs import getincrementaldecoder
from typing import NamedTuple

from globalchat.ui.key_sequences import is_known, understood, with_alt
from globalchat.ui.model.background import is_dark_colour

# Over SSH the rest of a sequence may come in another packet; a longer wait would make Esc feel slow.
ESCAPE_DELAY = 0.1
"""Seconds after which an ESC that nothing follows is the Escape key."""

ANSWER_TIMEOUT = 1.0
"""Seconds of silence after which an unfinished answer of the terminal is dropped."""

PASTE_TIMEOUT = 3.0
"""Seconds of silence after which a paste is considered ended although its end was not reported."""

MAX_PASTE = 16 * 1024 * 1024
"""The most bytes of one paste."""

TYPEABLE = 80
"""The most characters that users type ahead on a slow connection."""

_MAX_UNFINISHED = 4096
"""The most bytes of an unfinished sequence; no valid one is longer."""

_SLICE = 4096
"""Bytes that are processed at a time, so that the work is linear in the input, not quadratic."""

_LONGEST_ANSWER = 64
"""The most bytes of an answer that is read; longer ones are dropped like all others."""

_BACKGROUND = "11;"
"""The start of the answer about the background (OSC 11)."""

_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_C1 = {0x90: b"\x1bP", 0x98: b"\x1bX", 0x9B: b"\x1b[", 0x9D: b"\x1b]", 0x9E: b"\x1b^", 0x9F: b"\x1b_"}
"""The introducers of sequences as single characters, by their second byte in UTF-8, and as two."""

_SPECIAL = re.compile(rb"\x1b|\xc2(?:[\x90\x98\x9b\x9d\x9e\x9f]|\Z)")
_CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*([@-~])?")
_SS3 = re.compile(rb"\x1bO[0-9;]*([ -:<-~])?")
_CONSOLE = re.compile(rb"\x1b\[\[([ -~])?")
"""F1 to F5 on the console of Linux."""
_RXVT = re.compile(rb"\x1b\[\d{1,2}\$")
"""Keys with Shift in rxvt."""
_X10_MOUSE = re.compile(rb"\x1b\[M([^\x00-\x1f]{0,3})")
"""Three bytes of any value, which old terminals send for the mouse."""
_STRING = re.compile(rb"\x1b(?:\](?=[0-9lLI])|P(?![A-Za-z])|[X^_])(?=.)", re.DOTALL)
"""The start of a string answer (OSC, DCS, SOS, PM, APC)."""
_STRING_END = re.compile(rb"[\x00-\x1f]|\xc2\x9c")
_SEQUENCE_END = re.compile(rb"[^ -?]")
_CHARACTER = re.compile(
    rb"[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_BEGUN_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}")


class Typed(NamedTuple):
    """Keys, clicks and reports for Textual's parser: complete characters and sequences."""

    text: str


class Pasted(NamedTuple):
    """A pasted text, with line feeds as line ends."""

    text: str


class Burst(NamedTuple):
    """Lines that came faster than they can be typed: a paste that the terminal does not report."""

    text: str


class Background(NamedTuple):
    """The terminal's answer about its background."""

    is_dark: bool


Token = Typed | Pasted | Burst | Background


class TerminalInput:
    """Sorts bytes as they arrive, including sequences that are split over reads."""

    def __init__(self) -> None:
        self._rest = b""
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._paste: bytearray | None = None
        self._skipping: re.Pattern[bytes] | None = None
        self._answer = b""
        self._tokens: list[Token] = []
        self._raw: list[str] = []
        self._heard = 0.0
        self._has_partial = False

    @property
    def is_waiting(self) -> bool:
        """True if something is unfinished, so that `tick` has to be called."""
        return bool(self._rest or self._skipping or self._has_partial or self._paste is not None)

    def feed(self, data: bytes, now: float) -> list[Token]:
        """Process the bytes of one read; return what is now complete, in order.

        Several Enters between texts in one read are a `Burst`, since users do not type that fast.
        """
        self._heard = now
        for begin in range(0, len(data), _SLICE):
            unread, self._rest = self._rest + data[begin : begin + _SLICE], b""
            while unread:
                unread = self._step(unread)
        return self._taken()

    def tick(self, now: float) -> list[Token]:
        """Return what is complete after silence: an Escape key, half a character, a paste without end."""
        silence = now - self._heard
        if self._paste is not None:
            if silence >= PASTE_TIMEOUT:
                self._paste += self._rest
                self._rest = b""
                self._end_paste()
        elif silence >= ESCAPE_DELAY:
            self._flush_text()
            self._give_up(is_late=silence >= ANSWER_TIMEOUT)
        return self._taken()

    # -- steps: each takes the unread bytes, and returns those that are left ---------------------------------

    def _step(self, unread: bytes) -> bytes:
        if self._paste is not None:
            return self._step_in_paste(unread)
        if self._skipping is not None:
            return self._step_skipping(unread, self._skipping)
        special = _SPECIAL.search(unread)
        if special is None:
            self._text(unread)
            return b""
        if special.start():
            self._text(unread[: special.start()])
            return unread[special.start() :]
        # The first half of a character that may turn out to be an introducer: only the next read can decide.
        if special[0] == b"\xc2":
            return self._wait(unread)
        self._flush_text()
        if len(special[0]) == 2:
            return _C1[special[0][1]] + unread[2:]
        return self._step_at_escape(unread)

    def _step_in_paste(self, unread: bytes) -> bytes:
        assert self._paste is not None
        end = unread.find(_PASTE_END)
        if end >= 0:
            self._keep_pasted(unread[:end])
            self._end_paste()
            return unread[end + len(_PASTE_END) :]
        # The end of the paste may be split over two reads, and must not become text.
        begun = next((n for n in range(len(_PASTE_END) - 1, 0, -1) if unread.endswith(_PASTE_END[:n])), 0)
        self._keep_pasted(unread[: len(unread) - begun])
        self._rest = unread[len(unread) - begun :]
        return b""

    def _step_skipping(self, unread: bytes, end: re.Pattern[bytes]) -> bytes:
        """Skip the rest of a sequence or of a string answer.

        A control character ends it: then it was cut off, and the user is typing.
        """
        found = end.search(unread)
        # The first byte of a terminator may be the last one that was read.
        content = unread[: found.start()] if found is not None else unread.removesuffix(b"\xc2")
        self._answer = (self._answer + content)[: _LONGEST_ANSWER + 1]
        if found is None:
            # It may be the first byte of a string terminator (C1 ST), whose second one is still to come.
            if unread.endswith(b"\xc2"):
                self._rest = b"\xc2"
            return b""
        after = unread[found.end() :]
        if found[0] == b"\x1b":
            if not after:
                self._rest = b"\x1b"
                return b""
            self._skipping = None
            if not after.startswith(b"\\"):
                return unread[found.start() :]
            self._read_answer()
            return after[1:]
        self._skipping = None
        ends = found[0] in (b"\x07", b"\x18", b"\x1a", b"\xc2\x9c") or b"@" <= found[0] <= b"~"
        if found[0] in (b"\x07", b"\xc2\x9c"):
            self._read_answer()
        return after if ends else unread[found.start() :]

    def _read_answer(self) -> None:
        """Use a complete string answer if it is about the background."""
        answer = self._answer.decode("ascii", "replace")
        if answer.startswith(_BACKGROUND):
            is_dark = is_dark_colour(answer.removeprefix(_BACKGROUND))
            if is_dark is not None:
                self._flush_raw()
                self._tokens.append(Background(is_dark))

    def _step_at_escape(self, unread: bytes) -> bytes:
        kind = unread[1:2]
        if kind == b"[":
            return self._step_csi(unread)
        if _STRING.match(unread):
            # Only an OSC can be about the background; of others, what is read must not look like one.
            self._skipping, self._answer = _STRING_END, b"" if kind == b"]" else b"?"
            return unread[2:]
        if not kind or (kind in b"]PX^_" and len(unread) == 2):
            return self._wait(unread)
        # The first is the Escape key: the second may begin a sequence of its own.
        if kind == b"\x1b":
            self._type("\x1b[27u")
            return unread[1:]
        if kind == b"\\":
            return unread[2:]  # The end of an answer that was given up.
        if kind == b"O":
            return self._step_ss3(unread)
        return self._step_alt(unread)

    def _step_csi(self, unread: bytes) -> bytes:
        if unread.startswith(_PASTE_BEGIN):
            self._paste = bytearray()
            return unread[len(_PASTE_BEGIN) :]
        # Before the general form, in which its second bracket would already be the end.
        if console := _CONSOLE.match(unread):
            return self._take(console, unread)
        if mouse := _X10_MOUSE.match(unread):
            whole = len(mouse[1]) == 3 or mouse.end() < len(unread)
            return unread[mouse.end() :] if whole else self._wait(unread)
        if (rxvt := _RXVT.match(unread)) and is_known(rxvt[0].decode()):
            self._type(rxvt[0].decode())
            return unread[rxvt.end() :]
        found = _CSI.match(unread)
        assert found is not None
        return self._take(found, unread)

    def _take(self, found: re.Match[bytes], unread: bytes) -> bytes:
        """Take a sequence with a final character; wait for one, or drop an endless sequence."""
        if found[1] is not None:
            # The end of a paste that was given up after silence.
            if found[0] == _PASTE_END:
                return unread[found.end() :]
            self._type(understood(found[0].decode("ascii")))
        elif found.end() == len(unread):
            return self._wait(unread)
        return unread[found.end() :]

    def _step_ss3(self, unread: bytes) -> bytes:
        found = _SS3.match(unread)
        assert found is not None
        if found[1] is None and found.end() == len(unread):
            return self._wait(unread)
        sequence = found[0].decode("ascii")
        if found[1] is not None and is_known(sequence):
            self._type(sequence)
        return unread[found.end() :]

    def _step_alt(self, unread: bytes) -> bytes:
        """Take a character with Alt, which terminals send after an ESC."""
        found = _CHARACTER.match(unread, 1)
        if found is None:
            begun = _BEGUN_CHARACTER.match(unread, 1)
            if begun is not None and begun.end() == len(unread):
                return self._wait(unread)
            self._type("\x1b[27u")
            return unread[1:]
        character = found[0].decode("utf-8", "replace")[0]
        if character == "\x7f":
            self._type("\x1b[127;3u")  # Alt+Backspace, which Textual knows as Ctrl+W.
        elif is_known("\x1b" + character) and character in "\tfb":
            self._type("\x1b" + character)
        elif sequence := with_alt(character):
            self._type(sequence)
        else:
            self._type("\x1b[27u")
            return unread[1:]
        return unread[found.end() :]

    def _wait(self, unread: bytes) -> bytes:
        """Keep an unfinished sequence for the next read, unless it can no longer become valid."""
        if len(unread) > _MAX_UNFINISHED:
            self._skipping, self._answer = _SEQUENCE_END, b"?"
        else:
            self._rest = unread
        return b""

    # -- what has come of it --------------------------------------------------------------------------------

    def _text(self, data: bytes) -> None:
        text = self._decode(data)
        # The decoder may hold the start of a character, which `tick` flushes after silence.
        self._has_partial = not text or data[-1:] > b"\x7f"
        self._raw.append(text)

    def _flush_text(self) -> None:
        if self._has_partial:
            self._raw.append(self._decode(b"", True))
            self._has_partial = False

    def _type(self, sequence: str) -> None:
        if sequence:
            self._flush_raw()
            self._tokens.append(Typed(sequence))

    def _flush_raw(self) -> None:
        """Turn the characters since the last sequence into tokens."""
        text = "".join(self._raw)
        self._raw.clear()
        # Control keys end a run: what is typed after Ctrl+A is not part of a paste before it.
        for run in re.findall(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+|[\x00-\x1f\x7f]+", text):
            self._tokens.extend(_sort(run))

    def _keep_pasted(self, data: bytes) -> None:
        assert self._paste is not None
        # The rest is dropped, not typed: its lines would be sent one by one.
        self._paste += data[: MAX_PASTE - len(self._paste)]

    def _end_paste(self) -> None:
        assert self._paste is not None
        self._flush_raw()
        self._tokens.append(Pasted(_lines(self._paste.decode("utf-8", "replace").replace("\x00", ""))))
        self._paste = None

    def _give_up(self, *, is_late: bool) -> None:
        """Interpret unfinished input if nothing follows: as Escape, a key with Alt, or nothing."""
        if self._rest == b"\x1b" and self._skipping is None:
            self._type("\x1b[27u")
        elif self._rest == b"\xc2" and self._skipping is None:
            self._raw.append("\ufffd")
        elif len(self._rest) == 2 and self._skipping is None:
            self._type(with_alt(chr(self._rest[1])) if self._rest[1] < 0x80 else "\x1b[27u\ufffd")
        elif not is_late:
            return
        self._rest, self._skipping = b"", None

    def _taken(self) -> list[Token]:
        self._flush_raw()
        taken, self._tokens = self._tokens, []
        return taken


def _sort(run: str) -> list[Token]:
    """Classify characters of one read: typed ones, a paste in one line, a paste of lines."""
    lines = [line for line in run.split("\r") if line.strip()]
    if len(lines) > 1 and (run.count("\r") > 1 or len(run) > TYPEABLE):
        return [Burst(_lines(run))]
    if len(run) > TYPEABLE and lines:
        # Enters at the end are keys: a long text typed ahead ends with the Enter that sends it.
        text = run.rstrip("\r")
        enters = run[len(text) :]
        return [Pasted(_lines(text)), *([Typed(enters)] if enters else [])]
    return [Typed(run)]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
