"""Pictures of the chat in three sizes. Update them with `pytest --snapshot-update`, and look at them."""

from collections.abc import Awaitable, Callable
from itertools import product
from weakref import WeakKeyDictionary

import pytest
from textual.app import App
from textual.pilot import Pilot

from globalchat.client.events import EventsSkipped, GapReason, GapRecorded
from globalchat.client.state import Phase
from globalchat.client.watch import FromRegion
from globalchat.ui.screens.chat_screen import ChatScreen
from tests.ui.helpers.busy_chat import busy, revoked
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, make
from tests.ui.helpers.fake_session import NOON, FakeSession
from tests.ui.helpers.fake_watch import FakeWatch, message

Compare = Callable[..., bool]
Script = Callable[[Chat], Awaitable[None]]
MINUTE = 60_000
WATCHES: WeakKeyDictionary[App[None], FakeWatch] = WeakKeyDictionary()


async def first_screen(chat: Chat) -> None:
    await chat.settle()


async def retrying(chat: Chat) -> None:
    await busy(chat)
    chat.session.fail_over("The connection to Oregon was lost")
    await chat.settle()


async def failed(chat: Chat) -> None:
    chat.session.change(
        Phase.FAILED, reason="The API key of Oregon has expired", remedy="Run `globalchat deploy` to renew it"
    )
    await chat.settle()


async def flood(chat: Chat) -> None:
    for number in range(200):
        text = f"number {number} {'and more of it ' * (number % 11)}"
        chat.session.receive("tech", text, sender=f"peer{number % 5}", at=NOON + number)
    chat.session.emit(EventsSkipped(1412), GapRecorded(("tech",), NOON, NOON, GapReason.SKIPPED))
    await chat.settle()
    await chat.until(lambda: chat.pane._idle is None)  # all is measured: the scrollbar says what is there
    await chat.settle()


async def dual(chat: Chat) -> None:
    """Both regions and the latency of the ways between them."""
    await chat.pilot.press("f9", "f4")
    await chat.until(
        lambda: chat.app.screen.query("#side-by-side-pane") and chat.app.screen.query("#latency")
    )
    await chat.until(lambda: chat.app in WATCHES)
    watch = WATCHES[chat.app]
    watch.go_live("oregon")
    watch.arrive(message(1, "morning from Sydney", region="ap-southeast-2"), sydney=0, oregon=158)
    watch.arrive(
        message(2, "全角文字の幅は二つ分です。折り返しも正しく。", sender="健太"), oregon=900, sydney=1061
    )
    watch.arrive(
        message(3, "one hop, no loop, whichever way it goes", sender="priya"), oregon=1500, sydney=1659
    )
    watch.emit(FromRegion("sydney", GapRecorded(("tech",), NOON + 2000, NOON + 9000)))
    watch.arrive(message(4, "[b]is anybody there?[/]", sender="[red]eve"), oregon=3000)
    watch.give_up(message(4, "[b]is anybody there?[/]", sender="[red]eve"), "sydney")
    watch.arrive(message(5, "still on its way", sender=None), oregon=9000)
    own = chat.session.send("tech", "hello")
    chat.session.accept(own, NOON)
    screen = chat.app.screen
    assert isinstance(screen, ChatScreen)
    await chat.until(lambda: watch.drained and screen.updater.settled)
    await chat.settle()


async def switching_channel(chat: Chat) -> None:
    await busy(chat)
    await chat.pilot.press("ctrl+k", "m")


async def people(chat: Chat) -> None:
    await busy(chat)
    screen = chat.app.screen
    assert isinstance(screen, ChatScreen)
    model = screen.view_model.model
    model.ignore(model.name("ana"))
    screen.updater.update()
    await chat.settle()
    await chat.pilot.press("f10", "down")
    await chat.settle()


SIZES = (WIDE, SMALL, (50, 20))


async def light(chat: Chat) -> None:
    chat.app.theme = "textual-light"
    await busy(chat)


SCRIPTS: tuple[Script, ...] = (first_screen, busy, retrying, failed, revoked, flood, dual)
PICTURES = {
    f"{script.__name__}-{size[0]}x{size[1]}": (script, size)
    for script, size in [
        *product(SCRIPTS, SIZES),
        (switching_channel, SMALL),
        (people, WIDE),
        (people, SMALL),
        (busy, (200, 50)),
        (light, SMALL),
    ]
}


@pytest.mark.parametrize(("script", "size"), PICTURES.values(), ids=PICTURES.keys())
def test_picture(snap_compare: Compare, script: Script, size: tuple[int, int]) -> None:
    session = FakeSession()
    welcome = script is first_screen
    app = make(session, watch_factory=lambda *_: WATCHES.setdefault(app, FakeWatch()), welcome=welcome)

    async def run(pilot: Pilot[None]) -> None:
        chat = Chat(app, pilot, session)
        await chat.there()
        chat.composer.cursor_blink = False
        session.go_live()
        await chat.settle()
        await script(chat)
        assert not chat.toasts()

    assert snap_compare(app, terminal_size=size, run_before=run)
