"""The API keys of a region: which one to use, renewal, rotation, and when a stack replaces its own key.

In AppSync, a key is its own id. A stack replaces its key when parameters raise the generation: CloudFormation
then deletes the key of the previous generation. Otherwise the parameters keep their previous values, and the
stack leaves its key alone, valid or not.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.clock import DAY, HOUR
from globalchat.core.errors import UsageError, UserError
from globalchat_infra import stack_interface
from globalchat_infra.deployer import stacks
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.stacks import DeployedStack, ForeignResource, is_ours, refusal

SHORTEST = 25 * HOUR
"""The shortest lifetime of a key in seconds: AppSync requires a day, and rounds down to the hour."""
# AppSync's quota for an API (general reference, AppSync endpoints and quotas).
MOST_KEYS = 50
_ROTATED = "globalchat keys rotate"
_REPLACES = re.compile(rf"{_ROTATED}: replaces ([0-9a-f]{{12}}(?: [0-9a-f]{{12}})*)")
MOST_NAMED = 20
"""The most replaced keys that a description names: those that expire last."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and its expiry in epoch seconds."""

    key: str = field(repr=False)
    expires: int
    description: str

    @property
    def fingerprint(self) -> str:
        """An identifier of the key that may be shown and stored."""
        # A hash, since it is stored in descriptions and shown in terminals.
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


def key_expiry(now: float) -> int:
    """Return the expiry of a key that is made now (epoch seconds), as for a stack's key."""
    return stack_interface.key_expiry(datetime.fromtimestamp(now, UTC).date())


def days_left(expires: int, now: float) -> int:
    """Return the whole days until a key expires; negative once it has."""
    return int((expires - now) // DAY)


def retired(keys: Iterable[ApiKey]) -> frozenset[str]:
    """Return the fingerprints of keys that were replaced by rotations.

    Descriptions of newer keys name them.
    """
    matches = (_REPLACES.match(each.description) for each in keys)
    return frozenset(name for match in matches if match is not None for name in match[1].split())


def choose(keys: Iterable[ApiKey], now: float) -> ApiKey | None:
    """Return the key to use, or None if all have expired or were replaced.

    A rotation's key takes precedence, as a key that the stack makes after a rotation is in no profile.
    Of several, it is the one that expires last.
    """
    listed = list(keys)
    old = retired(listed)
    usable = [each for each in listed if each.fingerprint not in old and each.expires > now]
    return max(usable, key=lambda each: (each.description.startswith(_ROTATED), each.expires), default=None)


def list_keys(aws: Aws, region: str, api_id: str) -> list[ApiKey]:
    """Return every key of an API."""
    found = aws.pages("appsync", region, "list_api_keys", "apiKeys", apiId=api_id)
    return [ApiKey(each["id"], int(each["expires"]), each.get("description") or "") for each in found]


def current(aws: Aws, region: str, api_id: str, now: float) -> ApiKey:
    """Return the key to use in a region.

    Raises:
        UserError: every key has expired.
    """
    key = choose(list_keys(aws, region, api_id), now)
    if key is None:
        raise UserError(
            f"The API in {region} has no valid key.", remedy="Make one with `globalchat keys rotate`."
        )
    return key


def renew(aws: Aws, region: str, api_id: str, now: float) -> None:
    """Extend the key in use to the expiry of a new key; the others keep theirs.

    Raises:
        UserError: the keys may not be read or changed.
    """
    chosen = choose(list_keys(aws, region, api_id), now)
    end = key_expiry(now)
    # Extended and not replaced, so that profiles on other machines stay valid.
    if chosen is not None and chosen.expires < end:
        _expire(aws, region, api_id, chosen, end)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A new key, and the one that it replaces (None if there was none)."""

    new: ApiKey
    old: ApiKey | None


def rotate(aws: Aws, region: str, api_id: str, *, now: float) -> Rotation:
    """Make a new key to replace the one in use, which stays valid until `retire`.

    Raises:
        UserError: the API has the maximum number of keys, or they may not be read or made.
    """
    listed = list_keys(aws, region, api_id)
    if len(listed) >= MOST_KEYS:
        raise UserError(
            f"The API in {region} has {len(listed)} keys, the most that AppSync allows.",
            remedy="End those that were replaced with `globalchat keys revoke --replaced`.",
        )
    old = choose(listed, now)
    # It also names keys that were replaced earlier, as the key that named them may expire before they do.
    before = sorted(
        (each for each in listed if each.fingerprint in retired(listed)), key=lambda each: -each.expires
    )
    replaced = [each.fingerprint for each in ([] if old is None else [old]) + before][:MOST_NAMED]
    description = f"{_ROTATED}: replaces {' '.join(replaced)}" if replaced else _ROTATED
    answer = aws.call(
        "appsync", region, "create_api_key", apiId=api_id, description=description, expires=key_expiry(now)
    )
    made = answer["apiKey"]
    return Rotation(ApiKey(made["id"], int(made["expires"]), description), old)


def retire(aws: Aws, region: str, api_id: str, key: ApiKey, *, now: float, grace_days: int) -> int:
    """Let a key expire after some days, or now for 0 days; return its expiry in epoch seconds.

    Raises:
        UserError: it may not be changed.
    """
    if grace_days == 0:
        revoke(aws, region, api_id, key)
        return int(now)
    # Never later than it would have expired anyway: a rotation must not prolong a key.
    end = min(key.expires, int(now) + max(SHORTEST, grace_days * DAY))
    if end < key.expires:
        _expire(aws, region, api_id, key, end)
    return end


def revoke(aws: Aws, region: str, api_id: str, key: ApiKey) -> None:
    """Delete a key permanently: AppSync cannot restore a deleted key.

    Raises:
        UserError: it may not be deleted.
    """
    aws.call("appsync", region, "delete_api_key", apiId=api_id, id=key.key)


def check_owner(aws: Aws, prefix: str | None, endpoint: RegionEndpoint) -> None:
    """Check that the API of a profile's region still exists and belongs to this deployment.

    Raises:
        UserError: it does not exist, or its tags may not be read.
        UsageError: it belongs to others.
    """
    alias, region = endpoint.alias, endpoint.region
    if prefix is None:
        raise UsageError(
            f"The profile does not say which deployment {alias} is of.",
            remedy="Write it again with `globalchat outputs --refresh`.",
        )
    try:
        api = aws.call("appsync", region, "get_graphql_api", apiId=endpoint.api_id)["graphqlApi"]
    except CallFailed as error:
        if error.code != "NotFoundException":
            raise
        raise UserError(
            f"The API of {alias} in {region} is gone.",
            remedy="Write the profile again with `globalchat outputs --refresh`.",
        ) from None
    tags = api.get("tags") or {}
    if not is_ours(tags, prefix, alias):
        owner = ForeignResource(f'the API of {alias} in {region}, "{api.get("name", "")}"', tags)
        raise refusal(prefix, [owner], remedy="Name another profile with --profile.", done="it is left alone")


@dataclass(frozen=True, slots=True)
class KeyReplacements:
    """The new parameters of each stack that needs another key, by name, and notes for the user."""

    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_replacements(aws: Aws, existing: Iterable[DeployedStack], now: float) -> KeyReplacements:
    """Find the stacks whose key was replaced, has expired, or is gone, as AppSync deletes it later."""
    parameters: dict[str, Mapping[str, str]] = {}
    notes: list[str] = []
    for stack in existing:
        if stack.part != "api":
            continue
        try:
            reason = _reason(aws, stack, now)
        except Denied as error:
            notes.append(
                f"{stack.alias}: whether its key was replaced is not known, it is left alone: {error}"
            )
            continue
        if reason is not None:
            parameters[stack.name] = stack_interface.next_generation(stack.parameters, key_expiry(now))
            notes.append(f"{stack.alias}: the key of the stack {reason}; the stack makes another")
    return KeyReplacements(parameters, tuple(notes))


def _reason(aws: Aws, stack: DeployedStack, now: float) -> str | None:
    """Return why a stack needs another key; None if it does not."""
    resources = stacks.resources(aws, stack)
    own = next((each for each in resources if each.type == "AWS::AppSync::ApiKey"), None)
    api_id = stack.outputs.get("apiId")
    # A stack from before stacks had their own keys, or one that failed before it had one.
    if own is None or api_id is None:
        return None
    listed = list_keys(aws, stack.region, api_id)
    # The resource's id is an ARN that ends with the key.
    key = next((each for each in listed if own.physical_id.endswith(f"/{each.key}")), None)
    if key is None:
        return "is gone"
    if key.fingerprint in retired(listed):
        return f"({key.fingerprint}) was replaced, and ends with this deployment"
    return f"({key.fingerprint}) has expired" if key.expires <= now else None


def _expire(aws: Aws, region: str, api_id: str, key: ApiKey, end: int) -> None:
    arguments = {"apiId": api_id, "id": key.key, "expires": end}
    # It names the keys that this one replaced, and must be kept.
    if key.description:
        arguments["description"] = key.description
    aws.call("appsync", region, "update_api_key", **arguments)
