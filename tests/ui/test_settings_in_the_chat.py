"""Settings, keys, themes, ASCII, motion, calls for attention and the greeting, on the running chat."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.style import Style
from textual import events
from textual.widgets import Static

from globalchat.client.events import DraftUnsent
from globalchat.core.interpreter import as_typed_here
from globalchat.ui.app import ChatApp
from globalchat.ui.model.background import ANSWER_WITHIN, QUERY
from globalchat.ui.notifier import KEEP_TITLE, RESTORE_TITLE
from globalchat.ui.safe_app import BackgroundReported
from globalchat.ui.screens.help import Guide, SettingsList
from globalchat.ui.screens.switchers import QuickSwitcher, RegionSwitcher
from globalchat.ui.settings import KeySettings, Loaded, NotifySettings, Settings
from globalchat.ui.widgets.welcome import Welcome
from tests.ui.helpers.busy_chat import busy
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, make, running
from tests.ui.helpers.fake_session import NOON, FakeSession


def using(**settings: object) -> Loaded:
    return Loaded(Settings(**settings))  # type: ignore[arg-type]


async def test_changed_keys_work_and_are_shown_everywhere() -> None:
    keys = {"channel.next": "ctrl+n", "help": "f12", "write.send": "ctrl+j", "write.newline": "enter"}
    keys |= {"app.quit": "shift+f10", "app.palette": "f11", "again": "ctrl+t", "region.pick": "ctrl+y"}
    async with running(settings=using(keys=KeySettings(by_action=keys))) as chat:
        await chat.until(lambda: "F12 help" in " ".join(chat.screen_lines()[-1].split()))
        await chat.pilot.press("ctrl+down")
        assert chat.channel == "tech"
        await chat.pilot.press("ctrl+n")
        assert chat.channel == "music"
        await chat.pilot.press("a", "enter", "b", "ctrl+j")
        assert chat.session.calls == [("send", ("music", "a\nb"))]
        await chat.pilot.press("ctrl+q", "ctrl+p")
        assert len(chat.app.screen_stack) == 1
        await chat.pilot.press("f11")
        await chat.type("next channel")
        await chat.until(lambda: "Ctrl+N" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("escape", "f12")
        await chat.until(lambda: "Ctrl+N" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("f12")
        assert len(chat.app.screen_stack) == 1
        await chat.pilot.press("ctrl+y")
        await chat.until(lambda: isinstance(chat.app.screen, RegionSwitcher))
        await chat.pilot.press("ctrl+y")
        assert len(chat.app.screen_stack) == 1
        chat.session.emit(DraftUnsent(chat.session.drafts[0], "no connection"))
        await chat.settle()
        assert "not sent: no connection. Ctrl+T or a click here sends it again." in chat.lines()[-1]
        await chat.pilot.press("ctrl+c")
        assert chat.toasts() == ["Nothing is selected to be copied. Shift+F10 quits."]
        await chat.pilot.press("shift+f10")
        await chat.until(lambda: chat.app._exit)


async def test_all_that_is_wrong_with_the_settings_is_one_notice() -> None:
    settings = Loaded(
        Settings(theme="nrod", keys=KeySettings(by_action={"help": "ctrl+i"})), ("The first problem.",)
    )
    async with running(settings=settings) as chat:
        (notice,) = chat.toasts()
        assert notice.splitlines() == [
            "The first problem.",
            'Unknown theme: "nrod". Did you mean "nord"?',
            "The keys of help stay as they are: terminals send Ctrl+I as Tab.",
        ]


async def test_a_theme_and_the_time_of_messages_can_be_set() -> None:
    async with running(settings=using(theme="gruvbox", time="h:MM:SS AM")) as chat:
        assert chat.app.theme == "gruvbox"
        assert chat.toasts() == []
        chat.session.receive("tech", "good afternoon", at=NOON + 9_000)
        await chat.settle()
        assert chat.lines()[-1].startswith(" 12:00:09 PM         ana  good afternoon")
        await chat.pilot.press("f10")
        await chat.until(lambda: "ORE 12:00 PM" in "\n".join(chat.screen_lines()))


async def test_a_theme_that_was_chosen_is_remembered_unless_the_settings_name_one(tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        await chat.type("/theme nrod", "enter")
        await chat.until(lambda: chat.toasts() == ['Unknown theme: nrod. Did you mean "nord"?'])
        assert chat.composer.text == "/theme nrod"
        await chat.pilot.press("ctrl+u")
        await chat.type("/theme dracula", "enter")
        await chat.until(lambda: chat.app.theme == "dracula")
        await chat.type("/theme AUTO", "enter")
        await chat.until(lambda: chat.app.theme == "textual-dark")
        await chat.type("/theme nord", "enter")
        await chat.until(lambda: chat.app.theme == "nord")
    async with running(state=tmp_path) as chat:
        assert chat.app.theme == "nord"
    async with running(state=tmp_path, settings=using(theme="gruvbox")) as chat:
        assert chat.app.theme == "gruvbox"
        chat.app.theme = "dracula"
        await chat.until(lambda: chat.toasts() == ["Until you quit: config.toml sets the theme gruvbox."])
    (tmp_path / "local.json").write_text('{"values": {"theme": "gone"}}')
    async with running(state=tmp_path) as chat:
        assert chat.app.theme == "textual-dark"


async def test_the_theme_follows_the_terminal_until_one_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(state=tmp_path) as chat:
        assert chat.app.theme == "textual-dark"
        chat.app.post_message(BackgroundReported(is_dark=False))
        await chat.until(lambda: chat.app.theme == "textual-light")
        chat.app.theme = "nord"
        chat.app.post_message(BackgroundReported(is_dark=True))
        await chat.pilot.pause()
        assert chat.app.theme == "nord"
    monkeypatch.setenv("COLORFGBG", "0;15")
    async with running(state=tmp_path) as chat:
        assert chat.app.theme == "nord"  # the choice is kept, what the terminal answered is not
        await chat.pilot.press("ctrl+p")
        await chat.type("colours", "enter")
        await chat.click_on("auto: dark or light")
        await chat.until(lambda: chat.app.theme == "textual-light")
    async with running(state=tmp_path) as chat:
        assert chat.app.theme == "textual-light"
        assert chat.app._asked_at is not None
        chat.app._asked_at -= 2 * ANSWER_WITHIN
        chat.app.post_message(BackgroundReported(is_dark=True))
        await chat.pilot.pause()
        assert chat.app.theme == "textual-light"  # too late: it is being read
    async with running(state=tmp_path, settings=using(theme="auto")) as chat:
        assert chat.app.theme == "textual-light"
        assert chat.toasts() == []


async def test_the_bars_can_be_read_in_dark_and_light_themes() -> None:
    async with running(live=False) as chat:
        chat.session.fail_over("Lost")
        await chat.settle()
        for theme in ("atom-one-dark", "atom-one-light", "solarized-light", "textual-light"):
            chat.app.theme = theme
            await chat.settle()
            lines = chat.app.screen._compositor.render_strips()
            for word, least in (("retrying", 4.5), ("local cloud", 4.5), ("Lost", 4.5), ("Ctrl+K", 3.0)):
                style = next(style for line in lines for text, style, _ in line if word in text)
                assert contrast(style) > least, f"{word} in {theme}"


def contrast(style: Style | None) -> float:
    """The contrast of a text with what is behind it, as WCAG 2 counts it: from 1 to 21."""
    assert style is not None
    assert style.color is not None
    assert style.bgcolor is not None
    dark, bright = sorted(luminance(each.get_truecolor()) for each in (style.color, style.bgcolor))
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: Sequence[int]) -> float:
    """From 0 for black to 1 for white."""
    parts = [each / 255 for each in colour]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_nothing_moves_if_nothing_may() -> None:
    async with running(settings=using(motion=False)) as chat:
        assert chat.app.animation_level == "none"
        await chat.until(lambda: not chat.composer.cursor_blink)
        await chat.pilot.press("ctrl+k")
        await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher))
        await chat.until(lambda: not chat.app.screen.query_one("Input").cursor_blink)  # type: ignore[attr-defined]
    async with running() as chat:
        assert chat.composer.cursor_blink


async def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running() as chat:
        await busy(chat)
        colours = {
            colour.get_truecolor()
            for strip in chat.app.screen._compositor.render_strips()
            for _, style, _ in strip
            if style is not None
            for colour in (style.color, style.bgcolor)
            if colour is not None
        }
        assert colours
        assert all(red == green == blue for red, green, blue in colours)


ASIDE = {*"全角文字の幅は二つ分です。折り返しも正しく。健太␛"}
"""What people wrote in the busy chat."""


def foreign(chat: Chat) -> set[str]:
    """The characters on the screen that are no ASCII, but for what people wrote."""
    return {character for character in "".join(chat.screen_lines()) if not character.isascii()} - ASIDE


async def test_ascii_draws_no_other_sign_anywhere() -> None:
    async with running(SMALL, settings=using(ascii=True), welcome=True) as chat:
        await busy(chat)
        assert foreign(chat) == set()
        text = "\n".join(chat.screen_lines())
        assert "ok" in text
        assert "!!" in text
        assert "全角" in text
        for size in (WIDE, (50, 20)):
            await chat.resize(*size)
            await chat.pilot.pause()
            assert foreign(chat) == set()
        await chat.pilot.press("/")
        await chat.pilot.pause()
        assert foreign(chat) == set()
        for key in ("f4", "f9", "ctrl+k", "f2", "f1", "ctrl+p"):
            await chat.pilot.press(key)
            await chat.pilot.pause()
            assert foreign(chat) == set(), key
            await chat.pilot.press("escape")
        chat.composer.post_message(events.Paste("a\n" * 9))
        await chat.until(lambda: len(chat.app.screen_stack) > 1)
        assert foreign(chat) == set()
        await chat.pilot.press("escape")
        chat.app.notify("a notice", title="x", severity="warning")
        await chat.pilot.pause()
        assert foreign(chat) == set()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what goes to the terminal past the screen."""
    texts: list[str] = []

    def record(_: ChatApp, text: str) -> None:
        if text != QUERY:
            texts.append(text)

    monkeypatch.setattr(ChatApp, "write_terminal", record)
    monkeypatch.delenv("TMUX", raising=False)
    return texts


async def test_the_terminal_is_called_while_it_is_elsewhere(written: list[str]) -> None:
    notify, now = NotifySettings(bell=True, desktop="osc777"), [NOON]
    async with running(settings=using(notify=notify), clock=lambda: now[0]) as chat:
        chat.session.receive("cars", "hey @bo")
        await chat.settle()
        assert written == [KEEP_TITLE, "\x1b]0;# tech\a", "\x1b]0;(1) # tech\a"]
        chat.app.app_focus = False
        chat.session.receive("tech", "nothing special")
        chat.session.receive("tech", "evil \x1b]0;x\a; @bo", sender="e;ve")
        await chat.settle()
        for text in ("again @bo", "and again @bo"):
            chat.session.receive("tech", text)
        await chat.settle()
        assert [text for text in written[3:] if not text.startswith("\x1b]0;")] == [
            "\a",
            "\x1b]777;notify;# tech;e,ve: evil ␛]0,x␇, @bo\a",
        ]
        assert written[-1] == "\x1b]0;(4) # tech\a"
        now[0] += 5_000
        await chat.until(lambda: written[-1].startswith("\x1b]777"), "the call for what came meanwhile")
        assert written[-1] == "\x1b]777;notify;# tech;ana: and again @bo (and 1 more)\a"
        chat.app.app_focus = True
        await chat.until(lambda: written[-1].endswith("0;(1) # tech\a"))
    assert written[-1] == RESTORE_TITLE


def greeted(chat: Chat) -> bool:
    return chat.app.screen.query_one(Welcome).display


async def test_the_greeting_stands_aside_and_is_put_away_for_good(tmp_path: Path) -> None:
    async with running(SMALL, welcome=True, state=tmp_path) as chat:
        assert greeted(chat)
        shown = "\n".join(chat.screen_lines())
        assert "This is the local cloud" in shown
        assert as_typed_here("  globalchat sydney --name ana --channel tech") in f"  {shown}"
        await chat.type("hi")
        await chat.pilot.press("enter")
        assert chat.session.calls == [("send", ("tech", "hi"))]
        await chat.until(lambda: not greeted(chat))
        chat.composer.put("/join media")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.channel == "media")
        assert not greeted(chat)
    async with running(SMALL, welcome=True, state=tmp_path) as chat:
        assert not greeted(chat)


async def test_the_first_screen_goes_with_the_first_message_or_for_good_by_key(tmp_path: Path) -> None:
    settings = Loaded(Settings(keys=KeySettings(by_action={"dual": "f12"})))
    async with running((50, 20), welcome=True, state=tmp_path, settings=settings) as chat:
        assert greeted(chat)
        region = chat.app.screen.query_one(Welcome).region
        lines = [line.split() for line in chat.screen_lines()[region.y : region.bottom]]
        for words in ("Write Enter", "Other channel Ctrl+K", "See both regions F12", "All keys F1"):
            assert words.split() in [line[1:-1] for line in lines]
        chat.session.receive("tech", "hello")
        await chat.settle()
        await chat.until(lambda: not greeted(chat))
        await chat.pilot.press("ctrl+up")  # an empty channel
        await chat.until(lambda: greeted(chat))
        await chat.pilot.press("escape")
        assert not greeted(chat)
    async with running(SMALL, welcome=True, state=tmp_path) as chat:
        assert not greeted(chat)


async def test_the_ways_on_by_click_and_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", "/nowhere")  # so short that its files stand on one line
    async with running(SMALL, welcome=True) as chat:
        for word, shown in (("Connect", "default.json"), ("Deploy", "globalchat deploy --diff")):
            await chat.click_on(f"{word} to")
            await until_guided(chat, shown)
            await chat.pilot.press("escape")
            chat.composer.put(f"/{word.lower()}")
            await chat.pilot.press("enter")
            await until_guided(chat, shown)
            await chat.pilot.press("escape")
        chat.composer.put("/settings")
        await chat.pilot.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, SettingsList))
        await chat.until(lambda: "/nowhere/config/config.toml" in "\n".join(chat.screen_lines()))
        text = "\n".join(str(each.content) for each in chat.app.screen.query(Static))
        for said in (
            'time = "HH:MM"\n',
            "[notify]",
            "bell = false\nRing",
            "It can be true or false.",
            "ACTION = …",
        ):
            assert said in text
        assert not set("`*") & set(text)
        await chat.pilot.press("escape")
        await chat.resize(40, 10)
        await chat.until(lambda: any("Put this" in line for line in chat.screen_lines()))
        await chat.until(lambda: any("No messages in # tech" in line for line in chat.screen_lines()))
        await chat.click_on("Put this")
        await chat.until(lambda: not greeted(chat))


async def until_guided(chat: Chat, shown: str) -> None:
    await chat.until(lambda: isinstance(chat.app.screen, Guide))
    await chat.until(lambda: shown in "\n".join(chat.screen_lines()))


async def test_the_keys_are_shown_where_the_chat_opens_without_the_focus() -> None:
    session = FakeSession()
    app = make(session)
    app.set_reactive(ChatApp.app_focus, False)
    async with app.run_test(size=WIDE) as pilot:
        chat = Chat(app, pilot, session)
        await chat.until(lambda: "F1 help" in "".join(chat.screen_lines()[-1:]))
        assert not app.app_focus


async def test_the_switcher_offers_unread_then_recent_then_the_rest() -> None:
    async with running() as chat:
        await chat.pilot.press("ctrl+down", "ctrl+down", "ctrl+down")
        assert chat.channel == "cars"
        for channel, text in (("media", "x"), ("robots", "@bo")):
            chat.session.receive(channel, text)
        await chat.settle()
        await chat.pilot.press("ctrl+k")
        await chat.until(lambda: isinstance(chat.app.screen, QuickSwitcher))
        assert isinstance(chat.app.screen, QuickSwitcher)
        assert chat.app.screen._names == ["robots", "media", "music", "tech", "cars"]


async def test_a_terminal_that_prints_sequences_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make(FakeSession())
    texts: list[str] = []

    class Driver:
        write = texts.append

    monkeypatch.setattr(app, "_driver", Driver)
    monkeypatch.setattr(ChatApp, "is_headless", False)
    monkeypatch.setattr(ChatApp, "is_web", False)
    for terminal in ("dumb", "linux", "xterm-256color"):
        monkeypatch.setenv("TERM", terminal)
        app.write_terminal("\a")
        app.write_terminal("\x1b]0;x\a")
    assert texts == ["\a", "\a", "\a", "\x1b]0;x\a"]
