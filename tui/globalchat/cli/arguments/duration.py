"""Durations on the command line: 500ms, 30s, 5m, 1h, 1m30s."""

from collections.abc import Callable

import click

from globalchat.core.clock import DAY, parse_duration, short_duration

LONGEST = 365.0 * DAY
"""Seconds."""


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
        try:
            seconds = parse_duration(value)
        except ValueError:
            self.fail(f"{value[:30]!r} is not a duration: say 500ms, 30s, 5m, 1h or 1m30s.", param, ctx)
        if not (self._zero or seconds > 0) or seconds > LONGEST:
            self.fail(f"{value[:30]!r} is out of range: a year at most, and not nothing.", param, ctx)
        return seconds


def at_most(seconds: float) -> Callable[[click.Context, click.Parameter, float | None], float | None]:
    """A callback that refuses a longer time."""

    def check(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
        if value is not None and value > seconds:
            raise click.BadParameter(f"it may be {short_duration(seconds)} at most.")
        return value

    return check
