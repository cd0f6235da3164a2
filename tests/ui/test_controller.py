"""Commands, completion, pastes, drafts, names, as a person does them."""

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Static

from globalchat.client.events import BackendDescribed, DraftQueued
from globalchat.client.messages import Backend, Draft, MessageLimits
from globalchat.ui.model.attention import Level
from globalchat.ui.model.names import name_problem
from globalchat.ui.model.text import code_units
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.dialogs import Choices, Menu
from globalchat.ui.screens.help import Help
from globalchat.ui.screens.palette import ID as PALETTE
from globalchat.ui.screens.paste_guard import PasteGuard
from globalchat.ui.settings import Loaded, Settings
from globalchat.ui.state_store import StateStore
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.composer import Suggestions
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.messages_panel import SearchBar
from tests.ui.helpers.chat_driver import SMALL, Chat, running
from tests.ui.helpers.fake_session import CHANNELS, LIMITS


async def enter(chat: Chat, text: str) -> None:
    """Put a text into the composer and press Enter."""
    chat.composer.put(text)
    await chat.pilot.press("enter")
    await chat.settle()


def listed(chat: Chat) -> list[list[str]]:
    channels = chat.app.screen.query_one(ChannelList)
    lines = [channels.render_line(y).text.replace("›", " ") for y in range(channels.virtual_size.height)]
    return [line.split()[1:] for line in lines]


async def test_commands_do_what_they_say() -> None:
    async with running() as chat:
        await enter(chat, "/join #music")
        assert (chat.channel, chat.composer.text) == ("music", "")
        await enter(chat, "/mute cars")
        await enter(chat, "/notify all")
        assert listed(chat)[0] == ["cars", "×"]
        assert listed(chat)[3] == ["music", "*"]
        await enter(chat, "/leave")
        assert chat.channel == "tech"
        assert ["music", "*"] not in listed(chat)
        await enter(chat, "/region")
        await enter(chat, "/region AP-SOUTHEAST-2")
        await enter(chat, "/nick  ana maria ")
        assert chat.app.screen.query_one("#prompt", Static).content == "ana maria ›"
        await enter(chat, "/search needle")
        assert chat.app.screen.query_one(SearchBar).query_one("Input").has_focus
        await chat.pilot.press("escape")
        await enter(chat, "/help")
        assert isinstance(chat.app.screen, Help)
        assert chat.session.calls == [
            ("leave", "music"),
            ("switch", "sydney"),
            ("switch", "sydney"),
            ("rename", "ana maria"),
        ]


async def test_a_channel_that_was_left_stays_away_until_it_is_joined_again() -> None:
    async with running() as chat:
        await enter(chat, "/leave cars")
        chat.session.receive("cars", "late")
        chat.session.emit(BackendDescribed(Backend(CHANNELS, LIMITS)))
        await chat.settle()
        assert ["cars"] not in listed(chat)
        await enter(chat, "/join cars")
        assert chat.session.calls == [("leave", "cars"), ("join", "cars")]
        assert chat.channel == "cars"


async def test_the_pane_is_emptied_but_for_what_is_on_its_way() -> None:
    async with running() as chat:
        chat.session.receive("tech", "old")
        await enter(chat, "on its way")
        await enter(chat, "/clear")
        text = "\n".join(chat.lines())
        assert "old" not in text
        assert "on its way" in text
        chat.session.receive("tech", "fresh")
        await chat.settle()
        assert "fresh" in chat.lines()[-1]


IMPOSSIBLE = {
    "/jion tech": ('Unknown command: /jion. Did you mean "/join"? Begin with // to send the text as it is.'),
    "/nick " + "x" * 33: "This name has 33 characters; at most 32 are allowed.",
    "/region mars": "Unknown region: mars. The regions are: oregon, sydney.",
    "/region oregon": "Oregon is where you are.",
    "/notify loud": "The levels are mentions, all, mute.",
    "/mute car": 'No channel named # car. Did you mean "cars"?',
    "/leave musik": 'No channel named # musik. Did you mean "music"?',
    "/who nowhere": "No channel named # nowhere. /list offers those that there are.",
    "x" * 2003: "Too long by 3 characters: your text stays here.",
}


async def test_what_cannot_be_done_is_reported_and_the_text_stays() -> None:
    async with running() as chat:
        for typed, sentence in IMPOSSIBLE.items():
            await enter(chat, typed)
            assert chat.toasts() == [sentence]
            assert chat.composer.text == typed
            chat.forget_toasts()
        assert chat.session.calls == []


async def test_two_slashes_send_one() -> None:
    async with running() as chat:
        await enter(chat, "//join us")
        await enter(chat, "/etc/hosts")
        assert chat.session.calls == [("send", ("tech", "/join us")), ("send", ("tech", "/etc/hosts"))]


@pytest.mark.parametrize(
    ("name", "fine"),
    [("ana", True), ("😀" * 16, True), ("😀" * 17, False), ("  ", False), ("a\0", False), ("\ud800", False)],
)
def test_names_are_refused_as_the_backend_would(name: str, fine: bool) -> None:
    assert (name_problem(name, LIMITS) is None) == fine
    assert name_problem(name, MessageLimits(message=1, sender=0, id=1)) is not None


def test_lengths_are_utf_16_code_units() -> None:
    assert [code_units(text) for text in ("a", "é", "😀", "\ud800", "")] == [1, 1, 2, 1, 0]


async def test_the_meter_counts_as_the_backend_does() -> None:
    async with running() as chat:
        meter = chat.app.screen.query_one("#meter", Static)
        for text, shown in (("x" * 1799, ""), ("😀" * 900, "1,800 / 2,000"), ("x" * 2001, "2,001 / 2,000")):
            chat.composer.put(text)
            await chat.pilot.pause()
            assert meter.content == shown


async def test_tab_completes_commands_arguments_and_names() -> None:
    async with running() as chat:
        offers = chat.app.screen.query_one(Suggestions)
        chat.session.receive("cars", "hi", sender="priya")
        await chat.settle()
        await chat.type("/jo")
        await chat.until(lambda: offers.display)
        await chat.pilot.press("tab")
        await chat.until(lambda: chat.composer.text == "/join ")
        await chat.type("me")
        await chat.pilot.press("tab")
        assert chat.composer.text == "/join media"
        await chat.until(lambda: not offers.display)
        chat.composer.put("")
        await chat.type("hi @p")
        await chat.pilot.press("tab")
        assert chat.composer.text == "hi @priya "
        await chat.pilot.press("tab")
        assert chat.composer.text == "hi @priya "
        assert chat.composer.has_focus


async def test_keys_that_arrive_in_one_go_send_each_text_once_and_whole() -> None:
    async with running() as chat:
        for character in [
            "a",
            "\r",
            "👩",
            "\u200d",
            "🚀",
            "\r",
            "/",
            "j",
            "o",
            "i",
            "n",
            " ",
            "x",
            "\r",
            "b",
            "\r",
        ]:
            key = "enter" if character == "\r" else character
            chat.app.post_message(events.Key(key, character))
        sent = [
            ("send", ("tech", "a")),
            ("send", ("tech", "👩\u200d🚀")),
            ("join", "x"),
            ("send", ("x", "b")),
        ]
        await chat.until(lambda: chat.session.calls == sent, repr(sent))
        assert chat.composer.text == ""
        await chat.pilot.press("ctrl+k", *"cars")
        for _ in range(2):
            chat.app.post_message(events.Key("enter", "\r"))
        await chat.until(lambda: chat.channel == "cars")
        await chat.pilot.pause()
        assert chat.composer.has_focus
        for key in ("ctrl+p", "pageup", "pagedown"):
            chat.app.post_message(events.Key(key, None))
        await chat.until(lambda: chat.app.screen.id == PALETTE)


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
def test_a_list_without_room_does_not_move_by_pages(key: str) -> None:
    getattr(Choices("a", "b"), f"action_{key.replace('page', 'page_')}")()


async def test_a_wrapped_line_is_deleted_as_one() -> None:
    async with running(SMALL) as chat:
        chat.composer.put("first\n" + "word " * 40)
        await chat.pilot.press("ctrl+u")
        assert chat.composer.text == "first\n"


async def test_many_lines_can_be_undone_and_redone() -> None:
    async with running(SMALL) as chat:
        many = "a\n" * 8 + "z"
        chat.composer.type_in(many)
        await chat.until(lambda: chat.composer.show_vertical_scrollbar)
        await chat.pilot.press("ctrl+z")
        assert chat.composer.text == ""
        await chat.pilot.press("alt+z")
        await chat.until(lambda: chat.composer.show_vertical_scrollbar)
        assert chat.composer.text == many


async def test_offers_are_chosen_by_arrow_and_click_and_declined_by_escape() -> None:
    async with running(SMALL) as chat:
        offers = chat.app.screen.query_one(Suggestions)
        await chat.type("/re")
        await chat.pilot.press("escape")
        await chat.until(lambda: not offers.display)
        assert chat.composer.text == "/re"
        chat.composer.put("/")
        await chat.until(lambda: offers.display)
        await chat.pilot.press("down", "down", "up", "tab")
        assert chat.composer.text == "/leave "
        chat.composer.put("/")
        await chat.until(lambda: offers.display)
        await chat.pilot.press("down", "enter")
        assert chat.composer.text == "/leave "
        chat.composer.put("/")
        await chat.until(lambda: offers.display and offers.size.height >= 11)
        await chat.pilot.click("#suggestions", offset=(4, 1))
        await chat.until(lambda: chat.composer.text == "/join ")


PASTES: list[tuple[list[str], list[str], str]] = [
    (["escape"], [], "so: "),
    (["up", "enter"], [], "so: "),
    (["enter"], [], "so: a\nb\nc\nd"),
    (["down", "enter"], ["so: a\nb\nc\nd"], ""),
    (["down", "down", "enter"], ["so: a", "b", "c", "d"], ""),
]


async def test_a_paste_of_many_lines_asks_first() -> None:
    async with running() as chat:
        for choices, sent, left in PASTES:
            chat.session.calls.clear()
            chat.composer.put("so: ")
            chat.composer.post_message(events.Paste("a\r\nb\rc\nd\n"))
            await chat.until(lambda: isinstance(chat.app.screen, PasteGuard) and chat.screen_lines())
            assert "4 lines were pasted" in "\n".join(chat.screen_lines())
            await chat.pilot.press(*choices)
            await chat.until(lambda: not isinstance(chat.app.screen, PasteGuard))
            assert [argument for _, argument in chat.session.calls] == [("tech", text) for text in sent]
            assert chat.composer.text == left


async def test_how_many_lines_are_many_can_be_set_and_too_long_is_no_message() -> None:
    async with running(settings=Loaded(Settings(paste_lines=1))) as chat:
        chat.composer.post_message(events.Paste("one line\n"))
        await chat.until(lambda: chat.composer.text)
        chat.composer.put("")
        chat.composer.post_message(events.Paste("x" * 1500 + "\n" + "y" * 1500))
        await chat.until(lambda: isinstance(chat.app.screen, PasteGuard) and chat.screen_lines())
        assert "1,001 characters too long" in "\n".join(chat.screen_lines())
        await chat.pilot.press("down", "enter")
        assert [len(draft.text) for draft in chat.session.drafts] == [1500, 1500]


async def test_drafts_and_levels_survive_the_chat(tmp_path: Path) -> None:
    async with running(state=tmp_path) as chat:
        await chat.type("half a thought")
        await chat.pilot.press("ctrl+o", "ctrl+down")
        chat.composer.insert("for music")
    async with running(state=tmp_path) as chat:
        await chat.until(lambda: len(listed(chat)) > 2)
        assert chat.composer.text == "half a thought"
        assert listed(chat)[2] == ["tech", "*"]
        await chat.pilot.press("ctrl+down")
        assert chat.composer.text == "for music"
        await chat.pilot.press("enter")
    async with running(state=tmp_path, channel=None) as chat:
        assert chat.channel == "music"
        assert chat.composer.text == ""
        await chat.pilot.press("up")
        assert chat.composer.text == "for music"
        chat.composer.put("/quit")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.app._exit)
    assert "draft:music" not in StateStore(tmp_path, "local").load()


async def test_what_is_written_before_any_channel_is_known_is_kept(tmp_path: Path) -> None:
    async with running(state=tmp_path, channel="cars") as chat:
        chat.composer.insert("of the last time")
    async with running(state=tmp_path, channel=None, live=False) as chat:
        chat.composer.insert("early")
    async with running(state=tmp_path, channel=None, live=False) as chat:
        assert chat.composer.text == "early"
        chat.session.go_live()
        await chat.until(lambda: chat.channel == "cars")
        assert chat.composer.text == "early"
        await chat.pilot.press("enter", "up")
        assert chat.composer.text == "early"
        await chat.pilot.press("up")
        assert chat.composer.text == "of the last time"
    assert StateStore(tmp_path, "local").load()["draft:cars"] == "of the last time"


async def test_chats_side_by_side_neither_lose_nor_mix_drafts(tmp_path: Path) -> None:
    async with running(state=tmp_path) as one:
        one.composer.insert("precious")
        async with running(state=tmp_path) as two:
            assert two.composer.text == ""
            two.composer.insert("x")
            await two.pilot.press("backspace")
            two.composer.insert("of two")
    async with running(state=tmp_path) as chat:
        assert chat.composer.text == "precious"
        chat.composer.put("")
        await chat.pilot.press("up")
        assert chat.composer.text == "of two"


async def test_what_was_sent_is_no_draft_on_disk_before_it_can_be_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(state=tmp_path) as chat:
        chat.composer.insert("once")
        await chat.until(lambda: "once" in StateStore(tmp_path, "local").load().values())
        drafts: list[str | None] = []
        show = MessagePane.jump_to_tail

        def look(pane: MessagePane) -> None:
            drafts.append(StateStore(tmp_path, "local").load().get("draft:tech"))
            show(pane)

        monkeypatch.setattr(MessagePane, "jump_to_tail", look)
        await chat.pilot.press("enter")
        await chat.until(lambda: bool(drafts))
        assert drafts == [None]


async def test_a_draft_that_an_earlier_run_handed_to_the_outbox_is_forgotten(tmp_path: Path) -> None:
    """The run ended between the two: killed, say."""
    StateStore(tmp_path, "local").merge({"draft:tech": "handed over", "draft:cars": "mine"})
    async with running(state=tmp_path) as chat:
        assert chat.composer.text == "handed over"
        chat.session.emit(DraftQueued(Draft("1", "cars", "other", "bo", 0)))
        chat.session.emit(DraftQueued(Draft("2", "tech", "handed over", "bo", 0)))
        await chat.until(lambda: chat.composer.text == "")
        await chat.pilot.press("ctrl+up", "ctrl+up")
        await chat.until(lambda: chat.composer.text == "mine")
    assert "draft:tech" not in StateStore(tmp_path, "local").load()


async def test_two_chats_keep_each_others_drafts(tmp_path: Path) -> None:
    async with running(state=tmp_path) as one:
        async with running(state=tmp_path, channel="cars") as two:
            two.composer.insert("of two")
        one.composer.insert("of one")
    async with running(state=tmp_path) as chat:
        assert chat.composer.text == "of one"
        await chat.pilot.press("ctrl+up", "ctrl+up")
        assert chat.composer.text == "of two"


async def test_a_state_folder_that_cannot_be_written_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with running(state=tmp_path / "file" / "chat") as chat:
        chat.composer.insert("a")
        await chat.until(chat.toasts)
        chat.composer.insert("b")
        await chat.until(lambda: chat.composer.text == "ab")
        assert len(chat.toasts()) == 1
        assert chat.toasts()[0].startswith("Your texts cannot be kept for the next time: ")


async def test_the_right_button_asks_what_to_do_with_a_channel() -> None:
    async with running() as chat:
        screen = chat.app.screen
        assert isinstance(screen, ChatScreen)
        levels = screen.view_model.model.levels
        for text, done in (
            ("muted", lambda: levels.of("media") is Level.MUTE),
            ("Go there", lambda: chat.channel == "media"),
            ("Leave it", lambda: chat.session.calls == [("leave", "media")] and chat.channel == "tech"),
        ):
            await chat.pilot.click("#channels", offset=(4, 4), button=3)
            await chat.until(lambda: isinstance(chat.app.screen, Menu))
            await chat.until(lambda text=text: text in "\n".join(chat.screen_lines()))  # type: ignore[misc]
            await chat.click_on(text)
            await chat.until(lambda: not isinstance(chat.app.screen, Menu))
            await chat.until(done)
        await chat.pilot.click("#channels", offset=(4, 3), button=3)
        await chat.until(lambda: isinstance(chat.app.screen, Menu))
        await chat.pilot.click(offset=(100, 3))
        await chat.until(lambda: chat.app.screen is screen)


async def test_a_muted_channel_counts_nowhere() -> None:
    async with running(SMALL) as chat:
        await enter(chat, "/mute cars")
        chat.session.receive("cars", "hey @bo")
        await chat.settle()
        assert chat.status == "# cars: muted"
        assert "cars × " in chat.screen_lines()[1]
        await chat.pilot.press("f8")
        assert chat.channel == "tech"
