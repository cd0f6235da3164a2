"""The line of keys: rebuilt only where it changes."""

from textual.binding import Binding, BindingsMap

from globalchat.ui.screens.help import Help
from globalchat.ui.widgets.bars import Footer
from tests.ui.helpers.chat_driver import WIDE, Chat, running


def keys(chat: Chat) -> str:
    return chat.screen_lines()[-1].rstrip()


async def test_the_keys_stay_over_a_dialog_and_change_with_what_is_bound() -> None:
    async with running(WIDE) as chat:
        screen = chat.app.screen
        # The footer is painted after the bindings have changed, and the screen after that.
        await chat.until(lambda: keys(chat).startswith("Ctrl+K channel F8 unread F2 region"))
        await chat.until(lambda: keys(chat).endswith("▏Ctrl+P palette"))
        before = keys(chat)
        await chat.pilot.press("f1")
        await chat.until(lambda: isinstance(chat.app.screen, Help))
        await chat.until(lambda: keys(chat) == before)
        await chat.pilot.press("escape", "ctrl+f", "escape")
        await chat.until(lambda: chat.app.screen is screen and keys(chat) == before)
        screen._bindings = BindingsMap.merge(
            [screen._bindings, BindingsMap([Binding("f12", "app.bell", "more")])]
        )
        screen.refresh_bindings()
        await chat.until(lambda: " f12 more " in chat.screen_lines()[-1])
        # Those that do not fit are cut off before the palette's.
        await chat.resize(60, 24)
        await chat.until(lambda: keys(chat).endswith("▏Ctrl+P palette"))


async def test_a_key_is_pressed_with_the_mouse_and_has_a_tooltip() -> None:
    async with running(WIDE) as chat:
        await chat.until(lambda: "F1 help" in keys(chat) and keys(chat).endswith("▏Ctrl+P palette"))
        line, footer = keys(chat), chat.app.screen.query_one(Footer)
        row = chat.app.size.height - 1
        await chat.pilot.hover(offset=(line.index("F2"), row))
        await chat.until(lambda: footer.tooltip == "region")
        await chat.pilot.hover(offset=(line.index("▏Ctrl+P") - 1, row))
        await chat.until(lambda: footer.tooltip is None)
        await chat.pilot.hover(offset=(line.index("Ctrl+P"), row))
        await chat.until(lambda: footer.tooltip is not None)
        await chat.click_on("F1 help")
        await chat.until(lambda: isinstance(chat.app.screen, Help))
        await chat.pilot.press("escape")
        await chat.click_on("Ctrl+P palette", within=8)
        await chat.until(lambda: len(chat.app.screen_stack) == 2)
