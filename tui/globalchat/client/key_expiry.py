"""When the API keys of a profile expire, in time to do something about it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.clock import DAY

SOON_DAYS = 14
REMEDY = "Whoever deployed it renews it with `globalchat deploy`."


@dataclass(frozen=True, slots=True)
class ExpiringKey:
    """The key of a region (its alias) that has `days` whole days left, negative once it has expired."""

    alias: str
    days: int

    def __str__(self) -> str:
        """One sentence."""
        if self.days < 0:
            return f"The API key of {self.alias} has expired."
        left = {0: "in less than a day", 1: "in a day"}.get(self.days, f"in {self.days} days")
        return f"The API key of {self.alias} expires {left}."


def expiring(
    endpoints: Iterable[RegionEndpoint], now: float, *, within_days: int = SOON_DAYS
) -> list[ExpiringKey]:
    """The keys that expire within so many days of `now` (epoch seconds), the first to expire first.

    A key whose end the profile does not know is left out.
    """
    found = [
        ExpiringKey(each.alias, int((each.api_key_expires - now) // DAY))
        for each in endpoints
        if each.api_key_expires is not None
    ]
    return sorted((key for key in found if key.days < within_days), key=lambda key: key.days)
