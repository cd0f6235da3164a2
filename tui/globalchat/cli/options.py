"""Options of commands: declared as dataclass fields, with types and shared options.

Each option is declared once, as a field with its type, name and help.
"""

import getpass
from collections.abc import Callable
from dataclasses import field, fields
from functools import wraps
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from globalchat.cli.command import is_decoded
from globalchat.client.authors import short_author
from globalchat.core.clock import DAY, WallClock, now_ms, parse_duration, short_duration
from globalchat.core.moments import NotAMoment, parse_moment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Result = TypeVar("Result")
Declare: TypeAlias = Callable[[Callable[..., object]], object]
"""A click decorator that adds a parameter to a function."""
DECLARE = "declare"
"""The key of the decorator in a field's metadata."""

LONGEST_NAME = 32
LONGEST_DURATION = 365.0 * DAY
"""Seconds."""


def option(*names: str, **settings: Any) -> Any:  # noqa: ANN401 - as `dataclasses.field` returns it
    """Return a dataclass field whose value is an option, with the arguments of `click.option`.

    The help shows the default, if there is one.
    """
    return shared(click.option(*names, show_default=settings.get("default") is not None, **settings))


def flag(*names: str, help: str) -> Any:  # noqa: A002, ANN401 - click's name
    """Return a dataclass field that is True if the option is given."""
    return option(*names, is_flag=True, help=help)


def argument(name: str, **settings: Any) -> Any:  # noqa: ANN401
    """Return a dataclass field whose value is an argument, with the arguments of `click.argument`."""
    return shared(click.argument(name, **settings))


def shared(declare: Declare) -> Any:  # noqa: ANN401
    """Return a dataclass field for an option declared by a click decorator, such as those below."""
    return field(metadata={DECLARE: declare})


def parameters(kind: Callable[..., T]) -> Callable[[Callable[[T], Result]], Callable[..., Result]]:
    """Return a decorator for a command's function, which is called with an instance of the dataclass `kind`.

    Each field is an option or an argument, whose parameter has the field's name:

        rate: float = option("--rate", default=10.0, help="Messages a second.")

    Raises:
        TypeError: a field has no option or argument, or one with another name.
    """

    def decorate(function: Callable[[T], Result]) -> Callable[..., Result]:
        @wraps(function)
        def command(**params: object) -> Result:
            return function(kind(**params))

        # As with stacked decorators, the last one is applied first.
        for each in reversed(fields(kind)):  # type: ignore[arg-type]
            if DECLARE not in each.metadata:
                raise TypeError(f"the field {each.name} has neither an option nor an argument")
            each.metadata[DECLARE](command)
            # click stores the parameters of a function that is not yet a command in this attribute.
            declared: list[click.Parameter] = getattr(command, "__click_params__")  # noqa: B009
            if declared[-1].name != each.name:
                raise TypeError(f"the parameter of the field {each.name} has another name")
        return command

    return decorate


def build(kind: Callable[..., T], given: "DataclassInstance", **others: object) -> T:
    """Return an instance of the dataclass `kind`: of the fields that `given` has too, and of `others`."""
    names = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    shared = {each.name: getattr(given, each.name) for each in fields(given) if each.name in names}
    return kind(**(shared | others))


class Duration(click.ParamType[float]):
    """A click type for durations in seconds.

    `zero` allows a duration of 0; `most` is in seconds.
    """

    name = "duration"

    def __init__(self, *, zero: bool = False, most: float = LONGEST_DURATION) -> None:
        self._zero = zero
        self._most = most

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Return the placeholder of the value in the help."""
        return "TIME"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds of a duration."""
        # click converts defaults, and sometimes values, twice.
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
        if seconds > self._most:
            self.fail(f"it may be {short_duration(self._most)} at most.", param, ctx)
        return seconds


class PastMoment(click.ParamType[int]):
    """A moment that is over, as epoch ms: how long ago it was, a time of day, or a date (`core.moments`).

    A time without a zone is this machine's.
    """

    name = "moment"

    def __init__(self, clock: WallClock = now_ms) -> None:
        self._clock = clock

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Return the placeholder of the value in the help."""
        return "TIME"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the epoch ms of a moment."""
        if isinstance(value, int):
            return value
        try:
            return parse_moment(value, self._clock())
        except NotAMoment as error:
            self.fail(f"{error}.", param, ctx)


class Number(click.FloatRange):
    """A number between bounds: click's own type accepts NaN, which is in every range, and infinity."""

    name = "number"

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{str(value)[:30]!r} is not a number.", param, ctx)
        return number


profile = click.option(
    "--profile",
    metavar="NAME",
    envvar="GLOBALCHAT_PROFILE",
    help="The profile; 'local' is the local cloud. [default: 'default' if it exists, else 'local']",
)
region = click.option(
    "--region", metavar="REGION", help="Alias, AWS region, or auto. [default: the profile's first]"
)
name = click.option("--name", metavar="NICK", help="What you call yourself. [default: your login name]")
aws_profile = click.option("--aws-profile", metavar="NAME", help="AWS's own profile. [default: AWS_PROFILE]")
person = click.option(
    "--as", "person", metavar="PERSON", help="On the local cloud: sign as the verified person of this name."
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
stack_prefix = click.option(
    "--stack-prefix",
    metavar="PREFIX",
    help="The prefix of all names on AWS. [default: the profile's, else that of cdk.json]",
)
regions = click.option(
    "--regions",
    metavar="A,B",
    help="Aliases or alias=region, comma-separated. [default: all of the deployment]",
)
timeout = click.option(
    "--timeout",
    type=Duration(most=36_000),
    help="How long it may take. [default: 60m, and 3m for each stack beyond four]",
)
role_arn = click.option(
    "--role-arn",
    metavar="ARN",
    help="The role with which CloudFormation acts. [default: the one of last time, else your own rights]",
)
ascii_only = click.option(
    "--ascii", "ascii_only", is_flag=True, help="Draw with ASCII only. [default: as the locale says]"
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def sender(given: str | None, person: str | None = None) -> str:
    """Return the sender's name: the given one, that of the person who signs, or the login name."""
    if given is not None:
        return given
    if person is not None and (short := short_author(person)[:LONGEST_NAME]):
        return short
    try:
        name = getpass.getuser()[:LONGEST_NAME]
    # In a container, the user id often has no name.
    except (OSError, KeyError):
        return "anonymous"
    # A name in another encoding could not be sent.
    return name if is_decoded([name]) else "anonymous"
