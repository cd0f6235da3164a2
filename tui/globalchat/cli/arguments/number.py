"""Numbers on the command line."""

from math import isfinite

import click


class Number(click.FloatRange):
    """A number between bounds: click takes NaN, which is in every range, and infinity."""

    name = "number"

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that the word stands for."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{str(value)[:30]!r} is not a number.", param, ctx)
        return number
