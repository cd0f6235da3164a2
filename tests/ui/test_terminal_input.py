"""Whatever a terminal sends: keys become keys, pastes pastes, everything else nothing; never an exception."""

import random

import pytest
from hypothesis import given, strategies
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser

from globalchat.ui.key_sequences import is_known
from globalchat.ui.terminal_input import (
    ANSWER_TIMEOUT,
    ESCAPE_DELAY,
    MAX_PASTE,
    TYPEABLE,
    Background,
    Pasted,
    TerminalInput,
    Typed,
)
from tests.ui.helpers.terminal_bytes import REPLIES, Input, keys, mutated

SEQUENCES, MANY_SEQUENCES = 4_000, 1_000_000


def read(data: bytes) -> list[str]:
    """Return the names of the keys of bytes that nothing follows."""
    terminal = Input()
    return keys([*terminal.read(data), *terminal.silence()])


PRESSED = {
    # sub-parameters of the kitty protocol: event types, alternate keys
    b"\x1b[97;1:1;97u": ["a"],
    b"\x1b[97;1:2;97u": ["a"],
    b"\x1b[97;1:3u": [],
    b"\x1b[97:65;2:1;65u": ["A"],
    b"\x1b[1;5:1A": ["ctrl+up"],
    b"\x1b[1;1:1A": ["up"],
    b"\x1b[3;1:1~": ["delete"],
    b"\x1b[13;129u": ["enter"],
    b"\x1b[0;;20320:22909u": ["你", "好"],
    b"\x1b[0;;" + b":".join([b"20320"] * 40) + b"u": ["你"] * 40,
    # layouts
    b"\x1b[1083::107;5u": ["ctrl+k"],
    b"\x1b[1083;5u": ["ctrl+k"],
    b"\x1b[1081;5u": ["ctrl+q"],
    b"\x1b[1089::99;5:1u": ["ctrl+c"],
    b"\x1b[954;5u": ["ctrl+k"],  # Greek κ
    b"\x1b[1511;5u": ["ctrl+e"],  # Hebrew ק
    b"\x1b[12627;5u": ["ctrl+j"],  # Korean ㅓ
    b"\x1b[1099;6u": ["ctrl+shift+s"],
    b"\x1b\xd0\xbb": ["alt+k"],
    b"\x1b[97::113;5u": ["ctrl+a"],  # AZERTY: a lies where q is, and is a
    b"\x1b[246::59;5u": ["ctrl+ö"],
    b"\x1b[1083;;1083u": ["л"],
    # modifyOtherKeys
    b"\x1b[27;2;13~": ["shift+enter"],
    b"\x1b[27;5;107~": ["ctrl+k"],
    b"\x1b[27;6;75~": ["ctrl+shift+k"],
    b"\x1b[27;5;1083~": ["ctrl+k"],
    b"\x1b[65;2u": ["A"],
    # code points that are none
    b"\x1b[1114112u": [],
    b"\x1b[99999999999999999999u": [],
    b"\x1b[55296;;55296u": [],
    b"\x1b[97;;1114112u": ["a"],
    b"\x1b[128;;155u": [],
    b"\x1b[999;1~": [],
    b"\x1b[1;2;3;4;5u": [],
    # bytes that are no UTF-8
    b"caf\xe9 au": ["c", "a", "f", "replacement_character", "space", "a", "u"],
    b"\xd0": ["replacement_character"],
    b"\xc2": ["replacement_character"],
    b"\xc2x\xc2": ["replacement_character", "x", "replacement_character"],
    b"\xff\xfe": ["replacement_character"] * 2,
    b"\xed\xa0\x80": ["replacement_character"] * 3,
    # Escape and Alt
    b"\x1b": ["escape"],
    b"\x1b\x1b": ["escape", "escape"],
    b"\x1b\x1b[A": ["escape", "up"],
    b"\x1bxy": ["alt+x", "y"],
    b"\x1bX": ["alt+shift+x"],
    b"\x1b[100;3;8706u": ["partial_differential"],  # Option+D
    b"\x1b[113;7;64u": ["at"],  # AltGr+Q, reported as Ctrl+Alt+Q
    b"\x1b[113;7u": ["alt+ctrl+q"],
    b"\xc2\xa1\xe2\x82\xac": ["inverted_exclamation_mark", "euro_sign"],
    b"\x1b\r": ["alt+enter"],
    b"\x1b\x01": ["alt+ctrl+a"],
    b"\x1b[": ["alt+left_square_bracket"],
    b"\x1b]": ["alt+right_square_bracket"],
    b"\x1bO": ["alt+shift+o"],
    b"\x1b\xc3": ["escape", "replacement_character"],
    b"\x1b\x00": ["escape", "ctrl+@"],
    # older terminals
    b"\x1bOP\x1b[[A\x1b[3$\x1b[23~": ["f1", "f1", "shift+delete", "f11"],
    b"\x1b[1;5F\x1b[5~": ["ctrl+end", "pageup"],
    b"\x1b[<0;5;5M\x1b[<0;5;5m": ["MouseDown", "MouseUp"],
    b"\x1b[I\x1b[O": ["AppFocus", "AppBlur"],
    b"\x1b[48;24;80;0;0t": ["Resize"],
    b"\x1b[48;0;0;0;0t": [],
}


@pytest.mark.parametrize(("sent", "pressed"), PRESSED.items(), ids=lambda value: repr(value)[:40])
def test_keys(sent: bytes, pressed: list[str]) -> None:
    assert read(sent) == pressed


def test_a_click_works_after_a_window_of_no_pixels() -> None:
    assert read(b"\x1b[?2048;2$y\x1b[48;24;80;0;0t\x1b[<0;5;5M")[-1] == "MouseDown"


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_an_answer_of_the_terminal_is_never_text_wherever_reads_divide_it(reply: bytes) -> None:
    for cut in range(len(reply) + 1):
        terminal = Input()
        messages = [*terminal.read(reply[:cut])]
        if cut not in (0, 1, 2):  # silence behind an ESC makes it a key
            messages += terminal.silence(ESCAPE_DELAY)
        messages += [*terminal.read(reply[cut:]), *terminal.silence()]
        assert [message for message in messages if isinstance(message, events.Key | events.Paste)] == []
        assert keys(terminal.read(b"z")) == ["z"]


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_what_is_typed_before_and_after_an_answer_stays(reply: bytes) -> None:
    assert [key for key in read(b"a" + reply + b"\rz") if len(key) < 6] == ["a", "enter", "z"]


@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\", b"\xc2\x9c"], ids=["BEL", "ST", "C1"])
@pytest.mark.parametrize("begin", [b"\x1b]", b"\xc2\x9d"], ids=["OSC", "C1"])
def test_the_answer_about_the_background_is_reported_wherever_reads_divide_it(
    begin: bytes, end: bytes
) -> None:
    answer = begin + b"11;rgb:ffff/ffff/e0e0" + end
    for cut in range(len(answer) + 1):
        sorting = TerminalInput()
        tokens = [*sorting.feed(b"a" + answer[:cut], 0.0), *sorting.feed(answer[cut:] + b"z", 0.0)]
        assert tokens == [Typed("a"), Background(False), Typed("z")]


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b]10;rgb:ffff/ffff/ffff\x07",
        b"\x1b]11;?\x07",
        b"\x1b]11;rgb:ffff/ffff\x1b\\",
        b"\x1bP11;rgb:ffff/ffff/ffff\x1b\\",
        b"\x1b]11;rgb:" + b"f" * 9999 + b"\x07",
        b"\x1b]11;rgb:f/f/f\r",
    ],
    ids=lambda answer: repr(answer)[:30],
)
def test_no_other_answer_is_taken_for_it(answer: bytes) -> None:
    sorting = TerminalInput()
    assert not any(isinstance(token, Background) for token in sorting.feed(answer, 0.0))


def test_an_answer_without_end_is_given_up() -> None:
    for begun in (b"\x1b]11;rgb:", b"\x1bP1$r", b"\x1b_G", b"\x1b[?62;", b"\x1b[M ", b"\x1b[" + b"1" * 9999):
        terminal = Input()
        assert terminal.read(begun) == []
        assert terminal.silence(ANSWER_TIMEOUT) == []
        assert not terminal.sorting.is_waiting
        assert keys(terminal.read(b"z")) == ["z"]


def test_enter_ends_an_answer_without_end() -> None:
    assert read(b"\x1b]11;rgb:\rz") == ["enter", "z"]


PASTES = {
    b"\x1b[200~a\r\nb\rc\n\x1b[201~z": ["[a\nb\nc\n]", "z"],
    b"\x1b[200~caf\xe9 \x1b[31m\x00\x1b[201~": ["[caf\ufffd \x1b[31m]"],
    b"\x1b[200~\x1b[200~a\x1b[201~": ["[\x1b[200~a]"],
    b"\x1b[200~a\x1b[20": ["[a\x1b[20]"],
    b"\x1b[201~z": ["z"],
    # without brackets
    b"1\r2\r3\r4\r5\r6\r": ["[[1\n2\n3\n4\n5\n6\n]]"],
    b"one\r\ntwo\r\n": ["[[one\ntwo\n]]"],
    b"one\r\rtwo": ["[[one\n\ntwo]]"],
    b"/quit\rx\r": ["[[/quit\nx\n]]"],
    b"1\r\x1b[31m2\x1b[0m\r": ["[[1\n2\n]]"],
    b"x" * 60 + b"\r" + b"y" * 60: ["[[" + "x" * 60 + "\n" + "y" * 60 + "]]"],
    b"x" * 100: ["[" + "x" * 100 + "]"],
    b"x" * 100 + b"\r": ["[" + "x" * 100 + "]", "enter"],
    # typed ahead
    b"hi\r": ["h", "i", "enter"],
    b"hi\ryou": ["h", "i", "enter", "y", "o", "u"],
    b"hi\r\r": ["h", "i", "enter", "enter"],
    b"\r\r\r": ["enter"] * 3,
    b"\x0bcars\rhi\x11": ["ctrl+k", "c", "a", "r", "s", "enter", "h", "i", "ctrl+q"],
    b"\x1b[104;;104u\x1b[13u\x1b[105;;105u\x1b[13u": ["h", "enter", "i", "enter"],
}


@pytest.mark.parametrize(("sent", "taken"), PASTES.items(), ids=lambda value: repr(value)[:40])
def test_pastes(sent: bytes, taken: list[str]) -> None:
    assert read(sent) == taken


@given(strategies.text(max_size=200), strategies.integers(1, 50))
def test_a_paste_in_brackets_is_itself_however_it_is_read(text: str, size: int) -> None:
    sent = b"\x1b[200~" + text.encode("utf-8", "replace").replace(b"\x1b[201~", b"") + b"\x1b[201~"
    sorting, tokens = TerminalInput(), []
    for begin in range(0, len(sent), size):
        tokens += sorting.feed(sent[begin : begin + size], 0.0)
    (pasted,) = tokens
    assert isinstance(pasted, Pasted)
    text = sent[6:-6].decode()
    assert pasted.text == text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")


@given(
    strategies.text(strategies.characters(exclude_categories=["C"]), max_size=TYPEABLE),
    strategies.integers(1, 9),
)
def test_what_is_typed_is_typed_however_it_is_read(text: str, size: int) -> None:
    sent, terminal = text.encode(), Input()
    typed = [
        message.character
        for begin in range(0, len(sent), size)
        for message in terminal.read(sent[begin : begin + size])
        if isinstance(message, events.Key)
    ]
    assert "".join(typed) == text  # type: ignore[arg-type]


def test_every_key_that_textual_knows_stays_that_key() -> None:
    for sequence in filter(is_known, ANSI_SEQUENCES_KEYS):
        if sequence.startswith("\x1b") and sequence[1:2] in ("[", "O") and not sequence.endswith("R"):
            assert read(sequence.encode()) == keys(list(XTermParser().feed(sequence))), repr(sequence)


def test_the_memory_is_bounded() -> None:
    sorting = TerminalInput()
    for begun in (b"\x1b[", b"\x1b]1;", b"\x1bP1", b"\x1b_"):
        sorting.feed(begun, 0.0)
        for _ in range(20):
            assert sorting.feed(b"1" * 100_000, 0.0) == []
            assert len(sorting._rest) < 10_000
        sorting.tick(ANSWER_TIMEOUT)
    sorting.feed(b"\x1b[200~", 0.0)
    for _ in range(3):
        sorting.feed(b"x" * (MAX_PASTE // 2), 0.0)
    (pasted,) = sorting.feed(b"\x1b[201~", 0.0)
    assert isinstance(pasted, Pasted)
    assert len(pasted.text) == MAX_PASTE


@pytest.mark.parametrize(
    ("seed", "count"), [(0, SEQUENCES), pytest.param(1, MANY_SEQUENCES, marks=pytest.mark.soak)]
)
def test_nothing_that_is_sent_ends_the_input(seed: int, count: int) -> None:
    chance, terminal = random.Random(seed), Input()
    for number, data in zip(range(count), mutated(chance), strict=False):
        for message in terminal.read(data):
            if isinstance(message, events.Key):
                (message.character or "").encode()
            elif isinstance(message, events.Resize):
                assert message.size.area
        assert terminal.parser._timeout_time is None, data  # nothing hangs in Textual's parser
        if number % 7 == 0:
            terminal.silence(chance.choice([ESCAPE_DELAY, ANSWER_TIMEOUT, ANSWER_TIMEOUT * 4]))
        if number % 100 == 0:
            terminal.silence()
            assert not terminal.sorting.is_waiting
            assert keys(terminal.read(b"z")) == ["z"], data
