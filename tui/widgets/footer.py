"""The line of keys at the bottom."""

from textual.screen import Screen
from textual.widgets import Footer as TextualFooter


class Footer(TextualFooter):
    """Textual's stays empty if the terminal has not got the focus when the chat opens, as beside another."""

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show the keys that are valid now; without the focus, any are better than none."""
        super().bindings_changed(screen)
        if not self.children and not screen.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self.recompose)
