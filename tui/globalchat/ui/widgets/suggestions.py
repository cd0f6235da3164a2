"""What Tab would complete with, above the composer."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from globalchat.ui.model.text import clip, pad
from globalchat.ui.slash_commands import NOTHING, Completion, Completions

_LABEL_CELLS = 20


class Suggestions(Widget, can_focus=False):
    """The completions, one a line, the chosen one marked. It lies over the pane and moves nothing."""

    ROWS: ClassVar[int] = 11
    """The most completions shown at once."""

    def __init__(self, take: Callable[[int], None], *, id: str | None = None) -> None:  # noqa: A002
        """`take` is told the number of a completion that was clicked."""
        super().__init__(id=id)
        self._take = take
        self._completions = NOTHING
        self._chosen = 0

    def show(self, completions: Completions, chosen: int) -> None:
        """Show these, or nothing."""
        self._completions, self._chosen = completions, chosen
        self.display = bool(completions.items)
        number = len(completions.items)
        self.border_title = f" {chosen + 1} of {number} " if number > self.ROWS else None
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's)
        """As many lines as there are completions, up to the most."""
        return min(self.ROWS, len(self._completions.items))

    def render(self) -> Content:
        """The completions."""
        completions = list(enumerate(self._completions.items))[self._first : self._first + self._room]
        return Content("\n").join(
            self._line(completion, chosen=number == self._chosen) for number, completion in completions
        )

    def on_click(self, event: events.Click) -> None:
        """Take the completion under the mouse."""
        inside = event.get_content_offset(self)
        if inside is not None:
            self._take(self._first + inside.y)

    @property
    def _first(self) -> int:
        return max(0, self._chosen - self._room + 1)

    @property
    def _room(self) -> int:
        """How many completions can be seen."""
        return max(1, min(self.ROWS, self.scrollable_content_region.height))

    def _line(self, completion: Completion, *, chosen: bool) -> Content:
        room = self.scrollable_content_region.width
        mark = "› " if chosen else "  "
        label = pad(completion.label, _LABEL_CELLS) if completion.about else completion.label
        return Content.assemble(
            (clip(mark + label, room), "bold $text-primary" if chosen else "$text"),
            (
                clip(f" {completion.about}", max(0, room - _LABEL_CELLS - 2)) if completion.about else "",
                "$text-muted",
            ),
        )
