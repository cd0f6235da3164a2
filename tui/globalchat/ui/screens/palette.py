"""The command palette."""

from textual.command import CommandList, CommandPalette

from globalchat.ui.screens.dialog import Question

ID = "--command-palette"
"""By which Textual knows that it is open."""


class Palette(CommandPalette, Question[None]):
    """Textual's, but for keys that come faster than its list is filled."""

    def _watch__list_visible(self) -> None:
        """Show or hide the list, which is gone if the palette was closed while commands were gathered."""
        if self.query(CommandList):
            super()._watch__list_visible()

    def _action_command_list(self, action: str) -> None:
        """Let the list move where it has room: without any it knows no lines, and fails."""
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)
