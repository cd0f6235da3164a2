"""EventBridge's event patterns: compiled once into a function from an event to whether it matches.

To a pattern an event is a list of scalars, each at a path of names joined by dots: `{"a.b": 1}` and
`{"a": {"b": 1}}` are the same event, and the same holds for patterns. Where an event has a list, all fields
of the pattern in it must match within the same element.

Sources: EventBridge user guide, "Comparison operators" and "Considerations when creating event patterns";
README and sources of aws/event-ruler, the matcher behind it (`JsonRuleCompiler`, `ACFinder`, `NameState`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from globalchat.localcloud import json_text
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.matchers import Test, check_complexity, leaf, single
from globalchat.localcloud.problems import Invalid

Matcher: TypeAlias = Callable[[JSON], bool]
"""Returns True if an event, in its envelope, matches."""

MAX_COMBINATIONS: Final = 1_000
"""The most rules without `$or` into which a pattern may expand (user guide, `$or` matching)."""

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


_NESTED: Final = (dict, list)  # a union of types would be made, and takes longer to check

MANDATORY: Final = ("id", "account", "source", "time", "region", "resources", "detail-type")
"""The fields that an event must have (EventBridge API reference, "TestEventPattern")."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What matches at a path: `strings`, values that pass a test, any (`present`) or none (`absent`)."""

    strings: frozenset[str]
    tests: tuple[Test, ...]
    present: bool
    absent: bool

    def matches(self, value: JSON) -> bool:
        """Return True if a scalar of the event matches."""
        if self.present or value in self.strings:
            return True
        # Most fields have no tests: those need no generator.
        return bool(self.tests) and any(test(value) for test in self.tests)


_Rule: TypeAlias = "dict[str, _Field]"
"""Fields by their path, all of which must match."""


def compile_pattern(pattern: Mapping[str, JSON]) -> Matcher:
    """Compile a pattern.

    Raises:
        Invalid: EventBridge would refuse it, or it has an unknown operator; names the place.
    """
    return _Programs([_Program(rule) for rule in _extended([{}], pattern, "", "")]).matches


def _extended(rules: list[_Rule], pattern: Mapping[str, JSON], place: str, prefix: str) -> list[_Rule]:
    """Return the rules with the fields of an object added.

    `place` is the object's place in the pattern, for error messages; `prefix` is the path of its fields in
    an event. An existing path is replaced, as in event-ruler.
    """
    if not pattern:
        raise Invalid(f"{place or 'the pattern'} is empty")
    for name, value in pattern.items():
        inner = f"{place}.{name}" if place else name
        path = f"{prefix}.{name}" if prefix else name
        if name == "$or" and _is_or(value):
            rules = _alternatives(rules, value, inner, prefix)
        elif isinstance(value, dict):
            rules = _extended(rules, value, inner, path)
        else:
            found = _field(value, inner)
            rules = [{**rule, path: found} for rule in rules]
    return rules


def _is_or(value: JSON) -> bool:
    """Return True if `$or` is the operator.

    Else it is a field of that name, as before the operator existed.
    """
    return (
        isinstance(value, list)
        and len(value) >= 2
        and all(isinstance(item, dict) and item and not (item.keys() & _RESERVED) for item in value)
    )


def _alternatives(rules: list[_Rule], value: JSON, place: str, prefix: str) -> list[_Rule]:
    """Return the rules once for each object in the list of an `$or`."""
    found: list[_Rule] = []
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            found += _extended(rules, item, f"{place}[{index}]", prefix)
        # Nested `$or`s multiply, so check here before a pattern fills the memory.
        if len(found) > MAX_COMBINATIONS:
            raise Invalid(f"{place} makes more than {MAX_COMBINATIONS} combinations")
    return found


def _field(value: JSON, path: str) -> _Field:
    """Compile the list of a field: one of its values must match."""
    if not isinstance(value, list):
        raise Invalid(f"{path} is neither an object nor a list")
    if not value:
        raise Invalid(f"{path} is an empty list")
    check_complexity(value, path)
    presences = {_presence(item, path) for item in value if _is_exists(item)}
    return _Field(
        strings=frozenset(item for item in value if isinstance(item, str)),
        tests=tuple(leaf(item, path) for item in value if not isinstance(item, str) and not _is_exists(item)),
        present=True in presences,
        absent=False in presences,
    )


def _is_exists(item: JSON) -> bool:
    return isinstance(item, dict) and "exists" in item


def _presence(item: JSON, path: str) -> bool:
    _, argument = single(item if isinstance(item, dict) else {}, path)
    if not isinstance(argument, bool):
        raise Invalid(f"{path} has an exists that is neither true nor false")
    return argument


@dataclass(slots=True)
class _Step:
    """A name on the path to fields; `fields` are the numbers of those whose path ends here."""

    following: "dict[str, _Step]" = field(default_factory=dict)
    fields: list[int] = field(default_factory=list)

    def at(self, segments: Sequence[str]) -> "_Step | None":
        """Return the step after some names; None if there is no field."""
        step: _Step | None = self
        for segment in segments:
            step = step.following.get(segment) if step is not None else None
        return step

    def add(self, segments: Sequence[str], number: int) -> None:
        """Add the path to a field."""
        step = self
        for segment in segments:
            step = step.following.setdefault(segment, _Step())
        step.fields.append(number)


class _Program:
    """The fields of a rule without `$or`, numbered in the order of their paths.

    A set of fields is an integer: bit n stands for field n.
    """

    def __init__(self, rule: _Rule) -> None:
        ordered = sorted(rule.items())
        self._fields = [each for _, each in ordered]
        self._root = _Step()
        for number, (path, _) in enumerate(ordered):
            self._root.add(path.split("."), number)
        self._all = (1 << len(ordered)) - 1
        self._absent = [number for number, each in enumerate(self._fields) if each.absent]
        self._lookups = [(*path.rpartition(".")[::2], each) for path, each in ordered]
        self.holders = frozenset(holder for holder, _, _ in self._lookups)
        """The paths of the objects that hold the fields; the event itself is the empty path."""

    def matches_simple(self, holders: Mapping[str, Mapping[str, JSON]]) -> bool | None:
        """Return True if all fields match; None if there is a list or an object where a field is.

        `holders` are the objects at the paths of `self.holders`; no name in them has a dot.
        """
        for holder, name, each in self._lookups:
            found = holders[holder]
            if name in found:
                value = found[name]
                if isinstance(value, _NESTED):
                    return None
                if not each.matches(value):
                    return False
            elif not each.absent:
                return False
        return True

    def matches(self, event: JSON) -> bool:
        """Return True if all fields match, in an event of any form."""
        found, seen = self._satisfied(event, self._root)
        absent = sum(1 << number for number in self._absent) & ~seen
        return any(each | absent == self._all for each in found)

    def _satisfied(self, event: JSON, step: _Step) -> tuple[list[int], int]:
        """Return the largest sets of fields that match together in part of an event, and the fields it has.

        Of a list, one element is chosen; different fields of an object are independent.
        """
        if isinstance(event, dict):
            return self._satisfied_in_object(event, step)
        if isinstance(event, list):
            return self._satisfied_in_list(event, step)
        matching = seen = 0
        for number in step.fields:
            seen |= 1 << number
            if self._fields[number].matches(event):
                matching |= 1 << number
        return [matching], seen

    def _satisfied_in_object(self, event: dict[str, JSON], step: _Step) -> tuple[list[int], int]:
        found, seen = [0], 0
        for name, value in event.items():
            inner = step.at(name.split(".")) if "." in name else step.following.get(name)
            if inner is None:
                continue
            more, there = self._satisfied(value, inner)
            seen |= there
            if len(more) == 1:  # The common case needs no sets.
                found = [each | more[0] for each in found]
            else:
                found = _largest({each | other for each in found for other in more})
        return found, seen

    def _satisfied_in_list(self, event: list[JSON], step: _Step) -> tuple[list[int], int]:
        """Choose an element of a list.

        A field that only other elements have is absent if a field with a smaller path has chosen the element
        first: event-ruler visits fields in the order of their paths (`NameState.getNameTransitions`).
        """
        elements, seen = set(), 0
        for item in event:
            found, there = self._satisfied(item, step)
            seen |= there
            for each in found:
                absent = (n for n in self._absent if not there >> n & 1 and each & ((1 << n) - 1))
                elements.add(each | sum(1 << number for number in absent) if each else 0)
        return _largest(elements) or [0], seen


class _Programs:
    """All rules of a pattern: of more than one (`$or`), any may match."""

    def __init__(self, programs: Sequence[_Program]) -> None:
        self._programs = programs
        names = frozenset().union(*(program.holders for program in programs))
        # Only fields of the event and of objects in it are looked up: the usual case.
        self._has_lookups = not any("." in name for name in names)
        self._names = names - {""}

    def matches(self, event: JSON) -> bool:
        """Return True if a rule matches."""
        holders = self._holders(event) if self._has_lookups and isinstance(event, dict) else None
        for program in self._programs:
            matched = None if holders is None else program.matches_simple(holders)
            if program.matches(event) if matched is None else matched:
                return True
        return False

    def _holders(self, event: dict[str, JSON]) -> dict[str, dict[str, JSON]] | None:
        """Return the objects that hold the fields; None if a name has a dot, or one of them is not an object.

        Looking fields up in them takes a fraction of the work of `_Program.matches`.
        """
        # One search in all names joined is faster than one for each name.
        if "." in "".join(event):
            return None
        holders = {"": event}
        for name in self._names:
            holder = event.get(name, {})
            if not isinstance(holder, dict) or "." in "".join(holder):
                return None
            holders[name] = holder
        return holders


def _largest(sets: set[int]) -> list[int]:
    """Return the sets that no other set contains."""
    if len(sets) < 2:
        return list(sets)
    return [each for each in sets if not any(each != other and each & ~other == 0 for other in sets)]


def matches_pattern(pattern: str, event: str) -> bool:
    """Return True if an event matches a pattern, both given as JSON text.

    Raises:
        Invalid: EventBridge would answer InvalidEventPatternException.
    """
    matches = compile_pattern(_object(pattern, "pattern"))
    document = _object(event, "event")
    missing = [name for name in MANDATORY if name not in document]
    if missing:
        raise Invalid(f"the event lacks {', '.join(missing)}")
    return matches(document)


def _object(text: str, what: str) -> dict[str, JSON]:
    try:
        value = json_text.read(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Invalid(f"the {what} is not a JSON object")
    return value
