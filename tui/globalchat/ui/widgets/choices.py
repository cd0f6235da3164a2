"""A list of choices."""

from textual.style import Style
from textual.widgets import OptionList


class Choices(OptionList):
    """Textual's, which moves by pages only where it has room: without any it knows no lines, and fails.

    It also obeys `text-style: reverse`, which Textual leaves out of what it draws options with.
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
