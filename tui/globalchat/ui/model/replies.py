"""Makes the beginning of a reply: the quoted line and a mention, as plain text. Pure."""

import re

from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.text import clip

QUOTED_CELLS = 80
"""The most cells of a quoted line."""
_FENCE = re.compile(r"\s*`{3,}[^`]*")


def reply_to(row: MessageRow) -> str:
    """Return the text before a reply to a message: its first line as a quote, and its sender's name."""
    line = next((line for line in row.text.split("\n") if _says_something(line)), "")
    quote = f"> {clip(' '.join(line.split()), QUOTED_CELLS)}\n" if line else ""
    return quote + ("" if row.own else mention_of(row))


def mention_of(row: MessageRow) -> str:
    """Return the mention of a message's sender, with a blank behind it; empty if it cannot be typed."""
    return f"@{row.name.mention} " if row.name.can_be_typed else ""


def _says_something(line: str) -> bool:
    # Neither an earlier quote nor the beginning of a code block.
    return bool(line.strip()) and not line.startswith(">") and _FENCE.fullmatch(line) is None
