"""The line of keys at the bottom."""

from textual.screen import Screen
from textual.widgets import Footer as TextualFooter


class Footer(TextualFooter):
    """Textual's stays empty if the terminal has not got the focus when the chat opens, as beside another.

    It also makes all keys anew whenever the focus moves and a dialog opens or closes.
    """

    _shown: tuple[object, ...] | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show the keys that are valid now; without the focus, any are better than none."""
        super().bindings_changed(screen)
        if not self.children and not screen.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self.recompose)

    async def recompose(self) -> None:
        """Make the keys anew if they are others, or are to look otherwise."""
        palette = self.app.COMMAND_PALETTE_BINDING
        wanted = tuple(
            (key, active.binding.action, active.binding.description, active.enabled)
            for key, active in self.screen.active_bindings.items()
            if active.binding.show or key == palette
        )
        if self.children and wanted == self._shown:
            return
        self._shown = wanted
        await super().recompose()
