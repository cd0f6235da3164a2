"""Encodes what AppSync sends."""

import json
from typing import Final

_write: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_write_escaped: Final = json.JSONEncoder(separators=(",", ":")).encode


def dump(value: object) -> bytes:
    """Encode JSON compactly as UTF-8; half a surrogate pair, which UTF-8 cannot carry, is escaped."""
    try:
        return _write(value).encode()
    except UnicodeEncodeError:
        return _write_escaped(value).encode()
