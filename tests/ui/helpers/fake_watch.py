"""A watch of both regions that is driven by the test."""

import asyncio

from globalchat.client.events import MessageReceived, StateChanged
from globalchat.client.messages import Message
from globalchat.client.state import Phase, SessionState
from globalchat.client.watch import FromRegion, Paired, Unpaired, WatchEvent
from tests.ui.helpers.fake_session import NOON, REGIONS


class FakeWatch:
    """Implements `globalchat.ui.interfaces.RegionWatch`."""

    def __init__(self) -> None:
        self.closed = False
        self.retried = 0
        self._ended = asyncio.Event()
        self._events: asyncio.Queue[WatchEvent | None] = asyncio.Queue()
        self._waiting = False

    async def run(self) -> None:
        await self._ended.wait()

    def close(self) -> None:
        self.closed = True
        self._ended.set()
        self._events.put_nowait(None)

    def retry_now(self) -> None:
        self.retried += 1

    @property
    def drained(self) -> bool:
        """True if the chat has taken everything in and asks for more."""
        return self._waiting and self._events.empty()

    async def next_events(self, limit: int = 200) -> list[WatchEvent]:
        self._waiting = True
        event = await self._events.get()
        self._waiting = False
        return [] if event is None else [event]

    def emit(self, *events: WatchEvent) -> None:
        """Emit events to the chat."""
        for event in events:
            self._events.put_nowait(event)

    def go_live(self, *aliases: str) -> None:
        """Bring regions up."""
        for alias in aliases:
            self.emit(FromRegion(alias, StateChanged(SessionState(Phase.LIVE, alias, latency_ms=38))))

    def arrive(self, sent: Message, **arrivals: int) -> None:
        """Let a message arrive in regions, so many ms after noon each."""
        for alias, after in arrivals.items():
            self.emit(FromRegion(alias, MessageReceived(sent, alias, NOON + after, None)))
        if len(arrivals) == len(REGIONS):
            self.emit(Paired(sent, {alias: NOON + after for alias, after in arrivals.items()}))

    def give_up(self, sent: Message, *missing: str) -> None:
        """Let a message be missing."""
        self.emit(Unpaired(sent, {}, missing))


def message(number: int, text: str, *, sender: str | None = "ana", region: str = "us-west-2") -> Message:
    """A message in # tech."""
    return Message(f"message-{number}", "tech", text, sender, region, NOON)
