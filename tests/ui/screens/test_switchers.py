"""The quick switcher and the palette offer what can be entered, and say why something else cannot."""

from textual.widgets import OptionList

from globalchat.ui.screens.palette import Picker
from globalchat.ui.screens.sent_search import SentSearch
from globalchat.ui.screens.switchers import QuickSwitcher
from tests.ui.helpers.chat_driver import WIDE, Chat, running


async def offered(chat: Chat, query: str) -> list[str]:
    """Open the palette, type a text, and return the titles that it finds."""
    await chat.pilot.press("ctrl+p")
    await chat.until(lambda: isinstance(chat.app.screen, Picker))
    await chat.type(query)
    palette = chat.app.screen
    assert isinstance(palette, Picker)
    return [palette._entries[each].text for each in palette._found]


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
        assert (await offered(chat, "music"))[0] == "Go to # music"
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.channel == "music")
        assert (await offered(chat, "/nick"))[0] == "/nick: write under another name"
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.composer.text == "/nick ")


async def test_the_palette_is_a_dialog_with_one_line_an_entry_and_its_keys_at_the_right() -> None:
    async with running() as chat:
        for size in (WIDE, (50, 20), (40, 10)):
            await chat.resize(*size)
            assert await offered(chat, "zzz") == []
            await chat.until(lambda: "Nothing matches." in "\n".join(chat.screen_lines()))
            await chat.pilot.press("ctrl+u")
            await chat.until(lambda: "Go to a channel" in "\n".join(chat.screen_lines()))
            box = chat.app.screen.query_one(".dialog").region
            assert chat.app.screen.region.contains_region(box)
            shown = [line[box.x : box.right] for line in chat.screen_lines()[box.y : box.bottom]]
            assert shown[0].startswith("╭─ Commands ─")
            assert shown[-1].startswith("╰─")
            assert all(line[0] == line[-1] == "│" for line in shown[1:-1])
            first = next(line for line in shown if "Go to a channel" in line)
            assert first.rstrip("│ ▁▂▃▄▅▆▇█").endswith("Ctrl+K")
            await chat.click_on("Go to a channel")
            await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher))
            await chat.pilot.press("escape")
            await chat.until(lambda: len(chat.app.screen_stack) == 1)


async def test_a_click_counts_for_what_was_clicked_even_if_the_list_has_changed_since() -> None:
    async with running() as chat:
        chat.composer.sent.add("first")
        chat.composer.sent.add("second")
        for key, query, chosen in (
            ("ctrl+k", "zzz", "robots"),
            ("ctrl+r", "first", "second"),
            ("ctrl+p", "zzz", None),
        ):
            await chat.pilot.press(key)
            await chat.until(lambda: len(chat.app.screen_stack) == 2)
            dialog = chat.app.screen
            assert isinstance(dialog, QuickSwitcher | SentSearch | Picker)
            choices = dialog.query_one(OptionList)
            at = 1 if key == "ctrl+k" else 0
            clicked = OptionList.OptionSelected(choices, choices.get_option_at_index(at), at)
            ended: list[object] = []
            await chat.type(query)
            dialog.dismiss = ended.append  # type: ignore[method-assign, assignment]
            dialog.on_option_list_option_selected(clicked)
            wanted = dialog._entries[0] if isinstance(dialog, Picker) else chosen
            assert ended == [wanted]
            await chat.app.pop_screen()
