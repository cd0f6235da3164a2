"""Profiles: named sets of regions (endpoints and keys), one file each. Imports no transport."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from globalchat.core.clock import DAY, is_plausible
from globalchat.core.errors import ProfileError, Reason
from globalchat.core.files import ensure_folder, read_text, replace_file
from globalchat.core.net import host_of, is_exposed
from globalchat.core.text import NotUtf8, did_you_mean

if TYPE_CHECKING:
    from globalchat.core.credentials import Credentials

LOCAL = "local"
"""The name of the local cloud's profile, which has no file."""

VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FIELDS = {
    "region": "region",
    "graphql_url": "graphqlUrl",
    "realtime_url": "realtimeUrl",
    "api_id": "apiId",
    "event_bus": "eventBus",
}
_KEY = "apiKey"
_AUTH = "auth"
_AWS_PROFILE = "awsProfile"
_EXPIRES = "apiKeyExpires"
_REWRITE = "Delete it, then run `globalchat outputs --refresh` to write it again."
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_AWS_PROFILE_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,256}")
_WORD = re.compile(r"[!-~]{1,2048}")
"""ASCII without blanks and controls: the characters of a URL, an ARN or a header's value."""

SOON_DAYS = 14
"""Days before a key expires from which users are warned."""
EXPIRY_REMEDY = "An administrator renews it with `globalchat deploy`."


class Signer(Protocol):
    """Finds the credentials that sign the requests to a region."""

    def __call__(self) -> "Credentials":
        """Return credentials that are valid for at least a minute, if there are such; it may ask a network.

        Raises:
            SignInNeeded: the user has to sign in again.
            UserError: there are none.
        """

    def discard(self, refused: "Credentials", *, expired: bool) -> None:
        """Do not return these again if there are others: a region refused them, as `expired` or unknown.

        Returns at once, also while a call is under way.
        """


AuthKind = Literal["apiKey", "iam"]
"""How requests to a region are authenticated: by its API key, or by an IAM signature."""


@dataclass(frozen=True, slots=True)
class RegionEndpoint:
    """The endpoints of one region, and how to authenticate.

    Users call it by its alias (`oregon`), AWS by `region`. `api_key` is empty with `auth` "iam";
    `api_key_expires` is in epoch seconds, None if unknown. `aws_profile` is the AWS profile whose credentials
    sign; None leaves that to AWS's own variables and files. `signer` finds them; it is in no file. Endpoints
    with another signer are other endpoints, as those with another key are.
    """

    alias: str
    region: str
    graphql_url: str
    realtime_url: str
    api_id: str
    event_bus: str
    api_key: str = field(default="", repr=False)
    api_key_expires: int | None = None
    auth: AuthKind = "apiKey"
    aws_profile: str | None = None
    signer: Signer | None = field(default=None, repr=False)

    @property
    def urls(self) -> tuple[str, str]:
        """The URLs of requests and of sockets."""
        return self.graphql_url, self.realtime_url


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of regions, by alias; `person` is who signs on the local cloud, if one was chosen."""

    name: str
    regions: Mapping[str, RegionEndpoint]
    person: str | None = None

    @property
    def signs(self) -> bool:
        """True if requests to some region are signed by IAM."""
        return any(each.auth == "iam" for each in self.regions.values())

    def resolve(self, name: str) -> RegionEndpoint:
        """Return the region with this alias or AWS name, in any case.

        Raises:
            ProfileError: there is no such region; lists those that exist.
        """
        wanted = name.strip().casefold()
        for alias, endpoint in self.regions.items():
            if wanted in (alias.casefold(), endpoint.region.casefold()):
                return endpoint
        known = [*self.regions, *(endpoint.region for endpoint in self.regions.values())]
        described = ", ".join(f"{alias} ({each.region})" for alias, each in self.regions.items())
        raise ProfileError(
            f'Profile "{self.name}" has no region "{name[:50]}". It has: {described}.',
            remedy=did_you_mean(wanted, known),
        )


Reload = Callable[[], Awaitable[Profile]]
"""Reads the profile again. Raises UserError if that fails."""


class EndpointResolver:
    """Resolves the endpoints of regions, and reads the profile again after a failure.

    A restarted local cloud has another address and key, and a rotated key is in the profile.
    With `reload` None the profile is never read again.

    Attributes:
        profile: The profile as last read.
    """

    def __init__(self, profile: Profile, reload: Reload | None) -> None:
        self.profile = profile
        self._reload = reload
        self._is_stale = False

    def endpoints(self) -> Sequence[RegionEndpoint]:
        """Return all regions of the profile."""
        return tuple(self.profile.regions.values())

    def mark_stale(self) -> None:
        """Mark the profile as stale: the next `resolve` reads it again."""
        self._is_stale = self._reload is not None

    def mark_fresh(self) -> None:
        """Mark the profile as fresh: a region is live at the endpoint in the profile."""
        self._is_stale = False

    async def resolve(self, endpoint: RegionEndpoint) -> RegionEndpoint:
        """Return the current endpoint of the region with this alias.

        Raises:
            UserError: the profile cannot be read, or no longer has the region.
        """
        if self._is_stale and self._reload is not None:
            # It stays stale after this: only a live region shows that the new endpoint is right.
            self.profile = await self._reload()
            return self.profile.resolve(endpoint.alias)
        return endpoint


@dataclass(frozen=True, slots=True)
class ExpiringKey:
    """The key of a region (an alias) that expires in `days` whole days; negative once it has expired."""

    alias: str
    days: int

    def __str__(self) -> str:
        """Return a sentence."""
        if self.days < 0:
            return f"The API key of {self.alias} has expired."
        left = {0: "in less than a day", 1: "in a day"}.get(self.days, f"in {self.days} days")
        return f"The API key of {self.alias} expires {left}."


def expiring_keys(
    endpoints: Iterable[RegionEndpoint], now: float, *, within_days: int = SOON_DAYS
) -> list[ExpiringKey]:
    """Return the keys that expire within `within_days` days of `now` (epoch seconds), the earliest first.

    Keys with unknown expiry are left out.
    """
    found = [
        ExpiringKey(each.alias, int((each.api_key_expires - now) // DAY))
        for each in endpoints
        if each.api_key_expires is not None
    ]
    return sorted((key for key in found if key.days < within_days), key=lambda key: key.days)


def exposure(urls: Iterable[str]) -> Reason | None:
    """Return a warning about URLs to which the key is sent unencrypted over a network; None without any."""
    hosts = dict.fromkeys(host_of(url) for url in urls if is_exposed(url))
    if not hosts:
        return None
    return Reason(
        f"Plain HTTP to {', '.join(hosts)}: anyone on the way can read the key and the messages.",
        "Use https:// and wss:// in the profile.",
    )


def names(folder: Path) -> list[str]:
    """Return the names of the profiles in a config folder, sorted."""
    try:
        found = [file.stem for file in (folder / "profiles").iterdir() if file.suffix == ".json"]
    except OSError:
        return []
    return sorted(name for name in found if _NAME.fullmatch(name) and name != LOCAL)


def load(name: str, folder: Path) -> Profile:
    """Read and validate the profile `name` in a config folder.

    Raises:
        ProfileError: it does not exist (lists those that do), is damaged, or cannot be read.
    """
    file = file_of(name, folder)
    try:
        text = read_text(file)
    except FileNotFoundError:
        raise _unknown(name, folder) from None
    except OSError as error:
        raise ProfileError(
            f"The profile file {file} cannot be read: {error.strerror}.",
            remedy="Make the file readable for you.",
        ) from None
    except NotUtf8 as error:
        raise _damaged(file, f"it {error}", remedy="Save it as UTF-8.") from None
    return _parse(name, text, file)


def save(profile: Profile, folder: Path) -> Path:
    """Write a profile to a config folder atomically (mode 0600) and return its file.

    Raises:
        ProfileError: the name is not allowed, or the file cannot be written.
        UserError: the folder cannot be used.
    """
    file = file_of(profile.name, folder)
    regions = {alias: _document(endpoint) for alias, endpoint in profile.regions.items()}
    text = json.dumps({"version": VERSION, "regions": regions}, indent=2) + "\n"
    ensure_folder(folder)
    ensure_folder(file.parent)
    try:
        # Flushed to the disk, as a power cut must not leave the user without a profile.
        replace_file(file, text, durable=True)
    except OSError as error:
        raise ProfileError(
            f"The profile file {file} cannot be written: {error.strerror}.",
            remedy="Make the folder writable, or set GLOBALCHAT_HOME to one that is.",
        ) from None
    return file


def remove(name: str, folder: Path) -> bool:
    """Delete a profile; return False if there was none.

    Raises:
        ProfileError: the name is not allowed, or the file cannot be deleted.
    """
    file = file_of(name, folder)
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ProfileError(
            f"The profile file {file} cannot be deleted: {error.strerror}.", remedy="Delete it by hand."
        ) from None
    return True


def _document(endpoint: RegionEndpoint) -> dict[str, str | int]:
    document: dict[str, str | int] = {key: getattr(endpoint, name) for name, key in _FIELDS.items()}
    if endpoint.auth == "iam":
        document[_AUTH] = endpoint.auth
        if endpoint.aws_profile is not None:
            document[_AWS_PROFILE] = endpoint.aws_profile
        return document
    document[_KEY] = endpoint.api_key
    if endpoint.api_key_expires is not None:
        document[_EXPIRES] = endpoint.api_key_expires
    return document


def check_name(name: str) -> None:
    """Check that a profile may have this name.

    Raises:
        ProfileError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise ProfileError(
            f'"{name[:50]}" cannot name a profile.',
            remedy="Use 1 to 64 letters, digits, - and _, starting with a letter or digit.",
        )
    if name == LOCAL:
        raise ProfileError(
            f'The name "{LOCAL}" is reserved for the local cloud, which needs no profile file.',
            remedy="Choose another name.",
        )


def file_of(name: str, folder: Path) -> Path:
    """Return the file of a profile in a config folder, whether it exists or not.

    Raises:
        ProfileError: no profile may have this name.
    """
    check_name(name)
    return folder / "profiles" / f"{name}.json"


def _parse(name: str, text: str, file: Path) -> Profile:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(file, "it is not JSON") from None
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise _damaged(file, f"it is not a profile of version {VERSION}")
    regions = content.get("regions")
    if not isinstance(regions, dict) or not regions:
        raise _damaged(file, "it holds no regions")
    return Profile(name, {alias: _endpoint(alias, raw, file) for alias, raw in regions.items()})


def _endpoint(alias: str, raw: object, file: Path) -> RegionEndpoint:
    if not _ALIAS.fullmatch(alias):
        raise _damaged(file, f'"{alias[:50]}" cannot be the alias of a region')
    document: Mapping[str, object] = raw if isinstance(raw, dict) else {}
    values = {
        name: _word(alias, document, key, _REGION if name == "region" else _WORD, file)
        for name, key in _FIELDS.items()
    }
    _check_url(file, values["graphql_url"], ("http", "https"), alias)
    _check_url(file, values["realtime_url"], ("ws", "wss"), alias)
    found = RegionEndpoint(
        alias=alias,
        region=values["region"],
        graphql_url=values["graphql_url"],
        realtime_url=values["realtime_url"],
        api_id=values["api_id"],
        event_bus=values["event_bus"],
    )
    auth = document.get(_AUTH, "apiKey")
    if auth == "iam":
        return replace(found, auth="iam", aws_profile=_aws_profile(alias, document, file))
    if auth != "apiKey":
        raise _damaged(file, f'region "{alias[:50]}" has at "{_AUTH}" neither "apiKey" nor "iam"')
    key, expires = _word(alias, document, _KEY, _WORD, file), document.get(_EXPIRES)
    # `type` and not `isinstance`: in Python, true and false are integers.
    if expires is not None and (type(expires) is not int or not is_plausible(1000 * expires)):
        raise _damaged(file, f'region "{alias[:50]}" has no epoch seconds at "{_EXPIRES}"')
    return replace(found, api_key=key, api_key_expires=expires)


def _aws_profile(alias: str, document: Mapping[str, object], file: Path) -> str | None:
    if document.get(_KEY) is not None:
        raise _damaged(file, f'region "{alias[:50]}" has "{_KEY}", but signs by IAM')
    if document.get(_AWS_PROFILE) is None:
        return None
    return _word(alias, document, _AWS_PROFILE, _AWS_PROFILE_NAME, file)


def _word(alias: str, document: Mapping[str, object], key: str, form: re.Pattern[str], file: Path) -> str:
    """Return the text of a field."""
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise _damaged(file, f'region "{alias[:50]}" has no text at "{key}"')
    if not form.fullmatch(value):
        raise _damaged(file, f'region "{alias[:50]}" has at "{key}" what cannot be one')
    return value


def _check_url(file: Path, url: str, schemes: tuple[str, ...], alias: str) -> None:
    try:
        parts = urlsplit(url)
        # Reading `port` raises ValueError for one that is not a number.
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if valid and ("@" in parts.netloc or "#" in url):
        raise _damaged(file, f'region "{alias[:50]}" needs a URL without a user name and without #')
    if not valid:
        raise _damaged(file, f'region "{alias[:50]}" needs a URL that starts with {schemes[-1]}://')


def _damaged(file: Path, why: str, *, remedy: str = _REWRITE) -> ProfileError:
    return ProfileError(f"The profile file {file} is damaged: {why}.", remedy=remedy)


def _unknown(name: str, folder: Path) -> ProfileError:
    known = [*names(folder), LOCAL]
    return ProfileError(
        f'There is no profile "{name}". There are: {", ".join(known)}.',
        remedy=did_you_mean(name, known) or "Make one with `globalchat deploy`, or use `--profile local`.",
    )
