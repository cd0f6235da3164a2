"""Durations on the command line: 500ms, 30s, 5m, 1h, 1m30s."""

import re
from collections.abc import Callable

import click

LONGEST = 365 * 86_400.0
"""Seconds."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile("([0-9]+(?:[.][0-9]+)?)(ms|s|m|h)")
_WHOLE = re.compile(f"(?:{_PART.pattern})+")


class Duration(click.ParamType[float]):
    """A span of time, as seconds."""

    name = "duration"

    def __init__(self, *, zero: bool = False) -> None:
        """`zero` allows no time at all."""
        self._zero = zero

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that the words stand for."""
        if isinstance(value, float):
            return value
        if self._zero and value == "0":
            return 0.0
        if not _WHOLE.fullmatch(value):
            self.fail(f"{value[:30]!r} is no duration: say 500ms, 30s, 5m, 1h or 1m30s.", param, ctx)
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
        if not (self._zero or seconds > 0) or seconds > LONGEST:
            self.fail(f"{value[:30]!r} is out of range: a year at most, and not nothing.", param, ctx)
        return seconds


def at_most(seconds: float) -> Callable[[click.Context, click.Parameter, float], float]:
    """A callback that refuses a longer time."""

    def check(_: click.Context, __: click.Parameter, value: float) -> float:
        if value > seconds:
            raise click.BadParameter(f"it may be {spell(seconds)} at most.")
        return value

    return check


def spell(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
