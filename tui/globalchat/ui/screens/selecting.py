"""A screen whose texts can be selected with the mouse, although they come, go and change meanwhile."""

from textual.content import Content
from textual.geometry import Offset
from textual.screen import Screen, ScreenResultType
from textual.selection import Selection
from textual.widget import Widget


class Selecting(Screen[ScreenResultType]):
    """Keeps from Textual 8.2 the selections that it fails on."""

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """What a selection would begin in; nothing that is being removed, whose parent Textual would miss."""
        widget, offset = super().get_widget_and_offset_at(x, y)
        removed = widget is not None and widget is not self and widget.parent is None
        return (None, None) if removed else (widget, offset)

    def get_selected_text(self) -> str | None:
        """What is selected; nothing of a text that ends above where its selection begins."""
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
