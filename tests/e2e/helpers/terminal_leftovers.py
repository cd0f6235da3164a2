"""What a program leaves behind in a terminal, told from all that it wrote."""

import re

ON_AT_FIRST = {7: "line wrap", 25: "the cursor"}
"""DEC private modes that a terminal has on; every other one is off."""

NAMES = {
    1000: "mouse reporting",
    1003: "mouse movement",
    1004: "focus reporting",
    1006: "mouse coordinates",
    1015: "mouse coordinates (urxvt)",
    1016: "mouse pixels",
    1049: "the alternate screen",
    2004: "bracketed paste",
    2026: "synchronised output",
    2048: "size reporting",
}
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")


def leftovers(raw: bytes) -> list[str]:
    """Return what is not as it was; empty if all is."""
    modes: dict[int, bool] = {}
    for numbers, change in _MODE.findall(raw):
        for number in numbers.split(b";"):
            modes[int(number)] = change == b"h"
    left = [
        f"{NAMES.get(number) or ON_AT_FIRST.get(number) or number} is {'on' if state else 'off'}"
        for number, state in modes.items()
        if state != (number in ON_AT_FIRST)
    ]
    if raw.count(b"\x1b[22;0t") != raw.count(b"\x1b[23;0t"):
        left.append("the title is not restored")
    if raw.count(b"\x1b[>1u") > raw.count(b"\x1b[<u"):
        left.append("the keyboard protocol is not restored")
    return left
