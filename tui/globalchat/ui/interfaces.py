"""The client's interfaces that the chat needs, and factories of the real implementations."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from globalchat.client.events import SessionEvent
from globalchat.client.messages import Draft
from globalchat.client.profiles import Profile
from globalchat.client.state import SessionState
from globalchat.core.gc_tuning import freeze_gc

if TYPE_CHECKING:
    from globalchat.client.history import HistoryReader
    from globalchat.client.watch import WatchEvent


class ChatSession(Protocol):
    """The part of `globalchat.client.session.Session` that the chat uses."""

    @property
    def state(self) -> SessionState:
        """The state of the session."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that the session subscribes to."""

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """The drafts that are being sent; after the end of the session, those that a later one will send."""

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """The drafts that were returned unsent, which are lost when the session ends."""

    async def run(self) -> None:
        """Own the session's tasks until `close()`."""

    def close(self) -> None:
        """Ask `run()` to end."""

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        """Wait for the next events and return at least one; none after the end."""

    def send(self, channel: str, text: str) -> Draft:
        """Queue a text; the outcome comes as an event."""

    def rename(self, sender: str) -> None:
        """Sign further messages with another name."""

    def resend(self, draft_id: str) -> bool:
        """Resend an unsent draft; return False if there is none."""

    def discard(self, draft_id: str) -> bool:
        """Discard a draft that is not accepted; return False if there is none, or it is in flight."""

    def in_doubt(self, draft_id: str) -> bool:
        """Return True if the backend may have accepted the draft anyway."""

    def switch(self, region: str) -> None:
        """Switch to another region."""

    def join(self, channel: str) -> None:
        """Subscribe to a further channel, or again to a revoked one."""

    def leave(self, channel: str) -> None:
        """End the subscription to a channel."""

    def load_older(self, channel: str) -> None:
        """Ask for the page before what is loaded, at first for the last one; it comes as an event."""

    def load_gap(self, channel: str, since: int) -> None:
        """Read a gap that was not filled, by where it begins (epoch ms); its messages come as events."""

    def retry_now(self) -> None:
        """Retry at once instead of waiting."""

    def refresh(self) -> None:
        """Ask the region once more which channels it has."""

    def reconnect(self) -> None:
        """Replace the connection, if there is one."""


class RegionWatch(Protocol):
    """The part of `globalchat.client.watch.Watch` that the chat uses: all channels in all regions."""

    async def run(self) -> None:
        """Follow until `close()`."""

    def close(self) -> None:
        """Ask `run()` to end."""

    def retry_now(self) -> None:
        """Retry at once instead of waiting, in every region."""

    async def next_events(self, limit: int = 200) -> "list[WatchEvent]":
        """Wait for the next events and return at least one; none after the end."""


ProfileOpener = Callable[[], Awaitable[Profile]]
"""Opens the profile, which may mean starting the local cloud. Raises UserError."""


class ProfileEntry(NamedTuple):
    """A profile that can be chosen: its regions by alias, and how requests are authenticated.

    `problem` says why it cannot be opened; None if it can.
    """

    name: str
    regions: tuple[str, ...] = ()
    auth: str = ""
    problem: str | None = None


class ProfileOpeners(NamedTuple):
    """How to open a profile, and how to read it again without starting anything."""

    open: ProfileOpener
    reload: ProfileOpener


class ProfileCatalog(Protocol):
    """The profiles of this machine."""

    def names(self) -> Sequence[str]:
        """Return the names, without reading the profiles."""

    def entries(self) -> Sequence[ProfileEntry]:
        """Return the profiles, damaged ones too, each with its problem."""

    def openers(self, name: str) -> ProfileOpeners:
        """Return how to open a profile, which is not read yet."""


SessionFactory = Callable[[Profile, str, str], ChatSession]
"""Makes a session from a profile, a region's alias and a sender's name."""


def load_session_factory(reload: ProfileOpener | None = None, *, has_outbox: bool = True) -> SessionFactory:
    """Import the real session with its transport; call it in a thread, after the first frame.

    `reload` reads the profile again without starting anything. Without an outbox, drafts are not kept on
    disk, and those that are there are not sent.
    """
    from globalchat.client.session import Session
    from globalchat.core.files import user_folders

    # The transport's objects live as long as the process, so collections need not visit them.
    freeze_gc()

    def make(profile: Profile, region: str, sender: str) -> ChatSession:
        return Session(
            profile,
            region,
            sender=sender,
            outbox=user_folders().state / "outbox" if has_outbox else None,
            history=user_folders().state / "history",
            reload=reload,
        )

    return make


HistoryOpener = Callable[[Profile, str], AbstractAsyncContextManager["HistoryReader"]]
"""Opens the history of a region (an alias) of a profile."""


def load_history_opener() -> HistoryOpener:
    """Import the real history reader: call it in a thread as well."""
    from globalchat.client.api import RegionApi

    def open_history(profile: Profile, alias: str) -> AbstractAsyncContextManager["HistoryReader"]:
        return RegionApi(profile.resolve(alias))

    return open_history


WatchFactory = Callable[[Profile, float], RegionWatch]
"""Makes a watch from a profile, its regions, and the seconds that a message may take to the second one."""


def load_watch_factory(reload: ProfileOpener | None = None) -> WatchFactory:
    """Import the real watch; call it in a thread as well. `reload` is as for the session."""
    from globalchat.client.watch import Watch

    def make(profile: Profile, within: float) -> RegionWatch:
        return Watch(profile, pair_within=within, reload=reload)

    return make
