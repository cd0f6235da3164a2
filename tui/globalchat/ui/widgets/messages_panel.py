"""The message pane with its search, and what can be done with messages."""

from asyncio import to_thread
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.core.text import sanitize
from globalchat.ui.export_file import write_export
from globalchat.ui.model.export import message_details
from globalchat.ui.model.links import is_web
from globalchat.ui.model.rows import FAILED, Delivery, MessageRow
from globalchat.ui.model.status import Keys
from globalchat.ui.screens.menu import Choice, Menu
from globalchat.ui.screens.message_details import MessageDetails
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.search_bar import SearchBar

COPIED = "Copied, if your terminal allows it"
"""No terminal tells whether it took a text."""


class MessageArea(Vertical):
    """The box of the messages. `do` does what the registry's actions on messages ask for."""

    class ResendWanted(Message):
        """A draft that did not get there is to be sent again."""

        def __init__(self, draft_id: str) -> None:
            super().__init__()
            self.draft_id = draft_id

    class EditWanted(Message):
        """A refused text is to be written anew."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class WritingWanted(Message):
        """The composer is to have the focus again."""

    def __init__(self, clock: WallClock, keys: Keys, *, id: str | None = None) -> None:  # noqa: A002 (Textual's)
        """`keys` names the keys of the registry's actions."""
        super().__init__(id=id)
        self._clock = clock
        self._keys = keys

    def compose(self) -> ComposeResult:
        """The messages, and below them the search while it is open."""
        yield MessagePane(self._keys, id="pane")
        yield SearchBar(id="search")

    @property
    def pane(self) -> MessagePane:
        """The messages."""
        return self.query_one(MessagePane)

    def do(self, action: str) -> None:
        """Do what an action of the registry names."""
        match action:
            case "search":
                self._search_bar.open()
            case "earlier" | "later":
                self._step(-1 if action == "earlier" else 1)
            case "unread":
                self._show_first_new()
            case "choose":
                self.screen.set_focus(self.pane)  # at once: keys may come in one go
                self.pane.action_choose(-1)
            case "plain":
                self._set_plain(not self.pane.plain)
            case "export":
                self.export(None)
            case "clear":
                self._clear()
            case "copy" | "details" | "open":
                self.pane.action_act(action)

    def close(self) -> bool:
        """Close the search or the plain view, in this order. Returns whether something was open."""
        if self._search_bar.is_open:
            self._end_search()
        elif self.pane.plain:
            self._set_plain(False)
        else:
            return False
        return True

    def search(self, text: str) -> None:
        """Look for a text; the last one stays without any."""
        self._search_bar.open(text)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard, and say so."""
        if text:
            self.app.copy_to_clipboard(sanitize(text))
            self.notify(COPIED, timeout=3, markup=False)

    def export(self, file: str | None) -> None:
        """Write the channel to a file: the working folder's `globalchat-…` without a name."""
        if self.pane.conversation is None:
            self.notify("There is no channel to export yet.", markup=False)
        else:
            self._export(file)

    def _clear(self) -> None:
        if self.pane.conversation is not None:
            self.pane.conversation.clear()
            self.pane.sync()
            self.pane.jump_to_tail()

    # -- search ---------------------------------------------------------------------------------------------

    @property
    def _search_bar(self) -> SearchBar:
        return self.query_one(SearchBar)

    @on(SearchBar.Changed)
    def _look_for(self, message: SearchBar.Changed) -> None:
        self.pane.look_for(message.query)
        self._show_count()

    @on(SearchBar.Stepped)
    def _stepped(self, message: SearchBar.Stepped) -> None:
        self._step(message.offset)

    @on(SearchBar.Closed)
    def _end_search(self) -> None:
        self._search_bar.close()
        self.pane.look_for("")
        self.post_message(self.WritingWanted())

    @on(MessagePane.Matched)
    def _show_count(self) -> None:
        search = self.pane.search
        self._search_bar.show_count(search.position(), found=bool(search.matches))

    def _step(self, offset: int) -> None:
        if not self._search_bar.is_open:
            self._search_bar.open()
            return
        self.pane.step_match(offset)
        self._show_count()

    # -- messages -------------------------------------------------------------------------------------------

    @on(MessagePane.ActionWanted)
    def _act(self, message: MessagePane.ActionWanted) -> None:
        row = message.row
        match message.action:
            case "copy":
                self.copy(row.text)
            case "details":
                self._tell_all(row)
            case "retry":
                self._retry(row)
            case "open":
                url = message.url or next((link.url for link in row.links), None)
                if url is not None and is_web(url):
                    self.app.open_url(url)

    @on(MessagePane.MenuWanted)
    def _open_menu(self, message: MessagePane.MenuWanted) -> None:
        row = message.row
        choices = [Choice("copy", "Copy", "Y"), Choice("details", "All about it", "Enter")]
        if row.links:
            choices.append(Choice("open", "Open its link", "O"))
        if row.delivery in FAILED:
            again = "Send it again" if row.delivery is Delivery.UNSENT else "Bring the text back"
            choices += [Choice("retry", again, "R"), Choice("discard", "Discard it", "X")]
        elif row.delivery is Delivery.SENDING:
            choices.append(Choice("discard", "Take it back", "X"))
        self.app.push_screen(Menu("Message", choices, message.at), partial(self._do_with, row))

    async def _do_with(self, row: MessageRow, action: str | None) -> None:
        """Do with a message what was chosen from its menu."""
        if action == "discard":
            self.pane.choose(row)
            await self.screen.run_action("discard")
            self.pane.choose(None)
        elif action is not None:
            self.pane.post_message(MessagePane.ActionWanted(action, row))

    def _tell_all(self, row: MessageRow) -> None:
        if self.pane.conversation is not None:
            lines = message_details(row, self.pane.conversation.calendar, self.pane.names)
            self.app.push_screen(MessageDetails(lines, row.text))

    def _retry(self, row: MessageRow) -> None:
        """Send again what did not get there; bring back for a change what was refused for good."""
        if row.delivery is Delivery.UNSENT and row.draft is not None:
            self.post_message(self.ResendWanted(row.draft.id))
        elif row.delivery is Delivery.REFUSED and row.draft is not None:
            self.post_message(self.EditWanted(row.draft.text))

    def _show_first_new(self) -> None:
        row = self.pane.conversation.first_new if self.pane.conversation is not None else None
        if row is None:
            self.notify("Nothing is new here.", timeout=3, markup=False)
        else:
            self.pane.reveal(row, above=1)

    def _set_plain(self, plain: bool) -> None:
        self.screen.set_class(plain, "-plain")
        self.pane.set_plain(plain)

    @work(exclusive=True, group="export")
    async def _export(self, file: str | None) -> None:
        conversation = self.pane.conversation
        if conversation is None:
            return
        try:
            path = await to_thread(write_export, conversation, file, now=self._clock())
        except UserError as problem:
            self.notify(str(problem), severity="error", timeout=8, markup=False)
        else:
            self.notify(f"Written to {sanitize(str(path), multiline=False)}", markup=False)
