"""EventBridge's event patterns: compiled once into a function from an event to whether it matches.

Sources: EventBridge user guide, "Comparison operators"; the README of aws/event-ruler, the matcher behind it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Refusal
from globalchat.localcloud.events.matchers import Test, leaf, single

Matcher: TypeAlias = Callable[[JSON], bool]
"""From an event, in its envelope, to whether it matches."""

_RESERVED = frozenset(
    {
        "anything-but",
        "cidr",
        "equals-ignore-case",
        "exactly",
        "exists",
        "numeric",
        "prefix",
        "suffix",
        "wildcard",
    }
)

# An empty list has no value to match: to a pattern it is the same as no field at all.
_ABSENT: JSON = []


def compile_pattern(pattern: Mapping[str, JSON]) -> Matcher:
    """Compile a pattern.

    Raises:
        Refusal: EventBridge would not take it, or it has an operator that is not known; names the place.
    """
    return _object(pattern, "")


def _object(pattern: Mapping[str, JSON], place: str) -> Matcher:
    """All fields must match, inside one and the same object if the event has a list of them."""
    if not pattern:
        raise Refusal(f"{place or 'the pattern'} is empty")
    alternatives: list[Matcher] = []
    fields: list[tuple[str, Matcher]] = []
    for name, value in pattern.items():
        path = f"{place}.{name}" if place else name
        if name == "$or" and _is_or(value):
            alternatives.append(_any(value, path))
        elif isinstance(value, dict):
            fields.append((name, _object(value, path)))
        else:
            fields.append((name, _field(value, path)))

    def matches(event: JSON) -> bool:
        if isinstance(event, list) and event:
            return any(matches(item) for item in event)
        # Where there is no object its fields are absent, and tests for absence hold.
        found = event if isinstance(event, dict) else {}
        for name, test in fields:
            if not test(found.get(name, _ABSENT)):
                return False
        return all(test(found) for test in alternatives)

    return matches


def _is_or(value: JSON) -> bool:
    """Whether `$or` is the operator; anything else is a field of that name, as before the operator came."""
    return (
        isinstance(value, list)
        and len(value) >= 2
        and all(isinstance(item, dict) and item and not (item.keys() & _RESERVED) for item in value)
    )


def _any(value: JSON, path: str) -> Matcher:
    items = value if isinstance(value, list) else []
    tests = [_object(item, f"{path}[{index}]") for index, item in enumerate(items) if isinstance(item, dict)]
    return lambda event: any(test(event) for test in tests)


def _field(value: JSON, path: str) -> Matcher:
    """One of the listed values must match; a list in the event matches with any of its elements."""
    if not isinstance(value, list):
        raise Refusal(f"{path} is neither an object nor a list")
    if not value:
        raise Refusal(f"{path} is an empty list")
    presences = {_presence(item, path) for item in value if _is_exists(item)}
    strings = frozenset(item for item in value if isinstance(item, str))
    tests = [leaf(item, path) for item in value if not isinstance(item, str) and not _is_exists(item)]
    return _leaf_matcher(strings, tests, present=True in presences, absent=False in presences)


def _leaf_matcher(strings: frozenset[str], tests: list[Test], *, present: bool, absent: bool) -> Matcher:
    def scalar_matches(event: JSON) -> bool:
        if present or (isinstance(event, str) and event in strings):
            return True
        return any(test(event) for test in tests)

    def matches(event: JSON) -> bool:
        if not isinstance(event, list | dict):
            return scalar_matches(event)
        scalars = list(_scalars(event))
        return any(map(scalar_matches, scalars)) if scalars else absent

    return matches


def _scalars(event: JSON) -> Iterator[JSON]:
    """The scalars of nested lists. Objects have none: only leaves exist to a pattern."""
    if isinstance(event, list):
        for item in event:
            yield from _scalars(item)
    elif not isinstance(event, dict):
        yield event


def _is_exists(item: JSON) -> bool:
    return isinstance(item, dict) and "exists" in item


def _presence(item: JSON, path: str) -> bool:
    _, argument = single(item if isinstance(item, dict) else {}, path)
    if not isinstance(argument, bool):
        raise Refusal(f"{path} has an exists that is neither true nor false")
    return argument
