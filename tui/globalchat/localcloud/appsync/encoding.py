"""Encodes what AppSync sends."""

import json
from typing import Final

from globalchat.localcloud import json_text

_write_escaped: Final = json.JSONEncoder(separators=(",", ":")).encode


def dump(value: object) -> bytes:
    """Encode JSON compactly as UTF-8; half a surrogate pair, which UTF-8 cannot carry, is escaped."""
    try:
        return json_text.write(value).encode()
    except UnicodeEncodeError:
        return _write_escaped(value).encode()
