"""The line above the composer: what was done, what is wrong and what to do, or what is unread elsewhere."""

from dataclasses import replace

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from globalchat.core.interpreter import as_typed_here
from globalchat.ui.model.status import Banner, BarPiece, banner_lines, target_at

_LOOK = {"warning": "$text", "error": "$text", "muted": "$text-muted"}
"""The background tells the tone, and the glyph: its colour could not be read on every theme's."""
_GLYPH = {"warning": "▲ ", "error": "✖ ", "muted": ""}


class StatusLine(Widget):
    """A line that is always there, so that a short sentence moves nothing; a long one wraps."""

    class Chosen(Message):
        """Somebody clicked on a way out: `target` is the id of an action."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._banner = self._untyped = Banner("", "muted")
        self._said: Banner | None = None
        self._standing: tuple[Banner | None, str] = (None, "")
        self._unsaying: Timer | None = None
        self._measured = (0, 0)

    @property
    def text(self) -> str:
        """What the line says."""
        return self._banner.text

    def show(self, banner: Banner | None, hint: str) -> None:
        """Show the banner, or else the hint, as soon as nothing else is said."""
        self._standing = banner, hint
        shown = self._said or banner or Banner(hint, "muted")
        if shown != self._untyped:
            self._untyped = shown
            self._banner = replace(shown, said=as_typed_here(shown.said))
            self.set_class(shown.tone == "warning", "-warning")
            self.set_class(shown.tone == "error", "-error")
            # A countdown repaints; only a sentence of another height moves the rest.
            width, height = self._measured
            self.refresh(layout=len(self._lines(width)) != height)

    def say(self, text: str, seconds: float) -> None:
        """Say a text instead for a while."""
        self._said = Banner(text, "muted")
        self.show(*self._standing)
        if self._unsaying is not None:
            self._unsaying.stop()
        self._unsaying = self.set_timer(seconds, self.unsay)

    def unsay(self) -> None:
        """End what `say` began."""
        self._said = None
        if self._unsaying is not None:
            self._unsaying.stop()
            self._unsaying = None
        self.show(*self._standing)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's)
        """As many lines as the sentence takes."""
        self._measured = width, len(self._lines(width))
        return self._measured[1]

    def render(self) -> Content:
        """The sentence, with a glyph for its tone; the hints look like something to click."""
        lines = [
            Content.assemble(*((piece.text, self._look(piece)) for piece in line))
            for line in self._lines(self.size.width)
        ]
        return Content("\n").join(lines)

    def on_click(self, event: events.Click) -> None:
        """Take the way out under the mouse, or the first one."""
        hints = self._banner.hints
        if not hints:
            return
        offset = event.get_content_offset(self)
        lines = self._lines(self.size.width)
        clicked = lines[offset.y] if offset is not None and offset.y < len(lines) else []
        target = target_at(clicked, offset.x) if offset is not None else None
        self.post_message(self.Chosen(target or hints[0].target))

    def _lines(self, width: int) -> list[list[BarPiece]]:
        banner = self._banner
        shown = Banner(_GLYPH[banner.tone] + banner.said, banner.tone, banner.hints)
        return banner_lines(shown, width)

    def _look(self, piece: BarPiece) -> str:
        tone = _LOOK[self._banner.tone]
        return f"bold underline {tone}" if piece.target is not None else tone
