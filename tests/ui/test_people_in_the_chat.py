"""People in the running chat: the list by keys and mouse, mentions, the filter, whom the user ignores."""

from pathlib import Path

from globalchat.client.messages import Message
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.people_dialog import PeopleDialog
from globalchat.ui.settings import Loaded, NotifySettings, Settings
from globalchat.ui.widgets.people_list import PeoplePanel
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, running
from tests.ui.helpers.fake_session import NOON


def screen_of(chat: Chat) -> ChatScreen:
    screen = chat.app.screen_stack[0]
    assert isinstance(screen, ChatScreen)
    return screen


def listed(chat: Chat) -> list[str]:
    """The lines of the list beside the messages."""
    people = screen_of(chat).query_one("#people-box", PeoplePanel)
    if not people.display:
        return []
    lines = [people.list.render_line(y).text for y in range(people.list.size.height)]
    return [" ".join(line.split()) for line in lines if line.strip()]


def said(chat: Chat) -> str:
    return "\n".join(chat.lines())


async def write(chat: Chat) -> None:
    for number, (sender, text) in enumerate([("ana", "morning"), ("spam", "BUY"), ("lee", "deploy now")]):
        chat.session.receive("tech", text, sender=sender, at=NOON + number)
    await chat.settle()


async def command(chat: Chat, text: str) -> None:
    chat.composer.put(text)
    chat.composer.submit()
    await chat.settle()


async def test_the_list_by_keys_is_kept_open_and_what_it_does_is_kept(tmp_path: Path) -> None:
    words = Loaded(Settings(notify=NotifySettings(words=("deploy",))))
    async with running(WIDE, state=tmp_path, settings=words) as chat:
        await write(chat)
        assert listed(chat) == []
        await chat.pilot.press("f10")
        await chat.settle()
        assert listed(chat) == ["lee ORE 12:00", "spam ORE 12:00", "ana ORE 12:00"]
        await chat.pilot.press("down", "enter")
        await chat.settle()
        assert chat.composer.text == "@spam "
        await chat.pilot.press("f10", "down", "down", "o")
        await chat.settle()
        assert "Only messages of ana, and yours. Esc shows all." in "\n".join(chat.screen_lines())
        assert "morning" in said(chat)
        assert "BUY" not in said(chat)
        chat.session.receive("tech", "unseen", sender="lee", at=NOON + 10)
        await chat.settle()
        assert screen_of(chat).view_model.model.conversation("tech").mark.unread == 1
        await chat.pilot.press("escape")
        await chat.settle()
        assert "BUY" in said(chat)
        assert "unseen" in said(chat)
        assert screen_of(chat).view_model.model.conversation("tech").mark.unread == 0
        await chat.pilot.press("f10", "down", "i")
        await chat.settle()
        assert "BUY" not in said(chat)
        assert listed(chat)[1] == "spam ignored"
        assert "1 message of people" in "\n".join(chat.screen_lines())
        assert "Messages of spam are hidden" in chat.toasts()[-1]
        await chat.pilot.press("a")
        # At once, as over a slow link: no letter after the first one is a key of the list.
        await chat.type("xio")
        await chat.settle()
        assert chat.composer.text == "@spam xio"
        await chat.resize(*SMALL)
        assert listed(chat) == []
        await command(chat, "")
    async with running(WIDE, state=tmp_path) as chat:
        await write(chat)
        assert "BUY" not in said(chat)
        assert listed(chat)[1] == "spam ignored"
        await command(chat, "/unignore spam")
        assert "BUY" in said(chat)
        await chat.pilot.press("f10", "f10")
        await chat.settle()
        assert listed(chat) == []
    async with running(WIDE, state=tmp_path) as chat:
        await write(chat)
        assert listed(chat) == []
        assert "BUY" in said(chat)


async def test_the_list_by_mouse_and_the_menu_of_a_message() -> None:
    async with running(WIDE) as chat:
        await write(chat)
        await command(chat, "/who")
        await chat.click_on("spam        ORE")
        await chat.settle()
        assert chat.composer.text == "@spam "
        chat.composer.put("")
        people = screen_of(chat).query_one("#people-box", PeoplePanel)
        await chat.pilot.click(people.list, offset=(2, 2), button=3)
        await chat.click_on("Show only these messages")
        await chat.settle()
        assert "morning" in said(chat)
        assert "BUY" not in said(chat)
        await chat.click_on("Only messages of ana")
        await chat.settle()
        assert "BUY" in said(chat)
        line = next(y for y, text in enumerate(chat.lines()) if "BUY" in text)
        await chat.pilot.click(chat.pane, offset=(30, line), button=3)
        await chat.until(lambda: any("Ignore this person" in line for line in chat.screen_lines()))
        assert sum("Mention " in line for line in chat.screen_lines()) == 1
        await chat.click_on("Ignore this person")
        await chat.settle()
        assert "BUY" not in said(chat)


async def test_in_a_small_window_the_list_is_a_dialog_and_commands_name_people() -> None:
    async with running(SMALL) as chat:
        await write(chat)
        odd = Message("odd", "cars", "hi", "an\u200ba", "ap-southeast-2", NOON)
        chat.session.receive(odd.channel, odd.text, sender=odd.sender, region=odd.region)
        await chat.settle()
        await chat.pilot.press("alt+n")
        await chat.until(lambda: isinstance(chat.app.screen, PeopleDialog))
        await chat.until(lambda: "Oregon  12:00" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("a")
        await chat.until(lambda: "Sydney" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("enter")
        await chat.until(lambda: not isinstance(chat.app.screen, PeopleDialog))
        assert "cannot be mentioned" in chat.toasts()[-1]
        await command(chat, "/names cars")
        await chat.until(lambda: "People of # cars" in "\n".join(chat.screen_lines()))
        await chat.pilot.press("escape")
        await chat.settle()
        for text, notice in [
            ("/ignore lee", "Messages of lee are hidden"),
            ("/ignore", "You ignore lee."),
            ("/ignore bo", "That is your own name."),
            ("/unignore zoe", "You do not ignore zoe. You ignore lee."),
            ("/unignore LEE", "Messages of lee are shown again."),
            ("/who nowhere", "nowhere"),
        ]:
            await command(chat, text)
            assert notice in chat.toasts()[-1], text
            chat.composer.put("")
