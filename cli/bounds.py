"""Bounds of values on the command line that their types do not set."""

from collections.abc import Callable

import click

from cli.duration import spell


def at_most(seconds: float) -> Callable[[click.Context, click.Parameter, float], float]:
    """A callback that refuses a longer time."""

    def check(_: click.Context, __: click.Parameter, value: float) -> float:
        if value > seconds:
            raise click.BadParameter(f"it may be {spell(seconds)} at most.")
        return value

    return check
