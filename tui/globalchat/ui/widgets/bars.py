"""The header line."""

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from globalchat.core.clock import WallClock
from globalchat.ui.model.header import HeaderView, header
from globalchat.ui.model.status import BarPiece, target_at

_LOOK = {
    "brand": "bold $text-primary",
    "channel": "bold $text-primary",
    "success": "$text-success",
    "warning": "$text-warning",
    "error": "bold $text-error",
    "muted": "$text-muted",
    "unread": "bold $text-accent",
    "plain": "$text",
}
_LIGHT = _LOOK | {"success": "$text", "warning": "bold $text"}
"""The same in light themes: words in their green or orange could hardly be read, a sign can be seen."""


class Header(Widget):
    """Region, state, latency; channel and unread messages where there is no list; the profile."""

    class Chosen(Message):
        """Somebody clicked on a part that leads somewhere: `target` is as in `globalchat.ui.model.header`."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, view: Callable[[], HeaderView], clock: WallClock, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._view = view
        self._clock = clock
        self._shown: list[BarPiece] = []

    def update(self) -> None:
        """Repaint if it says something else now."""
        if self._pieces() != self._shown:
            self.refresh()

    def render(self) -> Content:
        """The pieces that fit."""
        self._shown = self._pieces()
        look = _LOOK if self.app.current_theme.dark else _LIGHT
        return Content.assemble(
            *((piece.text, _LOOK[piece.role] if piece.sign else look[piece.role]) for piece in self._shown)
        )

    def on_click(self, event: events.Click) -> None:
        """Go where the part under the mouse leads."""
        target = target_at(self._shown, event.x)
        if target is not None:
            self.post_message(self.Chosen(target))

    def _pieces(self) -> list[BarPiece]:
        return header(self._view(), self.size.width, self._clock())
