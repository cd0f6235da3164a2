"""A list of choices."""

from textual.widgets import OptionList


class Choices(OptionList):
    """Textual's, which moves by pages only where it has room: without any it knows no lines, and fails."""

    def action_page_up(self) -> None:
        """Move up a page."""
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Move down a page."""
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]
