"""Plays the demo of README.md: two chats, one in Oregon and one in Sydney, that write to each other.

Both are the chat as it runs, each on a scripted session with the time stopped; `make picture` draws them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from docs.scripted_chat import LATENCY_MS, ScriptedChat, scripted
from docs.terminal_svg import Caption, Flight, Frame, Window, moving
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from tests.ui.helpers.fake_session import NOON, REGIONS

COLUMNS, ROWS = 67, 18
GAP = 96
"""What is between the two windows: the Pacific."""
SECONDS = 17.5
POSTER = 8.5
"""The second that is shown where nothing may move."""
KEY = 0.065
"""Seconds between two keys."""
CROSSING = 0.9
"""Seconds that a message takes in the demo: slowed down, to be seen."""
ACCEPTED, DELIVERED = 0.3, 0.6
"""Seconds from Enter to the ticks."""
TRANSIT_MS = 161


@dataclass(frozen=True, slots=True)
class Written:
    """A message of the demo: `enter` is the second in which it is sent, `sent_at` the time that it shows."""

    sender: str
    region: str
    text: str
    sent_at: int
    enter: float = 0
    author: str | None = None

    @property
    def message(self) -> Message:
        """The message as it arrives."""
        identity = f"{self.sent_at:026}"
        return Message(
            identity, "tech", self.text, self.sender, self.region, self.sent_at, identity, self.author
        )


OREGON, SYDNEY = REGIONS["oregon"], REGIONS["sydney"]
EARLIER = (
    Written("kim", OREGON, "both stacks are up", NOON - 720_000, author="kim@example.com"),
    Written("lee", SYDNEY, "seen from here, too", NOON - 660_000),
    Written("lee", SYDNEY, "what if the relay stops?", NOON - 600_000),
    Written("kim", OREGON, "it waits, then it arrives", NOON - 540_000, author="kim@example.com"),
    Written("kim", OREGON, "and is shown once", NOON - 480_000, author="kim@example.com"),
    Written("lee", SYDNEY, "👍", NOON - 420_000),
)
HELLO = Written("ana", OREGON, "hello from Oregon!", NOON + 10, 2.9)
ANSWER = Written("bo", SYDNEY, "@ana hello from Sydney!", NOON + 20, 6.9)
AGAIN = Written("bo", SYDNEY, "and one for both columns", NOON + 30, 11.9)
BOTH_AT, WHO_AT = 8.9, 14.4
CAPTIONS = (
    Caption(0.2, HELLO.enter, "Two terminals, two regions, one channel"),
    Caption(HELLO.enter, 5.0, "✓ accepted in Oregon   ✓✓ delivered"),
    Caption(5.0, ANSWER.enter, "Each region relays to the other: one hop, no loop"),
    Caption(ANSWER.enter, BOTH_AT, "It arrives with its origin and its time under way"),
    Caption(BOTH_AT, WHO_AT, "F9: the channel in both regions, side by side"),
    Caption(WHO_AT, SECONDS, "/who: who wrote lately, and from where"),
)


class Side:
    """One of the two chats, and the frames that were recorded of it.

    Every `at` is a second of the demo, from which on a frame is shown.
    """

    def __init__(self, scripted_chat: ScriptedChat) -> None:
        self.scripted, self.session = scripted_chat, scripted_chat.session
        self.frames: list[tuple[float, Frame]] = []

    async def shoot(self, at: float) -> None:
        """Record what is shown."""
        self.frames.append((at, await self.scripted.frame()))

    async def type(self, text: str, until: float) -> None:
        """Press the keys of a text, the last of them shortly before a second."""
        start = until - 0.4 - len(text) * KEY
        for number, character in enumerate(text):
            await self.scripted.chat.type(character)
            await self.shoot(start + number * KEY)

    async def send(self, written: Written) -> None:
        """Write a text, which is accepted and delivered within a second."""
        await self.type(written.text, written.enter)
        await self.scripted.press("enter")
        await self.shoot(written.enter)
        draft = self.session.drafts[-1]
        self.scripted.clock.now = NOON + LATENCY_MS
        self.session.accept(draft, written.sent_at)
        await self.shoot(written.enter + ACCEPTED)
        message, via = replace(written.message, id=draft.id), self.session.state.region
        self.session.emit(MessageReceived(message, via, written.sent_at + 12, 12, own=True))
        await self.shoot(written.enter + DELIVERED)

    async def receive(self, written: Written) -> None:
        """Receive what was sent in the other region."""
        via, received_at = self.session.state.region, written.sent_at + TRANSIT_MS
        self.session.emit(MessageReceived(written.message, via, received_at, TRANSIT_MS))
        await self.shoot(written.enter + ACCEPTED + CROSSING)


async def ana(side: Side) -> None:
    """Greet, read the answer, and follow the channel in both regions."""
    await side.send(HELLO)
    await side.receive(ANSWER)
    await side.scripted.follow_both_regions()
    await side.shoot(BOTH_AT)
    sent_at, enter = AGAIN.sent_at - NOON, AGAIN.enter
    for at, arrivals in (
        (enter + DELIVERED, {"sydney": sent_at}),
        (enter + ACCEPTED + CROSSING, {"oregon": sent_at + TRANSIT_MS}),
    ):
        side.scripted.watch.arrive(AGAIN.message, **arrivals)
        await side.scripted.watched()
        await side.shoot(at)


async def bo(side: Side) -> None:
    """Answer, write once more, and look who is there."""
    await side.receive(HELLO)
    await side.send(ANSWER)
    await side.send(AGAIN)
    await side.type("/who", WHO_AT)
    await side.scripted.press("enter")
    await side.shoot(WHO_AT)


async def record(script: Callable[[Side], Awaitable[None]], region: str, title: str, left: int) -> Window:
    """Run one of the chats, and return its window."""
    async with scripted((COLUMNS, ROWS), name=script.__name__, region=region) as chat:
        chat.session.store("tech", *(each.message for each in EARLIER))
        chat.session.go_live()
        side = Side(chat)
        await side.shoot(0)
        await script(side)
        return Window(title, COLUMNS, side.frames, left)


def demo() -> str:
    """Return the demo."""
    oregon = asyncio.run(record(ana, "oregon", "ana in Oregon (us-west-2)", 0))
    sydney = asyncio.run(record(bo, "sydney", "bo in Sydney (ap-southeast-2)", oregon.width + GAP))
    flights = [
        Flight(sent.enter + ACCEPTED, sent.enter + ACCEPTED + CROSSING, origin, target)
        for sent, origin, target in (
            (HELLO, oregon.width, sydney.left),
            (ANSWER, sydney.left, oregon.width),
            (AGAIN, sydney.left, oregon.width),
        )
    ]
    return moving([oregon, sydney], SECONDS, POSTER, CAPTIONS, flights)
