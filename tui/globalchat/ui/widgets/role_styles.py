"""The styles of what a pane draws, by role, from the style sheet."""

from collections.abc import Container

from rich.style import Style
from textual.widget import Widget

from globalchat.ui.ascii import VERBATIM


class RoleStyles:
    """Asks the style sheet once for each role; call `forget` when it changed."""

    def __init__(self, widget: Widget, prefix: str, written: Container[str]) -> None:
        """`prefix` makes a component class of a role; `written` are the roles of what people wrote."""
        self._widget = widget
        self._prefix = prefix
        self._written = written
        self._styles: dict[str, Style] = {}

    def __call__(self, role: str) -> Style:
        """The style of a role."""
        style = self._styles.get(role)
        if style is None:
            style = self._widget.get_component_rich_style(self._prefix + role)
            if role in self._written:
                style += VERBATIM
            self._styles[role] = style
        return style

    def forget(self) -> None:
        """The styles are others now."""
        self._styles.clear()
