"""Queries answered the slow way: a list of items in plain Python, as a model of the real ones."""

from dataclasses import dataclass
from decimal import Decimal

from globalchat.localcloud.definition import KeyAttribute, Table
from globalchat.localcloud.dynamodb.items import Item, Value

TEXT_TABLE = Table(
    "arn:aws:dynamodb:us-west-2:000000000000:table/notes",
    "notes",
    KeyAttribute("topic", "S"),
    KeyAttribute("place", "S"),
    ttl_attribute="expires",
)
NUMBER_TABLE = Table(
    "arn:aws:dynamodb:us-west-2:000000000000:table/scores",
    "scores",
    KeyAttribute("topic", "S"),
    KeyAttribute("place", "N"),
)


@dataclass(frozen=True)
class SortTest:
    """A condition on the sort key, as a request writes it: `place OPERATOR :a`."""

    operator: str
    values: tuple[Value, ...]

    @property
    def expression(self) -> str:
        if self.operator == "begins_with":
            return "begins_with(place, :a)"
        if self.operator == "BETWEEN":
            return "place BETWEEN :a AND :b"
        return f"place {self.operator} :a"

    def holds(self, value: Value) -> bool:
        key, (first, *rest) = _comparable(value), [_comparable(each) for each in self.values]
        match self.operator:
            case "=":
                return key == first
            case "<":
                return key < first
            case "<=":
                return key <= first
            case ">":
                return key > first
            case ">=":
                return key >= first
            case "BETWEEN":
                return first <= key <= rest[0]
        return key[1].startswith(first[1])


class NaiveTable:
    """Items by their keys."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], Item] = {}

    def put(self, item: Item) -> None:
        self._items[str(item["topic"]), str(item["place"])] = item

    def select(self, topic: str, test: SortTest | None, *, forward: bool) -> list[Item]:
        """All items of a topic that meet a test, in order."""
        found = [
            item
            for item in self._items.values()
            if item["topic"] == {"S": topic} and (test is None or test.holds(item["place"]))
        ]
        return sorted(found, key=lambda item: _comparable(item["place"]), reverse=not forward)


def _comparable(value: Value) -> tuple[Decimal, bytes]:
    ((kind, text),) = value.items()
    return (Decimal(0), str(text).encode()) if kind == "S" else (Decimal(str(text)), b"")
