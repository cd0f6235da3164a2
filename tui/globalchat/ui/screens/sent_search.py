"""The dialog that finds what the user has sent, as Ctrl+R does in a shell."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from globalchat.ui.keymap import key_title
from globalchat.ui.model.own_texts import find_texts
from globalchat.ui.model.text import brief, clip
from globalchat.ui.screens.dialogs import Choices, Dialog

_MOST = 100
"""The most matches in the list."""


class SentSearch(Dialog[str | None]):
    """Finds a sent text by a part of it. Ends with the text, or None.

    `texts` returns those to search, the newest first. It is called when the dialog opens, with what was typed
    and sent just before, as Enter and this dialog's key may arrive together. `keys` go to the next older
    match.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss", "Close", priority=True),
        Binding("tab", "take", "Take", priority=True),
        Binding("ctrl+s", "step(-1)", "Newer", priority=True),
        Binding("ctrl+p", "step(1)", "Older", show=False),
        Binding("ctrl+n", "step(-1)", "Newer", show=False),
    ]
    AUTO_FOCUS = "Input"

    def __init__(self, texts: Callable[[], Sequence[str]], keys: Sequence[str]) -> None:
        super().__init__()
        if keys:
            self._bindings.bind(",".join(keys), "step(1)", "Older", priority=True)
        self._older = key_title(keys[0]) if keys else "↓"
        self._collect = texts
        self._texts: Sequence[str] = ()
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        """Yield the input line and the matches."""
        with Vertical(classes="dialog -list") as dialog:
            dialog.border_title = "Find what you sent"
            yield Input(placeholder="a part of it", compact=True)
            yield Choices(compact=True)

    def on_mount(self) -> None:
        """Show all texts first."""
        # Once, as all loaded messages are looked through for them.
        self._texts = self._collect()
        self._find("")

    def on_resize(self) -> None:
        """Clip the texts for the new width."""
        self.call_after_refresh(self._show)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the texts that match."""
        self._find(event.value)

    def on_input_submitted(self) -> None:
        """End with the highlighted text."""
        self.action_take()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the clicked text."""
        # By its text, not its place: keys that came after the click may have changed the list.
        self.dismiss(event.option_id)

    def action_take(self) -> None:
        """End with the highlighted text; without a match, stay."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._found[highlighted])

    def action_step(self, offset: int) -> None:
        """Highlight an older (1) or newer (-1) match, as far as there is one."""
        choices = self.query_one(OptionList)
        if choices.highlighted is not None:
            choices.highlighted = min(max(0, choices.highlighted + offset), len(self._found) - 1)

    def key_down(self) -> None:
        """Highlight an older match."""
        self.action_step(1)

    def key_up(self) -> None:
        """Highlight a newer match."""
        self.action_step(-1)

    def _find(self, query: str) -> None:
        self._found = list(islice(find_texts(query, self._texts), _MOST))
        self._show()
        self.query_one(OptionList).highlighted = 0 if self._found else None
        none = "Nothing that you sent has this" if query else "Nothing was sent yet"
        hint = f"Enter takes it  {self._older} older" if self._found else none
        self.query_one(Vertical).border_subtitle = f"{hint}  Esc closes"

    def _show(self) -> None:
        for choices in self.query(Choices):  # None if it was closed meanwhile.
            highlighted, width = choices.highlighted, choices.scrollable_content_region.width or 40
            choices.set_options(Option(Content(clip(brief(text), width)), id=text) for text in self._found)
            choices.highlighted = highlighted if self._found else None
