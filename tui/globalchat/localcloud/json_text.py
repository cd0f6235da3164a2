"""JSON text: read as the specification has it, written without spaces."""

import json
from typing import Final, NoReturn

from globalchat.localcloud.definition import JSON


def read(text: str) -> JSON:
    """Read JSON text; NaN, Infinity and numbers too large for a double are Python's, not JSON.

    Raises:
        ValueError: it is no JSON, or is nested too deep to be read.
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
"""Writes a value as compact JSON text, in which half a surrogate pair stays what it is."""
