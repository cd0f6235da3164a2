"""Pictures of the chat in two sizes. Update them on purpose: `pytest --snapshot-update`, and look at them."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from client.events import DraftRefused, GapRecorded
from client.state import Phase
from tests.tui.driver import SMALL, WIDE, Chat, make
from tests.tui.fake_session import NOON, FakeSession
from tui.widgets.composer import Composer

Compare = Callable[..., bool]
Script = Callable[[Chat], Awaitable[None]]
MINUTE = 60_000


async def busy(chat: Chat) -> None:
    session = chat.session
    session.receive(
        "tech", "morning from Sydney", at=NOON - 1440 * MINUTE, transit_ms=161, region="ap-southeast-2"
    )
    session.receive(
        "tech",
        "the relay only forwards events of its own region, so there is one hop and no loop",
        sender="priya",
        at=NOON - 60 * MINUTE,
    )
    session.receive("tech", "and the dead-letter queue is empty", sender="priya", at=NOON - 59 * MINUTE)
    session.receive(
        "tech",
        "hi @bo, deploying now\n$ make deploy",
        at=NOON - 50 * MINUTE,
        transit_ms=158,
        region="ap-southeast-2",
    )
    session.receive(
        "tech",
        "全角文字の幅は二つ分です。折り返しも正しく。",
        sender="健太",
        at=NOON - 48 * MINUTE,
        transit_ms=1204,
        region="ap-southeast-2",
    )
    session.receive("tech", "[bold]not markup[/] \x1b[31m", sender="[red]eve", at=NOON - 46 * MINUTE)
    session.tell(GapRecorded(("tech",), NOON - 45 * MINUTE, NOON - 44 * MINUTE))
    session.receive("tech", "back again?", sender="cyd", at=NOON - 43 * MINUTE, transit_ms=None)
    for number in range(3):
        session.receive("cars", "brum", at=NOON + number)
    session.receive("music", "la @bo", at=NOON)
    sent = [session.send("tech", text) for text in ("here I am", "not back yet", "too long", "on its way")]
    session.accept(sent[0], NOON)
    session.echo(sent[0], NOON)
    session.accept(sent[1], NOON)
    session.tell(DraftRefused(sent[2], "MessageTooLong", "The text has 2,004 characters; the limit is 2,000"))
    await chat.settle()


async def empty(chat: Chat) -> None:
    await chat.settle()


async def retrying(chat: Chat) -> None:
    await busy(chat)
    chat.session.change(
        Phase.RETRYING, attempt=2, next_try_at=NOON + 4000, reason="The connection to Oregon was lost"
    )
    await chat.settle()


async def failed(chat: Chat) -> None:
    chat.session.change(
        Phase.FAILED, reason="The API key of Oregon has expired", remedy="Run `globalchat deploy` to renew it"
    )
    await chat.settle()


async def switching_channel(chat: Chat) -> None:
    await busy(chat)
    await chat.pilot.press("ctrl+k", "m")


PICTURES = {
    "busy-80x24": (busy, SMALL),
    "busy-120x36": (busy, WIDE),
    "empty-120x36": (empty, WIDE),
    "retrying-120x36": (retrying, WIDE),
    "failed-80x24": (failed, SMALL),
    "switching_channel-80x24": (switching_channel, SMALL),
}


@pytest.mark.parametrize(("script", "size"), PICTURES.values(), ids=PICTURES.keys())
def test_picture(snap_compare: Compare, script: Script, size: tuple[int, int]) -> None:
    session = FakeSession()
    app = make(session)

    async def run(pilot: Pilot[None]) -> None:
        chat = Chat(app, pilot, session)
        await chat.until(lambda: app.screen.query(Composer))
        chat.composer.cursor_blink = False
        session.go_live()
        await chat.settle()
        await script(chat)
        assert not chat.toasts()

    assert snap_compare(app, terminal_size=size, run_before=run)
