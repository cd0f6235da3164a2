"""The tests that a pattern's leaf may hold: values and operators such as `prefix` or `numeric`."""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Refusal
from globalchat.localcloud.globs import compile_glob

Test: TypeAlias = Callable[[JSON], bool]
"""From one scalar of an event to whether it matches."""

_NUMBER_LIMIT = 5.0e9
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def leaf(value: JSON, path: str) -> Test:
    """Compile one element of a leaf's list: a value, or an object with one operator (`exists` excepted).

    Raises:
        Refusal: not a value or operator that EventBridge takes there.
    """
    if isinstance(value, dict):
        name, argument = single(value, path)
        return _operator(name, argument, path)
    if isinstance(value, list):
        raise Refusal(f"{path} is a list inside a list")
    return _equal(value)


def single(value: Mapping[str, JSON], path: str) -> tuple[str, JSON]:
    """The only key of an operator's object and its argument."""
    if len(value) != 1:
        raise Refusal(f"{path} must have one operator, but has {len(value)}")
    return next(iter(value.items()))


def _operator(name: str, argument: JSON, path: str) -> Test:
    match name:
        case "prefix" | "suffix":
            if isinstance(argument, dict):
                inner, text = single(argument, path)
                if inner != "equals-ignore-case":
                    raise Refusal(f"{path} has the operator {inner} inside {name}, which is not known")
                return _affix(name, _string(text, path), fold=True)
            return _affix(name, _string(argument, path), fold=False)
        case "equals-ignore-case":
            return _ignoring_case(_string(argument, path))
        case "wildcard":
            return _wildcard(_string(argument, path), path)
        case "anything-but":
            return _anything_but(argument, path)
        case "numeric":
            return _numeric(argument, path)
        case "cidr":
            return _cidr(_string(argument, path), path)
    raise Refusal(f"{path} has the operator {name}, which is not known")


def _equal(value: JSON) -> Test:
    if isinstance(value, bool) or value is None:
        return lambda event: event is value
    if isinstance(value, str):
        return lambda event: isinstance(event, str) and event == value
    return lambda event: is_number(event) and event == value


def _affix(name: str, text: str, *, fold: bool) -> Test:
    wanted = text.lower() if fold else text
    test = str.startswith if name == "prefix" else str.endswith
    if fold:
        return lambda event: isinstance(event, str) and test(event.lower(), wanted)
    return lambda event: isinstance(event, str) and test(event, wanted)


def _ignoring_case(text: str) -> Test:
    wanted = text.lower()
    return lambda event: isinstance(event, str) and event.lower() == wanted


def _wildcard(text: str, path: str) -> Test:
    """A `*` stands for any characters, never two in a row; a backslash escapes `*` and itself alone."""
    fixed, position, after_star = [""], 0, False
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
            if position == len(text) or text[position] not in "*\\":
                raise Refusal(f"{path} has a wildcard with a backslash before neither * nor \\")
            fixed[-1] += re.escape(text[position])
        elif char == "*":
            if after_star:
                raise Refusal(f"{path} has a wildcard with two * in a row")
            fixed.append("")
        else:
            fixed[-1] += re.escape(char)
        after_star = char == "*"
        position += 1
    compiled = compile_glob(fixed)
    return lambda event: isinstance(event, str) and compiled.fullmatch(event) is not None


def _anything_but(argument: JSON, path: str) -> Test:
    """Any scalar but some strings, some numbers (a list does not mix them), or strings of some form."""
    if isinstance(argument, dict):
        name, inner = single(argument, path)
        if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise Refusal(f"{path} has the operator {name} inside anything-but, which is not known")
        texts = [_string(item, path) for item in _listed(inner, path)]
        tests = [_operator(name, text, path) for text in texts]
    else:
        values = _listed(argument, path)
        if not all(isinstance(value, str) for value in values) and not all(map(is_number, values)):
            raise Refusal(f"{path} has an anything-but that is neither all strings nor all numbers")
        tests = [_equal(value) for value in values]
    return lambda event: not any(test(event) for test in tests)


def _numeric(argument: JSON, path: str) -> Test:
    """One comparison, or a range: `>` or `>=` and then `<` or `<=`."""
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        raise Refusal(f"{path} has a numeric that is no list of one or two comparisons")
    names = [str(name) for name in argument[::2]]
    bounds = [_bound(value, path) for value in argument[1::2]]
    if any(name not in _COMPARE for name in names):
        raise Refusal(f"{path} has a numeric with an unknown comparison")
    if len(names) == 2 and (
        names[0] not in (">", ">=") or names[1] not in ("<", "<=") or bounds[0] >= bounds[1]
    ):
        raise Refusal(f"{path} has a numeric range that is not a lower and then a higher bound")
    comparisons = [(_COMPARE[name], bound) for name, bound in zip(names, bounds, strict=True)]
    return lambda event: (
        isinstance(event, int | float)
        and not isinstance(event, bool)
        and all(compare(event, bound) for compare, bound in comparisons)
    )


def _bound(value: JSON, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _NUMBER_LIMIT:
        raise Refusal(f"{path} has a numeric bound that is no number within ±5,000,000,000")
    return value


def _cidr(text: str, path: str) -> Test:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Refusal(f"{path} has a cidr that is no network: {text}") from None

    def matches(event: JSON) -> bool:
        if not isinstance(event, str):
            return False
        try:
            return ipaddress.ip_address(event) in network
        except ValueError:
            return False

    return matches


def _listed(value: JSON, path: str) -> list[JSON]:
    if value == []:
        raise Refusal(f"{path} is an empty list")
    return value if isinstance(value, list) else [value]


def _string(value: JSON, path: str) -> str:
    if not isinstance(value, str):
        raise Refusal(f"{path} has an operator that takes a string, but got something else")
    return value


def is_number(value: JSON) -> bool:
    """Whether a JSON value is a number (`true` is not, though Python counts it as 1)."""
    return isinstance(value, int | float) and not isinstance(value, bool)
