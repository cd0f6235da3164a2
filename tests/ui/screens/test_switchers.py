"""The quick switcher and the palette offer what can be entered, and say why something else cannot."""

from textual.command import CommandList
from textual.widgets import OptionList

from globalchat.ui.screens.palette import Palette
from globalchat.ui.screens.switchers import QuickSwitcher
from tests.ui.helpers.chat_driver import Chat, running


async def offered(chat: Chat, query: str) -> list[str]:
    """Open the palette, type a text, and return the titles that it finds."""
    await chat.pilot.press("ctrl+p")
    await chat.until(lambda: isinstance(chat.app.screen, Palette))
    await chat.type(query)
    found: list[str] = []

    def is_found() -> bool:
        options = chat.app.screen.query_one(CommandList).options
        found[:] = [str(option.prompt).split("\n")[0] for option in options]
        return bool(found) and not chat.app.screen._show_busy  # type: ignore[attr-defined]

    await chat.until(is_found, query)
    return found


async def test_only_what_can_be_entered_is_offered() -> None:
    async with running() as chat:
        chat.composer.put("/leave music")
        await chat.pilot.press("enter", "ctrl+k")
        await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher))
        switcher = chat.app.screen
        assert isinstance(switcher, QuickSwitcher)
        assert switcher._names == ["cars", "robots", "media", "tech", "music"]
        await chat.type("foo")
        options = switcher.query_one(OptionList)
        (option,) = options.options
        assert str(option.prompt).startswith("There is no channel foo. An administrator adds one with `")
        assert option.disabled
        assert options.highlighted is None
        await chat.pilot.press("enter")
        assert chat.app.screen is switcher
        # One that was left can be entered again.
        await chat.pilot.press("ctrl+u", "m", "u", "enter")
        await chat.until(lambda: chat.channel == "music")
        assert ("join", "music") in chat.session.calls


async def test_before_the_channels_are_known_none_is_said_not_to_exist() -> None:
    async with running(live=False) as chat:
        await chat.pilot.press("ctrl+k", "f", "o", "o")
        await chat.until(lambda: "Not connected yet: the channels" in "\n".join(chat.screen_lines()))


async def test_the_palette_finds_channels_and_slash_commands() -> None:
    async with running() as chat:
        assert "Go to # music" in await offered(chat, "music")
        await chat.pilot.press("down", "enter")
        await chat.until(lambda: chat.channel == "music")
        assert (await offered(chat, "/nick"))[0] == "/nick: write under another name"
        await chat.pilot.press("down", "enter")
        await chat.until(lambda: chat.composer.text == "/nick ")
