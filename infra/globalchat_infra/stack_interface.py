"""The API key that a stack makes, as far as the stack and the deployer have to agree on it. Pure.

AppSync lets a key that has expired live again when its end is moved, so a template must never move the end of
a key that was replaced. Therefore the end and the generation of the key are parameters of the template: the
CDK keeps their previous values, also when it is run by hand, and only the deployer gives new ones, together.
"""

import calendar
from collections.abc import Mapping
from datetime import date

MONTHS = 11
"""How long a key lives; at most 365 days are allowed (AppSync API reference, CreateApiKey)."""
DESCRIPTION = "Default API Key created by CDK"
"""By it the key of the stack is known from those that a rotation made."""
EXPIRES = "KeyExpires"
"""The parameter that holds the key's end, in epoch seconds."""
GENERATION = "KeyGeneration"
"""The parameter that holds the key's generation."""
GENERATIONS = ("0", "1")
"""A generation is made from a resource of its own, and the one after the last from the first again."""
LATER_KEY = "ApiKey1"
"""The logical id of the key of generation 1; the CDK names the other."""


def expiry(today: date) -> int:
    """Return the end of a key that is made today: the first of a month, 00:00 UTC, in epoch seconds.

    Within a month every synthesis gives the same template.
    """
    year, month = divmod(today.year * 12 + today.month - 1 + MONTHS, 12)
    return calendar.timegm((year, month + 1, 1, 0, 0, 0))


def raised(parameters: Mapping[str, str], expires: int) -> Mapping[str, str]:
    """Return the parameters with which a stack of these makes a new key, and deletes the one that it has."""
    current = parameters.get(GENERATION, GENERATIONS[0])
    following = GENERATIONS[(GENERATIONS.index(current) + 1) % len(GENERATIONS)]
    return {GENERATION: following, EXPIRES: str(expires)}
