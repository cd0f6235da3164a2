"""The header line."""

from collections.abc import Callable

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.model.header import HeaderView, header
from tui.ports import Clock

_LOOK = {
    "brand": "bold $text-primary",
    "channel": "bold $text-primary",
    "success": "$text-success",
    "warning": "$text-warning",
    "error": "bold $text-error",
    "muted": "$foreground 60%",
    "unread": "bold $text-accent",
    "plain": "$text",
}


class Header(Widget):
    """Region, state, latency; channel and unread messages where there is no list; the profile."""

    class Clicked(Message):
        """Somebody wants to choose a region."""

    def __init__(self, view: Callable[[], HeaderView], clock: Clock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._view = view
        self._clock = clock
        self._shown: Content | None = None

    def update(self) -> None:
        """Repaint if it says something else now."""
        if self._content() != self._shown:
            self.refresh()

    def render(self) -> Content:
        """The pieces that fit."""
        self._shown = self._content()
        return self._shown

    def on_click(self) -> None:
        """Open the choice of regions."""
        self.post_message(self.Clicked())

    def _content(self) -> Content:
        pieces = header(self._view(), self.size.width, self._clock())
        return Content.assemble(*((text, _LOOK[role]) for text, role in pieces))
