"""Which name one may write under: what the backend would refuse is refused here."""

import re

from globalchat.client.messages import MessageLimits

_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def code_units(text: str) -> int:
    """The length of a text as the backend counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def name_problem(name: str, limits: MessageLimits) -> str | None:
    """Why nobody can write under `name`, None if one can."""
    if not name.strip():
        return "A name cannot be blank."
    if _UNSAFE.search(name):
        return "A name cannot hold a NUL or half of a surrogate pair."
    length = code_units(name)
    if length > limits.sender:
        return f"This name has {length} characters; at most {limits.sender} are allowed."
    return None
