"""Draws the chat's own signs and lines with ASCII: one filter over every line, past texts of people."""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

TICKS = {"✓✓": "ok", "✓": "o", "…": "..", "✗": "!!"}
"""Segments that mean something as a whole, where there is room: the ticks beside messages."""

SIGNS = str.maketrans(
    {
        **dict.fromkeys("─━═╌╍┄┅┈┉⎯▁▔╴╶╸╺", "-"),
        **dict.fromkeys("│┃║▏▎▍▌▋▊▉▐▕╎╏┆┇┊┋╵╷╹╻", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋╓╖╙╜╒╕╘╛▗▖▝▘▛▜▙▟", "+"),
        **dict.fromkeys("→›❯▶▸»⟩", ">"),
        **dict.fromkeys("←‹❮◀◂«⟨", "<"),
        **dict.fromkeys("↑▲△⏶⌃", "^"),
        **dict.fromkeys("↓▼▽⏷", "v"),
        **dict.fromkeys("●◉•■◼▪", "*"),
        **dict.fromkeys("○◯□◻▫", "o"),
        **dict.fromkeys("◌·∙⋅", "."),
        **dict.fromkeys("◐◑◒◓", "/"),
        **dict.fromkeys("✖✗✘×⊘✕", "x"),
        **dict.fromkeys("✓✔", "o"),
        **dict.fromkeys("–—‒―−", "-"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’‚", "'"),
        **dict(zip("▂▃▄▅▆▇█▀", ".:-=+###", strict=True)),
        **dict.fromkeys("░▒▓", "#"),
        "…": "~",
        "∞": "8",
        "±": "+",
        "⌀": "o",
        "≈": "~",
        "≥": ">",
        "≤": "<",
        "\N{NO-BREAK SPACE}": " ",
        "🔎": "> ",
        "⏎": "<",
        "␣": " ",
    }
)
"""Sign by sign, of the same width: what is drawn must not move."""

_MARK = "verbatim"
VERBATIM = Style(meta={_MARK: True})
"""Added to the style of what people wrote: it stays as it is."""


class AsciiFilter(LineFilter):
    """Replaces the signs that the chat and Textual draw."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's)
        """The same line in ASCII."""
        if all(text.isascii() for text, _, _ in segments):
            return segments
        return [_translate(segment) for segment in segments]


def _translate(segment: Segment) -> Segment:
    text, style, control = segment
    if control or text.isascii() or (style is not None and style.meta.get(_MARK)):
        return segment
    return Segment(to_ascii(text), style)


def to_ascii(text: str) -> str:
    """The text with the signs that the chat draws in ASCII, as wide as before."""
    tick = TICKS.get(text.rstrip(" "))
    if tick is not None and len(tick) <= len(text):
        return tick.ljust(len(text))
    return text.translate(SIGNS)
