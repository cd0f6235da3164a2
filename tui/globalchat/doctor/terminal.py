"""The checks of the terminal, as far as the environment shows its abilities. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from globalchat.core.check_result import CheckResult, ok, skipped, warning
from globalchat.core.terminal import can_draw, shows_any_character, wants_no_colour

SMALLEST = (40, 10)
"""Columns and lines below which the chat shows only a sentence."""
COMFORTABLE = (80, 24)

_TRUE_COLOUR = ("truecolor", "24bit")
_LINKS = ("alacritty", "contour", "foot", "ghostty", "kitty", "mintty", "rio", "vscode", "wezterm")
"""Terminals that support OSC 8, by TERM or TERM_PROGRAM."""
_CLIPBOARD = ("alacritty", "contour", "foot", "ghostty", "kitty", "rio", "vscode", "wezterm")
"""Terminals that accept OSC 52 by default."""
# VTE 0.50, the first version with OSC 8.
_VTE_WITH_LINKS = 5000
_TMUX_WITH_LINKS = (3, 4)


@dataclass(frozen=True, slots=True)
class TerminalInfo:
    """The properties of a terminal: `size` is columns and lines, `encoding` that of the output."""

    environment: Mapping[str, str] = field(repr=False)
    size: tuple[int, int]
    encoding: str

    def get(self, name: str) -> str:
        """Return a variable of the environment in lower case, empty if it is not set."""
        return self.environment.get(name, "").lower()

    @property
    def multiplexer(self) -> str | None:
        """The terminal multiplexer, tmux or screen."""
        if "TMUX" in self.environment:
            return "tmux"
        return "screen" if "STY" in self.environment else None

    @property
    def names(self) -> str:
        """The names that the terminal gives itself."""
        return " ".join((self.get("TERM"), self.get("TERM_PROGRAM"), self.get("LC_TERMINAL")))


def check_kind(info: TerminalInfo) -> CheckResult:
    """Check TERM, the program, and the multiplexer."""
    term = info.environment.get("TERM", "")
    parts = [f"TERM={term}" if term else "TERM is not set"]
    if program := info.environment.get("TERM_PROGRAM"):
        parts.append(f"{program} {info.environment.get('TERM_PROGRAM_VERSION', '')}".strip())
    if info.multiplexer:
        parts.append(f"inside {info.multiplexer}")
    text = ", ".join(parts)
    if not can_draw(info.environment):
        return warning(f"{text}: the chat cannot draw here.", "Use another terminal, or set TERM as it says.")
    # Programs in a multiplexer do not see the terminal around it.
    if info.multiplexer and not term.startswith(("tmux", "screen")):
        return warning(
            f"{text}: TERM should be that of {info.multiplexer}.",
            f"Let {info.multiplexer} set TERM: take it out of your shell's start-up files.",
        )
    return ok(text)


def check_size(info: TerminalInfo) -> CheckResult:
    """Check columns and lines."""
    columns, lines = info.size
    text = f"{columns} × {lines}"
    if columns < SMALLEST[0] or lines < SMALLEST[1]:
        return warning(
            f"{text}: too small for the chat, which needs {SMALLEST[0]} × {SMALLEST[1]}.",
            "Make the window larger, or its font smaller.",
        )
    if columns < COMFORTABLE[0] or lines < COMFORTABLE[1]:
        return ok(f"{text}, enough for a compact chat")
    return ok(text)


def check_colours(info: TerminalInfo) -> CheckResult:
    """Check the number of colours."""
    if wants_no_colour(info.environment):
        return ok("none, as NO_COLOR asks for")
    if info.get("COLORTERM") in _TRUE_COLOUR or info.get("TERM").endswith("-direct"):
        return ok("16 million")
    if "256color" in info.get("TERM"):
        return ok("256; if the terminal has 16 million, COLORTERM=truecolor says so")
    return warning(
        "16 at most, so that themes and names are hard to tell apart.",
        "If the terminal has more: TERM=xterm-256color, or COLORTERM=truecolor.",
    )


def check_characters(info: TerminalInfo) -> CheckResult:
    """Check that every character can be shown."""
    if shows_any_character(info.encoding, info.environment):
        return ok("UTF-8")
    if (locale := info.environment.get("LC_ALL")) in ("C", "POSIX"):
        return warning(f"LC_ALL={locale}: commands draw with ASCII.", "Set LC_ALL=C.UTF-8, or unset it.")
    return warning(
        f"The encoding is {info.encoding or 'unknown'}: names and texts in other scripts are lost.",
        "Set LANG=C.UTF-8, or draw with ASCII: `globalchat --ascii`.",
    )


def check_clipboard(info: TerminalInfo) -> CheckResult:
    """Guess if text that is copied in the chat reaches the clipboard (OSC 52)."""
    if info.multiplexer == "tmux":
        return ok("OSC 52 goes through tmux if it is configured: set -g set-clipboard on")
    if info.multiplexer == "screen":
        return warning("screen does not pass OSC 52 on: copying stays in the chat.", "Use tmux, or neither.")
    if any(name in info.names for name in _CLIPBOARD) or "WT_SESSION" in info.environment:
        return ok("OSC 52 is supported, as far as this terminal is known")
    if "iterm" in info.names:
        return ok("OSC 52 is supported by iTerm2 if its settings allow applications to access the clipboard")
    if info.get("TERM_PROGRAM") == "apple_terminal" or "VTE_VERSION" in info.environment:
        return warning(
            "This terminal does not support OSC 52: copying stays in the chat.",
            "Select with the mouse while Shift (macOS: Fn) is held.",
        )
    return skipped("It is unknown whether this terminal supports OSC 52.")


def check_links(info: TerminalInfo) -> CheckResult:
    """Guess if links can be followed (OSC 8)."""
    version = info.get("VTE_VERSION")
    modern_vte = version.isdecimal() and int(version) >= _VTE_WITH_LINKS
    known = any(name in info.names for name in (*_LINKS, "iterm")) or "WT_SESSION" in info.environment
    if info.multiplexer == "tmux":
        return _links_in_tmux(info)
    if info.multiplexer is None and (modern_vte or known or "KONSOLE_VERSION" in info.environment):
        return ok("OSC 8 is supported, as far as this terminal is known")
    return skipped("It is unknown whether this terminal supports OSC 8; links are written out anyway.")


def _links_in_tmux(info: TerminalInfo) -> CheckResult:
    version = info.get("TERM_PROGRAM_VERSION") if info.get("TERM_PROGRAM") == "tmux" else ""
    match = re.match(r"(\d+)\.(\d+)", version)
    if match and (int(match[1]), int(match[2])) < _TMUX_WITH_LINKS:
        return warning(f"tmux {version} does not pass OSC 8 on: links are text.", "Use tmux 3.4 or later.")
    return ok("OSC 8 goes through tmux 3.4 and later, if the terminal outside supports it")


CHECKS = {
    "terminal": check_kind,
    "size": check_size,
    "colours": check_colours,
    "characters": check_characters,
    "clipboard": check_clipboard,
    "links": check_links,
}
"""Every check by name."""
