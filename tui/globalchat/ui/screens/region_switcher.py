"""The choice of a region."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.text import shown_name
from globalchat.ui.screens.dialog import Dialog
from globalchat.ui.widgets.choices import Choices


class RegionSwitcher(Dialog[str | None]):
    """Ends with a region's alias, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, names: RegionNames, current: str | None, keys: Sequence[str]) -> None:
        """`keys` close it as well."""
        super().__init__()
        self._bindings.bind(",".join(keys), "dismiss", "Close")
        self._names = names
        self._current = current

    def compose(self) -> ComposeResult:
        """All regions of the profile."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Choose a region"
            yield Choices(*map(self._option, self._names.aliases), compact=True)
            yield Static("The new region is live before the old one is left.", classes="hint")

    def on_mount(self) -> None:
        """Begin at the next region."""
        if self._current in self._names.aliases:
            self.query_one(OptionList).highlighted = self._names.aliases.index(
                self._names.after(self._current)
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(self._names.aliases[event.option_index])

    def _option(self, alias: str) -> Option:
        here = alias == self._current
        return Option(
            Content.assemble(
                ("● " if here else "○ ", "$text-success" if here else "$text-muted"),
                f"{self._names.title(alias)}  ",
                (shown_name(self._names.regions[alias]), "$text-muted"),
                ("  here", "$text-muted") if here else "",
            )
        )
