"""The interfaces that the chat needs of the client, and the factories of the real ones."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from globalchat.client.events import SessionEvent
from globalchat.client.messages import Draft
from globalchat.client.profiles import Profile
from globalchat.client.state import SessionState
from globalchat.core.gc_tuning import freeze_gc

if TYPE_CHECKING:
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
        """The drafts that are on their way; once it has ended, those that a later session sends."""

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """The drafts that were returned unsent: nothing keeps them once the session has ended."""

    async def run(self) -> None:
        """Own the session's tasks until `close()`."""

    def close(self) -> None:
        """Ask `run()` to end."""

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        """Wait for the next events and return at least one; none after the end."""

    def send(self, channel: str, text: str) -> Draft:
        """Queue a text; the outcome comes as an event."""

    def rename(self, sender: str) -> None:
        """Sign what is sent from now on with another name."""

    def resend(self, draft_id: str) -> bool:
        """Try an unsent draft again; False if there is none."""

    def discard(self, draft_id: str) -> bool:
        """Forget a draft that is not accepted; False if there is none, or it is under way."""

    def in_doubt(self, draft_id: str) -> bool:
        """Return True if the backend may have accepted such a draft anyway."""

    def switch(self, region: str) -> None:
        """Move to another region."""

    def join(self, channel: str) -> None:
        """Subscribe one more channel, or a revoked one again."""

    def leave(self, channel: str) -> None:
        """End the subscription to a channel."""

    def load_older(self, channel: str) -> None:
        """Ask for the page before what is loaded, at first for the last one; it comes as an event."""

    def load_gap(self, channel: str, since: int) -> None:
        """Read a gap that was not filled, by where it begins (epoch ms); its messages come as events."""

    def retry_now(self) -> None:
        """Try at once instead of waiting."""

    def reconnect(self) -> None:
        """Replace the connection, if there is one."""


class RegionWatch(Protocol):
    """The part of `globalchat.client.watch.Watch` that the chat uses: all channels in all regions at once."""

    async def run(self) -> None:
        """Follow until `close()`."""

    def close(self) -> None:
        """Ask `run()` to end."""

    def retry_now(self) -> None:
        """Try at once instead of waiting, in every region."""

    async def next_events(self, limit: int = 200) -> "list[WatchEvent]":
        """Wait for the next events and return at least one; none after the end."""


ProfileOpener = Callable[[], Awaitable[Profile]]
"""Opens the profile, which may mean starting the local cloud. Raises UserError."""

SessionFactory = Callable[[Profile, str, str], ChatSession]
"""Makes a session of a profile, a region's alias and a sender's name."""


def load_session_factory(reload: ProfileOpener | None = None) -> SessionFactory:
    """Import the real session, which pulls in its transport: call it in a thread, after the first frame.

    `reload` reads the profile again, and starts nothing.
    """
    from globalchat.client.session import Session
    from globalchat.core.files import user_folders

    # The transport's objects live as long as the process: no collection needs to visit them.
    freeze_gc()

    def make(profile: Profile, region: str, sender: str) -> ChatSession:
        outbox = user_folders().state / "outbox"
        return Session(profile, region, sender=sender, outbox=outbox, reload=reload)

    return make


WatchFactory = Callable[[Profile, float], RegionWatch]
"""Makes a watch of a profile's regions, and of the seconds that a message may take to the second one."""


def load_watch_factory(reload: ProfileOpener | None = None) -> WatchFactory:
    """Import the real watch: call it in a thread as well. `reload` is as for the session."""
    from globalchat.client.watch import Watch

    def make(profile: Profile, within: float) -> RegionWatch:
        return Watch(profile, pair_within=within, reload=reload)

    return make
