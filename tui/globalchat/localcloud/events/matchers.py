"""The tests of a pattern's leaves: values and operators such as `prefix` or `numeric`."""

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.iam import compile_glob
from globalchat.localcloud.problems import Invalid

Test: TypeAlias = Callable[[JSON], bool]
"""Returns True if a scalar of an event matches."""

MAX_COMPLEXITY: Final = 10
"""The most prefixes of a field's wildcards that one value may match at once.

AWS does not document its limit. It was observed to refuse `*:*:*:*:*:event-bus/*`, of which a value matches
11 (LocalStack's case `content_wildcard_complex_EXC`), counted like event-ruler's
`MachineComplexityEvaluator`.
"""

_STAR: Final = -1
# The range of numbers that EventBridge compares (user guide, "Numeric matching").
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
        Invalid: not a value or operator that EventBridge accepts there.
    """
    if isinstance(value, dict):
        name, argument = single(value, path)
        return _operator(name, argument, path)
    if isinstance(value, list):
        raise Invalid(f"{path} is a list inside a list")
    return _equal(value)


def single(value: Mapping[str, JSON], path: str) -> tuple[str, JSON]:
    """Return the only key of an operator's object, and its argument."""
    if len(value) != 1:
        raise Invalid(f"{path} must have one operator, but has {len(value)}")
    return next(iter(value.items()))


def _operator(name: str, argument: JSON, path: str) -> Test:
    match name:
        case "prefix" | "suffix":
            if isinstance(argument, dict):
                inner, text = single(argument, path)
                if inner != "equals-ignore-case":
                    raise Invalid(f"{path} has the operator {inner} inside {name}, which is not known")
                return _affix(name, _string(text, path), fold=True)
            return _affix(name, _string(argument, path), fold=False)
        case "exactly":
            # event-ruler has it; EventBridge's guide does not mention it.
            return _equal(_string(argument, path))
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
    raise Invalid(f"{path} has the operator {name}, which is not known")


def _equal(value: JSON) -> Test:
    # By identity, since Python takes 1 and true to be equal.
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
    fixed = [""]
    for char in _wildcard_parts(text, path):
        if char == "":
            fixed.append("")
        else:
            fixed[-1] += re.escape(char)
    compiled = compile_glob(fixed)
    return lambda event: isinstance(event, str) and compiled.fullmatch(event) is not None


def _wildcard_parts(text: str, path: str) -> Iterator[str]:
    """Parse the characters of a wildcard, with an empty string for each `*`.

    A `*` matches any characters and never follows another; a backslash escapes only `*` and itself.
    """
    position, after_star = 0, False
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
            if position == len(text) or text[position] not in "*\\":
                raise Invalid(f"{path} has a wildcard with a backslash before neither * nor \\")
            yield text[position]
        elif char == "*":
            if after_star:
                raise Invalid(f"{path} has a wildcard with two * in a row")
            yield ""
        else:
            yield char
        after_star = char == "*"
        position += 1


def check_complexity(values: Sequence[JSON], path: str) -> None:
    """Check that the wildcards of one field are not too complex together.

    Raises:
        Invalid: they are, with PutRule's message.
    """
    texts = {text for value in values for text in _wildcards_of(value)}
    if complexity([tuple(_wildcard_parts(text, path)) for text in texts]) > MAX_COMPLEXITY:
        raise Invalid(
            f"{path}: Rule is too complex - try using fewer wildcard characters or fewer repeating character "
            "sequences after a wildcard character"
        )


def _wildcards_of(value: JSON) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("anything-but"), dict):
        yield from _wildcards_of(value["anything-but"])
    inner = value.get("wildcard")
    yield from (text for text in (inner if isinstance(inner, list) else [inner]) if isinstance(text, str))


def complexity(wildcards: Sequence[Sequence[str]], enough: int = MAX_COMPLEXITY + 1) -> int:
    """Return the most prefixes of wildcards that one value can match, up to `enough`.

    A wildcard is given as its characters, empty for `*`. The prefixes of `a*b` are `a`, `a*` and `a*b`; the
    value `ab` matches two of them. Bytes count, as in event-ruler.
    """
    codes = [
        [code for part in parts for code in part.encode("utf-8", "surrogatepass") or (_STAR,)]
        for parts in wildcards
    ]
    begin = _with_stars(codes, {(index, 0) for index in range(len(codes))})
    most, known, rest = 0, {begin}, [begin]
    while rest and most < enough:
        active = rest.pop()
        most = max(most, sum(1 for _, position in active if position))
        following = {codes[i][p] for i, p in active if p < len(codes[i])} - {_STAR}
        for code in (*following, None):
            after = _after(codes, active, code)
            if after and after not in known:
                known.add(after)
                rest.append(after)
    return min(most, enough)


_Positions: TypeAlias = "frozenset[tuple[int, int]]"
"""Prefixes of wildcards: which wildcard, and how many of its codes."""


def _after(codes: Sequence[Sequence[int]], active: _Positions, code: int | None) -> _Positions:
    """Return the prefixes that match after one more byte; None is a byte that no wildcard has there."""
    stays = {(i, p) for i, p in active if p and codes[i][p - 1] == _STAR}
    moves = {(i, p + 1) for i, p in active if p < len(codes[i]) and codes[i][p] == code}
    return _with_stars(codes, stays | moves)


def _with_stars(codes: Sequence[Sequence[int]], positions: set[tuple[int, int]]) -> _Positions:
    """Return the positions and those behind a following `*`, which may match nothing."""
    stars = {(i, p + 1) for i, p in positions if p < len(codes[i]) and codes[i][p] == _STAR}
    return frozenset(positions | stars)


def _anything_but(argument: JSON, path: str) -> Test:
    """Compile `anything-but`: strings, numbers (a list does not mix them), or strings of some form."""
    if isinstance(argument, dict):
        name, inner = single(argument, path)
        if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise Invalid(f"{path} has the operator {name} inside anything-but, which is not known")
        texts = [_string(item, path) for item in _listed(inner, path)]
        if name in ("prefix", "suffix") and "" in texts:
            raise Invalid(f"{path}: Null prefix/suffix not allowed in anything-but")
        tests = [_operator(name, text, path) for text in texts]
    else:
        values = _listed(argument, path)
        if not all(isinstance(value, str) for value in values) and not all(map(is_number, values)):
            raise Invalid(f"{path} has an anything-but that is neither all strings nor all numbers")
        tests = [_equal(value) for value in values]
    return lambda event: not any(test(event) for test in tests)


def _numeric(argument: JSON, path: str) -> Test:
    """Compile `numeric`: one comparison, or a range of `>` or `>=` and then `<` or `<=`."""
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        raise Invalid(f"{path} has a numeric that is no list of one or two comparisons")
    names = [str(name) for name in argument[::2]]
    bounds = [_bound(value, path) for value in argument[1::2]]
    if any(name not in _COMPARE for name in names):
        raise Invalid(f"{path} has a numeric with an unknown comparison")
    if len(names) == 2 and (
        names[0] not in (">", ">=") or names[1] not in ("<", "<=") or bounds[0] >= bounds[1]
    ):
        raise Invalid(f"{path} has a numeric range that is not a lower and then a higher bound")
    comparisons = [(_COMPARE[name], bound) for name, bound in zip(names, bounds, strict=True)]
    return lambda event: (
        isinstance(event, int | float)
        and not isinstance(event, bool)
        and all(compare(event, bound) for compare, bound in comparisons)
    )


def _bound(value: JSON, path: str) -> float:
    # Not `>`, which would let NaN pass.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _NUMBER_LIMIT:
        raise Invalid(f"{path} has a numeric bound that is no number within ±5,000,000,000")
    return value


def _cidr(text: str, path: str) -> Test:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Invalid(f"{path} has a cidr that is no network: {text}") from None

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
        raise Invalid(f"{path} is an empty list")
    return value if isinstance(value, list) else [value]


def _string(value: JSON, path: str) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{path} has an operator that takes a string, but got something else")
    return value


def is_number(value: JSON) -> bool:
    """Return True if a JSON value is a number (`true` is not, though Python counts it as 1)."""
    return isinstance(value, int | float) and not isinstance(value, bool)
