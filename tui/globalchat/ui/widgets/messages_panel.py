"""The messages panel: the pane, and the search bar below it."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.status import Keys
from globalchat.ui.widgets.message_pane import MessagePane


class SearchBar(Horizontal):
    """Shows the searched text and the number of matches; hidden until `open`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("up", "step(-1)", "Earlier", show=False),
        Binding("down", "step(1)", "Later", show=False),
    ]

    class Changed(Message):
        """Posted when the searched text has changed."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Stepped(Message):
        """Posted to show the earlier (-1) or later (1) match."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    class Closed(Message):
        """Posted to end the search."""

    def compose(self) -> ComposeResult:
        """Yield a label, the text, the count."""
        yield Static("find", classes="search-label", markup=False)
        yield Input(placeholder="in this channel: ↑ earlier, ↓ later, Esc ends", compact=True)
        yield Static("", id="search-count", markup=False)

    @property
    def is_open(self) -> bool:
        """True if the bar is shown."""
        return self.has_class("-open")

    def open(self, text: str = "") -> None:
        """Show the bar with a text, or with the last text selected."""
        self.add_class("-open")
        field = self.query_one(Input)
        if text:
            field.value = text
        self.screen.set_focus(field)  # At once, since several keys may arrive together.
        field.select_all()

    def close(self) -> None:
        """Hide and empty the bar."""
        self.remove_class("-open")
        self.query_one(Input).value = ""

    def show_count(self, count: str, *, found: bool) -> None:
        """Show the position among the matches."""
        label = self.query_one("#search-count", Static)
        label.update(count)
        label.set_class(not found, "-none")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Stepped(-1))

    def action_step(self, offset: int) -> None:
        """Go to another match."""
        self.post_message(self.Stepped(offset))

    def action_close(self) -> None:
        """End the search."""
        self.post_message(self.Closed())


class FilterBar(Static):
    """Says whose messages alone are shown; hidden while all are."""

    class Clicked(Message):
        """Posted to show all messages again."""

    def on_click(self) -> None:
        """Show all messages again."""
        self.post_message(self.Clicked())


class MessagesPanel(Vertical):
    """Shows the messages and searches them.

    `keys` names the keys of the registry's actions; `formatted` is as for the pane.

    Attributes:
        pane: The messages.
    """

    class Left(Message):
        """Posted when the focus should return to the composer."""

    class EarlierWanted(Message):
        """Posted to search what is older than what is loaded.

        With `wraps`, the last match is shown if there is nothing older: see `wrap_match`.
        """

        def __init__(self, *, wraps: bool) -> None:
            super().__init__()
            self.wraps = wraps

    class SearchStopped(Message):
        """Posted to stop searching older messages; the search stays open."""

    def __init__(self, keys: Keys, *, formatted: bool = True, id: str | None = None) -> None:  # noqa: A002 (Textual's)
        super().__init__(id=id)
        self._keys = keys
        self._is_searching_older = False
        self.pane = MessagePane(keys, id="pane")
        self.pane.formatted = formatted
        self._search_bar = SearchBar(id="search")

    def compose(self) -> ComposeResult:
        """Yield the messages between the filter and the search, which are hidden until they are used."""
        yield FilterBar(id="filter", markup=False)
        yield self.pane
        yield self._search_bar

    def close(self) -> bool:
        """Close the search or the plain view, in this order. Return False if neither was open."""
        if self._search_bar.is_open:
            self._end_search()
        elif self.pane.plain:
            self.set_plain(False)
        else:
            return False
        return True

    def show_filter(self, sentence: str) -> None:
        """Show whose messages alone are shown; hide that for an empty sentence."""
        bar = self.query_one(FilterBar)
        if sentence != bar.content:  # An update lays out the screen again.
            bar.update(sentence)
            bar.display = bool(sentence)

    def search(self, text: str = "") -> None:
        """Search for a text; without one, for the last text, and again in older messages."""
        is_again = self.is_searching and not text
        self._search_bar.open(text)
        if is_again:
            self.post_message(self.EarlierWanted(wraps=False))

    def step_match(self, offset: int) -> None:
        """Show a later (1) or earlier (-1) match; without a search, open it."""
        if not self._search_bar.is_open:
            self._search_bar.open()
        elif offset < 0 and self.pane.search.query and self.pane.search.is_at_first:
            self.post_message(self.EarlierWanted(wraps=True))
        else:
            self.pane.step_match(offset)
            self.show_count()

    def wrap_match(self) -> None:
        """Show the last match: nothing is older than the first one."""
        self.pane.step_match(-1)
        self.show_count()

    @property
    def is_searching(self) -> bool:
        """True if the search is open, with a text to look for."""
        return self._search_bar.is_open and bool(self.pane.search.query)

    def show_older_match(self, row: MessageRow) -> None:
        """Show a match among the messages that were loaded for the search."""
        self.pane.show_match(row)
        self.show_count()

    def show_searching_older(self, is_searching: bool) -> None:
        """Show that older messages are loaded to be searched, or no longer."""
        self._is_searching_older = is_searching
        self.show_count()

    def choose(self) -> None:
        """Choose the newest message by key."""
        self.screen.set_focus(self.pane)  # At once, since the next keys may have arrived already.
        self.pane.action_choose(-1)

    def set_plain(self, plain: bool) -> None:
        """Show the messages without columns, or with them again."""
        self.screen.set_class(plain, "-plain")
        self.pane.set_plain(plain)

    def clear(self) -> None:
        """Remove all rows from the pane."""
        if self.pane.conversation is not None:
            self.pane.conversation.clear()
            self.pane.sync()
            self.pane.jump_to_tail()

    def show_first_new(self) -> None:
        """Scroll to the first new message."""
        row = self.pane.conversation.first_new if self.pane.conversation is not None else None
        if row is None:
            self.notify("Nothing is new here.", timeout=3, markup=False)
        else:
            self.pane.reveal(row, above=1)

    @on(SearchBar.Changed)
    def _look_for(self, message: SearchBar.Changed) -> None:
        self.pane.look_for(message.query)
        self.show_count()

    @on(SearchBar.Stepped)
    def _stepped(self, message: SearchBar.Stepped) -> None:
        self.step_match(message.offset)

    @on(SearchBar.Closed)
    def _close_search(self) -> None:
        if self._is_searching_older:
            self.post_message(self.SearchStopped())
        else:
            self._end_search()

    def _end_search(self) -> None:
        self._search_bar.close()
        self.pane.look_for("")
        self.post_message(self.Left())

    @on(MessagePane.Matched)
    def show_count(self) -> None:
        """Show the position among the matches, and the key that searches on."""
        search = self.pane.search
        hint = "older …" if self._is_searching_older else f"{self._keys('pane.search')} older"
        count = f"{search.position()}  {hint}" if search.query else ""
        self._search_bar.show_count(count, found=bool(search.matches))
