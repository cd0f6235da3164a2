"""The line above the composer: what is wrong and what to do, else what is unread elsewhere."""

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.model.status import Banner

_LOOK = {"warning": "$text-warning", "error": "$text-error", "muted": "$foreground 60%"}
_GLYPH = {"warning": "▲ ", "error": "✖ ", "muted": ""}


class StatusLine(Widget):
    """A line that is always there, so that a short sentence moves nothing; a long one wraps."""

    class Clicked(Message):
        """Somebody clicked the way out."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._banner = Banner("", "muted")

    @property
    def text(self) -> str:
        """What the line says."""
        return self._banner.text

    def show(self, banner: Banner | None, hint: str) -> None:
        """Say this: the banner, or else the hint."""
        shown = banner or Banner(hint, "muted")
        if shown != self._banner:
            self._banner = shown
            self.set_class(shown.tone == "warning", "-warning")
            self.set_class(shown.tone == "error", "-error")
            self.refresh(layout=True)

    def render(self) -> Content:
        """The sentence, with a glyph for its tone."""
        tone = self._banner.tone
        return Content.assemble((_GLYPH[tone] + self._banner.text, _LOOK[tone]))

    def on_click(self) -> None:
        """Take the way out."""
        if self._banner.tone != "muted":
            self.post_message(self.Clicked())
