"""Commands whose options and arguments are the fields of a dataclass, each written in one place."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args, get_origin, get_type_hints

import click

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Result = TypeVar("Result")


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
