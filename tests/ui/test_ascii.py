from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from globalchat.ui.ascii import SIGNS, TICKS, VERBATIM, AsciiFilter, to_ascii

BLACK = Color(0, 0, 0)


def filtered(*segments: Segment) -> list[str]:
    return [segment.text for segment in AsciiFilter().apply(list(segments), BLACK)]


def test_every_replacement_is_ascii_and_as_wide_as_the_sign() -> None:
    for code, replacement in SIGNS.items():
        assert str(replacement).isascii()
        assert cell_len(str(replacement)) == cell_len(chr(code)), chr(code)
    for sign, plain in TICKS.items():
        assert to_ascii(sign.ljust(5)) == plain.ljust(5)


def test_ticks_badges_and_borders() -> None:
    ticks = [Segment(text) for text in ("… ", "✓ ", "✓✓", "✗ ")]
    assert filtered(*ticks) == ["..", "o ", "ok", "!!"]
    assert to_ascii("…") == "~"
    assert to_ascii("O→S ╭──╮ │ ● live") == "O>S +--+ | * live"


def test_what_people_wrote_stays() -> None:
    written = Segment("→ 日本 ✓", Style(bold=True) + VERBATIM)
    assert filtered(written, Segment(" →")) == ["→ 日本 ✓", " >"]
    assert filtered(Segment("日本")) == ["日本"]
