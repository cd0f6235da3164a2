"""Draws what a terminal shows as SVG: still pictures, and windows whose lines change with the time.

The files load nothing, also no fonts: a viewer's own monospace font is stretched to the cells. Lines of boxes
and bars are drawn as shapes, since fonts leave gaps between them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from itertools import groupby, pairwise

from rich.cells import cell_len
from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME as THEME
from textual.app import App

CELL, LINE = 12, 24
"""The width and the height of a cell, in the SVG's units."""
BASELINE = 18
MARGIN, TITLE = 10, 36
"""The window's margin around the cells, and the height of its title."""
STYLE = (
    'text{font:20px ui-monospace,"SF Mono",Menlo,"DejaVu Sans Mono",Consolas,monospace;white-space:pre}'
    ".b{font-weight:bold}.i{font-style:italic}.u{text-decoration:underline}"
    ".t{font:600 17px system-ui,sans-serif}.c{font:600 24px system-ui,sans-serif}"
)
_ACCENT = "#4a90d9"
"""What is outside the windows: to be seen on a light and on a dark page."""
_WORDS = re.compile(r"[ -~\xa1-\u02af]+")
"""What every monospace font has; other characters may come from a font with other widths."""
_ARMS = {
    **dict.fromkeys("│┃", "ud"),
    **dict.fromkeys("┌╭", "rd"),
    **dict.fromkeys("┐╮", "ld"),
    **dict.fromkeys("└╰", "ru"),
    **dict.fromkeys("┘╯", "lu"),
    **{"├": "rud", "┤": "lud", "┬": "lrd", "┴": "lru", "┼": "lrud"},
}
"""Characters of boxes, and in which directions their lines go from the middle."""
_BARS = {
    **{bar: (0.0, LINE - 3 * n, CELL, 3 * n) for n, bar in enumerate("▁▂▃▄▅▆▇", 1)},
    **{bar: (0.0, 0, CELL * n / 8, LINE) for n, bar in enumerate("▏▎▍▌▋▊▉", 1)},
    **{"▔": (0.0, 0, CELL, 3), "▀": (0.0, 0, CELL, 12), "▕": (10.5, 0, 1.5, LINE), "▐": (6.0, 0, 6, LINE)},
}
"""Characters of bars: left, top, width and height in the cell."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one look from a cell on; `background` None for that of the window."""

    x: int
    cells: int
    text: str
    color: str
    background: str | None
    look: str


Line = tuple[Run, ...]
Frame = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A window with its frames, each with the second from which on it is shown."""

    title: str
    columns: int
    frames: Sequence[tuple[float, Frame]]
    left: int = 0

    @property
    def width(self) -> int:
        """The outer width."""
        return self.columns * CELL + 2 * MARGIN

    @property
    def height(self) -> int:
        """The outer height."""
        return len(self.frames[0][1]) * LINE + TITLE + MARGIN


@dataclass(frozen=True, slots=True)
class Caption:
    """A line below the windows, between two seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Flight:
    """A dot that goes from one place (horizontally) to another, between two seconds."""

    start: float
    end: float
    origin: int
    target: int


# -- from the chat ------------------------------------------------------------------------------------------


def capture(app: App[None]) -> Frame:
    """Return what a running app shows now."""
    width, height = app.size
    console = Console(
        width=width,
        height=height,
        file=StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        safe_box=False,
    )
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert update is not None, "the app has drawn its screen"
    return frame_of(Segment.filter_control(console.render(update)), width)


def frame_of(segments: Iterable[Segment], width: int) -> Frame:
    """Return the frame of segments of Rich, whose lines end with line feeds."""
    return tuple(
        tuple(_runs(line)) for line in Segment.split_and_crop_lines(segments, width, include_new_lines=False)
    )


def _runs(line: Iterable[Segment]) -> Iterator[Run]:
    x = 0
    for text, style, _ in Segment.simplify(line):
        cells = cell_len(text)
        yield Run(x, cells, text, *_look(style or Style()))
        x += cells


def _look(style: Style) -> tuple[str, str | None, str]:
    """Return colour, background and classes of a style."""
    color, background = THEME.foreground_color, THEME.background_color
    if style.color is not None and not style.color.is_default:
        color = style.color.get_truecolor(THEME)
    has_background = style.bgcolor is not None and not style.bgcolor.is_default
    if style.bgcolor is not None and has_background:
        background = style.bgcolor.get_truecolor(THEME)
    if style.reverse:
        color, background, has_background = background, color, True
    if style.dim:
        color = blend_rgb(color, background, 0.4)
    flags = (("b", style.bold), ("i", style.italic), ("u", style.underline))
    return _hex(color), _hex(background) if has_background else None, " ".join(n for n, on in flags if on)


def _hex(color: ColorTriplet) -> str:
    long = color.hex
    return long[::2] if long[1::2] == long[2::2] else long


# -- to SVG -------------------------------------------------------------------------------------------------


def still(title: str, frame: Frame, columns: int) -> str:
    """Return a picture of one window."""
    window = Window(title, columns, [(0, frame)])
    return document(window.width, window.height, _window(window, 1, _Keyframes(1, 0)))


def moving(
    windows: Sequence[Window],
    seconds: float,
    poster: float,
    captions: Sequence[Caption] = (),
    flights: Sequence[Flight] = (),
) -> str:
    """Return a picture of windows side by side that repeats; `poster` is the second shown without motion."""
    keyframes = _Keyframes(seconds, poster)
    width, height = windows[-1].left + windows[-1].width, max(each.height for each in windows)
    drawn = "".join(_window(each, seconds, keyframes) for each in windows)
    drawn += _path_between(windows, height // 2)
    flown = "".join(f'<circle class="f{n}" cy="{height // 2}" r="9"/>' for n in range(len(flights)))
    drawn += f'<g fill="{_ACCENT}">{flown}</g>\n'
    for each in captions:
        name = keyframes.name([(each.start, each.end)])
        drawn += (
            f'<text class="{name} c" x="{width // 2}" y="{height + 36}" fill="{_ACCENT}"'
            f' text-anchor="middle">{escape(each.text, quote=False)}</text>\n'
        )
    style = keyframes.css() + "".join(_flight(n, each, seconds) for n, each in enumerate(flights))
    return document(width, height + (52 if captions else 0), drawn, style)


def _path_between(windows: Sequence[Window], y: int) -> str:
    """Draw the dotted line between each window and the next."""
    return "".join(
        f'<path d="M{one.left + one.width + 8} {y}H{other.left - 8}" stroke="{_ACCENT}" stroke-width="3"'
        ' stroke-linecap="round" stroke-dasharray="0 10"/>\n'
        for one, other in pairwise(windows)
    )


def _flight(number: int, flight: Flight, seconds: float) -> str:
    """Return the rules that move a dot; without motion there is none."""
    start, end = f"{flight.start / seconds:.3%}", f"{flight.end / seconds:.3%}"
    here, there = (f"transform:translateX({x}px)" for x in (flight.origin, flight.target))
    name = f"f{number}"
    return (
        f".{name}{{opacity:0;animation:{name} {seconds:g}s infinite}}@keyframes {name}{{"
        f"0%{{opacity:0;{here};animation-timing-function:step-end}}"
        f"{start}{{opacity:1;{here};animation-timing-function:ease-in-out}}"
        f"{end}{{opacity:1;{there};animation-timing-function:step-end}}"
        f"{(flight.end + 0.02) / seconds:.3%}{{opacity:0;{there}}}}}"
    )


def document(width: int, height: int, content: str, style: str = "") -> str:
    """Return an SVG document."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
        f"<style>{STYLE}{style}</style>\n{content}</svg>\n"
    )


class _Keyframes:
    """Collects when lines are shown: one animation for all lines with the same times."""

    def __init__(self, seconds: float, poster: float) -> None:
        self._seconds = seconds
        self._poster = poster
        self._names: dict[tuple[tuple[float, float], ...], str] = {}

    def name(self, spans: Sequence[tuple[float, float]]) -> str:
        """Return the class of what is shown in these spans of seconds."""
        return self._names.setdefault(tuple(spans), f"k{len(self._names)}")

    def css(self) -> str:
        """Return the rules, which show one second alone to readers who prefer that nothing moves."""
        hidden = [name for spans, name in self._names.items() if not self._is_at_poster(spans)]
        rules = [f".{',.'.join(hidden)}{{visibility:hidden}}"] if hidden else []
        if self._names:
            rules.append("@media(prefers-reduced-motion:no-preference){")
            rules += (
                f".{name}{{animation:{name} {self._seconds:g}s step-end infinite}}"
                for name in self._names.values()
            )
            rules.append("}")
        rules += (f"@keyframes {name}{{{self._steps(spans)}}}" for spans, name in self._names.items())
        return "".join(rules)

    def _is_at_poster(self, spans: Sequence[tuple[float, float]]) -> bool:
        return any(start <= self._poster < end for start, end in spans)

    def _steps(self, spans: Sequence[tuple[float, float]]) -> str:
        steps = {} if spans[0][0] == 0 else {0.0: "hidden"}
        for start, end in spans:
            steps[start] = "visible"
            if end < self._seconds:
                steps[end] = "hidden"
        return "".join(f"{at / self._seconds:.3%}{{visibility:{how}}}" for at, how in steps.items())


def _window(window: Window, seconds: float, keyframes: _Keyframes) -> str:
    """Draw a window; what never changes is drawn once."""
    ground = _ground(window.frames[0][1])
    rest = []
    for y in range(len(window.frames[0][1])):
        for line, spans in _spans([(at, frame[y]) for at, frame in window.frames], seconds).items():
            drawn = _line(line, y * LINE, ground)
            if not drawn:
                continue
            whole = spans == [(0, seconds)]
            rest.append(drawn if whole else f'<g class="{keyframes.name(spans)}">{drawn}</g>')
    lines = "\n".join(rest)
    return (
        f'{_frame(window, ground)}<g transform="translate({window.left + MARGIN},{TITLE})">\n{lines}\n</g>\n'
    )


def _frame(window: Window, ground: str) -> str:
    """Draw the window around the cells."""
    ink = "#555" if int(ground[1:3], 16) > 127 else "#bbb"
    left = window.left
    dots = "".join(
        f'<circle cx="{left + 22 + 22 * n}" cy="18" r="6.5" fill="{color}"/>'
        for n, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<rect x="{left + 1}" y="1" width="{window.width - 2}" height="{window.height - 2}" rx="9"'
        f' fill="{ground}" stroke="#888" stroke-opacity=".6"/>{dots}'
        f'<text class="t" x="{left + window.width // 2}" y="24" fill="{ink}" text-anchor="middle">'
        f"{escape(window.title)}</text>\n"
    )


def _ground(frame: Frame) -> str:
    """Return the background of most cells."""
    cells = Counter[str]()
    for line in frame:
        for run in line:
            cells[run.background or _hex(THEME.background_color)] += run.cells
    return cells.most_common(1)[0][0]


def _spans(lines: Sequence[tuple[float, Line]], seconds: float) -> dict[Line, list[tuple[float, float]]]:
    """Return when each line is shown, as spans of seconds."""
    spans: dict[Line, list[tuple[float, float]]] = {}
    for (start, line), (end, _) in pairwise([*lines, (seconds, ())]):
        known = spans.setdefault(line, [])
        if known and known[-1][1] == start:
            known[-1] = (known[-1][0], end)
        else:
            known.append((start, end))
    return spans


def _line(line: Line, y: int, ground: str) -> str:
    """Draw a line of cells: backgrounds, then shapes, then texts."""
    grounds: dict[str, str] = {}
    texts = []
    for background, runs in groupby(line, lambda run: run.background):
        if background is not None and background != ground:
            x, width = (first := next(runs)).x * CELL, (first.cells + sum(run.cells for run in runs)) * CELL
            grounds[background] = grounds.get(background, "") + f"M{x} {y}h{width}v{LINE}h-{width}z"
    shapes: dict[str, str] = {}
    for run in line:
        for x, text in _pieces(run):
            if shape := _shape(text, x * CELL, y):
                shapes[run.color] = shapes.get(run.color, "") + shape
            else:
                texts.append(_text(text, x * CELL, y + BASELINE, run))
    drawn = [f'<path fill="{color}" d="{d}"/>' for part in (grounds, shapes) for color, d in part.items()]
    return "".join([*drawn, *texts])


def _pieces(run: Run) -> Iterator[tuple[int, str]]:
    """Split a run into words and single characters, each with its first cell; blanks that show nothing go."""
    x, at = run.x, 0
    parts = re.compile(r"(?: ?[!-~\xa1-\u02af]+)+|─+|━+|█+|[^ -~\xa1-\u02af]\ufe0f?| +")
    for match in parts.finditer(run.text):
        text = match[0]
        x, at = x + cell_len(run.text[at : match.start()]), match.start()
        if text.strip() or "u" in run.look:
            lead = len(text) - len(text.lstrip()) if text.strip() else 0
            yield x + lead, text[lead:]


def _text(text: str, x: int, y: int, run: Run) -> str:
    look = f' class="{run.look}"' if run.look else ""
    cells = cell_len(text)
    is_plain = _WORDS.fullmatch(text) is not None
    length = f' textLength="{cells * CELL}"' if cells > 1 else ""
    adjust = ' lengthAdjust="spacingAndGlyphs"' if length and not is_plain else ""
    return (
        f'<text x="{x}" y="{y}"{length}{adjust}{look} fill="{run.color}">{escape(text, quote=False)}</text>'
    )


def _shape(text: str, x: int, y: int) -> str:
    """Return the path of a character of boxes or bars, perhaps repeated; nothing for any other text."""
    if text == "":
        return ""
    character, length = text[0], len(text) * CELL
    if character in "─━█":
        top, height = (0, LINE) if character == "█" else (LINE // 2 - 1, 2)
        return f"M{x} {y + top}h{length}v{height}h-{length}z"
    if arms := _ARMS.get(character):
        half, middle = CELL // 2, LINE // 2
        sides = {
            "l": f"M{x} {y + middle - 1}h{half + 1}v2h-{half + 1}z",
            "r": f"M{x + half - 1} {y + middle - 1}h{half + 1}v2h-{half + 1}z",
            "u": f"M{x + half - 1} {y}h2v{middle + 1}h-2z",
            "d": f"M{x + half - 1} {y + middle - 1}h2v{middle + 1}h-2z",
        }
        return "".join(sides[arm] for arm in arms)
    left, top, width, height = _BARS.get(character, (0, 0, 0, 0))
    return f"M{x + left:g} {y + top}h{width:g}v{height}h-{width:g}z" if width else ""
