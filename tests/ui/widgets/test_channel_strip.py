"""The channels in one line: which of them are shown, and what a click does."""

import pytest
from rich.cells import cell_len

from globalchat.ui.model.attention import Level
from globalchat.ui.model.view_model import ChannelEntry
from globalchat.ui.screens.dialogs import Menu
from globalchat.ui.screens.switchers import QuickSwitcher
from globalchat.ui.widgets.channel_strip import strip_pieces
from tests.ui.helpers.chat_driver import SMALL, running
from tests.ui.helpers.fake_session import NOON

ENTRIES = (
    ChannelEntry("cars", 2),
    ChannelEntry("robots"),
    ChannelEntry("tech"),
    ChannelEntry("music", 3, 1),
    ChannelEntry("media", 7, 2, sign="×", level=Level.MUTE),
    ChannelEntry("gone", revoked=True),
)


def shown(width: int, current: str = "robots") -> str:
    return "".join(piece.text for piece in strip_pieces(ENTRIES, current, width))


def test_all_are_shown_in_their_order_if_there_is_room() -> None:
    assert shown(80) == " cars 2 ›robots  tech  music @1 3  media ×  gone "
    roles = {piece.channel: piece.role for piece in strip_pieces(ENTRIES, "robots", 80) if piece.text.strip()}
    assert roles["gone"] == "ended"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (44, " cars 2 ›robots  tech  music @1 3  +2 "),
        (36, " cars 2 ›robots  music @1 3  +3 "),
        (30, "›robots  music @1 3  +4 "),
        (14, "›robots  +5 "),
    ],
)
def test_the_open_one_and_those_with_something_new_are_kept(width: int, expected: str) -> None:
    assert shown(width) == expected
    assert cell_len(expected) <= width


async def test_a_click_goes_to_a_channel_or_opens_its_menu_or_offers_all() -> None:
    async with running(SMALL) as chat:
        for number in range(3):
            chat.session.receive("cars", "hey @bo", at=NOON + number)
        await chat.settle()
        assert chat.screen_lines()[1].split() == ["cars", "@3", "3", "robots", "›tech", "music", "media"]
        await chat.click_on("cars @3", 6)
        await chat.until(lambda: chat.channel == "cars")
        await chat.until(lambda: chat.screen_lines()[1].startswith("›cars "))
        await chat.click_on("›cars")
        await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher))
        await chat.pilot.press("escape")
        await chat.until(lambda: len(chat.app.screen_stack) == 1)
        await chat.pilot.click(offset=(chat.screen_lines()[1].index("media"), 1), button=3)
        await chat.until(lambda: isinstance(chat.app.screen, Menu))
        await chat.pilot.press("escape")
        await chat.resize(40, 16)
        await chat.until(lambda: "+" in chat.screen_lines()[1] or "media" in chat.screen_lines()[1])
        await chat.resize(40, 10)  # no room for it: the header shows the channel
        await chat.until(lambda: "# cars" in chat.screen_lines()[0])
