"""Evaluates parsed conditions and projections on items. Pure.

Source: DynamoDB developer guide, "Condition and filter expressions, operators, and functions in DynamoDB".
"""

from collections.abc import Iterable, Mapping
from typing import cast

from globalchat.localcloud.dynamodb.expressions import (
    Between,
    ComparisonNode,
    Condition,
    Function,
    In,
    Junction,
    Literal,
    Not,
    Operand,
    Path,
)
from globalchat.localcloud.dynamodb.items import Item, Value, equal, order, text_in, type_of


def holds(condition: Condition, item: Item) -> bool:
    """Return True if an item meets a condition; a missing attribute meets `<>` and attribute_not_exists."""
    match condition:
        case Junction("AND", conditions):
            return all(holds(each, item) for each in conditions)
        case Junction(_, conditions):
            return any(holds(each, item) for each in conditions)
        case Not(inner):
            return not holds(inner, item)
        case ComparisonNode(operator, left, right):
            return _compares(operator, _value(left, item), _value(right, item))
        case Between(operand, low, high):
            value = _value(operand, item)
            return _compares(">=", value, _value(low, item)) and _compares("<=", value, _value(high, item))
        case In(operand, options):
            value = _value(operand, item)
            return any(_compares("=", value, _value(option, item)) for option in options)
        case Function():
            return _function_holds(condition, item)


def paths_of(condition: Condition | Operand) -> Iterable[Path]:
    """Return the document paths in a condition."""
    match condition:
        case Path():
            return [condition]
        case Literal():
            return []
        case Junction(_, parts) | Function(_, parts):
            inner: tuple[Condition | Operand, ...] = parts
        case Not(negated):
            inner = (negated,)
        case ComparisonNode(_, left, right):
            inner = (left, right)
        case Between(operand, low, high):
            inner = (operand, low, high)
        case In(operand, options):
            inner = (operand, *options)
    return [path for part in inner for path in paths_of(part)]


def project(item: Item, paths: Iterable[Path]) -> Item:
    """Return the parts of an item at some paths; of a list, the chosen elements in their order."""
    chosen: dict[str | int, object] = {}
    for path in paths:
        level = chosen
        for part in path.parts[:-1]:
            level = cast("dict[str | int, object]", level.setdefault(part, {}))
        level[path.parts[-1]] = None
    return _chosen_members(item, chosen)


def _chosen_members(members: Item, chosen: Mapping[str | int, object]) -> Item:
    found = {}
    for name, value in members.items():
        if name in chosen:
            part = _chosen_part(value, chosen[name])
            if part is not None:
                found[name] = part
    return found


def _chosen_part(value: Value, chosen: object) -> Value | None:
    """Return the selected part of a value (None selects all of it), or None if it has no such part."""
    if chosen is None:
        return value
    inner = cast("dict[str | int, object]", chosen)
    match value:
        case {"M": members}:
            found = _chosen_members(cast("Item", members), inner)
            return {"M": dict(found)} if found else None
        case {"L": elements}:
            parts = [
                _chosen_part(each, inner[place])
                for place, each in enumerate(cast("list[Value]", elements))
                if place in inner
            ]
            kept = [part for part in parts if part is not None]
            return {"L": list(kept)} if kept else None
    return None


def _value(operand: Operand, item: Item) -> Value | None:
    match operand:
        case Literal(value):
            return value
        case Path():
            return _at(operand, item)
        case Function(_, operands):
            measured = _value(operands[0], item)
            return None if measured is None else _size(measured)


def _at(path: Path, item: Item) -> Value | None:
    value: Value = {"M": dict(item)}
    for part in path.parts:
        match value, part:
            case {"M": dict(members)}, str() if part in members:
                value = cast("Value", members[part])
            case {"L": list(elements)}, int() if part < len(elements):
                value = cast("Value", elements[part])
            case _:
                return None
    return value


def _size(value: Value) -> Value | None:
    """Return the result of `size`: UTF-16 units of a string, elements of other types."""
    kind = type_of(value)
    if kind == "S":
        return {"N": str(len(text_in(value).encode("utf-16-le")) // 2)}
    held = value[kind]
    return {"N": str(len(held))} if isinstance(held, list | dict) else None


def _compares(operator: str, left: Value | None, right: Value | None) -> bool:
    # A missing operand differs from everything, and has no order.
    if operator == "<>":
        return left is None or right is None or not equal(left, right)
    if left is None or right is None:
        return False
    if operator == "=":
        return equal(left, right)
    compared = order(left, right)
    if compared is None:
        return False
    match operator:
        case "<":
            return compared < 0
        case "<=":
            return compared <= 0
        case ">":
            return compared > 0
    return compared >= 0


def _function_holds(function: Function, item: Item) -> bool:
    first, *rest = (_value(operand, item) for operand in function.operands)
    if function.name == "attribute_exists":
        return first is not None
    if function.name == "attribute_not_exists":
        return first is None
    second = rest[0]
    if first is None or second is None:
        return False
    if function.name == "attribute_type":
        return type_of(first) == text_in(second)
    if function.name == "begins_with":
        return type_of(first) == type_of(second) == "S" and text_in(first).startswith(text_in(second))
    return _contains(first, second)


def _contains(container: Value, element: Value) -> bool:
    """Return True if a string contains a text, a set a scalar of its type, a list any value."""
    match container, element:
        case {"S": str(text)}, {"S": str(part)}:
            return part in text
        case ({"SS": list(texts)}, {"S": part}) | ({"NS": list(texts)}, {"N": part}):
            return part in texts
        case {"L": list(elements)}, _:
            return any(equal(cast("Value", each), element) for each in elements)
    return False
