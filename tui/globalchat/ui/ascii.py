"""Draws the chat's own signs and lines with ASCII: a filter for every line that leaves messages alone."""

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

TICKS = {"✓✓": "ok", "✓": "o", "…": "..", "✗": "!!"}
"""Segments that are replaced as a whole, where there is room: the ticks beside messages."""

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
        **dict.fromkeys("✓✔", "v"),
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
"""Replacements of the same width, so that nothing moves."""

_MARK = "verbatim"
VERBATIM = Style(meta={_MARK: True})
"""Marks the style of texts written by users, which the filter leaves alone."""


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
    """Replace the chat's signs in a text by ASCII of the same width."""
    # The same sign in one cell is no tick, but marks a verified person.
    tick = TICKS.get(text.rstrip(" ")) if len(text) > 1 else None
    if tick is not None:
        return tick.ljust(len(text))
    return text.translate(SIGNS)
