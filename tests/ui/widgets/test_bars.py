"""The line of keys: rebuilt only where it changes."""

from textual.binding import Binding, BindingsMap

from globalchat.ui.widgets.bars import Footer
from tests.ui.helpers.chat_driver import WIDE, running


async def test_the_keys_stay_over_a_dialog_and_change_with_what_is_bound() -> None:
    async with running(WIDE) as chat:
        screen = chat.app.screen
        before = list(screen.query_one(Footer).children)
        await chat.pilot.press("f1", "escape", "ctrl+f", "escape")
        assert chat.app.screen is screen
        assert list(screen.query_one(Footer).children) == before
        screen._bindings = BindingsMap.merge(
            [screen._bindings, BindingsMap([Binding("f12", "app.bell", "more")])]
        )
        screen.refresh_bindings()
        await chat.until(lambda: " more " in chat.screen_lines()[-1])
