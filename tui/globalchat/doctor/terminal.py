"""What the terminal can do, as far as the environment tells. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from globalchat.core.terminal import can_draw, wants_no_colour
from globalchat.doctor.finding import Verdict, ok, skipped, warning

SMALLEST = (40, 10)
"""Columns and lines below which the chat shows nothing but a sentence."""
COMFORTABLE = (80, 24)

_TRUE_COLOUR = ("truecolor", "24bit")
_LINKS = ("alacritty", "contour", "foot", "ghostty", "kitty", "mintty", "rio", "vscode", "wezterm")
"""Terminals that follow OSC 8, by TERM or TERM_PROGRAM."""
_CLIPBOARD = ("alacritty", "contour", "foot", "ghostty", "kitty", "rio", "vscode", "wezterm")
"""Terminals that take OSC 52 unless told otherwise."""
_VTE_WITH_LINKS = 5000
_TMUX_WITH_LINKS = (3, 4)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a terminal: `size` is columns and lines, `encoding` that of the output."""

    environment: Mapping[str, str] = field(repr=False)
    size: tuple[int, int]
    encoding: str

    def get(self, name: str) -> str:
        """A variable of the environment in lower case, or nothing."""
        return self.environment.get(name, "").lower()

    @property
    def multiplexer(self) -> str | None:
        """What stands between: tmux or screen."""
        if "TMUX" in self.environment:
            return "tmux"
        return "screen" if "STY" in self.environment else None

    @property
    def names(self) -> str:
        """What the terminal calls itself."""
        return " ".join((self.get("TERM"), self.get("TERM_PROGRAM"), self.get("LC_TERMINAL")))


def kind(seen: Surroundings) -> Verdict:
    """TERM, the program, and what stands between."""
    term = seen.environment.get("TERM", "")
    parts = [f"TERM={term}" if term else "TERM is not set"]
    if program := seen.environment.get("TERM_PROGRAM"):
        parts.append(f"{program} {seen.environment.get('TERM_PROGRAM_VERSION', '')}".strip())
    if seen.multiplexer:
        parts.append(f"inside {seen.multiplexer}")
    told = ", ".join(parts)
    if not can_draw(seen.environment):
        return warning(f"{told}: the chat cannot draw here.", "Use another terminal, or set TERM as it says.")
    if seen.multiplexer and not term.startswith(("tmux", "screen")):
        return warning(
            f"{told}: TERM should be that of {seen.multiplexer}.",
            f"Let {seen.multiplexer} set TERM: take it out of your shell's start-up files.",
        )
    return ok(told)


def size(seen: Surroundings) -> Verdict:
    """Columns and lines."""
    columns, lines = seen.size
    told = f"{columns} × {lines}"
    if columns < SMALLEST[0] or lines < SMALLEST[1]:
        return warning(
            f"{told}: too small for the chat, which needs {SMALLEST[0]} × {SMALLEST[1]}.",
            "Make the window larger, or its font smaller.",
        )
    if columns < COMFORTABLE[0] or lines < COMFORTABLE[1]:
        return ok(f"{told}, enough for a compact chat")
    return ok(told)


def colours(seen: Surroundings) -> Verdict:
    """How many colours there are."""
    if wants_no_colour(seen.environment):
        return ok("none, as NO_COLOR asks for")
    if seen.get("COLORTERM") in _TRUE_COLOUR or seen.get("TERM").endswith("-direct"):
        return ok("16 million")
    if "256color" in seen.get("TERM"):
        return ok("256; if the terminal has 16 million, COLORTERM=truecolor says so")
    return warning(
        "16 at most, so that themes and names are hard to tell apart.",
        "If the terminal has more: TERM=xterm-256color, or COLORTERM=truecolor.",
    )


def shows_any_character(encoding: str, environment: Mapping[str, str]) -> bool:
    """Whether output is UTF-8 and the locale says so: Python speaks it in the C locale all the same."""
    is_utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    return is_utf8 and environment.get("LC_ALL") not in ("C", "POSIX")


def characters(seen: Surroundings) -> Verdict:
    """Whether any character can be shown."""
    if shows_any_character(seen.encoding, seen.environment):
        return ok("UTF-8")
    if (locale := seen.environment.get("LC_ALL")) in ("C", "POSIX"):
        return warning(f"LC_ALL={locale}: commands draw with ASCII.", "Set LC_ALL=C.UTF-8, or unset it.")
    return warning(
        f"The encoding is {seen.encoding or 'unknown'}: names and texts in other scripts are lost.",
        "Set LANG=C.UTF-8, or draw with ASCII: `globalchat --ascii`.",
    )


def clipboard(seen: Surroundings) -> Verdict:
    """Whether text that is copied in the chat reaches the clipboard (OSC 52): a guess."""
    if seen.multiplexer == "tmux":
        return ok("OSC 52 goes through tmux if it is told: set -g set-clipboard on")
    if seen.multiplexer == "screen":
        return warning("screen does not pass OSC 52 on: copying stays in the chat.", "Use tmux, or neither.")
    if any(name in seen.names for name in _CLIPBOARD) or "WT_SESSION" in seen.environment:
        return ok("OSC 52 is taken, as far as this terminal is known")
    if "iterm" in seen.names:
        return ok("OSC 52 is taken by iTerm2 if its settings allow applications to access the clipboard")
    if seen.get("TERM_PROGRAM") == "apple_terminal" or "VTE_VERSION" in seen.environment:
        return warning(
            "This terminal does not take OSC 52: copying stays in the chat.",
            "Select with the mouse while Shift (macOS: Fn) is held.",
        )
    return skipped("Whether OSC 52 is taken cannot be told.")


def links(seen: Surroundings) -> Verdict:
    """Whether links can be followed (OSC 8): a guess."""
    version = seen.get("VTE_VERSION")
    modern_vte = version.isdecimal() and int(version) >= _VTE_WITH_LINKS
    known = any(name in seen.names for name in (*_LINKS, "iterm")) or "WT_SESSION" in seen.environment
    if seen.multiplexer == "tmux":
        return _links_in_tmux(seen)
    if seen.multiplexer is None and (modern_vte or known or "KONSOLE_VERSION" in seen.environment):
        return ok("OSC 8 is followed, as far as this terminal is known")
    return skipped("Whether OSC 8 is followed cannot be told; links are written out anyway.")


def _links_in_tmux(seen: Surroundings) -> Verdict:
    version = seen.get("TERM_PROGRAM_VERSION") if seen.get("TERM_PROGRAM") == "tmux" else ""
    match = re.match(r"(\d+)\.(\d+)", version)
    if match and (int(match[1]), int(match[2])) < _TMUX_WITH_LINKS:
        return warning(f"tmux {version} does not pass OSC 8 on: links are text.", "Use tmux 3.4 or later.")
    return ok("OSC 8 goes through tmux 3.4 and later, if the terminal outside follows it")


CHECKS = {
    "terminal": kind,
    "size": size,
    "colours": colours,
    "characters": characters,
    "clipboard": clipboard,
    "links": links,
}
"""Every check by its name."""
