"""The configuration of a deployment, from the context value `globalchat` of `cdk.json`."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from globalchat.core.errors import UsageError
from globalchat.core.files import read_text
from globalchat.core.resources import resource
from globalchat.core.text import hint

NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
NAME_RULE = "use 1 to 20 of a-z, 0-9 and -, a letter first, no - last"
ACCOUNT = re.compile(r"[0-9]{12}")
CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
SENDERS = ("anyone", "verified")
ENVIRONMENT_VALUE = 512
"""Longest value of an AppSync environment variable (AppSync developer guide, environment variables)."""
CHANNELS_VARIABLE = "CHANNELS"
"""The environment variable with the channels, joined by commas: at most 256, fewer than clients take."""
RESERVED_ALIASES = ("auto", "local")
"""Words that commands accept in place of an alias."""
LIMIT_RANGES = {
    # A subscription delivers at most 240 KB, and a character may take six bytes in JSON.
    "message": (1, 30_000),
    "sender": (1, 256),
    # The ids that the backend makes (ULIDs) have 26 characters.
    "id": (26, 128),
}
REQUIRED = ("prefix", "regions", "channels", "limits")
OPTIONAL = ("historyDays", "senders", "verifiedRoles", "alarmEmail", "dashboard", "wafRate")
"""Keys of the context value; an optional one that is absent or null has its default, or is off."""
DEFAULT_VERIFIED_ROLES = ("AWSReservedSSO_*",)
"""The roles that IAM Identity Center makes."""
DEFAULTS: Mapping[str, object] = {"senders": "anyone", "verifiedRoles": list(DEFAULT_VERIFIED_ROLES)}
"""Values of optional keys that have one."""
DEPLOYERS = ("account", "options", "withKeyMode")
"""Keys that the deployer adds to its own copy of `cdk.json`."""
CHOICES = ("regions", "channels", "limits", *OPTIONAL)
"""Keys that an option of the deployer may override in `cdk.json`."""
EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
WAF_RATES = (10, 2_000_000_000)
"""The limits that a rate-based rule accepts (AWS WAF API reference, RateBasedStatement)."""
MOST_HISTORY_DAYS = 366


Senders = Literal["anyone", "verified"]
"""Who may call the API: anyone with the API key besides those whom IAM permits, or only the latter."""


@dataclass(frozen=True, slots=True)
class PublishLimits:
    """The longest values that `publish` accepts, in UTF-16 code units."""

    message: int
    sender: int
    id: int

    def to_json(self) -> str:
        """Return the value of the API's environment variable LIMITS."""
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Config:
    """A valid deployment: `regions` maps each alias to its AWS region, in the order of the file.

    `history_days` is how long messages are stored, 0 for not at all. `verified_roles` are the roles whose
    sessions have the names of persons: names, or beginnings that end in a star. `alarm_email` gets the
    alarms; `waf_rate` is how many requests one address may send in five minutes. `options` names the keys
    that an option of the deployer decided. `account` is the AWS account that the stacks may be deployed to;
    None leaves that to the credentials of `cdk deploy`. `with_key_mode` keeps the mode of the API key in
    the update before the one that takes the key away, in which the schema ends to use it.
    """

    prefix: str
    regions: Mapping[str, str]
    channels: tuple[str, ...]
    limits: PublishLimits
    history_days: int = 0
    senders: Senders = "anyone"
    verified_roles: tuple[str, ...] = DEFAULT_VERIFIED_ROLES
    alarm_email: str | None = None
    dashboard: bool = False
    waf_rate: int | None = None
    options: tuple[str, ...] = ()
    account: str | None = None
    with_key_mode: bool = False

    @property
    def has_key(self) -> bool:
        """True if the APIs take a key."""
        return self.senders == "anyone" or self.with_key_mode


def load(path: Path | None = None) -> Config:
    """Return the configuration in a `cdk.json`, by default the project's own.

    Raises:
        UsageError: the file is not JSON, or its context is not valid.
    """
    path = path or resource("cdk.json")
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path.name} is not JSON ({error}): correct it.") from error
    context = content.get("context") if isinstance(content, dict) else None
    return parse(context.get("globalchat") if isinstance(context, dict) else None)


def parse(value: object) -> Config:
    """Return the deployment that a context value `globalchat` describes.

    Raises:
        UsageError: it is not valid; names the first problem.
    """
    if not isinstance(value, dict):
        raise UsageError(
            'The context of cdk.json needs an object "globalchat": '
            "add it, with prefix, regions, channels and limits."
        )
    _check_keys("globalchat", value, REQUIRED, (*OPTIONAL, *DEPLOYERS))
    return Config(
        prefix=_prefix(value["prefix"]),
        regions=_regions(value["regions"]),
        channels=check_channels(value["channels"]),
        limits=_limits(value["limits"]),
        history_days=_history_days(value.get("historyDays")),
        senders=_senders(value.get("senders")),
        verified_roles=_verified_roles(value.get("verifiedRoles")),
        alarm_email=_alarm_email(value.get("alarmEmail")),
        dashboard=_dashboard(value.get("dashboard")),
        waf_rate=_waf_rate(value.get("wafRate")),
        options=_options(value.get("options")),
        account=_account(value.get("account")),
        with_key_mode=value.get("withKeyMode") is True,
    )


def _check_keys(
    where: str, value: Mapping[str, object], required: Collection[str], optional: Collection[str] = ()
) -> None:
    known = [*required, *optional]
    for key in value:
        if key not in known:
            raise UsageError(f'"{where}" has an unknown key {json.dumps(key)}. {hint(key, known)}')
    for key in required:
        if key not in value:
            raise UsageError(f'"{where}" lacks the key "{key}": add it.')


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise UsageError(f"The prefix {json.dumps(value)} is not valid: {NAME_RULE}.")
    return value


def _regions(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value:
        raise UsageError(
            '"regions" must map aliases to AWS regions: write {"oregon": "us-west-2"}, for example.'
        )
    known = aws_regions()
    regions: dict[str, str] = {}
    for alias, region in value.items():
        if not NAME.fullmatch(alias):
            raise UsageError(f"The region alias {json.dumps(alias)} is not valid: {NAME_RULE}.")
        if alias in RESERVED_ALIASES or (alias in known and alias != region):
            raise UsageError(f'The region alias "{alias}" already means something else: choose another word.')
        if not isinstance(region, str) or region not in known:
            raise UsageError(
                f'The region of "{alias}" is {json.dumps(region)}, which is not an AWS region with AppSync. '
                f"{hint(str(region), known)}"
            )
        if region in regions.values():
            raise UsageError(f'The AWS region "{region}" is listed twice: remove one of its aliases.')
        regions[alias] = region
    return regions


def check_channels(value: object) -> tuple[str, ...]:
    """Return the channels in a list.

    Raises:
        UsageError: there are none, one cannot be a name or occurs twice, or they are too long in all.
    """
    if not isinstance(value, list) or not value:
        raise UsageError('"channels" must list at least one channel: write ["tech"], for example.')
    for position, channel in enumerate(value):
        if not isinstance(channel, str) or not CHANNEL.fullmatch(channel):
            raise UsageError(
                f"The channel {json.dumps(channel)[:80]} is not valid: "
                "use 1 to 50 of a-z, 0-9, _ and -, a letter or digit first."
            )
        if channel in value[:position]:
            raise UsageError(f'The channel "{channel}" is listed twice: remove one.')
    if (length := len(",".join(value))) > ENVIRONMENT_VALUE:
        raise UsageError(
            f"The channels joined by commas have {length} characters, AppSync takes {ENVIRONMENT_VALUE}: "
            "shorten or remove some."
        )
    return tuple(value)


def _limits(value: object) -> PublishLimits:
    if not isinstance(value, dict):
        raise UsageError('"limits" must be an object: write {"message": 2000, "sender": 32, "id": 64}, say.')
    _check_keys("limits", value, LIMIT_RANGES)
    for key, (low, high) in LIMIT_RANGES.items():
        limit = value[key]
        if not isinstance(limit, int) or isinstance(limit, bool) or not low <= limit <= high:
            raise UsageError(
                f'The limit "{key}" is {json.dumps(limit)}: use a whole number from {low} to {high}.'
            )
    return PublishLimits(**value)


def _history_days(value: object) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_HISTORY_DAYS:
        raise UsageError(
            f'The "historyDays" are {json.dumps(value)}: use a whole number up to {MOST_HISTORY_DAYS}, '
            "or 0 to keep no messages."
        )
    return value


def _senders(value: object) -> Senders:
    if value not in (None, *SENDERS):
        raise UsageError(
            f'The "senders" are {json.dumps(value)}: use "anyone" (with the API key), '
            'or "verified" (there is no key: IAM decides).'
        )
    return "verified" if value == "verified" else "anyone"


def _verified_roles(value: object) -> tuple[str, ...]:
    if value is None:
        value = DEFAULTS["verifiedRoles"]
    if not isinstance(value, list):
        raise UsageError('"verifiedRoles" must list names of roles: write ["AWSReservedSSO_*"], for example.')
    for role in value:
        # A star alone would let anyone who may assume any role choose a name.
        if not isinstance(role, str) or not ROLE_NAME.fullmatch(role.removesuffix("*")):
            raise UsageError(
                f"The verified role {json.dumps(role)} is not valid: use the name of a role, without path, "
                "or the beginning of names with a star after it."
            )
    if (length := len(" ".join(value))) > ENVIRONMENT_VALUE:
        raise UsageError(
            f"The verified roles joined by blanks have {length} characters, AppSync takes "
            f"{ENVIRONMENT_VALUE}: use beginnings of names, or fewer roles."
        )
    return tuple(value)


def _alarm_email(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 254 or not EMAIL.fullmatch(value):
        raise UsageError(
            f'The "alarmEmail" {json.dumps(value)} is not an e-mail address: '
            "write one such as ops@example.com, or null for none."
        )
    return value


def _dashboard(value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise UsageError(f'The switch "dashboard" is {json.dumps(value)}: use true or false.')
    return bool(value)


def _waf_rate(value: object) -> int | None:
    if value is None:
        return None
    low, high = WAF_RATES
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(
            f'The "wafRate" is {json.dumps(value)}: use a whole number from {low} to {high} '
            "(requests of one address in five minutes), or null for no firewall."
        )
    return value


def _options(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(name in CHOICES for name in value):
        raise UsageError('"options" must list keys of "globalchat": remove it, the deployer writes it.')
    return tuple(value)


def _account(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not ACCOUNT.fullmatch(value):
        raise UsageError('"account" is not the number of an AWS account: remove it, the deployer writes it.')
    return value


@cache
def aws_regions() -> Collection[str]:
    """Return the AWS regions with AppSync from botocore's data, without reading any AWS configuration."""
    # Imported here, since most users of a configuration need no AWS library.
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver

    known = EndpointResolver(create_loader().load_data("endpoints"))
    return sorted(known.get_available_endpoints("appsync", "aws"))


def choose_regions(known: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Map the alias of each wanted word to its AWS region, in that order.

    Raises:
        UsageError: a word is neither an alias nor a listed region; an alias is given to two regions.
    """
    chosen: dict[str, str] = {}
    for word in wanted:
        alias, given, region = word.partition("=")
        if not given:
            alias, region = _known_region(known, word)
        if chosen.setdefault(alias, region) != region:
            raise UsageError(
                f'The alias "{alias}" is given to two regions.',
                remedy="Choose another for one of them.",
            )
    return chosen


def aws_regions_of(names: Iterable[str], known: Mapping[str, str]) -> Mapping[str, str]:
    """Map the aliases of some names to AWS regions; names are known aliases, `alias=region`, or AWS regions.

    An AWS region without an alias is its own alias.

    Raises:
        UsageError: a name is none of these, or repeats a region or an alias.
    """
    aliases = {region: alias for alias, region in known.items()}
    chosen: dict[str, str] = {}
    for name in names:
        alias, _, region = name.rpartition("=")
        region = region if alias else known.get(name, name)
        alias = alias or aliases.get(region, region)
        if region not in aws_regions():
            raise UsageError(
                f"{json.dumps(name)} is neither an alias nor an AWS region with AppSync. "
                f"{hint(name, [*known, *aws_regions()])}"
            )
        if region in chosen.values():
            raise UsageError(f'The AWS region "{region}" is listed twice: name it once.')
        if alias in chosen:
            raise UsageError(f'The alias "{alias}" is given to two regions: choose another.')
        chosen[alias] = region
    return chosen


def _known_region(known: Mapping[str, str], word: str) -> tuple[str, str]:
    """Return the alias and AWS region of a word that is one of the two."""
    for alias, region in known.items():
        if word in (alias, region):
            return alias, region
    listed = ", ".join(f"{alias} ({region})" for alias, region in known.items())
    raise UsageError(
        f'"{word}" is not a region of this deployment; it has: {listed}.',
        remedy="Write a further one as alias=region, such as tokyo=ap-northeast-1.",
    )
