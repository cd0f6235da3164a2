"""Finds the items whose filter may match a value without looking at the others."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from globalchat.localcloud.appsync.model import FilterGroup, FilterRule
from globalchat.localcloud.appsync.realtime.filters import lookup
from globalchat.localcloud.definition import JSON

Item = TypeVar("Item", bound=Hashable)

_Place = tuple[str, Hashable]


class FilterIndex(Generic[Item]):
    """Items by the value that an `eq` rule of their filter asks for.

    Those without such a rule are always candidates. A filter that is nothing but one such rule is settled by
    being a candidate, see `settles`.
    """

    def __init__(self) -> None:
        self._by_value: dict[str, dict[Hashable, dict[Item, None]]] = {}
        self._others: dict[Item, None] = {}

    def add(self, item: Item, group: FilterGroup) -> None:
        """Add an item; it becomes a candidate for every value that its filter matches, and some others."""
        for bucket in self._buckets(_places(group)):
            bucket[item] = None

    def discard(self, item: Item, group: FilterGroup) -> None:
        """Take an item out; `group` is what it was added with."""
        places = _places(group)
        for bucket in self._buckets(places):
            bucket.pop(item, None)
        for name, key in places or ():
            if not self._by_value[name][key]:
                del self._by_value[name][key]
            if not self._by_value[name]:
                del self._by_value[name]

    def candidates(self, value: Mapping[str, JSON]) -> Iterable[Item]:
        """Every item whose filter could match the value, each once."""
        hits = [self._others] if self._others else []
        for name, by_key in self._by_value.items():
            found = lookup(value, name)
            if isinstance(found, str | bool | int | float | None) and (bucket := by_key.get(_key(found))):
                hits.append(bucket)
        if len(hits) == 1:
            return hits[0]
        return dict.fromkeys(item for hit in hits for item in hit)

    def _buckets(self, places: "list[_Place] | None") -> "list[dict[Item, None]]":
        if places is None:
            return [self._others]
        return [self._by_value.setdefault(name, {}).setdefault(key, {}) for name, key in places]


def settles(group: FilterGroup) -> bool:
    """Tell whether every candidate with this filter matches it."""
    return len(group) == 1 and len(group[0]) == 1 and _place(group[0][0]) is not None


def _places(group: FilterGroup) -> "list[_Place] | None":
    """One (field, value) per alternative of the filter; None if one has no `eq` on a plain value."""
    places: dict[_Place, None] = {}
    for rules in group:
        place = next(filter(None, map(_place, rules)), None)
        if place is None:
            return None
        places[place] = None
    return list(places)


def _place(rule: FilterRule) -> _Place | None:
    if rule.operator != "eq" or isinstance(rule.value, list | dict):
        return None
    return rule.field_name, _key(rule.value)


def _key(value: str | float | bool | None) -> Hashable:
    """What stands for a value as JSON compares it: Python calls true and 1 one key."""
    return (bool, value) if isinstance(value, bool) else value
