"""The API keys of a region: which one to use, renewal, rotation. AppSync's id of a key is the key itself."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from globalchat.core.clock import DAY, HOUR
from globalchat.core.errors import UserError
from globalchat_infra import stack_key
from globalchat_infra.deployer.aws import Aws

SHORTEST = 25 * HOUR
"""Seconds: a key lives a day at least, and AppSync rounds down to the hour."""
MOST_KEYS = 50
_ROTATED = "globalchat keys rotate"
_REPLACES = re.compile(rf"{_ROTATED}: replaces ([0-9a-f]{{12}})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and its end in epoch seconds."""

    key: str = field(repr=False)
    expires: int
    description: str

    @property
    def fingerprint(self) -> str:
        """A name of the key that may be shown and stored."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


def key_expiry(now: float) -> int:
    """The end of a key that is made now, as a stack's would be, in epoch seconds."""
    return stack_key.expiry(datetime.fromtimestamp(now, UTC).date())


def days_left(expires: int, now: float) -> int:
    """Whole days until a key expires; negative once it has."""
    return int((expires - now) // DAY)


def retired(keys: Iterable[ApiKey]) -> frozenset[str]:
    """Fingerprints of the keys that rotations replaced: the newer key's description names the older.

    Any rotation replaces the stack's own key, even once AppSync has deleted the key that named it.
    """
    listed = list(keys)
    found = {match[1] for each in listed if (match := _REPLACES.match(each.description)) is not None}
    if any(each.description.startswith(_ROTATED) for each in listed):
        found |= {each.fingerprint for each in listed if each.description == stack_key.DESCRIPTION}
    return frozenset(found)


def choose(keys: Iterable[ApiKey], now: float) -> ApiKey | None:
    """The key to use: of those that no rotation replaced, the one that lasts longest; None if all expired."""
    listed = list(keys)
    old = retired(listed)
    usable = [each for each in listed if each.fingerprint not in old and each.expires > now]
    return max(usable, key=lambda each: each.expires, default=None)


def list_keys(aws: Aws, region: str, api_id: str) -> list[ApiKey]:
    """Every key of an API."""
    found = aws.pages("appsync", region, "list_api_keys", "apiKeys", apiId=api_id)
    return [ApiKey(each["id"], int(each["expires"]), each.get("description") or "") for each in found]


def current(aws: Aws, region: str, api_id: str, now: float) -> ApiKey:
    """The key to use in a region.

    Raises:
        UserError: every key has expired.
    """
    key = choose(list_keys(aws, region, api_id), now)
    if key is None:
        raise UserError(
            f"The API in {region} has no valid key.", remedy="Make one with `globalchat keys rotate`."
        )
    return key


def settle(aws: Aws, region: str, api_id: str, now: float) -> None:
    """After a deployment: let the current key last, and keep the replaced ones from lasting again.

    A stack knows one key, the first: its update gives that key a new end, even if a rotation replaced it.
    """
    keys = list_keys(aws, region, api_id)
    old = retired(keys)
    for each in keys:
        if each.fingerprint in old and each.expires > now + SHORTEST:
            _expire(aws, region, api_id, each, int(now) + SHORTEST)
    chosen = choose(keys, now)
    end = key_expiry(now)
    if chosen is not None and chosen.expires < end:
        _expire(aws, region, api_id, chosen, end)


def rotate(aws: Aws, region: str, api_id: str, *, now: float, grace_days: int) -> ApiKey:
    """Make a new key; the one in use, if any, expires after `grace_days`. Returns the new key.

    Raises:
        UserError: the API has as many keys as it may have.
    """
    keys = list_keys(aws, region, api_id)
    if len(keys) >= MOST_KEYS:
        raise UserError(
            f"The API in {region} has {len(keys)} keys, the most that AppSync allows.",
            remedy="Delete some with `aws appsync delete-api-key`.",
        )
    old = choose(keys, now)
    description = _ROTATED if old is None else f"{_ROTATED}: replaces {old.fingerprint}"
    answer = aws.call(
        "appsync", region, "create_api_key", apiId=api_id, description=description, expires=key_expiry(now)
    )
    made = answer["apiKey"]
    end = int(now) + max(SHORTEST, grace_days * DAY)
    if old is not None and end < old.expires:
        _expire(aws, region, api_id, old, end)
    return ApiKey(made["id"], int(made["expires"]), description)


def _expire(aws: Aws, region: str, api_id: str, key: ApiKey, end: int) -> None:
    arguments = {"apiId": api_id, "id": key.key, "expires": end}
    if key.description:
        arguments["description"] = key.description
    aws.call("appsync", region, "update_api_key", **arguments)
