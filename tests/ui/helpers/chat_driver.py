"""Runs the chat on a scripted session, with the time stopped."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import pytest
from textual import events
from textual._compositor import Compositor
from textual.keys import _character_to_key
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from globalchat.client.profiles import Profile
from globalchat.ui.app import ChatApp
from globalchat.ui.interfaces import ChatSession, ProfileCatalog, ProfileOpener, WatchFactory
from globalchat.ui.model.text import brief
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.settings import Loaded, Settings
from globalchat.ui.widgets.bars import StatusLine
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.widgets.message_pane import MessagePane
from tests.ui.helpers.fake_session import NOON, FakeSession, open_profile

P = ParamSpec("P")
T = TypeVar("T")

DEFAULTS = Loaded(Settings())
WIDE, SMALL = (120, 36), (80, 24)

_LOOKS = 200
"""Looks at the queues of the widgets before each of them is asked: one of them is busy for longer."""

_NAP = 0.005
"""Seconds between two looks at something that takes its time: looking all the time is work too."""


def spied(function: Callable[P, T], calls: list[object]) -> Callable[P, T]:
    """`function`, which also notes its first argument (None without one) in `calls`."""

    def spy(*args: P.args, **kwargs: P.kwargs) -> T:
        calls.append(args[0] if args else None)
        return function(*args, **kwargs)

    return spy


_NOTICES: WeakKeyDictionary[ChatApp, list[str]] = WeakKeyDictionary()


def type_keys(app: ChatApp, text: str, *keys: str) -> None:
    """Press the keys of a text, and others after it, in one go."""
    assert app._driver is not None
    typed = [(each if each.isalnum() else _character_to_key(each), each) for each in text]
    for name, character in (*typed, *((key, None) for key in keys)):
        key = events.Key(name, character)
        key.set_sender(app)
        app._driver.send_message(key)


def wait_by_looking(pilot: Pilot[None]) -> None:
    """Let a pilot wait for all widgets by looking at their queues.

    Textual's own way is a callback for each widget, after each key: a sixth of the CPU time of these tests.
    """
    ask_all = pilot._wait_for_screen

    async def wait_for_screen(timeout: float = 30.0) -> bool:
        for _ in range(_LOOKS):
            await asyncio.sleep(0)
            if pilot.app._exception is not None:
                return False
            if all(map(_waits, (pilot.app, *pilot.app.screen.walk_children(with_self=True)))):
                return True
        return await ask_all(timeout)

    pilot._wait_for_screen = wait_for_screen  # type: ignore[method-assign]


def _waits(pump: MessagePump) -> bool:
    """Return True if a widget has handled its messages and waits for the next one."""
    ready: asyncio.Event = pump._message_queue.ready_event
    return pump._closed or (bool(ready._waiters) and not ready.is_set())


class Chat:
    """A running chat, its pilot, and its session's script."""

    def __init__(self, app: ChatApp, pilot: Pilot[None], session: FakeSession) -> None:
        wait_by_looking(pilot)
        self.app = app
        self.pilot = pilot
        self.session = session

    @property
    def composer(self) -> Composer:
        return self.app.screen_stack[0].query_one(Composer)

    @property
    def pane(self) -> MessagePane:
        return self.app.screen_stack[0].query_one(MessagePane)

    @property
    def status(self) -> str:
        return self.app.screen_stack[0].query_one(StatusLine).text

    @property
    def channel(self) -> str | None:
        return self.pane.conversation.channel if self.pane.conversation else None

    def lines(self) -> list[str]:
        """The pane's visible lines."""
        return [self.pane.render_line(y).text.rstrip() for y in range(self.pane.size.height)]

    def screen_lines(self) -> list[str]:
        """All lines of the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text for strip in strips]

    def toasts(self) -> list[str]:
        """All notices since the start, in the status line and as toasts."""
        return _NOTICES[self.app]

    def forget_toasts(self) -> None:
        """Close all notices and forget that there were any."""
        self.app.clear_notifications()
        _NOTICES[self.app].clear()

    async def there(self) -> None:
        """Wait until the chat has taken the place of its first frame, and can be written in."""
        await self.until(self._is_there)

    def _is_there(self) -> bool:
        screen = self.app.screen_stack[0]
        small = screen.has_class("-too-narrow") or screen.has_class("-too-low")
        return bool(screen.query(Composer) and self.screen_lines() and (small or screen.focused))

    async def until(self, happened: Callable[[], object], what: str = "it") -> None:
        """Let every widget take in its messages, and wait until something is so."""
        deadline = asyncio.get_running_loop().time() + 60
        for turn in count():
            if happened():
                return
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{what} did not happen:\n" + "\n".join(self.screen_lines()))
            if turn == 0:
                await self.pilot._wait_for_screen()
            else:  # it takes a timer, a thread or a socket
                await asyncio.sleep(_NAP)

    async def settle(self) -> None:
        """Wait until the chat has shown the events of the session."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        await self.until(lambda: self.session.drained)
        if not screen.updater.settled:
            screen.updater.update()
        for _ in range(2):  # what is laid out may want to be laid out once more
            await self.pilot._wait_for_screen()
            await self.until(self._is_painted)

    def _is_painted(self) -> bool:
        screen = self.app.screen
        wanted = screen._layout_required or screen._scroll_required or screen._repaint_required
        return not (wanted or screen._dirty_widgets)

    async def resize(self, columns: int, rows: int) -> None:
        """Make the window another size, and wait until all is laid out in it."""
        await self.pilot.resize_terminal(columns, rows)
        size = (columns, rows)
        await self.until(lambda: self.app.screen.size == self.app.screen._compositor.size == size)

    async def click_on(self, text: str, within: int = 0) -> None:
        """Wait for a text, and click where it begins, or so many cells further."""
        await self.until(lambda: any(text in line for line in self.screen_lines()), repr(text))
        y, line = next((y, line) for y, line in enumerate(self.screen_lines()) if text in line)
        await self.pilot.click(offset=(line.index(text) + within, y))

    async def type(self, text: str, *keys: str) -> None:
        """Press the keys of a text, and others after it, as quickly as they can be taken in."""
        type_keys(self.app, text, *keys)
        await self.pilot.pause()


def make(
    session: FakeSession,
    *,
    opener: ProfileOpener = open_profile,
    channel: str | None = "tech",
    region: str | None = "oregon",
    clock: Callable[[], int] = lambda: NOON,
    watch_factory: WatchFactory | None = None,
    settings: Loaded = DEFAULTS,
    state: Path | None = None,
    welcome: bool = False,
    is_sender_given: bool = True,
    catalog: ProfileCatalog | None = None,
    others: Mapping[str, FakeSession] = MappingProxyType({}),
) -> ChatApp:
    """A chat that has not started; `others` are the sessions of other profiles of the catalog."""

    def factory(profile: Profile, alias: str, sender: str) -> ChatSession:
        opened = others.get(profile.name, session)
        opened.opened = (profile.name, alias, sender)
        opened.state = replace(opened.state, region=alias)
        return opened

    app = ChatApp(
        opener,
        region=region,
        channel=channel,
        sender=session.sender,
        is_sender_given=is_sender_given,
        catalog=catalog,
        profile_name="local",
        session_factory=factory,
        watch_factory=watch_factory,
        settings=settings,
        state=state,
        welcome=welcome,
        clock=clock,
        tz=UTC,
    )
    notify, notices = app.notify, list[str]()

    def record(message: str, **options: Any) -> None:  # noqa: ANN401 - as Textual calls it
        notices.append("\n".join(map(brief, message.split("\n"))))
        notify(message, **options)

    app.notify = record  # type: ignore[method-assign]
    _NOTICES[app] = notices
    return app


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _unpainted() -> Iterator[None]:
    """Lay out and style what is shown, without painting it for a terminal that is not there."""

    def paint_nothing(compositor: Compositor, *_: object, **__: object) -> None:
        compositor._dirty_regions.clear()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Compositor, "render_update", paint_nothing)
        yield


@asynccontextmanager
async def running(
    size: tuple[int, int] = WIDE,
    *,
    live: bool = True,
    sender: str = "bo",
    opener: ProfileOpener = open_profile,
    channel: str | None = "tech",
    clock: Callable[[], int] = lambda: NOON,
    watch_factory: WatchFactory | None = None,
    settings: Loaded = DEFAULTS,
    state: Path | None = None,
    welcome: bool = False,
    region: str | None = "oregon",
    is_sender_given: bool = True,
    catalog: ProfileCatalog | None = None,
    others: Mapping[str, FakeSession] = MappingProxyType({}),
) -> AsyncIterator[Chat]:
    """Run a chat, live unless `live` is False. It opens its profile once the body runs, and not before.

    Without asyncio's debug mode, which notes a stack for every future, and with little garbage collection:
    the two take half of the time of these tests. The ten or so frames of the start are painted as one, when
    all is there: `test_first_frame.py` is about them.
    """
    asyncio.get_running_loop().set_debug(False)
    session = FakeSession(sender=sender)
    is_there = asyncio.Event()

    async def open_then() -> Profile:
        await is_there.wait()
        return await opener()

    app = make(
        session,
        opener=open_then,
        channel=channel,
        clock=clock,
        watch_factory=watch_factory,
        settings=settings,
        state=state,
        welcome=welcome,
        region=region,
        is_sender_given=is_sender_given,
        catalog=catalog,
        others=others,
    )
    with _rarely_collecting(), ExitStack() as starting:
        starting.enter_context(_unpainted())
        async with app.run_test(size=size, notifications=True) as pilot:
            chat = Chat(app, pilot, session)
            await chat.there()
            is_there.set()
            if live:
                session.go_live()
                await chat.until(lambda: chat.channel is not None)
                await chat.settle()
            starting.close()
            chat.screen_lines()
            yield chat
