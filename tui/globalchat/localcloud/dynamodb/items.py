"""Items and their attribute values, in the form of DynamoDB's API: `{"name": {"S": "tech"}}`.

Sources: DynamoDB developer guide, "Supported data types and naming rules" and "DynamoDB item sizes and
formats"; error messages are as conformance suites have recorded them from AWS.
"""

import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Final, TypeAlias, cast

from globalchat.localcloud.definition import JSON

Value: TypeAlias = dict[str, JSON]
"""An attribute value: an object with one key, the type."""
Item: TypeAlias = dict[str, Value]

MAX_ITEM_BYTES: Final = 400 * 1024
MAX_NESTING: Final = 32
"""Levels of lists and maps in an item."""
MAX_DIGITS: Final = 38

_TYPES: Final = ("S", "N", "BOOL", "NULL", "L", "M", "SS", "NS")
_BINARY: Final = ("B", "BS")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
# More digits than these are refused, not rounded.
_EXACT: Final = Context(prec=4096, Emax=MAX_EMAX, Emin=MIN_EMIN)
_INVALID: Final = "One or more parameter values were invalid: "


class DynamoDBError(Exception):
    """An operation fails, with DynamoDB's message. `code` is AWS's, such as `ValidationException`."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> DynamoDBError:
    """Return a ValidationException."""
    return DynamoDBError("ValidationException", message)


def type_of(value: Value) -> str:
    """Return the type of a checked value."""
    (kind,) = value
    return kind


def text_in(value: Value) -> str:
    """Return the text of a checked value of type S or N."""
    (text,) = value.values()
    return str(text)


def read_item(document: JSON) -> Item:
    """Check the item of a request, and normalise its numbers as DynamoDB does.

    Its size is not checked: see `item_size`.

    Raises:
        DynamoDBError: it is not a map of attribute values.
    """
    if not isinstance(document, dict):
        raise DynamoDBError("SerializationException", "An item is a map of attribute values.")
    return {name: read_value(value) for name, value in document.items()}


def read_value(document: JSON, depth: int = 0) -> Value:
    """Check an attribute value of a request, and normalise its numbers as DynamoDB does.

    Raises:
        DynamoDBError: it has no type or several, does not match its type, or is nested too deeply.
    """
    if depth > MAX_NESTING:
        raise invalid("Nesting Levels have exceeded supported limits")
    if not isinstance(document, dict):
        raise DynamoDBError("SerializationException", "An attribute value is a map of one type to a value.")
    if not document:
        raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    if len(document) > 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    kind, held = next(iter(document.items()))
    # The usual case: ASCII is always valid Unicode.
    if kind == "S" and isinstance(held, str) and held.isascii():
        return {kind: held}
    if kind in _BINARY:
        raise invalid(f"The local cloud does not emulate the attribute type {kind}.")
    if kind not in _TYPES:
        raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    return {kind: _held(kind, held, depth)}


def _held(kind: str, held: JSON, depth: int) -> JSON:
    if kind == "S" and isinstance(held, str):
        return _text(held)
    if kind == "N" and isinstance(held, str):
        return number_text(held)
    if kind == "BOOL" and isinstance(held, bool):
        return held
    if kind == "NULL" and isinstance(held, bool):
        if not held:
            raise invalid(f"{_INVALID}Null attribute value types must have the value of true")
        return True
    if kind == "L" and isinstance(held, list):
        return [read_value(each, depth + 1) for each in held]
    if kind == "M" and isinstance(held, dict):
        return {name: read_value(each, depth + 1) for name, each in held.items()}
    if kind in ("SS", "NS") and isinstance(held, list):
        return _set(kind, held)
    raise DynamoDBError("SerializationException", f"The value of type {kind} does not hold what it should.")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DynamoDBError("SerializationException", "A string is not valid Unicode.") from None
    return text


def _set(kind: str, held: list[JSON]) -> list[JSON]:
    name = "string" if kind == "SS" else "number"
    if not held:
        # Article and spaces are those of AWS's message.
        raise invalid(f"{_INVALID}An {name} set  may not be empty")
    texts = [each for each in held if isinstance(each, str)]
    if len(texts) != len(held):
        raise DynamoDBError("SerializationException", f"A {name} set holds strings.")
    elements = [_text(each) if kind == "SS" else number_text(each) for each in texts]
    if len(set(elements)) != len(elements):
        what = f"Input collection [{', '.join(texts)}] contains duplicates."
        raise invalid(_INVALID + what if kind == "SS" else "Input collection contains duplicates")
    return list(elements)


def number_text(text: str) -> str:
    """Format a number as DynamoDB returns it: without exponent, sign of zero and redundant zeros.

    Raises:
        DynamoDBError: it is not a number, has more than 38 digits, or is too large or too small.
    """
    if len(text) <= MAX_DIGITS and text.isdecimal() and text.isascii() and text[0] != "0":
        return text  # the usual case: a count, or a time
    if not _NUMBER.fullmatch(text):
        raise invalid(
            f"The parameter cannot be converted to a numeric value{': ' + text[:100] if text else ''}"
        )
    number = _EXACT.create_decimal(text).normalize(_EXACT)
    if not number:
        return "0"
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    # The range is from 1E-130 to 9.9E+125 (developer guide, "Number").
    if number.adjusted() > 125:
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if number.adjusted() < -130:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    return format(number, "f")


def equal(one: Value, other: Value) -> bool:
    """Return True if two checked values are the same; sets are equal in any order."""
    kind = type_of(one)
    if kind != type_of(other):
        return False
    held, their = one[kind], other[kind]
    if kind in ("SS", "NS"):
        return set(cast("list[str]", held)) == set(cast("list[str]", their))
    if kind == "L":
        mine, theirs = cast("list[Value]", held), cast("list[Value]", their)
        return len(mine) == len(theirs) and all(map(equal, mine, theirs))
    if kind == "M":
        return equal_items(cast("Item", held), cast("Item", their))
    return held == their


def equal_items(one: Item, other: Item) -> bool:
    """Return True if two items have the same attributes."""
    return one.keys() == other.keys() and all(equal(value, other[name]) for name, value in one.items())


def order(one: Value, other: Value) -> int | None:
    """Return how two values compare (below, at or above 0); None if their types have no common order.

    Strings compare as UTF-8.
    """
    kind = type_of(one)
    if kind != type_of(other) or kind not in ("S", "N"):
        return None
    if kind == "N":
        return int(Decimal(text_in(one)).compare(Decimal(text_in(other))))
    mine, theirs = text_in(one).encode(), text_in(other).encode()
    return (mine > theirs) - (mine < theirs)


def item_size(item: Mapping[str, Value]) -> int:
    """Return the size of an item in bytes, by the rules by which AWS bills and limits it."""
    return _text_size("".join(item)) + sum(map(value_size, item.values()))


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def value_size(value: Value) -> int:
    """Return the size of a checked value in bytes, without its name."""
    kind, held = next(iter(value.items()))
    if isinstance(held, str):
        return _text_size(held) if kind == "S" else _number_size(held)
    if kind == "SS":
        return sum(len(each.encode()) for each in cast("list[str]", held))
    if kind == "NS":
        return sum(map(_number_size, cast("list[str]", held)))
    # A list or map has 3 bytes of its own, and 1 for each element ("DynamoDB item sizes and formats").
    if kind == "L":
        return 3 + sum(1 + value_size(each) for each in cast("list[Value]", held))
    if kind == "M":
        members = cast("Item", held)
        return 3 + len(members) + item_size(members)
    return 1


def _number_size(text: str) -> int:
    """Return the size of a number: about a byte for two significant digits, one more, and one for a sign."""
    digits = text.removeprefix("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def key_bytes(value: Value) -> bytes:
    """Encode the value of a key so that its bytes compare in DynamoDB's order.

    A number is encoded as sign, exponent and digits, each in increasing order; for a negative number
    everything is inverted.
    """
    text = text_in(value)
    if type_of(value) == "S":
        return text.encode()
    number = Decimal(text)
    if not number:
        # Between the negative numbers, which start with 0, and the positive ones with 2.
        return b"\x01"
    # 100 and 1E2 are the same number, so their zeros must not count.
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    # The exponents -130 to 125 fit into a byte this way.
    written = bytes([number.adjusted() + 130]) + digits.encode()
    if number > 0:
        return b"\x02" + written
    # The end mark is above every digit, so that -12 comes before -1.
    return b"\x00" + bytes(255 - each for each in written) + b"\xff"


def plain(value: Value) -> JSON:
    """Return a value as AppSync passes it to a resolver.

    Source: AppSync developer guide, "Type system (response mapping)".
    """
    kind, held = next(iter(value.items()))
    if isinstance(held, str):
        return held if kind == "S" else _plain_number(held)
    if kind == "NS":
        return [_plain_number(each) for each in cast("list[str]", held)]
    if kind == "NULL":
        return None
    if kind == "L":
        return [plain(each) for each in cast("list[Value]", held)]
    if kind == "M":
        return plain_item(cast("Item", held))
    return held


def plain_item(item: Item) -> JSON:
    """Return an item as AppSync passes it to a resolver."""
    return {name: plain(value) for name, value in item.items()}


def _plain_number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
