"""The chat on a session without a network: real events in the client's own buffer, as many as asked for."""

import asyncio
import time
from collections.abc import Callable
from random import Random

from globalchat.client.buffer import EventBuffer
from globalchat.client.events import (
    BackendDescribed,
    DraftQueued,
    EventsSkipped,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Backend, Draft, Message, MessageLimits
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import now_ms
from globalchat.ui.app import ChatApp
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.settings import Loaded, Settings

CHANNELS = ("cars", "robots", "tech", "music", "media")
_TICK = 0.005
_WORDS = (
    "relay",
    "bus",
    "region",
    "rule",
    "the",
    "a",
    "of",
    "deploying",
    "latency",
    "queue",
    "is",
    "in",
    "now",
)


def profile() -> Profile:
    """Return a profile whose addresses lead nowhere."""
    endpoint = RegionEndpoint(
        "oregon", "us-west-2", "http://127.0.0.1:1", "ws://127.0.0.1:1", "api", "bus", "key"
    )
    return Profile("local", {"oregon": endpoint})


async def open_profile() -> Profile:
    """Return it at once."""
    return profile()


def chat_on(session_factory: Callable[..., ChatSession], *, settings: Settings | None = None) -> ChatApp:
    """Return the chat in the channel `tech` of a profile that leads nowhere, on sessions of this factory."""
    return ChatApp(
        open_profile,
        region="oregon",
        channel="tech",
        sender="bo",
        profile_name="local",
        settings=Loaded(settings or Settings()),
        session_factory=session_factory,
    )


class Texts:
    """Texts of 35 to 230 characters; the same ones in every run."""

    def __init__(self, count: int = 500) -> None:
        rng = Random(5)
        self._texts = [self._make(rng, rng.randrange(35, 231)) for _ in range(count)]

    def __getitem__(self, number: int) -> str:
        return f"{number} {self._texts[number % len(self._texts)]}"

    @staticmethod
    def _make(rng: Random, length: int) -> str:
        text = ""
        while len(text) < length:
            text += rng.choice(_WORDS) + " "
        return text[:length].rstrip()


class FloodSession:
    """Implements `globalchat.ui.interfaces.ChatSession`: live at once, then `rate` messages/s for `seconds`.

    Attributes:
        sent: How many messages have arrived so far.
        skipped: How many of them were reported to the chat as skipped.
        flooding: True while the flood lasts.
    """

    def __init__(self, *, rate: int, seconds: float, start_after: float = 1.0) -> None:
        self.state = SessionState(Phase.IDLE, "oregon")
        self.channels = CHANNELS
        self.sent = self.skipped = 0
        self.flooding = False
        self._rate, self._seconds, self._start_after = rate, seconds, start_after
        self._events = EventBuffer(DEFAULTS.buffer)
        self._closed = asyncio.Event()
        self._texts = Texts()
        self._drafts = 0

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """None."""
        return ()

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """None."""
        return ()

    async def run(self) -> None:
        """Come up, flood, and wait for the end."""
        self.state = SessionState(Phase.LIVE, "oregon", latency_ms=1)
        self._events.put(BackendDescribed(Backend(CHANNELS, MessageLimits(2000, 32, 64))))
        self._events.put(StateChanged(self.state))
        async with asyncio.TaskGroup() as tasks:
            flood = tasks.create_task(self._flood())
            await self._closed.wait()
            flood.cancel()

    def close(self) -> None:
        """End `run`."""
        self._closed.set()
        self._events.close()

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        """Return the events that wait."""
        events = await self._events.take(limit)
        self.skipped += sum(event.count for event in events if isinstance(event, EventsSkipped))
        return events

    def receive(self, number: int) -> None:
        """One message arrives."""
        now = now_ms()
        identity = f"01J{number:023}"
        message = Message(identity, "tech", self._texts[number], f"peer{number // 5 % 7}", "us-west-2", now)
        self._events.put(MessageReceived(message, "oregon", now, 12))

    async def _flood(self) -> None:
        await asyncio.sleep(self._start_after)
        self.flooding = True
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < self._seconds:
            due = int(elapsed * self._rate)
            for number in range(self.sent, due):
                self.receive(number)
            self.sent = max(self.sent, due)
            await asyncio.sleep(_TICK)
        self.flooding = False

    def send(self, channel: str, text: str) -> Draft:
        """Queue a text that goes nowhere."""
        self._drafts += 1
        draft = Draft(f"draft{self._drafts}", channel, text, "bo", now_ms())
        self._events.put(DraftQueued(draft))
        return draft

    def resend(self, draft_id: str) -> bool:  # noqa: ARG002 (the protocol's name)
        """There is nothing."""
        return False

    def discard(self, draft_id: str) -> bool:  # noqa: ARG002 (the protocol's name)
        """There is nothing."""
        return False

    def in_doubt(self, draft_id: str) -> bool:  # noqa: ARG002 (the protocol's name)
        """There is nothing."""
        return False

    def switch(self, region: str) -> None:
        """There is no other."""

    def join(self, channel: str) -> None:
        """Nothing happens."""

    def leave(self, channel: str) -> None:
        """Nothing happens."""

    def rename(self, sender: str) -> None:
        """Nothing happens."""

    def retry_now(self) -> None:
        """Nothing happens."""

    def refresh(self) -> None:
        """Nothing happens."""

    def reconnect(self) -> None:
        """Nothing happens."""

    def load_older(self, channel: str) -> None:
        """There is no history."""

    def load_gap(self, channel: str, since: int) -> None:
        """There is no history."""
