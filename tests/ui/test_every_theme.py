"""Text can be read in every theme, whatever is open; in the terminal's own colours it is never coloured."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

import pytest
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.geometry import Offset
from textual.screen import Screen
from textual.selection import Selection
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from globalchat.ui.stylesheet import RATIO, contrast, legible
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.people_list import PeopleList
from tests.ui.helpers.busy_chat import busy, revoked
from tests.ui.helpers.chat_driver import WIDE, Chat, running

ANSI = [name for name, theme in BUILTIN_THEMES.items() if theme.ansi]
LEAST_VISIBLE = ("flexoki", "atom-one-light")
VISIBLE = 1.2
"""A ground that differs from another by that stands out."""
FIXED = [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi]


async def everything(chat: Chat) -> None:
    """The messages, a channel that ended and one that is muted, a text that is nearly too long."""
    await busy(chat)
    await revoked(chat)
    chat.session.receive("tech", "see https://example.com @bo")
    chat.composer.put("/mute media")
    chat.composer.submit()
    await chat.settle()
    chat.composer.put("x " * 990)
    await chat.pilot.press("shift+home")


async def searching(chat: Chat) -> None:
    chat.composer.put("")
    chat.app.screen.query_one(ChannelList)._set_hover(1)
    await chat.pilot.press("ctrl+g", *"the")
    await chat.pilot.press("up")
    await chat.settle()


async def choosing(chat: Chat) -> None:
    await chat.pilot.press("escape", "escape", "f6", "up")
    await chat.settle()


async def selecting(chat: Chat) -> None:
    await chat.pilot.press("escape")
    chat.app.screen.selections = {chat.pane: Selection(Offset(0, 0), Offset(40, 6))}
    await chat.settle()


async def suggesting(chat: Chat) -> None:
    chat.app.screen.selections = {}
    chat.composer.put("")
    await chat.pilot.press("/", "down")
    await chat.settle()


async def listing_people(chat: Chat) -> None:
    chat.composer.put("/ignore ana")
    chat.composer.submit()
    chat.composer.put("")
    await chat.pilot.press("f10", "down")
    await chat.settle()


async def telling(chat: Chat) -> None:
    chat.composer.put("")
    for severity in ("information", "warning", "error"):
        chat.app.notify(f"some {severity}", title="settings", severity=severity, timeout=600)
    await chat.until(lambda: len(chat.app.screen.query("Toast")) == 2)


def opening(*keys: str) -> Callable[[Chat], Awaitable[None]]:
    async def open_it(chat: Chat) -> None:
        while len(chat.app.screen_stack) > 1:
            await chat.app.pop_screen()
        chat.app.clear_notifications()
        await chat.pilot.press(*keys)
        await chat.until(lambda: len(chat.app.screen_stack) > 1 and chat.screen_lines(), keys[0])
        await chat.pilot.pause()

    open_it.__name__ = f"opening_{keys[0]}"
    return open_it


async def pasting(chat: Chat) -> None:
    while len(chat.app.screen_stack) > 1:
        await chat.app.pop_screen()
    chat.composer.post_message(events.Paste("a\nb\nc\nd\n" + "x" * 2001))
    await chat.until(lambda: len(chat.app.screen_stack) > 1 and chat.screen_lines())


VIEWS = [
    *(everything, searching, choosing, selecting, suggesting, listing_people, telling),
    *(opening("ctrl+k"), opening("ctrl+k", "down"), opening("f2"), opening("f1"), opening("ctrl+p"), pasting),
]
"""What is looked at, one after another."""


def segments(screen: Screen[object]) -> Iterator[Segment]:
    """The pieces of text in what is open; what lies behind a dialog is dimmed on purpose."""
    box = next(iter(screen.query(".dialog, #menu")), screen).region
    for y, strip in enumerate(screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            if box.contains(x, y) and any(character.isalnum() for character in segment.text):
                yield segment
            x += segment.cell_length


def colours(style: Style) -> tuple[Color, Color]:
    """The colours of text and ground as they are seen."""
    assert style.color is not None
    assert style.bgcolor is not None
    text, ground = (Color.from_rich_color(each) for each in (style.color, style.bgcolor))
    return (ground, text) if style.reverse else (text, ground)


def faint(chat: Chat) -> set[tuple[str, str, str, float]]:
    found = set()
    for segment in segments(chat.app.screen):
        text, ground = colours(segment.style or Style())
        if (ratio := contrast(text, ground)) < RATIO:
            found.add((segment.text.strip()[:30], text.hex, ground.hex, round(ratio, 2)))
    return found


def coloured(chat: Chat) -> set[tuple[str, str, str]]:
    found = set()
    for segment in segments(chat.app.screen):
        style = segment.style or Style()
        looks = [each is None or each.is_default for each in (style.color, style.bgcolor)]
        if not all(looks) or style.dim:
            found.add((segment.text.strip()[:30], str(style.color and style.color.name), str(style)))
    return found


async def faint_in(themes: Iterable[str]) -> dict[tuple[str, str], set[tuple[str, str, str, float]]]:
    problems = {}
    for theme in themes:
        async with running(WIDE, welcome=True) as chat:
            chat.app.theme = theme
            for view in VIEWS:
                await view(chat)
                if found := faint(chat):
                    problems[theme, view.__name__] = found
    return problems


@pytest.mark.parametrize("themes", [["tokyo-night"], pytest.param(FIXED, marks=pytest.mark.soak)], ids=len)
async def test_text_can_be_read_in_every_view(themes: list[str]) -> None:
    assert await faint_in(themes) == {}


async def test_text_can_be_read_in_every_theme() -> None:
    problems = {}
    async with running(WIDE, welcome=True) as chat:
        await everything(chat)
        for theme in FIXED:
            chat.app.theme = theme
            await chat.pilot.pause()
            if found := faint(chat) | faint_parts(chat):
                problems[theme] = found
    assert problems == {}


OURS = (MessagePane, ChannelList, PeopleList)


def faint_parts(chat: Chat) -> set[tuple[str, str, str, float]]:
    """The parts of our widgets that carry text and cannot be read, shown just now or not."""
    found = set()
    for widget in chat.app.screen.query(Widget).results():
        for name in widget.COMPONENT_CLASSES if isinstance(widget, OURS) else ():
            if not name.endswith("--rule"):
                text, ground = colours(widget.get_component_rich_style(name))
                if (ratio := contrast(text, ground)) < RATIO:
                    found.add((name, text.hex, ground.hex, round(ratio, 2)))
    return found


ANSI_ONES = [ANSI[0], *(pytest.param(each, marks=pytest.mark.soak) for each in ANSI[1:])]


@pytest.mark.parametrize("theme", ANSI_ONES)
async def test_text_is_not_coloured_where_the_colours_are_the_terminals(theme: str) -> None:
    problems = {}
    async with running(WIDE, welcome=True) as chat:
        chat.app.theme = theme
        for view in VIEWS:
            await view(chat)
            if found := coloured(chat):
                problems[view.__name__] = found
    assert problems == {}


def ground_of(chat: Chat, text: str) -> Color | None:
    """The colour behind a text; None where it is reversed."""
    found = next(segment.style for segment in segments(chat.app.screen) if text in segment.text)
    assert found is not None
    assert found.bgcolor is not None
    return None if found.reverse else Color.from_rich_color(found.bgcolor)


async def current_channel(chat: Chat) -> tuple[str, str]:
    return "# tech   ", "# cars   "


async def chosen_message(chat: Chat) -> tuple[str, str]:
    await chat.pilot.press("f6", "up")
    await chat.settle()
    return "too long", "here I am"


async def chosen_channel(chat: Chat) -> tuple[str, str]:
    await opening("ctrl+k")(chat)
    return "# music", "# cars"


@pytest.mark.parametrize("theme", FIXED)
def test_what_is_chosen_stands_out_from_what_it_may_lie_on(theme: str) -> None:
    plain = BUILTIN_THEMES[theme].to_color_system().generate()
    variables = legible({**plain, **BUILTIN_THEMES[theme].variables}, ansi=False)
    chosen = Color.parse(variables["primary-muted"])
    for ground in ("background", "surface"):
        assert contrast(chosen, Color.parse(variables[ground])) >= VISIBLE


async def test_what_is_chosen_can_be_seen() -> None:
    async with running(WIDE) as chat:
        await busy(chat)
        for choices in ((current_channel, chosen_message), (chosen_channel,)):
            texts = [await choose(chat) for choose in choices]
            for theme in (*ANSI, *LEAST_VISIBLE):
                chat.app.theme = theme
                await chat.pilot.pause()
                for chosen_text, other_text in texts:
                    chosen, other = ground_of(chat, chosen_text), ground_of(chat, other_text)
                    assert other is not None
                    if theme in ANSI:
                        assert chosen is None, theme
                    else:
                        assert chosen is not None, theme
                        assert contrast(chosen, other) >= VISIBLE, theme
