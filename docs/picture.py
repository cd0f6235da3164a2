"""Draws the pictures in `docs/pictures/`: the chat as it runs, on scripted sessions with the time stopped.

Run it with `make picture`; names of pictures as arguments draw only those. The demo is in `demo.py`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from docs.demo import demo
from docs.scripted_chat import LATENCY_MS, ScriptedChat, scripted
from docs.terminal_svg import frame_of, still
from globalchat.client.events import GapReason, GapRecorded, MessageReceived
from globalchat.client.messages import Message
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.plain_chat import PlainChat, command_for
from globalchat.ui.settings import Loaded, Settings
from tests.ui.helpers.fake_session import NOON, REGIONS, FakeSession, profile

FOLDER = Path(__file__).with_name("pictures")
MINUTE = 60_000
OREGON, SYDNEY = REGIONS.values()
ANA, PRIYA = "ana@example.com", "priya@example.com"
DEPLOYER = "arn:aws:iam::111122223333:role/deploy"
ONE_HOP = "one hop, no loop, whichever way it goes"
LIGHT = Loaded(Settings(theme="textual-light"))

Script = Callable[[ScriptedChat], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said so many minutes before noon; `author` is who AWS vouches for."""

    ago: int
    sender: str
    text: str
    region: str = OREGON
    author: str | None = None
    transit_ms: int | None = 14

    def message(self, number: int) -> Message:
        """Return the message, in # tech."""
        identity, sent_at = f"{number:026}", NOON - self.ago * MINUTE
        return Message(identity, "tech", self.text, self.sender, self.region, sent_at, identity, self.author)


YESTERDAY = (
    Said(1465, "kim", "arm 3 is calibrated, arm 4 tomorrow"),
    Said(1462, "ana", "thanks! I am off to bed, it is half past ten here", SYDNEY, ANA),
    Said(1458, "lee", "night. I will watch the dead-letter queue meanwhile"),
)
MORNING = (
    Said(63, "priya", f"the relay only forwards events of its own region:\n{ONE_HOP}", OREGON, PRIYA),
    Said(62, "priya", "and the dead-letter queue is empty", OREGON, PRIYA),
)
AFTER_THE_GAP = (
    Said(41, "lee", "my train was in a tunnel. Did I miss anything?"),
    Said(39, "ana", "good evening from Sydney ☕ the new templates are up", SYDNEY, ANA, 161),
    Said(38, "ana", "@bo can you look? `make deploy ARGS=--diff` shows what changes", SYDNEY, ANA, 158),
    Said(36, "ana", "that was me, honest: please send me the key", OREGON, None),
    Said(35, "priya", "which is why a name is not an author. No mark, no key.", OREGON, PRIYA),
    Said(22, "deploy-bot", "stack globalchat-sydney-api: UPDATE_COMPLETE", SYDNEY, DEPLOYER, 172),
)
BOTH = (
    Said(9, "ana", "good evening from Sydney ☕", SYDNEY, ANA),
    Said(9, "kim", "morning! Oregon here, I see you 160 ms later"),
    Said(8, "priya", ONE_HOP, OREGON, PRIYA),
    Said(7, "ana", "and if the relay stops?", SYDNEY, ANA),
    Said(6, "lee", "then it waits, and says so: this one has not crossed yet"),
)
TOOK = (161, 158, 159, 172, None)
"""How many ms each of them needed to the other region; None for one that did not arrive."""
OWN = ("looks good: three changes, none in IAM", "deploying now")


async def first_run(chat: ScriptedChat) -> None:
    """Show the first screen."""
    chat.session.go_live()


async def busy(chat: ScriptedChat) -> None:
    """Fill a channel: history, a gap, a mention, verified people, own messages on their way."""
    session = chat.session
    session.store("tech", *(each.message(number) for number, each in enumerate(YESTERDAY)))
    session.go_live()
    await chat.chat.settle()
    say(session, MORNING, 10)
    session.emit(GapRecorded(("tech",), NOON - 58 * MINUTE, NOON - 43 * MINUTE, GapReason.BEFORE_HISTORY))
    say(session, AFTER_THE_GAP, 20)
    for number, channel in enumerate(("robots", "robots", "music", "cars")):
        text = "@bo this one is for you 🎷" if channel == "music" else "and another one"
        session.receive(channel, text, sender="kim", at=NOON - number * MINUTE)
    await chat.chat.settle()
    sent = [session.send("tech", text) for text in OWN]
    chat.clock.now += LATENCY_MS
    session.accept(sent[0])
    session.echo(sent[0])
    session.accept(sent[1])


async def people(chat: ScriptedChat) -> None:
    """Show who wrote lately."""
    await busy(chat)
    await chat.press("f10")


async def side_by_side(chat: ScriptedChat) -> None:
    """Follow the channel in both regions, with the latencies between them."""
    chat.session.go_live()
    await chat.chat.settle()
    await chat.press("f4")
    await chat.follow_both_regions()
    for number, (each, took) in enumerate(zip(BOTH, TOOK, strict=True)):
        message, after = each.message(number), number * 7000
        here, there = ("oregon", "sydney") if each.region == OREGON else ("sydney", "oregon")
        if took is None:
            chat.watch.arrive(message, **{here: after})
            chat.watch.give_up(message, there)
        else:
            chat.watch.arrive(message, **{here: after, there: after + took})
    own = chat.session.send("tech", OWN[0])
    chat.clock.now += LATENCY_MS
    chat.session.accept(own)
    chat.session.echo(own)
    await chat.watched()


def say(session: FakeSession, all_said: Iterable[Said], first: int) -> None:
    """Let the session receive messages."""
    for number, each in enumerate(all_said, first):
        message = each.message(number)
        received_at = message.sent_at + (each.transit_ms or 0)
        session.emit(MessageReceived(message, session.state.region, received_at, each.transit_ms))


@dataclass(frozen=True, slots=True)
class Picture:
    """How a picture is made."""

    script: Script
    size: tuple[int, int] = (120, 36)
    settings: Loaded = Loaded(Settings())  # noqa: RUF009 - is frozen
    welcome: bool = False


PICTURES = {
    "first-run": Picture(first_run, welcome=True),
    "busy": Picture(busy),
    "side-by-side": Picture(side_by_side, (120, 30)),
    "people": Picture(people),
    "80x24": Picture(busy, (80, 24)),
    "light": Picture(busy, (100, 28), LIGHT),
}


async def draw(picture: Picture) -> str:
    """Run the chat, and return its picture."""
    async with scripted(picture.size, settings=picture.settings, welcome=picture.welcome) as chat:
        await picture.script(chat)
        return still("globalchat", await chat.frame(), picture.size[0])


class PlainTerminal:
    """A plain chat and what its terminal shows: what is entered stands behind the prompt."""

    def __init__(self) -> None:
        self.session = FakeSession()
        model = ChatModel(sender="bo", calendar=Calendar(UTC), clock=lambda: NOON)
        view_model = ChatViewModel(model, "local", "tech", command_for)
        view_model.begin_session(profile(), "oregon", NOON)
        self.chat = PlainChat(view_model, self.session)
        self.lines = ["$ globalchat --plain --channel tech"]

    async def take(self) -> None:
        """Print what has happened."""
        while self.session.has_events:
            self.lines += self.chat.feed(await self.session.next_events())

    async def enter(self, text: str) -> None:
        """Enter a line."""
        self.lines += [self.chat.prompt + text, *self.chat.submit(text)]
        await self.take()


async def draw_plain() -> str:
    """Return a picture of the plain chat."""
    terminal = PlainTerminal()
    session = terminal.session
    session.store("tech", *(each.message(number) for number, each in enumerate(YESTERDAY)))
    session.go_live()
    await terminal.take()
    say(session, AFTER_THE_GAP[1:3], 20)
    session.receive("music", "@bo this one is for you 🎷", sender="kim", at=NOON)
    await terminal.take()
    await terminal.enter(OWN[0])
    for command in ("/list", "/who"):
        await terminal.enter(command)
    columns = 100
    text = Text("\n".join([*terminal.lines, f"{terminal.chat.prompt}█"]))
    console = Console(width=columns, file=StringIO(), color_system="truecolor", force_terminal=True)
    return still("globalchat --plain", frame_of(console.render(text), columns), columns)


def names() -> tuple[str, ...]:
    """Return the names of all pictures."""
    return (*PICTURES, "plain", "demo")


def main(wanted: Iterable[str]) -> None:
    """Draw pictures; all of them without names."""
    for name in wanted or names():
        if name == "demo":
            drawn = demo()
        else:
            drawn = asyncio.run(draw_plain() if name == "plain" else draw(PICTURES[name]))
        (FOLDER / f"{name}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
