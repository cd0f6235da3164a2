"""The quick switcher: go to a channel by a few letters, or join any by its name."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from globalchat.ui.model.search import fuzzy_score
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChannelEntry
from globalchat.ui.screens.dialog import Dialog
from globalchat.ui.widgets.choices import Choices


class QuickSwitcher(Dialog[str | None]):
    """Ends with the channel's name, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", priority=True)]
    AUTO_FOCUS = "Input"

    def __init__(self, entries: Sequence[ChannelEntry], keys: Sequence[str]) -> None:
        """`entries` come in the order in which they are offered; `keys` close it as well."""
        super().__init__()
        self._bindings.bind(",".join(keys), "dismiss", "Close", priority=True)
        self._entries = entries
        self._names: list[str] = []

    def compose(self) -> ComposeResult:
        """A line to type in, and what matches."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Go to a channel"
            yield Input(placeholder="a few letters, or any name to join it", compact=True)
            yield Choices(compact=True)
            yield Static("Enter goes there   Esc closes", classes="hint")

    def on_mount(self) -> None:
        """Show all channels first."""
        self._filter("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow down."""
        self._filter(event.value.strip().lstrip("#").strip())

    def on_input_submitted(self) -> None:
        """Take the highlighted one."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._names[highlighted])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the clicked one."""
        self.dismiss(self._names[event.option_index])

    def key_down(self) -> None:
        """Move down from the line that is typed in."""
        self.query_one(OptionList).action_cursor_down()

    def key_up(self) -> None:
        """Move up likewise."""
        self.query_one(OptionList).action_cursor_up()

    def _filter(self, query: str) -> None:
        scored = [
            (fuzzy_score(query, each.channel), number, each) for number, each in enumerate(self._entries)
        ]
        found = [each for _, _, each in sorted((s, n, e) for s, n, e in scored if s is not None)]
        options = [Option(_title(each)) for each in found]
        self._names = [each.channel for each in found]
        if query and query not in self._names:
            self._names.append(query)
            options.append(Option(Content.assemble("join ", (f"# {shown_name(query)}", "bold"))))
        choices = self.query_one(OptionList)
        choices.set_options(options)
        choices.highlighted = 0 if options else None


def _title(entry: ChannelEntry) -> Content:
    mention = f"  @{entry.mentions}" if entry.mentions else ""
    count = f"  {entry.unread:,} unread" if entry.unread else "  ended" if entry.revoked else ""
    count += "  muted" if entry.muted else ""
    return Content.assemble(
        f"# {shown_name(entry.channel)}", (mention, "bold $text-accent"), (count, "$text-muted")
    )
