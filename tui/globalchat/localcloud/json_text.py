"""JSON text: parsed strictly by the specification, written without spaces."""

import json
from typing import Final, NoReturn, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


def read(text: str) -> JSON:
    """Parse JSON text strictly: NaN, Infinity and numbers too large for a double are refused.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        value: JSON = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("the JSON text is nested too deep") from None
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)

write: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes a value as compact JSON text; lone surrogates are kept."""

_write_escaped: Final = json.JSONEncoder(separators=(",", ":")).encode


def encode(value: object) -> bytes:
    """Encode a value as compact JSON in UTF-8; lone surrogates, which UTF-8 cannot encode, are escaped."""
    try:
        return write(value).encode()
    except UnicodeEncodeError:
        return _write_escaped(value).encode()


def is_deeper(value: JSON, limit: int) -> bool:
    """Return True if lists and objects are nested in more than `limit` levels."""
    level: list[JSON] = [value]
    for _ in range(limit + 1):
        level = [item for outer in level for item in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
