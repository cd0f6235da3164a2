"""The message pane: following, keeping the place, painting no more than it must."""

import pytest

from globalchat.client.events import DraftRefused
from globalchat.ui.widgets.message_pane import MessagePane
from tests.ui.helpers.chat_driver import SMALL, Chat, running, spied
from tests.ui.helpers.fake_session import NOON

HOSTILE = [
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m",
    "\x9b31m \x00 \x7f \u202egnp.exe \u200b\ufeff",
    "[bold]x[/bold] [/] [/ [@click=app.quit]y[/] [[ ]] \\[",
    "zalgo" + "\u0336" * 80 + " 👨\u200d👩\u200d👧 ❤\ufe0f 🏽 \ud83d \u200d \ufe0f",
    "tab\there\r\nand\u2028there\x85end",
    "\U000e0041\u2066" * 50,
    "",
    "\n\n\n",
    "x" * 5000,
]


def visible_numbers(chat: Chat) -> list[int]:
    return [int(line.split("#")[1].split()[0]) for line in chat.lines() if "#" in line]


async def fill(chat: Chat, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        chat.session.receive("tech", f"#{number}", at=NOON + number)
    await chat.settle()


async def test_follows_the_end_until_scrolled_up_and_then_counts() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 60)
        assert visible_numbers(chat)[-1] == 59
        await chat.pilot.press("pageup")
        await chat.settle()
        seen = visible_numbers(chat)
        assert seen[-1] < 59
        await fill(chat, 3, start=60)
        assert visible_numbers(chat)[:-1] == seen[:-1]
        assert chat.lines()[-1].endswith(" 3 new ↓")
        await chat.pilot.press("end")
        await chat.settle()
        assert visible_numbers(chat)[-1] == 62
        assert "↓" not in chat.lines()[-1]
        assert any("─ new ─" in line for line in chat.lines())
        await fill(chat, 2, start=63)
        assert visible_numbers(chat)[-1] == 64


async def test_the_pill_can_be_clicked_and_escape_does_the_same() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 60)
        for leave in ("click", "escape"):
            await chat.pilot.press("pageup")
            await fill(chat, 1, start=60)
            assert not chat.pane.following
            if leave == "click":
                size = chat.pane.size
                await chat.pilot.click(MessagePane, offset=(size.width - 6, size.height - 1))
            else:
                await chat.pilot.press(leave)
            await chat.until(lambda: chat.pane.following)


async def test_scrolling_down_to_the_end_follows_again() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 60)
        await chat.pilot.press("pageup", "pageup", "pagedown")
        assert not chat.pane.following
        await chat.pilot.press("pagedown", "pagedown")
        assert chat.pane.following


async def test_late_and_dropped_rows_do_not_move_what_is_read() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 60)
        await chat.pilot.press("pageup", "pageup")
        await chat.settle()
        seen = visible_numbers(chat)
        for number in range(4):
            chat.session.receive("tech", "late", at=NOON + number, identity=f"zz{number}")
        await chat.settle()
        assert visible_numbers(chat) == seen
        conversation = chat.pane.conversation
        assert conversation is not None
        conversation._limit = 60
        await fill(chat, 1, start=60)
        assert len(conversation.rows) == 60
        assert visible_numbers(chat)[:-1] == seen[:-1]


async def test_no_name_is_read_as_markup() -> None:
    async with running((100, 20)) as chat:
        for name in ("[bold]x", "[/", "[/x] \\[", "[@click=app.quit]", "[["):
            chat.session.receive(name, f"@bo {name}", sender=name)
            await chat.settle()
            await chat.pilot.press("f8")
            await chat.settle()
            assert f"─ # {name} ─" in chat.screen_lines()[1]
            chat.session.change(reason=name)
            await chat.settle()
            assert chat.status.startswith(name)


async def test_the_column_of_names_widens_for_a_longer_name_and_keeps_the_place() -> None:
    async with running((200, 24)) as chat:
        await fill(chat, 60)
        await chat.pilot.press("pageup")
        await chat.settle()
        seen = visible_numbers(chat)
        name = "alice-from-the-release-team-eu-1"
        chat.session.receive("tech", "#60", sender=name, at=NOON + 60)
        await chat.settle()
        assert visible_numbers(chat)[:-1] == seen[:-1]
        await chat.pilot.press("end")
        await chat.settle()
        assert f" {name}  #60" in chat.lines()[-1]


async def test_a_wheel_that_still_turns_does_not_undo_a_jump_to_the_end() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 200)
        chat.pane.scroll_to(y=0, duration=30)
        await chat.until(lambda: not chat.pane.following)
        await chat.pilot.press("escape")
        await fill(chat, 1, start=200)
        assert chat.pane.following
        assert visible_numbers(chat)[-1] == 200


async def test_a_resize_wraps_anew_and_keeps_the_place() -> None:
    async with running((100, 24)) as chat:
        for number in range(60):
            chat.session.receive("tech", f"#{number} " + "word " * 30, at=NOON + number)
        await chat.settle()
        await chat.until(lambda: chat.pane._index.exact)
        height = chat.pane.virtual_size.height
        await chat.pilot.press("pageup")
        await chat.settle()
        top = visible_numbers(chat)[0]
        await chat.resize(62, 24)
        await chat.settle()
        await chat.until(lambda: chat.pane._index.exact)
        assert chat.pane.virtual_size.height > height
        assert visible_numbers(chat)[0] in (top, top + 1)
        await chat.pilot.press("end")
        await chat.settle()
        await chat.resize(140, 40)
        await chat.settle()
        assert visible_numbers(chat)[-1] == 59
        await chat.until(lambda: chat.pane._index.exact)
        assert chat.pane.virtual_size.height < height


async def test_a_tick_repaints_its_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(SMALL) as chat:
        await fill(chat, 60)
        draft = chat.session.send("tech", "mine")
        await chat.settle()
        await chat.pilot.pause()
        painted: list[object] = []
        monkeypatch.setattr(chat.pane, "render_line", spied(chat.pane.render_line, painted))
        chat.session.accept(draft, at=NOON + 100)
        await chat.settle()
        await chat.until(lambda: painted)
        assert set(painted) == {chat.pane.size.height - 1}


async def test_appending_paints_what_is_seen_and_wraps_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(SMALL) as chat:
        await fill(chat, 500)
        await chat.until(lambda: chat.pane._index.exact)
        wrapped: list[object] = []
        monkeypatch.setattr(chat.pane._index, "_measure", spied(chat.pane._index._measure, wrapped))
        await fill(chat, 10, start=500)
        assert len(wrapped) <= 20


async def test_no_strip_holds_what_a_terminal_obeys() -> None:
    async with running((100, 60), sender="b[o]") as chat:
        for number, text in enumerate(HOSTILE):
            chat.session.receive("tech", text, sender=text[:32] or None, at=NOON + number)
            chat.session.receive(f"tech{number}" + text[:9], text)
        chat.session.change(reason=HOSTILE[0], remedy=HOSTILE[1])
        await chat.settle()
        for size in [(100, 60), (80, 24), (50, 20)]:
            await chat.resize(*size)
            await chat.pilot.press("ctrl+down")
            await chat.pilot.press("ctrl+up")
            await chat.settle()
            shown = "".join(chat.screen_lines())
            assert not [hex(ord(character)) for character in shown if not _harmless(character)]
        chat.composer.insert("".join(HOSTILE))
        await chat.settle()
        assert not [character for character in "".join(chat.screen_lines()) if not _harmless(character)]


def _harmless(character: str) -> bool:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF:
        return False
    return character not in "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2069\ufeff"


async def test_the_mouse_selects_text() -> None:
    async with running((100, 20)) as chat:
        chat.session.receive("tech", "take this")
        await chat.settle()
        row = next(y for y, line in enumerate(chat.lines()) if "take this" in line)
        start = chat.lines()[row].index("take")
        await chat.pilot.mouse_down(MessagePane, offset=(start, row))
        await chat.pilot.hover(MessagePane, offset=(start + 9, row))
        await chat.pilot.mouse_up(MessagePane, offset=(start + 9, row))
        await chat.pilot.pause()
        assert chat.app.screen.get_selected_text() == "take this"


async def test_the_footer_shows_what_can_be_done_with_the_chosen_message() -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", "see https://example.com", at=NOON - 1000)
        refused = chat.session.send("tech", "too long")
        chat.session.emit(DraftRefused(refused, "MessageTooLong", "It is too long"))
        await chat.settle()

        def shown() -> tuple[bool, ...]:
            footer = chat.screen_lines()[-1]
            return tuple(word in footer for word in ("Back", "Again", "Discard", "Link"))

        await chat.pilot.press("f6")
        await chat.until(lambda: shown() == (True, True, True, False), "what can be done with an own message")
        await chat.pilot.press("up")
        await chat.until(lambda: shown() == (True, False, False, True), "the same for one with a link")
        await chat.pilot.press("escape")
        await chat.until(lambda: not any(shown()))
