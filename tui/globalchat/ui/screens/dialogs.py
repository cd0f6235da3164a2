"""Base classes of dialogs: selectable text, a single answer, a list of choices; and the context menu."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, TypeVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.selection import Selection
from textual.style import Style
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from globalchat.ui.model.text import pad

ResultT = TypeVar("ResultT")

_EDGES = 4
"""Cells that border and padding take of the width."""


class SelectableScreen(Screen[ScreenResultType]):
    """A screen whose texts can be selected with the mouse even though they appear, disappear and change.

    It protects Textual 8.2 from selections on which it fails.
    """

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Return where a selection would begin; never in a widget that is being removed."""
        widget, offset = super().get_widget_and_offset_at(x, y)
        removed = widget is not None and widget is not self and widget.parent is None
        return (None, None) if removed else (widget, offset)

    def get_selected_text(self) -> str | None:
        """Return the selected text; nothing of a text that ends before its selection begins."""
        readable = {
            widget: selection
            for widget, selection in self.selections.items()
            if not _begins_below(selection, widget)
        }
        if len(readable) < len(self.selections):
            self.selections = readable
        return super().get_selected_text()


def _begins_below(selection: Selection, widget: Widget) -> bool:
    shown = widget.render()
    return (
        selection.start is not None
        and isinstance(shown, Content)
        and selection.start.y >= len(shown.plain.splitlines())
    )


class Question(SelectableScreen[ResultT], ModalScreen[ResultT]):
    """A modal screen that ends only once, however often it is answered."""

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """End; a second Enter or click before the screen is gone must not end the screen below."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Dialog(Question[ResultT]):
    """A question that may be closed without an answer."""

    def on_click(self, event: events.Click) -> None:
        """Close, if the click was beside it."""
        if not self.query_one(".dialog").region.contains_point(event.screen_offset):
            self.dismiss(None)


class Choices(OptionList):
    """A list of choices.

    It pages only if it has room, since Textual's list fails without any, and supports `text-style: reverse`,
    which Textual ignores for options.
    """

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        """Return the style of an option."""
        style = super().get_visual_style(*component_classes, partial=partial)
        reverses = any(self.get_component_styles(name).text_style.reverse for name in component_classes)
        return style + Style(reverse=True) if reverses else style

    def action_page_up(self) -> None:
        """Move up a page."""
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Move down a page."""
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]


class Choice(NamedTuple):
    """A line of a menu: the action that choosing it ends with, its text, and the key that does the same."""

    action: str
    text: str
    key: str = ""


class Menu(Dialog[str | None]):
    """A context menu at the mouse. Ends with the chosen action, or None.

    `at` is where on the screen the mouse is; the menu moves as far as it must to be visible.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, title: str, choices: Sequence[Choice], at: Offset) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._at = at
        self._cells = max(cell_len(each.text) for each in choices)
        self._keys = max(cell_len(each.key) for each in choices)

    def compose(self) -> ComposeResult:
        """Yield the choices."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Choices(*map(self._option, self._choices), compact=True)

    def on_resize(self) -> None:
        """Move to the position of the mouse, adjusted so that the whole menu is visible."""
        width = max(self._cells + 2 + self._keys, cell_len(self._title) + 4) + _EDGES
        dialog = self.query_one(".dialog")
        dialog.styles.width = width
        space = self.size
        # Moved left and up as far as necessary, but not beyond the window's edge.
        x = min(self._at.x, space.width - width)
        y = min(self._at.y, space.height - len(self._choices) - 2)
        dialog.styles.offset = (max(0, x), max(0, y))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the chosen action."""
        self.dismiss(self._choices[event.option_index].action)

    def _option(self, choice: Choice) -> Option:
        return Option(
            Content.assemble(
                (pad(choice.text, self._cells), "$foreground"),
                "  ",
                (pad(choice.key, self._keys, right=True), "$text-muted"),
            )
        )
