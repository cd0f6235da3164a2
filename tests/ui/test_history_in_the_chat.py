"""The chat shows what was said before: pages at the top, and nothing moves that is being read."""

from random import Random

import pytest
from textual import events

from globalchat.client.events import PageFailed, PageLoaded
from globalchat.client.messages import HistoryTerms
from globalchat.client.state import Phase
from globalchat.ui.settings import Loaded, Settings
from globalchat.ui.widgets.message_pane import MessagePane
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, running
from tests.ui.helpers.fake_session import NOON, said

DAYS = "the beginning of what is kept (7 days)"
OFF = HistoryTerms(days=0, since=None)


def text(chat: Chat) -> str:
    return "\n".join(chat.lines())


def place(chat: Chat, words: str) -> int | None:
    """Return the line of the pane that has a text of its own, None if it is not visible."""
    return next((y for y, line in enumerate(chat.lines()) if f"  {words} " in f"{line} "), None)


async def at_top(chat: Chat) -> None:
    await chat.pilot.press("ctrl+home")
    await chat.settle()


async def older(chat: Chat) -> None:
    """Let the session answer, and the chat show it."""
    chat.session.answer_page("tech")
    await chat.settle()


async def test_the_last_page_is_there_before_the_connection_is() -> None:
    async with running(SMALL, live=False) as chat:
        assert chat.session.asked == []
        chat.session.change(Phase.CONNECTING)
        await chat.until(lambda: chat.session.asked == ["tech"])
        await chat.settle()
        assert "connecting" in chat.screen_lines()[0]


async def test_what_was_said_is_there_when_the_channel_is_opened() -> None:
    async with running(SMALL, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.store("tech", *map(said, range(3)))
        chat.session.store("music", said(9, channel="music", text="la la"))
        await chat.until(lambda: chat.session.asked == ["tech"])
        assert not any("#" in line or "No messages" in line for line in chat.lines())
        await older(chat)
        assert [place(chat, f"#{number}") is not None for number in range(3)] == [True] * 3
        chat.session.answers_pages = True
        chat.session.go_live()
        await chat.settle()
        assert DAYS in text(chat)
        await chat.pilot.press("ctrl+down")
        await chat.until(lambda: "la la" in text(chat))
        await chat.pilot.press("ctrl+up")
        await chat.settle()
        assert chat.session.asked == ["tech", "music"]


async def test_an_empty_channel_says_so_only_when_that_is_known() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.go_live()
        await chat.settle()
        assert "No messages" not in text(chat)
        await chat.until(lambda: "Loading what was said in # tech …" in text(chat))
        await older(chat)
        assert "No messages in # tech in the last 7 days. Type below" in text(chat)


@pytest.mark.parametrize("way", ["pageup", "ctrl+home", "wheel", "home in the pane", "choosing"])
async def test_at_the_top_more_is_loaded_and_what_is_read_stays(way: str) -> None:
    async with running(SMALL, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.store("tech", *map(said, range(250)))
        chat.session.go_live()
        await older(chat)
        if way == "home in the pane":
            await chat.pilot.press("f6", "home")
        elif way == "choosing":
            await chat.type("", "f6", *["up"] * 95)
        else:
            await at_top(chat)
            await chat.until(lambda: len(chat.session.asked) == 2)
            await older(chat)
            await at_top(chat)
            if way == "pageup":
                await chat.pilot.press("pageup")
            elif way == "wheel":
                await chat.pilot._post_mouse_events([events.MouseScrollUp], widget=chat.pane, button=0)
        await chat.settle()
        asked = len(chat.session.asked)
        assert asked == (3 if way in ("pageup", "ctrl+home", "wheel") else 2)
        before = chat.lines()
        await older(chat)
        first = next(y for y, line in enumerate(before) if "#" in line)
        # The head, the day and the name of the first message make room; each message stays on its line.
        assert chat.lines()[first].split()[-1] == before[first].split()[-1]
        assert chat.lines()[first + 1 :] == before[first + 1 :]
        assert "#" in chat.lines()[first - 1]


async def test_waiting_is_visible_and_blocks_no_key() -> None:
    async with running(SMALL, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.store("tech", *map(said, range(250)))
        chat.session.go_live()
        await older(chat)
        await at_top(chat)
        first = chat.lines()
        # A machine under load is so late that it is shown already.
        assert first[0].strip() in ("older messages: PgUp", "loading older messages …")
        await chat.until(lambda: chat.lines()[0].strip() == "loading older messages …")
        assert chat.lines()[1:] == first[1:]
        await chat.pilot.press("pageup")
        await chat.type("still here")
        assert chat.composer.text == "still here"
        assert chat.session.asked == ["tech", "tech"]
        await older(chat)
        assert "loading" not in text(chat)


async def test_a_page_that_fails_says_so_and_is_asked_for_again() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.store("tech", *map(said, range(150)))
        chat.session.go_live()
        await chat.settle()
        failure = PageFailed("tech", "Oregon did not answer within 10 s.", "Check the network.")
        chat.session.emit(failure)
        await chat.settle()
        why = "could not be loaded. Oregon did not answer within 10 s. Check the network. PgUp tries"
        assert why in " ".join(text(chat).split())
        await chat.pilot.press("pageup")
        await older(chat)
        assert place(chat, "#149") is not None
        await at_top(chat)
        chat.session.emit(failure)
        await chat.settle()
        seen = chat.lines()
        assert seen[0].strip().startswith("PgUp tries again: older messages could not be loaded. Oregon did")
        await chat.pilot.press("f5")
        await older(chat)
        assert len(chat.session.asked) == 4
        await at_top(chat)
        assert DAYS in chat.lines()[0]
        await chat.pilot.press("pageup")
        assert len(chat.session.asked) == 4


async def test_the_beginning_may_be_when_the_history_was_switched_on() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.store("tech", said(1))
        chat.session.go_live(history=HistoryTerms(7, NOON - 3_600_000))
        await chat.settle()
        assert "the beginning: messages are kept since 24 Nov 11:00" in text(chat)


@pytest.mark.parametrize("terms", [OFF, None])
async def test_without_a_history_the_chat_says_since_when_it_is_live(terms: HistoryTerms | None) -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.go_live(history=terms)
        await chat.settle()
        assert "Live from 12:00: this deployment keeps no history. Type below" in text(chat)
        chat.session.emit(PageFailed("tech", "The region stores no messages."))
        chat.session.receive("tech", "hi")
        await chat.settle()
        assert "live from 12:00: this deployment keeps no history" in text(chat)
        await chat.pilot.press("pageup")
        assert chat.session.asked == ["tech"]
        # What is loaded can be gone to all the same.
        chat.session.receive("tech", "before", at=NOON - 60_000)
        await chat.settle()
        chat.composer.put("/goto 11:59")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.status == "The first message since 24 Nov 11:59 is of 24 Nov 11:59.")
        chat.composer.put("/goto 11:00")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.status.endswith("This deployment keeps no history."))


async def test_clearing_says_so_and_loads_nothing() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.store("tech", *map(said, range(150)))
        chat.session.go_live()
        await chat.settle()
        await chat.type("/clear")
        await chat.pilot.press("enter")
        await chat.until(lambda: "Cleared." in text(chat))
        await chat.pilot.press("pageup")
        chat.session.receive("tech", "after that")
        await chat.settle()
        assert chat.session.asked == ["tech"]
        assert "cleared: `globalchat history tech` prints what was here" in text(chat)


async def test_the_scrollback_stays_bounded() -> None:
    settings = Loaded(Settings(scrollback=150))
    async with running(WIDE, live=False, settings=settings) as chat:
        chat.session.store("tech", *map(said, range(300)))
        chat.session.go_live()
        await chat.settle()
        await at_top(chat)
        await chat.until(lambda: len(chat.session.asked) == 2)
        await at_top(chat)
        conversation = chat.pane.conversation
        assert conversation is not None
        assert len(conversation.rows) == 150
        assert chat.lines()[0].strip() == ("scrollback full (150 rows): `globalchat history tech`")
        await chat.pilot.press("pageup")
        assert len(chat.session.asked) == 2
        for number in range(5):
            chat.session.receive("tech", f"new {number}")
        await chat.settle()
        assert len(conversation.rows) <= 150
        await chat.pilot.press("escape")
        await at_top(chat)
        assert "scrollback full" in chat.lines()[0]
        assert len(chat.session.asked) == 2


async def test_a_page_that_leaves_the_pane_half_empty_is_followed_by_another() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.page_size = 4
        chat.session.store("tech", *map(said, range(100)))
        chat.session.go_live()
        await chat.settle()
        await chat.until(lambda: chat.pane.is_full)
        asked = len(chat.session.asked)
        assert asked < 12
        await chat.settle()
        assert len(chat.session.asked) == asked


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
)
async def test_nothing_that_is_read_moves_whatever_is_put_above(seed: int) -> None:
    """Pages, late messages, new ones, days and resizes at random: the visible text keeps its line."""
    chance = Random(seed)
    async with running((chance.choice([50, 70, 100]), 18), live=False) as chat:
        session = chat.session
        session.answers_pages = False
        session.page_size = chance.randrange(5, 60)
        words = ("word " * chance.randrange(1, 40) for _ in iter(int, 1))
        step = chance.choice([60_000, 3_600_000])  # one day, or many
        session.store(
            "tech",
            *(
                said(
                    number,
                    at=NOON - (600 - number) * step,
                    text=f"#{number} {next(words)}",
                    sender=chance.choice(["ana", "cyd"]),
                )
                for number in range(600)
            ),
        )
        session.go_live()
        await older(chat)
        if not chat.pane.is_full:
            await older(chat)
        for turn in range(12):
            await chat.pilot.press(*chance.choices(["pageup", "pagedown", "ctrl+home"], [5, 1, 2], k=3))
            await chat.settle()
            if chat.pane.following:
                continue
            before = chat.lines()[:-1]
            middle = chat.pane.size.height // 2
            match chance.randrange(4):
                case 0 | 1:
                    await older(chat)
                case 2:
                    session.receive("tech", f"new {turn}")
                case _:
                    session.receive("tech", f"late {turn}", at=NOON - 700 * step + turn)
            await chat.settle()
            # What is late may come between visible messages: one of the halves stays.
            after = chat.lines()[:-1]
            assert after[middle + 1 :] == before[middle + 1 :] or after[1:middle] == before[1:middle], turn
            if turn % 5 == 4:
                await chat.resize(chance.choice([50, 64, 90]), 18)


async def test_a_page_for_a_channel_that_is_not_open_is_kept_for_it() -> None:
    async with running(SMALL, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.go_live()
        await chat.settle()
        await chat.pilot.press("ctrl+down")
        chat.session.emit(PageLoaded("tech", (said(1),), True))
        await chat.settle()
        await chat.pilot.press("ctrl+up")
        await chat.until(lambda: place(chat, "#1") is not None)
        assert chat.session.asked == ["tech", "music"]


async def test_the_details_say_that_history_brought_it() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.store("tech", said(1))
        chat.session.go_live()
        await chat.settle()
        await chat.pilot.press("shift+f6")
        await chat.until(lambda: any("history brought it" in line for line in chat.screen_lines()))


async def search_older(chat: Chat, query: str) -> None:
    texts = ["needle" if number in (40, 270) else "hay" for number in range(300)]
    chat.session.store("tech", *(said(number, text=text) for number, text in enumerate(texts)))
    chat.session.go_live()
    await chat.settle()
    await chat.pilot.press("ctrl+f")
    await chat.type(query)


def count(chat: Chat) -> str:
    return chat.pane.search.position()


async def test_a_search_goes_on_in_older_messages() -> None:
    async with running(WIDE, live=False) as chat:
        await search_older(chat, "needle")
        await chat.until(lambda: count(chat) == "1/1")
        assert chat.session.asked == ["tech"]
        await chat.pilot.press("up")
        await chat.until(lambda: count(chat) == "1/2")
        assert chat.session.asked == ["tech"] * 3
        current = chat.pane.search.current
        assert current is not None
        assert current.id == said(40).id
        assert any("needle" in line for line in chat.lines())
        await chat.pilot.press("f3")  # all is loaded: around the end
        await chat.until(lambda: count(chat) == "2/2")
        assert len(chat.session.asked) == 3


async def test_a_key_searches_further_back_says_how_far_it_is_and_escape_stops_it() -> None:
    async with running(WIDE, live=False) as chat:
        await search_older(chat, "needle")
        await chat.until(lambda: "1/1  Ctrl+F older" in "\n".join(chat.screen_lines()))
        chat.session.answers_pages = False
        await chat.pilot.press("ctrl+f")
        await chat.until(lambda: len(chat.session.asked) == 2)
        await chat.until(lambda: chat.status == "Searched back to 24 Nov 03:20, 1 match … Esc stops.")
        assert "1/1  older …" in "\n".join(chat.screen_lines())
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.status == "Stopped: searched back to 24 Nov 03:20, 1 match.")
        await older(chat)
        assert len(chat.session.asked) == 2
        # A page that cannot be read ends it, and trying again goes on to what is found.
        await chat.pilot.press("ctrl+f")
        await chat.until(lambda: len(chat.session.asked) == 3)
        chat.session.emit(PageFailed("tech", "Oregon did not answer.", "Check the network."))
        await chat.until(lambda: chat.toasts()[-1].endswith("Check the network. F5 tries again."))
        chat.session.answers_pages = True
        await chat.pilot.press("f5")
        await chat.until(lambda: count(chat) == "1/2")
        current = chat.pane.search.current
        assert current is not None
        assert current.id == said(40).id
        assert any("needle" in line for line in chat.lines())
        # The beginning is reached.
        await chat.pilot.press("ctrl+f")
        await chat.until(lambda: "This is the beginning of what is kept (7 days)." in chat.status)
        await chat.pilot.press("escape", "escape")


async def test_a_search_that_finds_nothing_pauses_and_ends_when_it_is_closed() -> None:
    async with running(WIDE, live=False) as chat:
        await search_older(chat, "nothing")
        chat.session.page_size = 10
        await chat.pilot.press("f3")
        await chat.until(
            lambda: chat.status == "Searched back to 24 Nov 01:40, 0 matches. Ctrl+F searches on."
        )
        assert len(chat.session.asked) == 11
        chat.session.answers_pages = False
        await chat.pilot.press("f3")
        await chat.until(lambda: len(chat.session.asked) == 12)
        await chat.pilot.press("escape", "escape")
        await older(chat)
        assert len(chat.session.asked) == 12


async def test_one_can_go_to_a_time_that_is_not_loaded() -> None:
    async with running(WIDE, live=False) as chat:
        chat.session.store("tech", *map(said, range(600)))
        chat.session.go_live()
        await chat.settle()
        chat.composer.put("/goto 02:00")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.status == "The first message since 24 Nov 02:00 is of 24 Nov 02:00.")
        assert "#120" in chat.lines()[1]
        assert len(chat.session.asked) == 5
        # By the dialog, which refuses what is no time.
        chat.composer.put("/goto")
        await chat.pilot.press("enter")
        await chat.until(lambda: "Go to a time" in "\n".join(chat.screen_lines()))
        await chat.type("soon")
        await chat.pilot.press("enter")
        await chat.until(
            lambda: '"soon" is not a time: say 2h (ago), 09:30' in "\n".join(chat.screen_lines())
        )
        await chat.pilot.press("ctrl+u")
        await chat.type("3h")
        await chat.pilot.press("enter")
        await chat.until(lambda: "#540" in chat.lines()[1])
        # Esc stops what takes long.
        chat.session.answers_pages = False
        chat.composer.put("/goto 2026-11-20")
        await chat.pilot.press("enter")
        going = "Going back to 20 Nov 00:00: loaded back to 24 Nov 01:40 … Esc stops."
        await chat.until(lambda: chat.status == going)
        await chat.pilot.press("escape")
        await chat.until(lambda: chat.status == "Stopped: loaded back to 24 Nov 01:40.")
        chat.composer.put("/goto tomorrow")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.toasts()[-1].startswith('"tomorrow" is not a time: say 2h'))
        assert chat.composer.text == "/goto tomorrow"


async def test_what_is_selected_stays_selected_when_a_page_is_put_above() -> None:
    async with running(SMALL, live=False) as chat:
        chat.session.answers_pages = False
        chat.session.store("tech", *map(said, range(250)))
        chat.session.go_live()
        await older(chat)
        await at_top(chat)
        start, end = ((chat.lines()[y].index("#"), y) for y in (6, 8))
        await chat.pilot.mouse_down(MessagePane, offset=start)
        await chat.pilot.hover(MessagePane, offset=end)
        await chat.pilot.mouse_up(MessagePane, offset=end)
        await chat.pilot.press("ctrl+c")
        await chat.until(lambda: chat.app.clipboard)
        selected = chat.app.clipboard
        assert selected.startswith("#154\n#155\n")
        await older(chat)
        await chat.pilot.press("ctrl+c")
        await chat.until(lambda: len(chat.toasts()) == 2)
        assert chat.app.clipboard == selected
