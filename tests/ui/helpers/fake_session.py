"""A session that is driven by the test, and records the calls of the chat."""

import asyncio
from dataclasses import replace
from typing import Any

from globalchat.client.events import (
    BackendDescribed,
    DraftAccepted,
    DraftQueued,
    GapFilled,
    MessageReceived,
    PageLoaded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Backend, Draft, HistoryTerms, Message, MessageLimits
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.state import Phase, SessionState

NOON = 1_795_521_600_000
"""Tuesday 24 November 2026, 12:00 UTC, in epoch ms."""

CHANNELS = ("cars", "robots", "tech", "music", "media")
REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
LIMITS = MessageLimits(message=2000, sender=32, id=64)
DAY = 86_400_000
KEPT = HistoryTerms(days=7, since=NOON - 7 * DAY)


def profile(name: str = "local") -> Profile:
    """A profile of both regions that leads nowhere."""
    return Profile(
        name,
        {
            alias: RegionEndpoint(
                alias, region, "http://127.0.0.1:1", "ws://127.0.0.1:1", "api", "bus", "key"
            )
            for alias, region in REGIONS.items()
        },
    )


async def open_profile() -> Profile:
    """Opens at once."""
    return profile()


class FakeSession:
    """Implements `globalchat.ui.interfaces.ChatSession`. `calls` holds what the chat asked for, in order.

    Pages of history are in `asked` instead, by channel: every chat asks for some. `opened` is the profile,
    the region and the name with which the chat opened it.
    """

    def __init__(self, region: str = "oregon", sender: str = "bo") -> None:
        self.state = SessionState(Phase.IDLE, region)
        self.channels: tuple[str, ...] = ()
        self.refreshed = 0
        self.sender = sender
        self.calls: list[tuple[str, object]] = []
        self.asked: list[str] = []
        self.opened: tuple[str, str, str] | None = None
        self.stored: dict[str, list[Message]] = {}
        self.answers_pages = True
        self.page_size = 100
        self._events: asyncio.Queue[SessionEvent | None] = asyncio.Queue()
        self._closed = asyncio.Event()
        self._waiting = False
        self.drafts: list[Draft] = []
        self.under_way: set[str] = set()
        self.doubtful: set[str] = set()
        self.left: list[Draft] = []
        self._messages = 0

    async def run(self) -> None:
        await self._closed.wait()

    def close(self) -> None:
        self._closed.set()
        self._events.put_nowait(None)

    @property
    def waiting(self) -> tuple[Draft, ...]:
        return tuple(self.left)

    @property
    def unsent(self) -> tuple[Draft, ...]:
        return ()

    @property
    def closed(self) -> bool:
        """True if the chat is done with it."""
        return self._closed.is_set()

    @property
    def drained(self) -> bool:
        """True if the chat has taken everything in and asks for more."""
        return self._waiting and self._events.empty()

    @property
    def has_events(self) -> bool:
        """True if there are events that were not asked for yet."""
        return not self._events.empty()

    async def next_events(self, limit: int = 200) -> list[SessionEvent]:
        self._waiting = True
        event = await self._events.get()
        self._waiting = False
        events = []
        while event is not None:
            events.append(event)
            if len(events) == limit or self._events.empty():
                break
            event = self._events.get_nowait()
        return events

    def send(self, channel: str, text: str) -> Draft:
        self.calls.append(("send", (channel, text)))
        draft = Draft(f"draft-{len(self.drafts) + 1:04}", channel, text, self.sender, NOON)
        self.drafts.append(draft)
        self.emit(DraftQueued(draft))
        return draft

    def rename(self, sender: str) -> None:
        self.calls.append(("rename", sender))
        self.sender = sender

    def resend(self, draft_id: str) -> bool:
        self.calls.append(("resend", draft_id))
        return True

    def discard(self, draft_id: str) -> bool:
        self.calls.append(("discard", draft_id))
        return draft_id not in self.under_way

    def in_doubt(self, draft_id: str) -> bool:
        return draft_id in self.doubtful

    def switch(self, region: str) -> None:
        self.calls.append(("switch", region))

    def join(self, channel: str) -> None:
        self.calls.append(("join", channel))
        self.channels += (channel,)

    def leave(self, channel: str) -> None:
        self.calls.append(("leave", channel))
        self.channels = tuple(each for each in self.channels if each != channel)

    def retry_now(self) -> None:
        self.calls.append(("retry_now", None))

    def refresh(self) -> None:
        self.refreshed += 1

    def reconnect(self) -> None:
        self.calls.append(("reconnect", None))

    def load_older(self, channel: str) -> None:
        self.asked.append(channel)
        if self.answers_pages:
            self.answer_page(channel)

    def load_gap(self, channel: str, since: int) -> None:
        self.calls.append(("load_gap", (channel, since)))

    # -- the script -----------------------------------------------------------------------------------------

    def emit(self, *events: SessionEvent) -> None:
        """Emit events to the chat."""
        for event in events:
            self._events.put_nowait(event)

    def change(self, phase: Phase | None = None, **changes: Any) -> None:  # noqa: ANN401 (the fields of SessionState)
        """Come into another state."""
        self.state = replace(self.state, phase=phase or self.state.phase, **changes)
        self.emit(StateChanged(self.state))

    def go_live(self, latency_ms: int | None = 38, *, history: HistoryTerms | None = KEPT) -> None:
        """Come up with the default channels."""
        self.channels = CHANNELS
        self.change(Phase.CONNECTING)
        self.emit(BackendDescribed(Backend(CHANNELS, LIMITS, history=history)))
        self.change(Phase.LIVE, latency_ms=latency_ms)

    def fail_over(self, reason: str, to: str = "sydney") -> None:
        """Lose the region while another answers."""
        self.change(Phase.RETRYING, attempt=3, next_try_at=NOON + 4000, reason=reason, fail_over_to=to)

    def receive(
        self,
        channel: str,
        text: str,
        *,
        sender: str | None = "ana",
        at: int | None = None,
        region: str = "us-west-2",
        transit_ms: int | None = 12,
        identity: str | None = None,
    ) -> None:
        """Receive a message; each a second after the one before unless `at` says when."""
        self._messages += 1
        when = NOON + self._messages * 1000 if at is None else at
        message = Message(identity or f"message-{self._messages:06}", channel, text, sender, region, when)
        self.emit(MessageReceived(message, self.state.region, when + (transit_ms or 0), transit_ms))

    def accept(self, draft: Draft, at: int = NOON + 100) -> None:
        """Let the backend take a draft."""
        self.emit(DraftAccepted(draft, "us-west-2", at))

    def echo(self, draft: Draft, at: int = NOON + 100) -> None:
        """Let a draft come back."""
        message = Message(draft.id, draft.channel, draft.text, draft.sender, "us-west-2", at)
        self.emit(MessageReceived(message, self.state.region, at + 12, 12, own=True))

    # -- history --------------------------------------------------------------------------------------------

    def store(self, channel: str, *messages: Message) -> None:
        """Let messages have been said before; `load_older` brings them, the latest first."""
        self.stored[channel] = [*self.stored.get(channel, []), *messages]

    def deliver(self, message: Message) -> None:
        """Let the socket bring a message that is stored."""
        self.emit(MessageReceived(message, self.state.region, message.sent_at + 12, 12))

    def answer_page(self, channel: str) -> None:
        """Answer with the next page."""
        stored = self.stored.get(channel, [])
        self.stored[channel], page = stored[: -self.page_size], stored[-self.page_size :]
        self.emit(PageLoaded(channel, tuple(page), not self.stored[channel]))

    def fill(self, channel: str, *messages: Message, ends: bool = True) -> None:
        """Let history bring missed messages, and end the gap."""
        for each in messages:
            self.emit(MessageReceived(each, self.state.region, NOON, None, filled=True))
        if ends:
            since, until = messages[0].sent_at, messages[-1].sent_at
            self.emit(GapFilled(channel, since, until, len(messages)))


def said(
    number: int, *, at: int | None = None, text: str = "", channel: str = "tech", sender: str = "ana"
) -> Message:
    """A message of before noon: each number is a minute of the day, and has an arrival in that order."""
    sent = NOON - DAY // 2 + number * 60_000 if at is None else at
    return Message(
        f"said-{number:06}", channel, text or f"#{number}", sender, "us-west-2", sent, f"{number:026}"
    )
