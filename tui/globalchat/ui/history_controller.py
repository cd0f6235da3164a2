"""Loads older messages: when a channel opens, at the top of the pane, to find something, and into gaps."""

from functools import partial
from typing import ClassVar

from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen

from globalchat.client.events import PageFailed, PageLoaded, SessionEvent
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.model.look_back import JUMP_PAGES, LookBack, Step, landing
from globalchat.ui.model.older_messages import can_ask
from globalchat.ui.model.rows import NoticeRow
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.widgets.bars import StatusLine
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.messages_panel import MessagesPanel
from globalchat.ui.widgets.row_view import RowView

SHOWN_AFTER = 0.3
"""Seconds after which it is shown that a page is awaited."""


class HistoryController:
    """Asks the session for pages and gaps, one request per channel at a time; the answers are events.

    Attributes:
        session: Answers, None before it was opened.
    """

    MESSAGES: ClassVar[tuple[type[Message], ...]] = (
        RowView.TopReached,
        MessagePane.NoticeClicked,
        MessagesPanel.EarlierWanted,
        MessagesPanel.SearchStopped,
    )
    """The messages that `handle` takes."""

    def __init__(self, screen: Screen[None], view_model: ChatViewModel, updater: ScreenUpdater) -> None:
        self.session: ChatSession | None = None
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._updater = updater
        self._walk: LookBack | None = None
        # The one that ended because a page could not be read.
        self._interrupted: LookBack | None = None

    def handle(self, message: Message) -> None:
        """Handle one of `MESSAGES`."""
        match message:
            case RowView.TopReached() if self._updater.front is self._panel.pane:
                self._load_older()
            case MessagePane.NoticeClicked(row=row):
                self._read_gaps(row)
            case MessagesPanel.EarlierWanted(wraps=wraps):
                self._search_older(wraps=wraps)
            case MessagesPanel.SearchStopped():
                self.cancel()

    def open(self) -> None:
        """Load the last page of the open channel, unless one was loaded."""
        self._end_walk()
        channel = self._view_model.channel
        if channel is not None and not self._model.older(channel).has_page:
            self._load_older()

    def react(self, event: SessionEvent) -> None:
        """Go on after a page of the open channel came, or failed, once it is shown."""
        if isinstance(event, PageLoaded | PageFailed) and event.channel == self._view_model.channel:
            self._screen.call_after_refresh(self._continue, event.channel)

    def retry(self) -> bool:
        """Ask again for what could not be read in the open channel. Return False if there is nothing."""
        channel = self._view_model.channel
        failed = channel is not None and self._model.older(channel).failure is not None
        walk, self._interrupted = self._interrupted, None
        if failed and walk is not None:
            self._begin(walk)
        has_asked = failed and (walk is not None or self._load_older())
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
        """Go on with a way back, or load more while the pane is not full."""
        if channel != self._view_model.channel:
            return
        if not self._updater.settled:
            self._updater.update()
        if self._walk is not None:
            self._advance(self._walk)
        elif self._model.older(channel).failure is None and not self._panel.pane.is_full:
            self._load_older()

    # -- going back -----------------------------------------------------------------------------------------

    def go_to(self, at: int) -> None:
        """Show the first message at a moment (epoch ms) or later, for which older ones are loaded."""
        channel = self._view_model.channel
        if channel is None or self.session is None:
            self._notify("Not connected yet: the history cannot be read.")
        else:
            self._begin(LookBack(channel, at=at, pages=JUMP_PAGES))

    def cancel(self) -> bool:
        """Stop a way back. Return False if there is none."""
        walk, conversation = self._walk, self._view_model.conversation
        if walk is None or conversation is None:
            return False
        self._end_walk()
        older = self._model.older(walk.channel)
        self._notify(walk.stopped(older, conversation, self._panel.pane.search))
        return True

    def _search_older(self, *, wraps: bool) -> None:
        """Search the pages before those that are loaded; with `wraps`, from the end if there are none."""
        conversation = self._view_model.conversation
        if conversation is None or self._walk is not None:
            return
        older = self._model.older(conversation.channel)
        if wraps and not older.is_asked and not can_ask(older, conversation):
            self._panel.wrap_match()
            return
        matches = self._panel.pane.search.matches
        self._begin(LookBack(conversation.channel, before=matches[0].order if matches else None))

    def _begin(self, walk: LookBack) -> None:
        conversation = self._model.conversation(walk.channel)
        if not conversation.is_trimmed:
            conversation.make_room()
        self._end_walk()
        self._walk = walk
        # What failed earlier is tried again.
        self._model.older(walk.channel).failure = None
        self._advance(walk)

    def _advance(self, walk: LookBack) -> None:
        """Load the next page of a way back, or end it."""
        panel, conversation = self._panel, self._model.conversation(walk.channel)
        older, search = self._model.older(walk.channel), panel.pane.search
        if walk.at is None and not panel.is_searching:
            self._end_walk()
            return
        if older.is_asked:
            self._show_progress(walk)
            return
        step = Step.STOP if older.failure is not None else walk.next_step(older, conversation, search)
        if step is Step.LOAD and self._load_older():
            walk.pages -= 1
            self._show_progress(walk)
        elif step is Step.FOUND:
            self._end_walk()
            self._land(walk)
        else:
            self._end_walk()
            self._interrupted = walk if older.failure is not None else None
            sentence = walk.end(older, conversation, search, self._model.terms, self._view_model.keys)
            if walk.at is not None and self._interrupted is None:
                self._land(walk, sentence)
            else:
                self._notify(sentence, error=self._interrupted is not None)

    def _land(self, walk: LookBack, too_short: str | None = None) -> None:
        """Show what a way back has found, or came to; `too_short` says why it goes no further back."""
        panel, conversation = self._panel, self._model.conversation(walk.channel)
        if walk.at is None:
            row = panel.pane.search.last_before(walk.before)
            if row is not None:
                panel.show_older_match(row)
            return
        row, sentence = landing(conversation.rows, walk.at, conversation.calendar)
        if row is not None:
            panel.pane.reveal(row, above=1)
        is_before = bool(conversation.rows) and conversation.rows[0].at <= walk.at
        self._notify(sentence if too_short is None or is_before else too_short)

    def _show_progress(self, walk: LookBack) -> None:
        conversation, older = self._model.conversation(walk.channel), self._model.older(walk.channel)
        search, keys = self._panel.pane.search, self._view_model.keys
        if walk.at is None:
            self._panel.show_searching_older(True)
        self._notify(walk.progress(older, conversation, search, keys), seconds=60)

    def _end_walk(self) -> None:
        """End a way back, and what is said about it."""
        self._interrupted = None
        if self._walk is not None:
            self._walk = None
            self._screen.query_one(StatusLine).close_notice()
            self._panel.show_searching_older(False)

    def _notify(self, sentence: str, *, seconds: float = 8, error: bool = False) -> None:
        severity: SeverityLevel = "error" if error else "information"
        self._screen.notify(sentence, severity=severity, timeout=seconds, markup=False)

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
