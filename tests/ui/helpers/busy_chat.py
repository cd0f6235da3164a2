"""A chat with everything in it that a conversation can show."""

from globalchat.client.events import ChannelRevoked, DraftRefused, GapRecorded
from tests.ui.helpers.chat_driver import Chat
from tests.ui.helpers.fake_session import NOON

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
    session.emit(GapRecorded(("tech",), NOON - 45 * MINUTE, NOON - 44 * MINUTE))
    session.receive("tech", "back again?", sender="cyd", at=NOON - 43 * MINUTE, transit_ms=None)
    for number in range(3):
        session.receive("cars", "brum", at=NOON + number)
    session.receive("music", "la @bo", at=NOON)
    sent = [session.send("tech", text) for text in ("here I am", "not back yet", "too long", "on its way")]
    session.accept(sent[0], NOON)
    session.echo(sent[0], NOON)
    session.accept(sent[1], NOON)
    session.emit(DraftRefused(sent[2], "MessageTooLong", "The text has 2,004 characters; the limit is 2,000"))
    await chat.settle()


async def revoked(chat: Chat) -> None:
    """Fill the chat, then end its channel as an administrator does."""
    await busy(chat)
    chat.session.change(revoked=frozenset({"tech"}))
    chat.session.emit(ChannelRevoked("tech"))
    await chat.settle()
