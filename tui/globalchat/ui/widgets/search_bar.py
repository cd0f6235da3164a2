"""The line in which one searches the channel."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class SearchBar(Horizontal):
    """What is searched and how much was found; hidden until `open`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("up", "step(-1)", "Earlier", show=False),
        Binding("down", "step(1)", "Later", show=False),
    ]

    class Changed(Message):
        """Another text is searched."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Stepped(Message):
        """Somebody wants the earlier (-1) or later (1) match."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    class Closed(Message):
        """The search is over."""

    def compose(self) -> ComposeResult:
        """A label, the text, the count."""
        yield Static("find", classes="search-label", markup=False)
        yield Input(placeholder="in this channel: ↑ earlier, ↓ later, Esc ends", compact=True)
        yield Static("", id="search-count", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return self.has_class("-open")

    def open(self, text: str = "") -> None:
        """Show it, with the last text selected, or with another one."""
        self.add_class("-open")
        field = self.query_one(Input)
        if text:
            field.value = text
        self.screen.set_focus(field)  # at once: keys may come in one go
        field.select_all()

    def close(self) -> None:
        """Hide and empty it."""
        self.remove_class("-open")
        self.query_one(Input).value = ""

    def show_count(self, count: str, *, found: bool) -> None:
        """Say where one is among the matches."""
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
