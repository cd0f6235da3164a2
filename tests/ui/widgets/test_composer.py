"""A composer that is left alone draws nothing: its cursor stays."""

from globalchat.ui.widgets.composer import Composer
from tests.ui.helpers.chat_driver import running


def blinks(composer: Composer) -> bool:
    return composer.blink_timer._active.is_set()


async def test_the_cursor_of_a_chat_left_alone_stays_and_blinks_again_at_the_next_key() -> None:
    async with running() as chat:
        composer = chat.composer
        composer.focus()
        await chat.settle()
        seen: list[bool] = []
        while blinks(composer) and len(seen) < 60:
            composer._toggle_cursor_blink_visible()
            seen.append(composer._cursor_visible)
        assert set(seen) == {True, False}
        assert seen[-1]
        assert not blinks(composer)

        await chat.pilot.press("a")
        assert blinks(composer)
