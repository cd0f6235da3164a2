"""Replaces addresses in sentences of the client by the names of regions, which users know. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from globalchat.client.events import (
    ChannelRefused,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    PageFailed,
    SessionEvent,
    StateChanged,
)
from globalchat.ui.model.names import RegionNames

_APPSYNC = r"[a-z0-9]+\.appsync-(?:realtime-)?api\.(?P<aws>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
_LOOPBACK = r"(?:127\.0\.0\.1|localhost|\[::1\]):\d+"
"""Of the local cloud, whose ports change when it starts again."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a profile's regions.

    Attributes:
        aliases: The alias of each host, with its port if the URL has one.
        names: The names of the regions.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    names: RegionNames = field(default_factory=RegionNames)

    def event(self, event: SessionEvent, region: str | None) -> SessionEvent:
        """Return an event with names in its sentences; `region` is the alias of the session's region."""
        match event:
            case StateChanged(state) if state.reason or state.remedy:
                named = partial(self.named, region=state.region)
                reason, remedy = named(state.reason), named(state.remedy)
                return StateChanged(replace(state, reason=reason, remedy=remedy))
            case DraftWaiting(reason=reason, remedy=remedy) | PageFailed(reason=reason, remedy=remedy):
                return replace(
                    event, reason=self.named(reason, region) or "", remedy=self.named(remedy, region)
                )
            case DraftRefused(reason=reason) | DraftUnsent(reason=reason) | ChannelRefused(reason=reason):
                return replace(event, reason=self.named(reason, region) or "")
        return event

    def named(self, text: str | None, region: str | None = None) -> str | None:
        """Return a sentence with a region's name for each address; `region` is that of a loopback address."""
        if not text or not self.names.regions:
            return text
        hosts = "|".join(map(re.escape, sorted(self.aliases, key=len, reverse=True)))
        known = f"(?P<known>{hosts})|" if hosts else ""
        # The words before it, as a name has no address, and listens nowhere.
        host = rf"{known}{_APPSYNC}|{_LOOPBACK}"
        address = rf"(?P<before>\b(?:at|name) )?(?<![\w.-])(?:{host})(?!\w|-\w|:\d)"
        return re.sub(address, partial(self._name, region=region), text)

    def _name(self, found: re.Match[str], region: str | None) -> str:
        groups = found.groupdict()
        if groups.get("known"):
            alias = self.aliases[groups["known"]]
        elif groups["aws"]:
            alias = self.names.alias_of(groups["aws"])
        else:
            alias = region or ""
        if alias not in self.names.regions:
            return found[0]
        before = {"at ": "at the address of ", "name ": "name of "}.get(groups["before"] or "", "")
        return before + self.names.title(alias)
