"""What is typed: edited as in readline, found again; left alone, the composer draws nothing."""

from globalchat.ui.settings import KeySettings, Loaded, Settings
from globalchat.ui.widgets.composer import Composer
from tests.ui.helpers.chat_driver import running
from tests.ui.helpers.fake_session import NOON


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


async def test_the_line_is_edited_as_in_readline() -> None:
    async with running() as chat:
        composer = chat.composer
        (said,) = [line for line in chat.screen_lines() if " bo › " in line]
        assert "Message # tech · Alt+Enter new line · / commands · F1 keys" in said
        placeholder = composer._view_model.placeholder
        assert placeholder("tech", 56) == "Message # tech · / commands · F1 keys"
        assert [placeholder("tech", cells) for cells in (25, 15, 14)] == [
            "Message # tech · F1 keys",
            "Message # tech",
            "",
        ]

        async def press(*keys: str) -> str:
            """The text after the keys, with the cursor."""
            await chat.pilot.press(*(key for each in keys for key in each.split()))
            return composer.text[: composer.cursor] + "|" + composer.text[composer.cursor :]

        await chat.type("deploy the new one")
        assert await press("ctrl+w", "ctrl+w", "ctrl+w", "ctrl+y") == "deploy the new one|"
        assert await press("alt+b", "alt+d", "ctrl+a", "alt+f", "alt+d", "ctrl+y") == "deploy the| new "
        assert await press("alt+y") == "deployone| new "
        assert (
            await press("ctrl+b", "alt+y") == "deployone| new "
        )  # no longer just put back: a message is copied
        assert await press("ctrl+e", "ctrl+u", "alt+x", "alt+5", "alt+full_stop") == "|"
        assert chat.channel == "media"

        await chat.type("ab")
        assert await press("alt+enter", "ctrl+j", "shift+enter") == "ab\n\n\n|"
        assert await press("ctrl+h", "backspace", "ctrl+u") == "ab|"
        assert await press("ctrl+u", "ctrl+shift+minus", "ctrl+x ctrl+u") == "ab\n|"
        assert await press("ctrl+x z") == "ab\nz|"
        assert chat.session.calls == []


async def test_ctrl_x_cuts_a_selection_at_once_and_else_waits_for_a_second_key() -> None:
    async with running() as chat:
        chat.composer.put("one two")
        await chat.pilot.press("ctrl+shift+left", "ctrl+x")
        assert (chat.composer.text, chat.app.clipboard) == ("one ", "two")
        await chat.pilot.press("ctrl+e", "ctrl+y", "ctrl+x", "x")
        assert chat.composer.text == "one twox"
        await chat.pilot.press("ctrl+x", "ctrl+e")
        await chat.until(lambda: "An editor can only be opened in a terminal" in " ".join(chat.toasts()))
        assert chat.composer.text == "one twox"


async def test_a_sent_text_is_found_and_the_draft_comes_back() -> None:
    settings = Loaded(Settings(keys=KeySettings(preset="readline")))
    async with running(settings=settings) as chat:
        for text in ("deploy one", "something else", "Deploy two"):
            chat.composer.put(text)
            await chat.pilot.press("enter")
        chat.session.receive("tech", "deployed from elsewhere", sender="bo", at=NOON)
        await chat.settle()
        chat.composer.put("draft")
        await chat.pilot.press("ctrl+r")
        await chat.type("deploy")
        await chat.pilot.press("ctrl+g")
        assert chat.composer.text == "draft"
        await chat.pilot.press("ctrl+r")
        await chat.type("deploy")
        await chat.pilot.press("ctrl+r", "enter")
        assert chat.composer.text == "deploy one"
        await chat.pilot.press("ctrl+underscore", "ctrl+r")
        await chat.type("sewhere")
        await chat.pilot.press("tab")
        assert chat.composer.text == "deployed from elsewhere"
        await chat.pilot.press("ctrl+underscore")
        assert chat.composer.text == "draft"

        # Ctrl+P of this preset keeps what is typed as the newest of the texts.
        await chat.pilot.press("ctrl+p", "ctrl+p", "ctrl+n", "ctrl+n")
        assert chat.composer.text == "draft"
        await chat.pilot.press("ctrl+n")
        assert chat.composer.text == ""
        assert chat.session.calls[-1] == ("send", ("tech", "Deploy two"))
