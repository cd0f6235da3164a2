"""How much of a channel's history is loaded, and the text above its messages or instead of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from globalchat.client.history import cursor_time
from globalchat.client.messages import HistoryTerms, Message
from globalchat.core.clock import DAY, HOUR
from globalchat.core.interpreter import as_typed_here
from globalchat.core.text import plural
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.text import brief, shown_name

if TYPE_CHECKING:
    from globalchat.ui.model.status import Keys

OLDER, PICK = "pane.up", "channel.pick"
"""The actions in the sentences."""

_QUIET, _WARNING = "day", "notice"
"""The roles of the line above the messages."""


@dataclass(slots=True)
class OlderMessages:
    """The state of a channel's older messages.

    Attributes:
        is_asked: True if a requested page has not come yet.
        is_slow: True if it takes so long that the user should see it.
        has_page: At least one page came.
        is_start: True if nothing older is stored.
        reached: When the oldest message of the pages arrived (epoch ms): later ones are loaded.
        failure: Why the last page could not be read, and the remedy.
    """

    is_asked: bool = False
    is_slow: bool = False
    has_page: bool = False
    is_start: bool = False
    reached: int | None = None
    failure: str | None = None
    _number: int = 0

    def ask(self) -> int:
        """Record the request of a page; return the number of the request."""
        self.is_asked, self.is_slow, self.failure = True, False, None
        self._number += 1
        return self._number

    def wait(self, number: int) -> bool:
        """Record that a request takes long. Return False if it has been answered."""
        self.is_slow = self.is_asked and number == self._number
        return self.is_slow

    def end(self, messages: Sequence[Message] = (), *, is_start: bool) -> None:
        """Record that a page came, with these messages in the order of arrival."""
        self.is_asked = self.is_slow = False
        self.has_page, self.is_start, self.failure = True, is_start, None
        if messages:
            # By arrival: a message that was delayed is among those that were sent later.
            first = messages[0]
            arrived = 0 if first.arrival is None else cursor_time(first.arrival)
            self.reached = max(arrived, first.sent_at)

    def reaches(self, at: int) -> bool:
        """Return True if what arrived since `at` (epoch ms) is loaded."""
        return self.reached is not None and self.reached <= at

    def fail(self, reason: str, remedy: str | None) -> None:
        """Record that a page could not be read."""
        self.is_asked = self.is_slow = False
        self.failure = brief(f"{reason} {remedy or ''}".strip())

    def change_region(self) -> None:
        """Record that another region answers now, which may have more messages."""
        self.is_start, self.failure = False, None


def can_ask(older: OlderMessages, conversation: Conversation) -> bool:
    """Return True if an older page can be requested, and would be shown."""
    if older.is_asked or older.is_start or conversation.is_cleared:
        return False
    return not conversation.is_trimmed and conversation.room > 0


class Head(NamedTuple):
    """The line above the messages, and its look."""

    text: str = ""
    role: str = _QUIET


class Terms(NamedTuple):
    """A region's history (None if it was deployed before there was one), and since when the chat is live.

    `is_known` is False before the region answered; `live_since` is epoch ms, None before that.
    """

    is_known: bool
    history: HistoryTerms | None
    live_since: int | None

    @property
    def is_none(self) -> bool:
        """True if the region keeps no history."""
        return self.is_known and (self.history is None or self.history.days <= 0)


def head(older: OlderMessages, conversation: Conversation, terms: Terms, keys: "Keys") -> Head:
    """Return the line above the messages of a channel."""
    calendar, command = conversation.calendar, _command(conversation.channel)
    if conversation.is_cleared:
        return Head("cleared" if terms.is_none else f"cleared: {command} prints what was here")
    if conversation.is_trimmed or (conversation.room <= 0 and not older.is_start):
        bound = f"scrollback full ({conversation.limit:,} rows)"
        return Head(bound if terms.is_none else f"{bound}: {command}")
    if terms.is_none:
        return Head(f"{_live_since(calendar, terms)}: this deployment keeps no history")
    if older.is_slow:
        return Head("loading older messages …")
    if older.failure is not None:
        again = f"{keys(OLDER)} tries again: older messages could not be loaded."
        return Head(f"{again} {older.failure}", _WARNING)
    if older.is_start:
        return Head(_beginning(calendar, terms))
    return Head(f"older messages: {keys(OLDER)}" if older.has_page or terms.is_known else "")


def empty_text(
    older: OlderMessages,
    conversation: Conversation,
    terms: Terms,
    keys: "Keys",
    *,
    is_read_only: bool = False,
) -> str:
    """Return the text for a channel without messages, with nothing that is not known."""
    name = f"# {shown_name(conversation.channel)}"
    next_key = f"{'Press' if is_read_only else 'Type below, or press'} {keys(PICK)} to change channel."
    if conversation.is_cleared:
        return f"Cleared. What comes from now on is shown here. {next_key}"
    if terms.is_none:
        since = _live_since(conversation.calendar, terms)
        return f"{since[0].upper()}{since[1:]}: this deployment keeps no history. {next_key}"
    if older.is_slow:
        return f"Loading what was said in {name} …"
    if older.failure is not None:
        return f"What was said in {name} could not be loaded. {older.failure} {keys(OLDER)} tries again."
    if older.is_start and terms.history is not None:
        lately = plural(terms.history.days, "day")
        return f"No messages in {name} in the last {lately}. {next_key}"
    return ""


def end_of_history(
    older: OlderMessages, conversation: Conversation, terms: Terms, since: int | None = None
) -> str:
    """Return a sentence on why nothing older can be loaded; `since` (epoch ms) is what is looked for."""
    calendar, name = conversation.calendar, conversation.channel
    if conversation.is_cleared:
        return f"The pane was emptied: {_command(name)} prints what was here."
    if terms.is_none:
        return "This deployment keeps no history."
    if conversation.is_trimmed or (conversation.room <= 0 and not older.is_start):
        option = "" if since is None else f' --since "{calendar.at(since):%Y-%m-%d %H:%M}"'
        return f"The scrollback is full ({conversation.limit:,} rows): {_command(name, option)} prints more."
    return f"This is {_beginning(calendar, terms)}."


def _live_since(calendar: Calendar, terms: Terms) -> str:
    return "not live yet" if terms.live_since is None else f"live from {calendar.minute(terms.live_since)}"


def _beginning(calendar: Calendar, terms: Terms) -> str:
    history = terms.history
    if history is None:
        return "the beginning of what is kept"
    if (since := _switched_on(history, terms)) is not None:
        return f"the beginning: messages are kept since {calendar.day_and_minute(since)}"
    return f"the beginning of what is kept ({plural(history.days, 'day')})"


def _switched_on(history: HistoryTerms, terms: Terms) -> int | None:
    """Return since when messages have been stored (epoch ms), if that is less than the full period."""
    if history.since is None or terms.live_since is None:
        return None
    # A region returns the later of both times, by its own clock.
    moves = terms.live_since - (history.days * DAY - HOUR) * 1000
    return history.since if history.since > moves else None


@lru_cache(64)  # the same one in every frame, and looking for the command reads PATH
def _command(channel: str, option: str = "") -> str:
    return as_typed_here(f"`globalchat history {channel}{option}`")
