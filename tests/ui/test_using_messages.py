"""What one does with messages: search, choose, copy, open, retry, look plainly, export."""

from functools import partial
from pathlib import Path

import pytest
from rich.color import Color
from textual import events
from textual.widget import Widget

from globalchat.client.events import DraftRefused, DraftUnsent, DraftWaiting
from globalchat.ui.message_controller import COPIED
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.dialogs import Menu
from globalchat.ui.screens.help import MessageDetails, WrappedText
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.messages_panel import SearchBar
from tests.ui.helpers.chat_driver import SMALL, Chat, running, spied
from tests.ui.helpers.fake_session import NOON


async def fill(chat: Chat, count: int) -> None:
    for number in range(count):
        word = "needle" if number % 10 == 5 else "straw"
        chat.session.receive("tech", f"#{number} {word}", at=NOON + number * 1000)
    await chat.settle()


def search_line(chat: Chat) -> str:
    """Return the search bar without the key that searches on."""
    region = chat.app.screen.query_one(SearchBar).region
    return chat.screen_lines()[region.y][region.x : region.right].replace("Ctrl+F older", "").strip()


def cell(chat: Chat, text: str) -> tuple[int, int]:
    """Return where a text begins in the pane."""
    y = next(y for y, line in enumerate(chat.lines()) if text in line)
    return chat.lines()[y].index(text), y


def look(chat: Chat, text: str) -> tuple[Color | None, Color | None]:
    """Colour and background of a text in the pane."""
    x, y = cell(chat, text)
    style = next(iter(chat.pane.render_line(y).crop(x, x + 1))).style
    assert style is not None
    return style.color, style.bgcolor


async def test_search_goes_up_from_where_one_is_and_keeps_the_place() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 100)
        await chat.pilot.press("ctrl+f")
        await chat.type("NEE")
        await chat.until(lambda: search_line(chat).endswith("10/10"))
        assert any("#95 needle" in line for line in chat.lines())
        await chat.pilot.press("enter", "up", "f3")
        await chat.until(lambda: search_line(chat).endswith("7/10"))
        assert any("#65 needle" in line for line in chat.lines())
        assert not chat.pane.following
        await chat.type("x")
        await chat.until(lambda: search_line(chat).endswith("0/0"))
        shown = chat.lines()
        chat.session.receive("tech", "needless", at=NOON + 200_000)
        await chat.settle()
        assert chat.lines()[:-1] == shown[:-1]
        await chat.pilot.press("backspace")
        await chat.until(lambda: search_line(chat).endswith("/11"))
        await chat.pilot.press("escape")
        await chat.until(lambda: not chat.app.screen.query_one(SearchBar).is_open)
        assert chat.app.focused is chat.composer
        assert not chat.pane.search.matches
        assert any("needless" in line for line in chat.lines())
        await chat.pilot.press("escape")
        assert chat.pane.following


async def test_search_marks_what_it_finds_and_goes_along_to_another_channel() -> None:
    async with running() as chat:
        await fill(chat, 10)
        chat.session.receive("music", "a needle here")
        await chat.pilot.press("ctrl+f")
        await chat.type("needle")
        await chat.settle()
        row = chat.pane.search.current
        assert row is not None
        marked = [
            piece for line in chat.pane.row_lines(row) for piece in line if piece.role.startswith("match")
        ]
        assert [(piece.text, piece.role) for piece in marked] == [("needle", "match-current")]
        await chat.pilot.press("ctrl+down")
        await chat.until(lambda: chat.channel == "music" and search_line(chat).endswith("1/1"))


async def test_hostile_text_in_the_search_is_harmless() -> None:
    async with running() as chat:
        await fill(chat, 3)
        await chat.pilot.press("ctrl+f")
        chat.app.post_message(events.Paste("a\x1b]0;x\x07\u202eb"))
        await chat.until(lambda: "a␛]0;x␇b" in search_line(chat))


async def test_choose_by_key_copy_look_closely_and_type_on() -> None:
    async with running() as chat:
        await fill(chat, 40)
        await chat.pilot.press("f6", "up", "k", "y")
        await chat.until(lambda: chat.toasts() == [COPIED])
        assert chat.app.clipboard == "#37 straw"
        assert look(chat, "#37")[0] == look(chat, "#36")[0]
        assert look(chat, "#37")[1] != look(chat, "#36")[1] == look(chat, "#38")[1]
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.app.screen.query(".dialog"))
        text = "\n".join(chat.screen_lines())
        assert "2026-11-24 12:00:37.000+00:00  (Oregon's clock)" in text
        assert "#37 straw" in text
        await chat.pilot.press("escape")
        await chat.until(lambda: not chat.app.screen.query(".dialog"))
        # At once, as over a slow link: no letter after the first one is a key of the pane.
        await chat.type("zero, cosy")
        await chat.until(lambda: chat.composer.text == "zero, cosy")
        assert chat.app.focused is chat.composer
        assert chat.app.clipboard == "#37 straw"
        assert chat.pane.chosen is None
        await chat.pilot.press("alt+y")
        await chat.until(lambda: chat.app.clipboard == "#39 straw")


async def test_a_chosen_message_out_of_sight_comes_into_it() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 100)
        await chat.type("", "f6", *["up"] * 30)
        await chat.until(lambda: any("#69" in line for line in chat.lines()))
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.pane.following and chat.app.focused is chat.composer)


async def test_a_mouse_selection_is_copied_without_times_names_and_wrapping() -> None:
    async with running((62, 20)) as chat:
        chat.session.receive("tech", "before")
        chat.session.receive("tech", "one two three four five six seven eight nine ten eleven")
        chat.session.receive("tech", "after all", sender="cyd")
        await chat.settle()
        start, end = cell(chat, "two"), cell(chat, "all")
        assert end[1] - start[1] >= 2
        await _drag(chat, start, end)
        assert look(chat, "two")[0] == look(chat, "one")[0]
        assert look(chat, "two")[1] != look(chat, "one")[1]
        await chat.pilot.press("ctrl+c")
        await chat.until(lambda: chat.toasts() == [COPIED])
        assert chat.app.clipboard == "two three four five six seven eight nine ten eleven\nafter a"
        await _drag(chat, (0, start[1]), end)
        await chat.pilot.press("ctrl+c")
        text = "12:00 ana: one two three four five six seven eight nine ten eleven\n12:00 cyd: after a"
        await chat.until(lambda: chat.app.clipboard == text)


async def _drag(chat: Chat, start: tuple[int, int], end: tuple[int, int]) -> None:
    await chat.pilot.mouse_down(MessagePane, offset=start)
    await chat.pilot.hover(MessagePane, offset=end)
    await chat.pilot.mouse_up(MessagePane, offset=end)
    await chat.pilot.pause()


async def test_a_click_opens_a_web_link_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running((100, 20)) as chat:
        opened: list[object] = []
        assert chat.app._driver is not None
        monkeypatch.setattr(
            type(chat.app._driver), "open_url", lambda self, url, new_tab=True: opened.append(url)
        )
        chat.session.receive("tech", "see https://example.com/x, file:///etc/passwd", sender="ana")
        chat.session.receive("tech", "or https://paypal.com@evil.example", sender="cyd")
        await chat.settle()
        assert any("▲ this link leads to evil.example, not to paypal.com" in line for line in chat.lines())
        for text in ("example.com/x", "file:///", "see", "paypal.com@"):
            await chat.pilot.click(MessagePane, offset=cell(chat, text))
            await chat.pilot.pause()
        assert opened == ["https://example.com/x", "https://paypal.com@evil.example"]
        chat.app.open_url("file:///etc/passwd")
        chat.app.open_url("javascript:alert(1)")
        assert len(opened) == 2
        strip = chat.pane.render_line(cell(chat, "example.com/x")[1])
        rendered = strip.render(chat.app.console)
        assert ";https://example.com/x\x1b\\" in rendered
        assert rendered.count("\x1b]8;;\x1b\\") == 1


async def test_a_reply_quotes_and_mentions_and_keeps_what_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as chat:
        chat.session.receive("tech", "first\nline two", sender="ana", at=NOON)
        chat.session.receive("tech", "use `a b`, **not** that", sender="eve", at=NOON + 1000)
        await chat.settle()
        assert look(chat, "a b")[1] != look(chat, "use")[1]
        await chat.type("typed")
        await chat.pilot.press("alt+q")
        assert chat.composer.text == "> use `a b`, **not** that\n@eve typed"
        await chat.pilot.press("f6", "up", "r")
        assert chat.composer.text == "> first\n@ana > use `a b`, **not** that\n@eve typed"
        assert chat.app.focused is chat.composer
        chat.composer.put("")
        await chat.type("/reply so be it")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.composer.text.endswith("@eve so be it"))
        chat.composer.put("")
        await chat.type("/formatting")
        await chat.pilot.press("enter")
        await chat.until(lambda: look(chat, "a b")[1] == look(chat, "use")[1])
        assert not chat.session.calls


async def test_a_failed_message_is_sent_again_or_brought_back_by_a_click_on_its_tick() -> None:
    async with running() as chat:
        unsent, refused = chat.session.send("tech", "unsent"), chat.session.send("tech", "refused \x1b")
        chat.session.emit(DraftUnsent(unsent, "no connection"))
        chat.session.emit(DraftRefused(refused, "MessageTooLong", "It is too long."))
        await chat.settle()
        for text in ("unsent", "refused ␛"):
            y = cell(chat, text)[1]
            await chat.pilot.click(MessagePane, offset=(chat.lines()[y].index("✗"), y))
            await chat.pilot.pause()
        await chat.until(lambda: ("resend", unsent.id) in chat.session.calls)
        await chat.until(lambda: chat.composer.text == "refused \x1b")


async def test_two_clicks_tell_all_about_a_message() -> None:
    async with running() as chat:
        await fill(chat, 3)
        await chat.pilot.click(MessagePane, offset=cell(chat, "#1"), times=2)
        await chat.until(lambda: isinstance(chat.app.screen, MessageDetails))
        assert not chat.app.screen_stack[0].selections


async def test_the_plain_view_has_no_columns_and_the_whole_width() -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", "hello " + "x" * 100)
        await chat.settle()
        await chat.pilot.press("f7")
        await chat.until(lambda: any(line.startswith("  12:00 ana: hello") for line in chat.screen_lines()))
        joined = "".join(chat.screen_lines()).replace(" ", "")
        assert "x" * 100 in joined
        assert "+12ms" not in "".join(chat.lines())
        await chat.pilot.press("escape")
        await chat.until(lambda: any(line.endswith(" +12ms") for line in chat.lines()))
        assert chat.pane.following


async def test_the_first_new_message_is_a_key_away() -> None:
    async with running(SMALL) as chat:
        await fill(chat, 60)
        await chat.pilot.press("alt+u")
        await chat.until(lambda: chat.toasts() == ["Nothing is new here."])
        chat.app.app_focus = False
        for number in range(60, 100):
            chat.session.receive("tech", f"#{number}", at=NOON + number * 1000)
        await chat.settle()
        chat.app.app_focus = True
        await chat.pilot.press("shift+f8")
        await chat.until(lambda: "─ new ─" in chat.lines()[1])
        assert "#60" in chat.lines()[2]


async def test_an_export_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running() as chat:
        await fill(chat, 2)
        await chat.pilot.press("shift+f7")
        path = tmp_path / "globalchat-tech-2026-11-24.txt"
        await chat.until(lambda: chat.toasts() == [f"Written to {path}"])
        assert path.read_text().count("\n") == 2
        screen = chat.app.screen
        assert isinstance(screen, ChatScreen)
        screen.messages.exporter.export(path.name)
        await chat.until(lambda: len(chat.toasts()) == 2)
        assert chat.toasts()[1] == f"{path} exists already: nothing was written."


async def test_toasts_and_clipboard_are_sanitised(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as chat:
        assert chat.app._driver is not None
        written: list[object] = []
        monkeypatch.setattr(chat.app._driver, "write", spied(chat.app._driver.write, written))
        chat.app.notify("\x1b]0;x\x07[/b] \u202e", title="\x9bt")
        await chat.until(lambda: chat.toasts() == ["␛]0;x␇[/b]"])
        chat.app.copy_to_clipboard("rm\x1b[201~\ud800\nx")
        assert chat.app.clipboard == "rm␛[201~\ufffd\nx"
        assert len(written) == 1


async def test_a_view_on_a_long_history_shows_the_same_lines_whatever_is_measured_meanwhile() -> None:
    async with running(SMALL) as chat:
        for number in range(1500):
            chat.session.receive("tech", f"#{number} " + "word " * (number % 40), at=NOON + number * 1000)
        await chat.settle()
        await chat.type("", *["pageup"] * 9)
        await chat.resize(70, 24)
        await chat.settle()
        shown = chat.lines()
        await chat.until(lambda: chat.pane._index.exact)
        assert chat.lines() == shown
        chat.pane.scroll_to(y=0, animate=False)
        await chat.until(lambda: any("#0" in line for line in chat.lines()[:3]))


async def test_the_right_button_asks_what_to_do_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as chat:
        chat.session.receive("tech", "see https://example.com/x")
        drafts = [chat.session.send("tech", text) for text in ("one", "two", "three")]
        for draft in drafts[:2]:
            chat.session.emit(DraftUnsent(draft, "no connection"))
        chat.session.emit(DraftRefused(drafts[2], "BadSender", "no"))
        await chat.settle()
        opened: list[object] = []
        monkeypatch.setattr(chat.app, "open_url", opened.append)

        async def choose(message: str, text: str) -> None:
            await chat.pilot.click(MessagePane, offset=cell(chat, message), button=3)
            await chat.until(lambda: isinstance(chat.app.screen, Menu))
            await chat.until(lambda: any(text in line for line in chat.screen_lines()))
            await chat.click_on(text)
            await chat.until(lambda: not isinstance(chat.app.screen, Menu))

        await choose("see", "Open its link")
        await chat.until(lambda: opened == ["https://example.com/x"])
        await choose("see", "All about it")
        await chat.until(lambda: isinstance(chat.app.screen, MessageDetails))
        await chat.pilot.press("escape")
        await choose("see", "Copy")
        await chat.until(lambda: chat.app.clipboard == "see https://example.com/x")
        await choose("one", "Send it again")
        await chat.until(lambda: chat.session.calls[-1] == ("resend", drafts[0].id))
        await choose("two", "Discard it")
        await chat.until(lambda: chat.session.calls[-1] == ("discard", drafts[1].id))
        await chat.settle()  # the rows below move up
        await choose("three", "Bring the text back")
        await chat.until(lambda: chat.composer.text == "three")


async def test_what_was_not_sent_is_discarded_and_can_be_brought_back() -> None:
    async with running() as chat:
        chat.session.receive("tech", "another person's")
        drafts = [chat.session.send("tech", text) for text in ("one", "two", "on its way")]
        chat.session.emit(DraftUnsent(drafts[0], "no connection"))
        chat.session.emit(DraftRefused(drafts[1], "BadSender", "no"))
        await chat.settle()
        chat.session.under_way.add(drafts[2].id)
        await chat.pilot.press("f6", "up", "x")
        await chat.until(lambda: chat.toasts() == ["Discarded: ↑ brings the text back."])
        await chat.until(lambda: chat.pane.chosen is not None and chat.pane.chosen.text == "on its way")
        await chat.pilot.press("up", "up", "x")  # another person's: the key does nothing, and is not shown
        await chat.until(lambda: chat.pane.chosen is not None and not chat.pane.chosen.own)
        assert "Discard" not in chat.screen_lines()[-1]
        await chat.pilot.press("escape", "shift+f5")
        await chat.until(lambda: chat.toasts()[1:] == ["Discarded: ↑ brings the text back."])
        await chat.settle()
        shown = "\n".join(chat.lines())
        assert "on its way" in shown
        assert "one" not in shown
        assert "two" not in shown
        assert chat.status == "Discarded: ↑ brings the text back."
        await chat.pilot.press("up", "up")
        assert chat.composer.text == "two"


async def test_a_message_that_waits_says_why_and_when_it_is_tried_again() -> None:
    async with running(SMALL) as chat:
        draft = chat.session.send("tech", "patience")
        chat.session.send("tech", "behind it")
        chat.session.emit(DraftWaiting(draft, "Oregon has too much to do.", None, 2, NOON + 4000))
        await chat.settle()
        assert chat.lines()[-2].split()[-1] == "…"
        said = (
            "2 messages wait: Oregon has too much to do. Next try in 4 s (no. 3). F5 tries sooner, if it may."
        )
        assert chat.status == f"{said} Shift+F5 takes them back."
        await chat.pilot.press("f5")
        assert chat.session.calls[-1] == ("retry_now", None)
        chat.session.accept(draft)
        await chat.settle()
        assert chat.status == ""


async def test_what_waits_is_taken_back_unless_it_is_just_being_sent() -> None:
    async with running() as chat:
        drafts = [chat.session.send("tech", text) for text in ("one", "two", "three")]
        chat.session.emit(DraftWaiting(drafts[0], "Oregon does not answer.", None, 2, NOON + 4000))
        chat.session.under_way.add(drafts[2].id)
        chat.session.doubtful.add(drafts[0].id)
        await chat.settle()
        await chat.pilot.press("f6", "x")
        await chat.until(lambda: chat.toasts() == ["Too late: it is being sent right now."])
        await chat.pilot.press("escape", "escape", "shift+f5")
        sentence = (
            "2 messages discarded: ↑ brings the texts back. 1 of them may have been delivered anyway: "
            "a try was not answered. 1 more: too late, being sent right now."
        )
        await chat.until(lambda: chat.toasts()[1:] == [sentence])
        await chat.settle()
        assert chat.status == ""
        assert [text in "\n".join(chat.lines()) for text in ("one", "two", "three")] == [False, False, True]
        await chat.pilot.press("up")
        assert chat.composer.text == "two"


def is_laid_out(widget: Widget) -> bool:
    return widget.region.height > 0


async def test_a_folded_message_is_shown_whole_by_key_and_by_click() -> None:
    end = "the very end"
    async with running(SMALL) as chat:
        chat.session.receive("tech", "before", at=NOON)
        texts = ["x" + "\t" * 1990 + end, "\u3000" * 1990, "top\n" + "\n" * 1900 + end]
        for number, text in enumerate(texts):
            chat.session.receive("tech", text, at=NOON + 1000 * (number + 1))
            await chat.settle()
            chat.pane.jump_to_tail()
            chat.pane.page(-1)
            await chat.pilot.press("f6", "enter")
            await chat.until(lambda: isinstance(chat.app.screen, MessageDetails))
            whole = chat.app.screen.query_one(WrappedText)
            await chat.until(partial(is_laid_out, whole))
            assert (end in str(whole.content)) == (end in text)
            await chat.click_on("Y copies the text")
            await chat.until(lambda: any(COPIED in line for line in chat.screen_lines()))
            newest = chat.pane.newest()
            assert newest is not None
            assert chat.app.clipboard == newest.text
            await chat.pilot.press("escape")
            await chat.pilot.press("escape", "escape")
            await chat.until(lambda: not isinstance(chat.app.screen, MessageDetails))
        x, y = cell(chat, "more lines")
        region = chat.pane.region
        await chat.pilot.click(offset=(region.x + x, region.y + y))
        await chat.until(lambda: "more lines" not in "\n".join(chat.lines()))
        assert "top" in chat.lines()[0]
        chat.pane.jump_to_tail()
        await chat.until(lambda: end in "\n".join(chat.lines()))


LONG = "\n".join(["top", *(f"line {number}" for number in range(300)), "needle", "rest", "the end"])


async def test_a_key_shows_what_is_folded_in_sight_and_folds_it_again() -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", "short")
        await chat.settle()
        await chat.pilot.press("shift+f4")
        await chat.until(lambda: chat.toasts() == ["No visible message is folded."])
        for number in range(2):
            chat.session.receive("tech", f"{number} {LONG}")
        await chat.settle()
        assert "more lines" in "\n".join(chat.lines())
        await chat.pilot.press("shift+f4")
        await chat.until(lambda: "more lines" not in "\n".join(chat.lines()))
        assert "line 7" in "\n".join(chat.lines())
        await chat.pilot.press("shift+f4", "ctrl+end")
        await chat.until(lambda: "more lines" in "\n".join(chat.lines()))


async def test_only_the_chosen_message_is_shown_whole() -> None:
    async with running(SMALL) as chat:
        for number in range(2):
            chat.session.receive("tech", f"{number} {LONG}")
        await chat.settle()
        await chat.pilot.press("f6", "up", "shift+f4")
        await chat.until(lambda: "0 top" in chat.lines()[0] or "0 top" in chat.lines()[1])
        assert chat.pane.conversation is not None
        assert [row.whole for row in chat.pane.conversation.rows] == [True, False]


@pytest.mark.parametrize("found", ["needle", "the end", "line 299"])
async def test_a_match_in_what_is_folded_is_seen(found: str) -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", LONG)
        for number in range(30):
            chat.session.receive("tech", f"after {number}")
        await chat.settle()
        await chat.pilot.press("ctrl+f")
        await chat.type(found)
        await chat.until(lambda: found in "\n".join(chat.lines()), found)
        assert "more lines" not in "\n".join(chat.lines())


async def test_a_match_in_what_is_shown_of_a_folded_message_unfolds_nothing() -> None:
    async with running(SMALL) as chat:
        chat.session.receive("tech", LONG)
        await chat.settle()
        await chat.pilot.press("ctrl+f")
        await chat.type("top")
        await chat.until(lambda: "top" in "\n".join(chat.lines()))
        assert chat.pane.conversation is not None
        assert not chat.pane.conversation.rows[0].whole
