"""The bytes of a server's WebSocket text frame (RFC 6455, section 5.2): final, unmasked, uncompressed."""

import struct
from functools import lru_cache
from typing import Final

_FINAL_TEXT: Final = 0x81
_SHORT: Final = struct.Struct("!BB").pack
_MEDIUM: Final = struct.Struct("!BBH").pack
_LONG: Final = struct.Struct("!BBQ").pack


@lru_cache(maxsize=1024)
def text_header(length: int) -> bytes:
    """Make the header of a text frame with a payload of so many bytes."""
    if length < 126:
        return _SHORT(_FINAL_TEXT, length)
    if length < 65_536:
        return _MEDIUM(_FINAL_TEXT, 126, length)
    return _LONG(_FINAL_TEXT, 127, length)
