"""Going back in history: when it ends, what it says, and where it lands."""

from datetime import UTC
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.client.events import MessageReceived
from globalchat.client.history import cursor_at
from globalchat.client.messages import HistoryTerms, Message
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.look_back import SEARCHED_PAGES, LookBack, Step, landing
from globalchat.ui.model.older_messages import OlderMessages, Terms
from globalchat.ui.model.rows import MessageRow, RowFactory
from globalchat.ui.model.search import Search
from tests.ui.helpers.fake_session import NOON

MINUTE = 60_000
TERMS = Terms(True, HistoryTerms(days=7, since=None), NOON)
CALENDAR = Calendar(UTC)
PAGE = 5


def message(number: int, *, text: str = "", sent: int | None = None) -> Message:
    """The message that arrived so many minutes before noon."""
    arrived = NOON - number * MINUTE
    sent = arrived if sent is None else sent
    return Message(
        f"m{number:05}", "tech", text or f"#{number}", "ana", "us-west-2", sent, cursor_at(arrived)
    )


class Room:
    """A channel whose history is loaded a page at a time; the newest message is the first."""

    def __init__(self, *stored: Message, limit: int = 2000) -> None:
        self.stored = list(stored)
        self.conversation = Conversation("tech", CALENDAR, limit=limit)
        self.older = OlderMessages()
        self.search = Search()
        self.pages = 0
        self._factory = RowFactory("bo", CALENDAR)

    def load(self) -> None:
        """Load the next page."""
        self.pages += 1
        self.older.ask()
        page, self.stored = self.stored[:PAGE][::-1], self.stored[PAGE:]
        for each in page:
            self.conversation.add(
                self._factory.message(MessageReceived(each, "oregon", 0, None, filled=True))
            )
        self.older.end(page, is_start=not self.stored)
        self.search.restart(self.conversation.rows, None)

    def walk(self, back: LookBack) -> Step:
        """Go back until the end."""
        while True:
            step = back.next_step(self.older, self.conversation, self.search)
            if step is not Step.LOAD:
                return step
            back.pages -= 1
            self.load()

    def end(self, back: LookBack) -> str:
        return back.end(self.older, self.conversation, self.search, TERMS, str)

    def landed(self, at: int) -> tuple[MessageRow | None, str]:
        return landing(self.conversation.rows, at, CALENDAR)


def test_a_search_goes_on_to_the_nearest_older_match() -> None:
    room = Room(*(message(n, text="needle" if n in (3, 22, 24, 60) else "hay") for n in range(100)))
    room.search.query = "needle"
    room.load()
    assert [row.id for row in room.search.matches] == ["m00003"]
    back = LookBack("tech", before=room.search.matches[0].order)
    assert room.walk(back) is Step.FOUND
    found = room.search.last_before(back.before)
    assert found is not None
    assert (found.id, room.pages) == ("m00022", 5)
    progress = back.progress(room.older, room.conversation, room.search, str)
    assert progress == "Searched back to 24 Nov 11:36, 3 matches … back stops."
    assert back.stopped(room.older, room.conversation, room.search).startswith("Stopped: searched back to 24")


def test_without_a_match_it_pauses_and_then_comes_to_the_beginning() -> None:
    room = Room(*map(message, range(PAGE * (SEARCHED_PAGES + 3))))
    room.search.query = "nothing"
    back = LookBack("tech")
    assert room.walk(back) is Step.STOP
    assert room.pages == SEARCHED_PAGES
    assert room.end(back) == "Searched back to 24 Nov 11:11, 0 matches. pane.search searches on."
    back = LookBack("tech")
    assert room.walk(back) is Step.STOP
    said = "Searched back to 24 Nov 10:56, 0 matches. This is the beginning of what is kept (7 days)."
    assert room.end(back) == said


def test_what_is_in_the_way_is_said_with_what_to_do() -> None:
    room = Room(*map(message, range(100)), limit=10)
    back = LookBack("tech", at=NOON - 50 * MINUTE, pages=20)
    assert room.walk(back) is Step.STOP
    assert room.end(back) == (
        "Loaded back to 24 Nov 11:51. The scrollback is full (10 rows): "
        '`globalchat history tech --since "2026-11-24 11:10"` prints more.'
    )
    room.older.ask()
    room.older.fail("Oregon did not answer.", "Check the network.")
    assert room.end(back).endswith("Oregon did not answer. Check the network. again tries again.")
    room.older.failure = None
    room.conversation.clear()
    assert back.next_step(room.older, room.conversation, room.search) is Step.STOP
    assert "The pane was emptied: `globalchat history tech` prints" in room.end(back)
    without = Terms(True, None, NOON)
    room.conversation.is_cleared = False
    assert back.end(room.older, room.conversation, room.search, without, str).endswith("keeps no history.")


def test_a_scrollback_grows_for_what_is_asked_for() -> None:
    room = Room(*map(message, range(100)), limit=10)
    room.conversation.make_room()
    back = LookBack("tech", at=NOON - 50 * MINUTE, pages=20)
    assert room.walk(back) is Step.FOUND
    assert not room.conversation.is_trimmed


@given(
    at=st.integers(-5, 130),
    delayed=st.dictionaries(st.integers(0, 99), st.integers(1, 2000), max_size=10),
    kept=st.integers(1, 100),
)
def test_a_jump_lands_where_it_would_if_all_were_loaded(at: int, delayed: dict[int, int], kept: int) -> None:
    """Delayed messages were sent before others that are stored before them."""
    moment = NOON - at * MINUTE
    everything = [message(n, sent=NOON - (n + delayed.get(n, 0)) * MINUTE) for n in range(kept)]
    whole = Room(*everything)
    while whole.stored:
        whole.load()
    room, back = Room(*everything), LookBack("tech", at=moment, pages=1000)
    assert room.walk(back) is Step.FOUND
    wanted, found = whole.landed(moment)[0], room.landed(moment)[0]
    assert wanted is not None
    assert found is not None
    # A message that was sent at that time, and whose delay began before it, arrived after it all the same.
    assert found.id == wanted.id
    pages = count(1)
    assert room.pages <= next(n for n in pages if n * PAGE > at or n * PAGE >= kept) + 1


@pytest.mark.parametrize(
    ("minutes", "lands", "said"),
    [
        (30, "m00030", "The first message since 24 Nov 11:30 is of 24 Nov 11:30."),
        (-1, "m00000", "Nothing was said here since 24 Nov 12:01: this is the last message."),
        (999, "m00049", "The first message that is kept here is of 24 Nov 11:11."),
    ],
)
def test_it_says_where_it_has_landed(minutes: int, lands: str, said: str) -> None:
    room, at = Room(*map(message, range(50))), NOON - minutes * MINUTE
    room.walk(LookBack("tech", at=at, pages=99))
    row, sentence = room.landed(at)
    assert row is not None
    assert (row.id, sentence) == (lands, said)


def test_an_empty_channel_has_nowhere_to_land() -> None:
    assert Room().landed(NOON) == (None, "There are no messages here.")
