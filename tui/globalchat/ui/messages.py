"""What the background work tells the screen, as past-tense facts."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message

from globalchat.client.events import SessionEvent
from globalchat.client.profiles import Profile
from globalchat.ui.ports import ChatSession

if TYPE_CHECKING:
    from globalchat.client.watch import WatchEvent


class ProfileOpeningStarted(Message):
    """The profile is being opened (again)."""


class ProfileOpeningFailed(Message):
    """The profile could not be opened, or has no such region. `reason` and `remedy` are sentences."""

    def __init__(self, reason: str, remedy: str | None) -> None:
        super().__init__()
        self.reason = reason
        self.remedy = remedy


class SessionOpened(Message):
    """There is a session now; it is about to run. `region` is the alias that it begins in."""

    def __init__(self, profile: Profile, region: str, session: ChatSession) -> None:
        super().__init__()
        self.profile = profile
        self.region = region
        self.session = session


class EventsArrived(Message):
    """The session told something. Setting `consumed` asks for more: one batch is on its way at most."""

    def __init__(self, events: Sequence[SessionEvent], consumed: asyncio.Event) -> None:
        super().__init__()
        self.events = events
        self.consumed = consumed


class WatchTold(Message):
    """The watch of all regions told something. `source` is who runs it, `consumed` as in `EventsArrived`."""

    def __init__(self, source: object, events: "Sequence[WatchEvent]", consumed: asyncio.Event) -> None:
        super().__init__()
        self.source = source
        self.events = events
        self.consumed = consumed
