"""Goes back in a channel's history, a page at a time, to an older match of a search or to a moment. Pure.

The history's controller loads the pages; this decides after each one whether it was enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from globalchat.core.text import plural
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.older_messages import OlderMessages, Terms, end_of_history
from globalchat.ui.model.read_mark import Order
from globalchat.ui.model.rows import MessageRow, Row
from globalchat.ui.model.search import Search
from globalchat.ui.model.status import Keys

SEARCHED_PAGES = 10
"""The pages that one step of a search loads at most: then the user decides whether to go on."""

JUMP_PAGES = 200
"""The pages that a jump to a moment loads at most; the scrollback is mostly full before."""

SEARCH, AGAIN, BACK = "pane.search", "again", "back"
"""The actions in the sentences."""


class Step(Enum):
    """What to do next: show what was found, load a page, or end."""

    FOUND = auto()
    LOAD = auto()
    STOP = auto()


@dataclass(slots=True)
class LookBack:
    """A way back.

    Attributes:
        channel: The channel.
        at: The moment to go to (epoch ms); None for a search.
        before: The first match when the search began, None without any: an older one is looked for.
        pages: The pages that may still be loaded.
    """

    channel: str
    at: int | None = None
    before: Order | None = None
    pages: int = SEARCHED_PAGES

    def next_step(self, older: OlderMessages, conversation: Conversation, search: Search) -> Step:
        """Return what to do next, unless a page has been requested."""
        if self.at is not None:
            found = older.reaches(self.at) or (older.is_start and older.failure is None)
        else:
            found = search.last_before(self.before) is not None
        if found:
            return Step.FOUND
        is_over = older.is_start or conversation.is_cleared or conversation.is_trimmed
        return Step.STOP if is_over or self.pages <= 0 or conversation.room <= 0 else Step.LOAD

    def progress(self, older: OlderMessages, conversation: Conversation, search: Search, keys: Keys) -> str:
        """Return a sentence on how far it is."""
        reached = _reached(older, conversation)
        if self.at is not None:
            wanted = conversation.calendar.day_and_minute(self.at)
            return f"Going back to {wanted}: loaded back to {reached} … {keys(BACK)} stops."
        count = plural(len(search.matches), "match", "matches")
        return f"Searched back to {reached}, {count} … {keys(BACK)} stops."

    def end(
        self, older: OlderMessages, conversation: Conversation, search: Search, terms: Terms, keys: Keys
    ) -> str:
        """Return the sentence for the end without a result, with what can be done."""
        reached, count = _reached(older, conversation), plural(len(search.matches), "match", "matches")
        done = f"Searched back to {reached}, {count}." if self.at is None else f"Loaded back to {reached}."
        if older.failure is not None:
            return f"{done} Older messages could not be loaded. {older.failure} {keys(AGAIN)} tries again."
        if self.pages <= 0 and not older.is_start and conversation.room > 0:
            way = f"{keys(SEARCH)} searches on." if self.at is None else "The same /goto goes on."
            return f"{done} {way}"
        return f"{done} {end_of_history(older, conversation, terms, self.at)}"

    def stopped(self, older: OlderMessages, conversation: Conversation, search: Search) -> str:
        """Return the sentence for the end because the user wanted it."""
        reached = _reached(older, conversation)
        if self.at is not None:
            return f"Stopped: loaded back to {reached}."
        return f"Stopped: searched back to {reached}, {plural(len(search.matches), 'match', 'matches')}."


def landing(rows: Sequence[Row], at: int, calendar: Calendar) -> tuple[MessageRow | None, str]:
    """Return the message to land on for a moment (epoch ms), and a sentence on which one it is.

    It is the first one at that time or later, else the last one; None without messages.
    """
    messages = [row for row in rows if isinstance(row, MessageRow)]
    if not messages:
        return None, "There are no messages here."
    wanted = calendar.day_and_minute(at)
    row = next((row for row in messages if row.at >= at), None)
    if row is None:
        return messages[-1], f"Nothing was said here since {wanted}: this is the last message."
    said = calendar.day_and_minute(row.at)
    if row is messages[0] and row.at > at:
        return row, f"The first message that is kept here is of {said}."
    return row, f"The first message since {wanted} is of {said}."


def _reached(older: OlderMessages, conversation: Conversation) -> str:
    """Return up to which time messages are loaded."""
    first = conversation.rows[0].at if conversation.rows else None
    at = older.reached if older.reached is not None else first
    return "now" if at is None else conversation.calendar.day_and_minute(at)
