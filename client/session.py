"""The chat session: one live tie to a region, kept through outages."""

from collections.abc import Sequence

from client.events import SessionEvent
from client.messages import Draft
from client.options import SessionOptions
from client.profiles import Profile
from client.state import SessionState

__all__ = ["Session", "SessionOptions"]


class Session:
    """A chat session. `run()` does the work; everything it learns comes out of `next_events()`."""

    def __init__(
        self,
        profile: Profile,
        region: str,
        *,
        channels: Sequence[str] | None = None,
        sender: str | None = None,
        options: SessionOptions = SessionOptions(),
    ) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Connect, and stay connected until `close()` or cancellation."""
        raise NotImplementedError

    def close(self) -> None:
        """Ask `run()` to end. Returns at once."""
        raise NotImplementedError

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        raise NotImplementedError

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that the session wants (subscribed, or about to be)."""
        raise NotImplementedError

    def send(self, channel: str, text: str) -> Draft:
        """Queue a text for publishing. Returns at once; the outcome comes as an event."""
        raise NotImplementedError

    def resend(self, draft_id: str) -> None:
        """Try an unsent draft again, with the same id."""
        raise NotImplementedError

    def switch(self, region: str) -> None:
        """Move to another region: it is live before the old one is dropped. Returns at once."""
        raise NotImplementedError

    def join(self, channel: str) -> None:
        """Subscribe one more channel. Returns at once; a refusal comes as `ChannelRefused`."""
        raise NotImplementedError

    def rejoin(self, channel: str) -> None:
        """Subscribe a channel again that an administrator ended."""
        raise NotImplementedError

    def leave(self, channel: str) -> None:
        """End the subscription to a channel."""
        raise NotImplementedError

    def retry_now(self) -> None:
        """Try at once instead of waiting, also after a failure."""
        raise NotImplementedError

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        """The next events, at least one; an empty list after the session closed."""
        raise NotImplementedError
