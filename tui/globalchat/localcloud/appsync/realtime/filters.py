"""Subscription filters: parses and compiles them, and indexes subscriptions by them.

Grammar and limits of enhanced filters follow the AppSync developer guide (`extensions-js`,
`aws-appsync-real-time-enhanced-filtering`). Not documented there, and chosen here: an absent field counts as
null, `eq null` matches it, and the negative operators (`ne`, `notIn`, `notContains`) let it through.
"""

import itertools
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from globalchat.localcloud.appsync.model import FilterGroup, FilterRule
from globalchat.localcloud.definition import JSON

Predicate = Callable[[Mapping[str, JSON]], bool]

MAX_GROUPS: Final = 10
MAX_FIELDS: Final = 5
MAX_LEVELS: Final = 5
MAX_STRING: Final = 256
MAX_IN: Final = 5
MAX_CONTAINS_ANY: Final = 20

Item = TypeVar("Item", bound=Hashable)
_EqKey = tuple[str, Hashable]
"""A field's name and the value of its `eq` rule."""


class _OutOfReach:
    """The value of a nested name that passes through a list: no rule matches it."""


_OUT_OF_REACH: Final = _OutOfReach()


def parse_filter(document: JSON) -> FilterGroup:
    """Parse `{"filterGroup": [{"filters": [{"fieldName", "operator", "value"}]}]}`.

    An `in` becomes one alternative with `eq` per value; all of them count toward the limit of groups.

    Raises:
        ValueError: the shape is wrong or a limit of AppSync is exceeded; the message is a sentence.
    """
    if not isinstance(document, dict) or not isinstance(document.get("filterGroup"), list):
        raise ValueError('A subscription filter is an object with a list "filterGroup".')
    entries = document["filterGroup"]
    groups: list[list[FilterRule]] = []
    for entry in entries if isinstance(entries, list) else []:
        rules = entry.get("filters") if isinstance(entry, dict) else None
        if not isinstance(rules, list) or not rules:
            raise ValueError('Each entry of "filterGroup" is an object with a non-empty list "filters".')
        groups += _expand([_parse_rule(rule) for rule in rules])
    if not groups:
        raise ValueError('"filterGroup" has no entry.')
    if len(groups) > MAX_GROUPS:
        raise ValueError(
            f'A filter has at most {MAX_GROUPS} groups; this one has {len(groups)} ("in" expanded).'
        )
    return groups


def compile_filter(group: FilterGroup) -> Predicate:
    """Compile a filter to a predicate: True if all rules of an inner sequence match. It never raises."""
    alternatives = [[_compile_rule(rule) for rule in rules] for rules in group]
    # Most filters are a single rule, which needs no generators.
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        return alternatives[0][0]
    return lambda value: any(all(test(value) for test in tests) for tests in alternatives)


def argument_filter(arguments: Mapping[str, JSON]) -> FilterGroup:
    """Return a filter that matches if every supplied argument equals the field of its name."""
    return [[FilterRule(name, "eq", value) for name, value in arguments.items()]]


def lookup(value: Mapping[str, JSON], field_name: str) -> "JSON | _OutOfReach":
    """Return the value of a possibly nested field (`a.b`); None if it is absent."""
    # The common case, executed for every delivery.
    if "." not in field_name:
        return value.get(field_name)
    found: object = value
    for name in field_name.split("."):
        if isinstance(found, list):
            return _OUT_OF_REACH
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found  # type: ignore[return-value]


def same(left: object, right: object) -> bool:
    """Return True if two JSON values are equal: true is not 1, 1 is 1.0, other types never equal."""
    # In Python, True equals 1.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return type(left) is type(right) and left == right


def _parse_rule(rule: JSON) -> FilterRule:
    if not isinstance(rule, dict) or set(rule) != {"fieldName", "operator", "value"}:
        raise ValueError('A filter rule has exactly "fieldName", "operator" and "value".')
    name, operator, value = rule["fieldName"], rule["operator"], rule["value"]
    if not isinstance(name, str) or not all(name.split(".")):
        raise ValueError(f'"fieldName" is a name or names joined by dots, not {name!r}.')
    if len(name.split(".")) > MAX_LEVELS:
        raise ValueError(f'The field name "{name}" has more than {MAX_LEVELS} levels.')
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise ValueError(f"There is no filter operator {operator!r}; there are {', '.join(_OPERATORS)}.")
    problem = _OPERATORS[operator][0](value)
    if problem is not None:
        raise ValueError(f'The operator "{operator}" of field "{name}" takes {problem}.')
    _check_strings(name, value)
    return FilterRule(name, operator, value)


def _check_strings(name: str, value: JSON) -> None:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and len(item) > MAX_STRING:
            raise ValueError(f'A string of field "{name}" is longer than {MAX_STRING} characters.')


def _expand(rules: Sequence[FilterRule]) -> list[list[FilterRule]]:
    if len({rule.field_name for rule in rules}) > MAX_FIELDS:
        raise ValueError(f"A filter group names at most {MAX_FIELDS} different fields.")
    choices = [
        [FilterRule(rule.field_name, "eq", value) for value in rule.value]
        if rule.operator == "in" and isinstance(rule.value, list)
        else [rule]
        for rule in rules
    ]
    # Two "in" rules of 5 values are 25 groups; without this check more rules would make millions of groups.
    product = itertools.islice(itertools.product(*choices), MAX_GROUPS + 1)
    return [list(alternative) for alternative in product]


def _compile_rule(rule: FilterRule) -> Predicate:
    holds, name, wanted = _OPERATORS[rule.operator][1], rule.field_name, rule.value

    def test(value: Mapping[str, JSON]) -> bool:
        found = lookup(value, name)
        return found is not _OUT_OF_REACH and holds(found, wanted)

    return test


def _is_ordered(left: object, right: object) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    return (isinstance(left, str) and isinstance(right, str)) or (
        isinstance(left, int | float) and isinstance(right, int | float)
    )


def _less(left: object, right: object) -> bool:
    return _is_ordered(left, right) and left < right  # type: ignore[operator]


def _at_most(left: object, right: object) -> bool:
    return _is_ordered(left, right) and left <= right  # type: ignore[operator]


def _contains(found: object, wanted: object) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str) and wanted in found
    return isinstance(found, list) and any(same(item, wanted) for item in found)


def _begins_with(found: object, wanted: object) -> bool:
    return isinstance(found, str) and isinstance(wanted, str) and found.startswith(wanted)


def _is_in(found: object, wanted: object) -> bool:
    return isinstance(wanted, list) and any(same(found, item) for item in wanted)


def _between(found: object, wanted: object) -> bool:
    return isinstance(wanted, list) and _at_most(wanted[0], found) and _at_most(found, wanted[1])


def _contains_any(found: object, wanted: object) -> bool:
    return isinstance(wanted, list) and any(_contains(found, item) for item in wanted)


def _scalar(value: JSON) -> str | None:
    return "a string, a number, a boolean or null" if isinstance(value, list | dict) else None


def _orderable(value: JSON) -> str | None:
    return None if _is_ordered(value, value) else "a string or a number"


def _string(value: JSON) -> str | None:
    return None if isinstance(value, str) else "a string"


def _values(most: int) -> Callable[[JSON], str | None]:
    def check(value: JSON) -> str | None:
        if isinstance(value, list) and 1 <= len(value) <= most and not any(map(_orderable, value)):
            return None
        return f"a list of 1 to {most} strings or numbers"

    return check


def _pair(value: JSON) -> str | None:
    if isinstance(value, list) and len(value) == 2 and _is_ordered(value[0], value[1]):
        return None
    return "a list of two strings or two numbers"


_OPERATORS: Final[dict[str, tuple[Callable[[JSON], str | None], Callable[[object, object], bool]]]] = {
    "eq": (_scalar, same),
    "ne": (_scalar, lambda found, wanted: not same(found, wanted)),
    "le": (_orderable, _at_most),
    "lt": (_orderable, _less),
    "ge": (_orderable, lambda found, wanted: _at_most(wanted, found)),
    "gt": (_orderable, lambda found, wanted: _less(wanted, found)),
    "contains": (_orderable, _contains),
    "notContains": (_orderable, lambda found, wanted: not _contains(found, wanted)),
    "beginsWith": (_string, _begins_with),
    "in": (_values(MAX_IN), _is_in),
    "notIn": (_values(MAX_IN), lambda found, wanted: not _is_in(found, wanted)),
    "between": (_pair, _between),
    "containsAny": (_values(MAX_CONTAINS_ANY), _contains_any),
}
"""For each operator, a check of its value (returns what is expected, or None) and its test."""


class FilterIndex(Generic[Item]):
    """Finds the items whose filter may match a value without looking at all items.

    Items are indexed by the value of an `eq` rule of their filter; those without such a rule are always
    candidates. If `is_exact` is true of a filter, every candidate with it matches.
    """

    def __init__(self) -> None:
        self._by_value: dict[str, dict[Hashable, dict[Item, None]]] = {}
        self._others: dict[Item, None] = {}

    def add(self, item: Item, group: FilterGroup) -> None:
        """Add an item; it becomes a candidate for every value that its filter matches, and some others."""
        for bucket in self._buckets(_eq_keys(group)):
            bucket[item] = None

    def discard(self, item: Item, group: FilterGroup) -> None:
        """Remove an item; `group` is the filter that it was added with."""
        keys = _eq_keys(group)
        for bucket in self._buckets(keys):
            bucket.pop(item, None)
        # Otherwise empty buckets would pile up for values that are used once, such as ids.
        for name, key in keys or ():
            if not self._by_value[name][key]:
                del self._by_value[name][key]
            if not self._by_value[name]:
                del self._by_value[name]

    def candidates(self, value: Mapping[str, JSON]) -> Collection[Item]:
        """Return every item whose filter could match the value, each once.

        Until an item is added or discarded, values with the same single candidates get the same object.
        """
        hits = [self._others] if self._others else []
        for name, by_key in self._by_value.items():
            found = lookup(value, name)
            if isinstance(found, str | bool | int | float | None) and (bucket := by_key.get(_key(found))):
                hits.append(bucket)
        # The bucket itself, not a copy: it may contain ten thousand items.
        if len(hits) == 1:
            return hits[0]
        # An item may be indexed under several fields, but is a candidate only once.
        return dict.fromkeys(item for hit in hits for item in hit)

    def _buckets(self, keys: "list[_EqKey] | None") -> "list[dict[Item, None]]":
        if keys is None:
            return [self._others]
        return [self._by_value.setdefault(name, {}).setdefault(key, {}) for name, key in keys]


def is_exact(group: FilterGroup) -> bool:
    """Return True if every candidate with this filter matches it, since it is a single `eq` rule."""
    return len(group) == 1 and len(group[0]) == 1 and _eq_key(group[0][0]) is not None


def _eq_keys(group: FilterGroup) -> "list[_EqKey] | None":
    """Return one (field, value) per alternative of the filter; None if one has no `eq` on a plain value."""
    keys: dict[_EqKey, None] = {}
    for rules in group:
        key = next(filter(None, map(_eq_key, rules)), None)
        if key is None:
            return None
        keys[key] = None
    return list(keys)


def _eq_key(rule: FilterRule) -> _EqKey | None:
    if rule.operator != "eq" or isinstance(rule.value, list | dict):
        return None
    return rule.field_name, _key(rule.value)


def _key(value: str | float | bool | None) -> Hashable:
    """Return a dictionary key that distinguishes JSON values: Python treats true and 1 as equal."""
    return (bool, value) if isinstance(value, bool) else value
