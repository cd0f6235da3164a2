"""Loads older messages: when a channel is opened, at the top of the pane, for a search, and into gaps."""

from functools import partial
from typing import ClassVar

from textual.message import Message
from textual.screen import Screen

from globalchat.client.events import PageLoaded, SessionEvent
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.model.older_messages import can_ask
from globalchat.ui.model.rows import NoticeRow
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.messages_panel import MessagesPanel
from globalchat.ui.widgets.row_view import RowView

SHOWN_AFTER = 0.3
"""Seconds after which it is shown that a page is awaited."""

SEARCHED_PAGES = 10
"""The pages that one step of a search loads at most."""


class HistoryController:
    """Asks the session for pages and gaps, one request per channel at a time; the answers are events.

    Attributes:
        session: Answers, None before it was opened.
    """

    MESSAGES: ClassVar[tuple[type[Message], ...]] = (
        RowView.TopReached,
        MessagePane.NoticeClicked,
        MessagesPanel.EarlierWanted,
    )
    """The messages that `handle` takes."""

    def __init__(self, screen: Screen[None], view_model: ChatViewModel, updater: ScreenUpdater) -> None:
        self.session: ChatSession | None = None
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._updater = updater
        self._search_pages = 0

    def handle(self, message: Message) -> None:
        """Handle one of `MESSAGES`."""
        match message:
            case RowView.TopReached() if self._updater.front is self._panel.pane:
                self._load_older()
            case MessagePane.NoticeClicked(row=row):
                self._read_gaps(row)
            case MessagesPanel.EarlierWanted():
                self._search_older()

    def open(self) -> None:
        """Load the last page of the open channel, unless one was loaded."""
        self._search_pages = 0
        channel = self._view_model.channel
        if channel is not None and not self._model.older(channel).has_page:
            self._load_older()

    def react(self, event: SessionEvent) -> None:
        """Go on after a page of the open channel came, once it is shown."""
        if isinstance(event, PageLoaded) and event.channel == self._view_model.channel:
            self._screen.call_after_refresh(self._continue, event.channel)

    def retry(self) -> bool:
        """Ask again for what could not be read in the open channel. Return False if there is nothing."""
        channel = self._view_model.channel
        failed = channel is not None and self._model.older(channel).failure is not None
        has_asked = failed and self._load_older()
        return self._read_gaps() or has_asked

    def _load_older(self) -> bool:
        """Ask for the next page of the open channel. Return False if there is none."""
        channel, session = self._view_model.channel, self.session
        if channel is None or session is None or self._model.terms.is_none:
            return False
        older = self._model.older(channel)
        if not can_ask(older, self._model.conversation(channel)):
            return False
        number = older.ask()
        session.load_older(channel)
        self._screen.set_timer(SHOWN_AFTER, partial(self._show_waiting, channel, number))
        return True

    def _show_waiting(self, channel: str, number: int) -> None:
        """Show that a page is awaited, if it still is."""
        if self._model.older(channel).wait(number):
            self._updater.update()

    def _continue(self, channel: str) -> None:
        """Load more while a search finds nothing earlier, or while the pane is not full."""
        panel = self._panel
        if channel != self._view_model.channel:
            return
        if not self._updater.settled:
            self._updater.update()
        if not panel.is_searching:
            self._search_pages = 0
        if self._search_pages and not panel.pane.search.is_at_first:
            self._search_pages = 0
            panel.step_match(-1)
        elif self._search_pages:
            self._search_pages -= 1
            if not self._search_pages or not self._load_older():
                self._end_search()
        elif not panel.pane.is_full:
            self._load_older()

    def _search_older(self) -> None:
        """Search the pages before those that are loaded; start again at the end if there are none."""
        if self._model.older(self._view_model.channel or "").is_asked:
            self._search_pages = SEARCHED_PAGES
        elif self._load_older():
            self._search_pages = SEARCHED_PAGES
            self._panel.show_searching_older()
        else:
            self._panel.wrap_match()

    def _end_search(self) -> None:
        channel, self._search_pages = self._view_model.channel, 0
        if channel is not None and can_ask(self._model.older(channel), self._model.conversation(channel)):
            key = self._view_model.keys("pane.search.earlier")
            self._screen.notify(f"Nothing earlier so far. {key} searches on.", timeout=4, markup=False)
        else:
            self._screen.notify("Nothing earlier is kept.", timeout=4, markup=False)
        self._panel.show_count()

    def _read_gaps(self, only: NoticeRow | None = None) -> bool:
        """Read the open channel's gaps that history did not fill, or only one. Return False without any."""
        conversation, session = self._view_model.conversation, self.session
        if conversation is None or session is None:
            return False
        begins = self._model.gaps.read(conversation, only)
        for since in begins:
            session.load_gap(conversation.channel, since)
        self._updater.update()
        return bool(begins)

    @property
    def _panel(self) -> MessagesPanel:
        return self._screen.query_one(MessagesPanel)
