"""How `doctor` shows its findings: for people, or one JSON object a line."""

import sys
import textwrap
from collections.abc import Mapping

from globalchat.cli.console.output import Line, Styled, json_line, printable, write_lines
from globalchat.cli.console.screen import is_terminal, wants_colour
from globalchat.client.profiles import Profile
from globalchat.core.interpreter import as_typed_here
from globalchat.core.terminal import window_size
from globalchat.doctor.finding import Finding, Level

_SIGNS = {Level.OK: "✓", Level.WARNING: "!", Level.FAILED: "✗", Level.SKIPPED: "–"}
_ASCII = {Level.OK: "+", Level.WARNING: "!", Level.FAILED: "x", Level.SKIPPED: "-"}
_COLOURS = {
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.FAILED: "red",
    Level.SKIPPED: "bright_black",
}
_COLUMN = 16
_BESIDE = _COLUMN + 5
"""Columns before a text that stands beside the name of its check."""
_BELOW = 4
"""Columns before one that stands below it, where there is no room beside it."""
_NARROWEST = 30


class Findings:
    """Shows findings as they come, under the heading of what they are about."""

    def __init__(self, profile: Profile, *, ascii_only: bool) -> None:
        stream = sys.stdout
        self._regions = {alias: each.region for alias, each in profile.regions.items()}
        self._coloured = wants_colour(stream)
        self._signs = _ASCII if ascii_only else _SIGNS
        columns = window_size(stream)[0] if is_terminal(stream) else None
        self._is_narrow = columns is not None and columns < _BESIDE + _NARROWEST
        self._indent = " " * (_BELOW if self._is_narrow else _BESIDE)
        # What goes on of a remedy is indented by two more.
        self._width = None if columns is None else max(1, columns - len(self._indent) - 2)
        self._heading: str | None = None

    def show(self, finding: Finding) -> None:
        """Write a finding, and its remedy.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        lines: list[Line] = []
        heading = "between regions" if finding.check == "relay" else finding.subject
        if heading != self._heading:
            self._heading = heading
            region = self._regions.get(heading)
            lines.append(f"{heading} ({region})" if region else heading)
        sign = self._styled(self._signs[finding.level], finding.level)
        name = self._plain(finding.subject if finding.check == "relay" else finding.check)
        first, *more = self._wrapped(finding.verdict.text)
        if self._is_narrow:
            lines += [("  ", sign, f" {name}"), f"{self._indent}{first}"]
        else:
            lines.append(("  ", sign, f" {name:<{_COLUMN}} {first}"))
        lines += [f"{self._indent}{line}" for line in more]
        if finding.verdict.remedy is not None:
            first, *more = self._wrapped(f"{self._arrow} {finding.verdict.remedy}")
            lines += [f"{self._indent}{first}", *(f"{self._indent}  {line}" for line in more)]
        write_lines(lines)

    def sum_up(self, counts: Mapping[Level, int]) -> None:
        """Write how many there were of each level."""
        pieces: list[str | Styled] = []
        for level, number in counts.items():
            if number:
                pieces += [", ", self._styled(f"{number} {level.value}", level)]
        write_lines(["", pieces[1:]])

    @property
    def _arrow(self) -> str:
        return "→" if self._signs is _SIGNS else "->"

    def _wrapped(self, text: str) -> list[str]:
        """The lines of a text: one, unless a terminal is too narrow for it."""
        plain = self._plain(text)
        if self._width is None:
            return [plain]
        return textwrap.wrap(plain, self._width, break_on_hyphens=False) or [plain]

    def _plain(self, text: str) -> str:
        text = printable(as_typed_here(text))
        return text if self._signs is _SIGNS else text.replace("→", "->").replace("×", "x")

    def _styled(self, text: str, level: Level) -> str | Styled:
        return Styled(text, _COLOURS[level]) if self._coloured else text


class JsonFindings:
    """One object a line, the last of which sums up."""

    def show(self, finding: Finding) -> None:
        """Write a finding."""
        write_lines([json_line(finding.document())])

    def sum_up(self, counts: Mapping[Level, int]) -> None:
        """Write how many there were of each level, and the gravest of them as the status."""
        status = (
            Level.FAILED if counts[Level.FAILED] else Level.WARNING if counts[Level.WARNING] else Level.OK
        )
        numbers = {level.value: number for level, number in counts.items()}
        write_lines([json_line({"check": "summary", "status": status.value, **numbers})])
