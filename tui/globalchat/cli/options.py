"""Options of commands: a dataclass of them for each command, their types, and those that several share.

Each option is spelled once: its type, its name and its help stand in the annotation of a field.
"""

import getpass
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from math import isfinite
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args, get_origin, get_type_hints

import click

from globalchat.cli.command import is_decoded
from globalchat.core.clock import DAY, parse_duration, short_duration

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Result = TypeVar("Result")

LONGEST_NAME = 32
LONGEST_DURATION = 365.0 * DAY
"""Seconds."""


def parameters(kind: Callable[..., T]) -> Callable[[Callable[[T], Result]], Callable[..., Result]]:
    """Return a decorator for a command's function, which is called with an instance of the dataclass `kind`.

    The annotation of each field holds its type and click's decorator, whose parameter has the field's name:

        rate: Annotated[float, click.option("--rate", default=10.0, help="Messages a second.")]

    Raises:
        TypeError: a field has no option or argument, or one with another name.
    """

    def decorate(function: Callable[[T], Result]) -> Callable[..., Result]:
        @wraps(function)
        def command(**params: object) -> Result:
            return function(kind(**params))

        for name, hint in reversed(get_type_hints(kind, include_extras=True).items()):
            if get_origin(hint) is not Annotated:
                raise TypeError(f"the field {name} has neither an option nor an argument")
            for declare in get_args(hint)[1:]:
                declare(command)
            # click keeps the parameters of a function that is not yet a command in this attribute.
            declared: list[click.Parameter] = getattr(command, "__click_params__", [])
            if not declared or declared[-1].name != name:
                raise TypeError(f"the parameter of the field {name} has another name")
        return command

    return decorate


def build(kind: Callable[..., T], given: "DataclassInstance", **others: object) -> T:
    """Return an instance of the dataclass `kind`: of the fields that `given` has too, and of `others`."""
    names = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    shared = {each.name: getattr(given, each.name) for each in fields(given) if each.name in names}
    return kind(**(shared | others))


class Duration(click.ParamType[float]):
    """A span of time, as seconds."""

    name = "duration"

    def __init__(self, *, zero: bool = False) -> None:
        """`zero` allows no time at all."""
        self._zero = zero

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds of a duration."""
        if isinstance(value, float):
            return value
        if self._zero and value == "0":
            return 0.0
        try:
            seconds = parse_duration(value)
        except ValueError:
            self.fail(f"{value[:30]!r} is not a duration: say 500ms, 30s, 5m, 1h or 1m30s.", param, ctx)
        if not (self._zero or seconds > 0) or seconds > LONGEST_DURATION:
            self.fail(f"{value[:30]!r} is out of range: a year at most, and not nothing.", param, ctx)
        return seconds


def at_most(seconds: float) -> Callable[[click.Context, click.Parameter, float | None], float | None]:
    """Return a callback that refuses a longer time."""

    def check(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
        if value is not None and value > seconds:
            raise click.BadParameter(f"it may be {short_duration(seconds)} at most.")
        return value

    return check


class Number(click.FloatRange):
    """A number between bounds: click takes NaN, which is in every range, and infinity."""

    name = "number"

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number that a word stands for."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{str(value)[:30]!r} is not a number.", param, ctx)
        return number


profile = click.option(
    "--profile",
    metavar="NAME",
    envvar="GLOBALCHAT_PROFILE",
    help="Which deployment: 'local' is the local cloud. [default: 'default' if it exists, else 'local']",
)
region = click.option(
    "--region", metavar="REGION", help="Alias, AWS region, or auto. [default: the profile's first]"
)
name = click.option("--name", metavar="NICK", help="What you call yourself. [default: your login name]")
aws_profile = click.option("--aws-profile", metavar="NAME", help="AWS's own profile. [default: AWS_PROFILE]")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
stack_prefix = click.option(
    "--stack-prefix",
    metavar="PREFIX",
    help="What all names on AWS start with. [default: the profile's, else that of cdk.json]",
)
regions = click.option(
    "--regions",
    metavar="A,B",
    help="Aliases or alias=region, comma-separated. [default: all of the deployment]",
)
timeout = click.option(
    "--timeout",
    metavar="TIME",
    type=Duration(),
    callback=at_most(36_000),
    help="How long it may take. [default: 60m, and 3m for each stack beyond four]",
)
role_arn = click.option(
    "--role-arn",
    metavar="ARN",
    help="The role that CloudFormation acts with. [default: the one of last time, else your own rights]",
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def sender(given: str | None) -> str:
    """Return the name to send under: the given one, else the login name."""
    if given is not None:
        return given
    try:
        name = getpass.getuser()[:LONGEST_NAME]
    except (OSError, KeyError):
        return "anonymous"
    return name if is_decoded([name]) else "anonymous"
