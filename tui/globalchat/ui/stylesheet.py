"""The app's stylesheet: parses each source once, and adjusts each theme's colours to be legible.

In themes with fixed colours, text and background have a contrast of at least 4.5 : 1, as WCAG 2.2 (1.4.3)
requires. In themes with the terminal's own colours, which are unknown, text has the default foreground on the
default background, and emphasis is reverse, bold or underlined (see `chat.tcss`).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import atan2, cos, sin, tau
from typing import ClassVar

from textual.cache import LRUCache
from textual.color import BLACK, WHITE, Color
from textual.css.model import RuleSet
from textual.css.styles import RenderStyles
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.dom import DOMNode

_READ = 512
"""The most cached sources: those of all widgets and screens, in four themes."""

_Path = list[tuple[str | None, frozenset[str], frozenset[str]]]
"""Of each node from the app to a widget the id, the classes and the pseudo-classes: what selectors name."""

# Textual's own returns the same, in Python: it was called 60,000 times until the chat was shown.
RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


class _PartStyles(dict[str, RenderStyles]):
    """The styles of a widget's parts, each made when it is first asked for.

    Parts (component classes) are what a widget draws in styles of their own. Textual matches all rules with
    each part whenever it styles the widget: the message list alone has 37, of which few are drawn.
    """

    def __init__(self, sheet: "ReadOnce", node: DOMNode) -> None:
        self._sheet, self._node = sheet, node
        self._rules, self._path = sheet.rules, _path(node)

    def __contains__(self, name: object) -> bool:
        return name in self._node._get_component_classes()

    def __missing__(self, name: str) -> RenderStyles:
        if not self._is_current():
            self._path = []  # The others were made for another one: all are to be made again.
        styles = self[name] = self._sheet.style_part(self._node, name)
        return styles

    def refresh(self) -> bool:
        """Make the styles again, unless nothing has changed; return True if one differs."""
        if self._is_current():
            return False
        self._rules, self._path = self._sheet.rules, _path(self._node)
        before = self.copy()
        self.update({name: self._sheet.style_part(self._node, name) for name in before})
        return self != before

    def _is_current(self) -> bool:
        # After each change the rules are another list.
        return self._rules is self._sheet.rules and self._path == _path(self._node)


def _path(node: DOMNode) -> _Path:
    return [(each.id, each.classes, each.pseudo_classes) for each in node.css_path_nodes]


class ReadOnce(Stylesheet):
    """Caches parsed sources for the whole process, by theme and source; styles only parts that are drawn."""

    _read: ClassVar[LRUCache[tuple[object, ...], list[RuleSet]]] = LRUCache(_READ)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the colours of a theme, if they differ from the present ones."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse sources that were not parsed with these variables.

        After an error the rules stay unchanged.
        """
        # Textual's own parses every source again when the theme changes, which takes a noticeable time.
        self.parse()

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        # Part of the key, since Textual replaces variables while it parses.
        theme = frozenset(self._variables.items())
        key = (theme, css, read_from, is_default_rules, tie_breaker, scope)
        rules = self._read.get(key)
        if rules is None:
            rules = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
            self._read[key] = rules
        return rules

    def _process_component_classes(self, node: DOMNode) -> None:
        """Style those parts of a widget again that were drawn before."""
        parts = node._component_styles
        if isinstance(parts, _PartStyles):
            if parts.refresh():
                node.refresh()
        elif node._get_component_classes():
            node._component_styles = _PartStyles(self, node)

    def style_part(self, node: DOMNode, name: str) -> RenderStyles:
        """Return the styles of a part of a widget."""
        part = DOMNode(classes=name)
        part._attach(node)
        self.apply(part, animate=False)
        return part.styles


RATIO = 4.5
_AIM = 4.7
"""The contrast to aim for: slightly more, as colours are rounded for the terminal."""

_GROUND_RATIO = 6.5
"""The contrast of highlighted backgrounds with black or white text, which leaves room for coloured text."""

_VISIBLE = 1.25
"""The contrast of such a background with those around it."""

_MUTED = 0.55
"""The share of black or white in secondary text."""

_GROUNDS = ("background", "surface", "panel")
_MARKED = ("primary-muted", "accent-muted", "warning-muted", "error-muted")
_INKS = ("primary", "secondary", "accent", "warning", "error", "success")
_SHADES = ("primary-lighten-3", "success-lighten-3", "error-lighten-3")
_DARK_SHADES = ("primary-darken-2", "success-darken-3", "error-darken-2")

NAMES = tuple(f"name-{number}" for number in range(8))
"""The colours of senders' names (`names.NAME_COLOURS`).

Themes have fewer colours that differ: some have the same one for warning and accent.
"""

_NAME_LIGHT, _NAME_DARK = (0.8, 0.15), (0.5, 0.13)
"""Lightness and chroma (OKLCH) of these colours, on a dark background and on a light one."""

_ANSI_DEFAULT = "ansi_default"
_ANSI_TEXT = (
    *(f"text-{ink}" for ink in _INKS),
    *_SHADES,
    *_DARK_SHADES,
    *NAMES,
    *("text", "text-muted", "text-disabled", "foreground"),
    *("block-cursor-foreground", "block-cursor-background", "block-cursor-blurred-foreground"),
    *("block-cursor-blurred-background", "block-hover-background", "input-cursor-background"),
    *("input-cursor-foreground", "input-selection-background", "input-selection-foreground"),
    *("screen-selection-background", "screen-selection-foreground", "footer-foreground", "footer-background"),
    *("footer-key-foreground", "footer-description-foreground", "footer-description-background"),
    *("footer-item-background", "link-color", "link-color-hover", "button-foreground"),
    *("primary-muted", "accent-muted", "warning-muted", "error-muted", "secondary-muted", "success-muted"),
)
_ANSI_CLEAR = ("link-background", "link-background-hover", "footer-key-background")


def legible(variables: Mapping[str, str], *, ansi: bool) -> dict[str, str]:
    """Return the variables of a theme's style sheet, adjusted where text would be illegible."""
    return _ansi(variables) if ansi else dict(_fixed(tuple(variables.items())))


def contrast(text: Color, ground: Color) -> float:
    """Return the contrast ratio of two opaque colours, from 1 to 21, as defined by WCAG."""
    high, low = sorted((_luminance(text), _luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _ansi(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        **variables,
        **dict.fromkeys(_ANSI_TEXT, _ANSI_DEFAULT),
        **dict.fromkeys(_ANSI_CLEAR, "transparent"),
        "ansi-background": _ANSI_DEFAULT,
        "ansi-foreground": _ANSI_DEFAULT,
        "block-cursor-text-style": "bold reverse",
        "block-cursor-blurred-text-style": "reverse",
        "input-cursor-text-style": "reverse",
        "link-style": "underline",
        "link-style-hover": "bold underline",
    }


@lru_cache(maxsize=64)
def _fixed(items: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    variables = dict(items)
    grounds = [Color.parse(variables[name]) for name in _GROUNDS]
    ink = _ink(grounds[0])
    for name in _MARKED:
        # Compared with background and surface, between which such a ground appears.
        ground = _distinct(_away_from(ink, Color.parse(variables[name]), grounds[0]), ink, grounds[:2])
        variables[name] = ground.hex
        grounds.append(ground)
    for name in (*(f"text-{each}" for each in _INKS), "foreground", *_SHADES, *_DARK_SHADES):
        variables[name] = _readable(Color.parse(variables[name]), ink, grounds).hex
    # Blended with the background first and then made legible, so that it stays as faint as possible.
    muted = _readable(grounds[0].blend(ink, _MUTED, alpha=1.0), ink, grounds).hex
    selected = variables["primary-muted"]
    names = _name_colours(
        Color.parse(variables["text-primary"]), *(_NAME_LIGHT if ink is WHITE else _NAME_DARK)
    )
    variables |= {name: _readable(each, ink, grounds).hex for name, each in zip(NAMES, names, strict=True)}
    # Tuples, since `lru_cache` needs hashable arguments, and a dictionary in the cache could be changed.
    return tuple(
        {
            **variables,
            "text": "auto 95%",
            "text-muted": muted,
            "text-disabled": muted,
            "foreground-muted": muted,
            "block-cursor-background": selected,
            "block-cursor-foreground": "auto 95%",
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": selected,
            "block-cursor-blurred-foreground": "auto 95%",
            "input-selection-background": variables["accent-muted"],
            "input-selection-foreground": variables["foreground"],
            "screen-selection-foreground": variables["foreground"],
            "screen-selection-background": variables["accent-muted"],
            "footer-key-foreground": variables["text-accent"],
            "footer-foreground": variables["foreground"],
            "footer-description-foreground": variables["foreground"],
            "link-color": variables["text-primary"],
            "link-color-hover": "auto 95%",
            "link-background-hover": selected,
        }.items()
    )


def _ink(ground: Color) -> Color:
    """Return white or black, whichever is legible on a background."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, ground))


def _away_from(ink: Color, ground: Color, base: Color) -> Color:
    """Return a highlighted background, blended with the one below until text on it is legible."""
    for tenths in range(11):
        blended = ground.blend(base, tenths / 10, alpha=1.0)
        if contrast(ink, blended) >= _GROUND_RATIO:
            return blended
    return base


def _distinct(ground: Color, ink: Color, others: Iterable[Color]) -> Color:
    """Return a background that differs from others, moved slightly towards its text if necessary."""
    for twentieths in range(5):
        blended = ground.blend(ink, twentieths / 20, alpha=1.0)
        if all(contrast(blended, other) >= _VISIBLE for other in others):
            return blended
    return ground


def _readable(text: Color, ink: Color, grounds: Iterable[Color]) -> Color:
    """Return the colour nearest to a text's that is legible on every background."""
    # Blended step by step, so that a theme keeps as much of its own colour as is legible.
    for twentieths in range(21):
        blended = text.blend(ink, twentieths / 20, alpha=1.0)
        if all(contrast(blended, ground) >= _AIM for ground in grounds):
            return blended
    return ink


def _luminance(colour: Color) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: Color) -> tuple[float, float, float]:
    """Return the amounts of light of a colour: red, green, blue."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return red, green, blue


# -- colours of names ----------------------------------------------------------------------------------------


def _name_colours(own: Color, lightness: float, chroma: float) -> list[Color]:
    """Return colours that differ from each other and from the user's own by their hue.

    The hues are at equal distances in OKLCH (Björn Ottosson, 2020), in which they look so; neighbours in the
    list are far apart.
    """
    _, a, b = oklab(own)
    places = len(NAMES) + 1
    hues = (atan2(b, a) + tau * (4 * number % places) / places for number in range(1, places))
    return [_from_oklab(lightness, chroma * cos(hue), chroma * sin(hue)) for hue in hues]


def oklab(colour: Color) -> tuple[float, float, float]:
    """Return lightness, green to red and blue to yellow of a colour; distances are as the eye sees them."""
    red, green, blue = _linear(colour)
    long, medium, short = (
        part ** (1 / 3)
        for part in (
            0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue,
            0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue,
            0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue,
        )
    )
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lightness: float, a: float, b: float) -> Color:
    """Return the colour nearest to a place in OKLAB that a screen can show."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    light = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (round(255 * min(1.0, max(0.0, _encoded(part)))) for part in light)
    return Color(red, green, blue)


def _encoded(light: float) -> float:
    """Return an amount of light as sRGB encodes it."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
