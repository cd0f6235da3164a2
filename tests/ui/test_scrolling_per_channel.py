"""Each channel is shown where it was left."""

import pytest

from tests.ui.helpers.chat_driver import SMALL, Chat, running


async def filled(chat: Chat) -> None:
    for channel in ("tech", "music"):
        for number in range(60):
            chat.session.receive(channel, f"{channel} {number} " + "word " * (number % 30))
    await chat.settle()


async def scrolled_back(chat: Chat) -> list[str]:
    await chat.pilot.press("pageup", "pageup")
    await chat.until(lambda: not chat.pane.following)
    return texts(chat)


def texts(chat: Chat) -> list[str]:
    """The visible lines without the last, where the pill may stand."""
    return chat.lines()[:-1]


async def there_and_back(chat: Chat) -> None:
    await chat.pilot.press("ctrl+up")
    await chat.until(lambda: chat.channel == "robots")
    await chat.pilot.press("ctrl+down")
    await chat.until(lambda: chat.channel == "tech")
    await chat.settle()


async def test_a_channel_is_shown_where_it_was_left() -> None:
    async with running(SMALL) as chat:
        await filled(chat)
        seen = await scrolled_back(chat)
        await there_and_back(chat)
        assert texts(chat) == seen
        assert not chat.pane.following
        await chat.pilot.press("ctrl+down")
        await chat.until(lambda: chat.channel == "music")
        assert chat.pane.following


@pytest.mark.parametrize("count", [1, 300])
async def test_what_came_meanwhile_does_not_move_it(count: int) -> None:
    async with running(SMALL) as chat:
        await filled(chat)
        seen = await scrolled_back(chat)
        await chat.pilot.press("ctrl+up")
        await chat.until(lambda: chat.channel == "robots")
        for number in range(count):
            chat.session.receive("tech", f"later {number}")
        await chat.settle()
        await chat.pilot.press("ctrl+down")
        await chat.until(lambda: chat.channel == "tech")
        await chat.settle()
        assert texts(chat) == seen


async def test_one_that_was_at_its_end_is_shown_from_its_new_end() -> None:
    async with running(SMALL) as chat:
        await filled(chat)
        await chat.pilot.press("ctrl+up")
        await chat.until(lambda: chat.channel == "robots")
        chat.session.receive("tech", "the newest")
        await chat.settle()
        await chat.pilot.press("ctrl+down")
        await chat.until(lambda: "the newest" in "".join(chat.lines()))
        assert chat.pane.following
