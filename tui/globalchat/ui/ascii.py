"""Draws the chat's own signs and lines with ASCII: a filter over every line that leaves messages alone."""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

TICKS = {"✓✓": "ok", "✓": "o", "…": "..", "✗": "!!"}
"""Segments with a meaning as a whole, where there is room: the ticks beside messages."""

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
"""Signs of the same width, since what is drawn must not move."""

_MARK = "verbatim"
VERBATIM = Style(meta={_MARK: True})
"""Added to the style of texts that users wrote: the filter leaves them alone."""


class AsciiFilter(LineFilter):
    """Replaces the signs that the chat and Textual draw."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's)
        """Return the same line in ASCII."""
        if all(text.isascii() for text, _, _ in segments):
            return segments
        return [_translate(segment) for segment in segments]


def _translate(segment: Segment) -> Segment:
    text, style, control = segment
    if control or text.isascii() or (style is not None and style.meta.get(_MARK)):
        return segment
    return Segment(to_ascii(text), style)


def to_ascii(text: str) -> str:
    """Return a text with the signs that the chat draws in ASCII, as wide as before."""
    tick = TICKS.get(text.rstrip(" "))
    if tick is not None and len(tick) <= len(text):
        return tick.ljust(len(text))
    return text.translate(SIGNS)
