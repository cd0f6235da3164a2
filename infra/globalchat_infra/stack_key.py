"""The API key that a stack makes, as far as the stack and the deployer have to agree on it. Pure."""

import calendar
import re
from datetime import date

MONTHS = 11
"""How long a key lives; at most 365 days are allowed (AppSync API reference, CreateApiKey)."""
DESCRIPTION = "Default API Key created by CDK"
"""By it the key of the stack is known from those that a rotation made."""
_LATER = re.compile(r"ApiKey([0-9]+)")


def expiry(today: date) -> int:
    """The end of a key that is made today: the first day of a month, 00:00 UTC, in epoch seconds.

    Within a month every synthesis gives the same template; every later deploy renews the key.
    """
    year, month = divmod(today.year * 12 + today.month - 1 + MONTHS, 12)
    return calendar.timegm((year, month + 1, 1, 0, 0, 0))


def logical_id(generation: int) -> str:
    """The logical id of a later generation of the key, from 1."""
    return f"ApiKey{generation}"


def generation_of(logical_id: str) -> int:
    """The generation that a logical id tells; 0 for the first, which the CDK names."""
    match = _LATER.fullmatch(logical_id)
    return int(match[1]) if match is not None else 0
