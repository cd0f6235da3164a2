"""Runs the chat for pictures: headless, on a scripted session, with the time stopped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docs.terminal_svg import Frame, capture
from globalchat.ui.settings import Loaded, Settings
from tests.ui.helpers.chat_driver import Chat, running
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.fake_watch import FakeWatch

LATENCY_MS = 38
"""What a region needs to answer."""
STILL = 0.02
"""Seconds without a change after which a frame is complete."""


class StoppedClock:
    """The time in epoch ms, which stands until the script moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        """Return the time."""
        return self.now


class ScriptedChat:
    """A running chat with all that a script moves; `watch` is what F9 shows."""

    def __init__(self, chat: Chat, clock: StoppedClock, watch: FakeWatch) -> None:
        self.chat, self.session, self.clock, self.watch = chat, chat.session, clock, watch

    async def frame(self) -> Frame:
        """Return what is shown once all that has happened is, and nothing changes any more."""
        before: Frame = ()
        await self.chat.settle()
        while (frame := capture(self.chat.app)) != before:
            before = frame
            await self.chat.pilot.pause(STILL)
            await self.chat.settle()
        return frame

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.chat.pilot.press(*keys)
        await self.chat.settle()

    async def follow_both_regions(self) -> None:
        """Press F9, and let both regions connect."""
        await self.press("f9")
        await self.chat.until(lambda: self.chat.app.screen.query("#side-by-side-pane"))
        self.watch.go_live("oregon", "sydney")
        await self.watched()

    async def watched(self) -> None:
        """Wait until the chat has taken all from the watch."""
        await self.chat.until(lambda: self.watch.drained)
        await self.chat.settle()


@asynccontextmanager
async def scripted(
    size: tuple[int, int],
    *,
    name: str = "bo",
    region: str = "oregon",
    settings: Loaded = Loaded(Settings()),  # noqa: B008 - is frozen
    welcome: bool = False,
) -> AsyncIterator[ScriptedChat]:
    """Run a chat that is not connected yet."""
    clock, watch = StoppedClock(), FakeWatch()
    async with running(
        size,
        live=False,
        sender=name,
        region=region,
        settings=settings,
        welcome=welcome,
        clock=clock,
        watch_factory=lambda *_: watch,
    ) as chat:
        chat.composer.cursor_blink = False
        chat.session.change(region=region)
        yield ScriptedChat(chat, clock, watch)
