"""The latency panel: how long messages take on each path, live."""

from collections.abc import Callable

from textual.content import Content
from textual.widget import Widget

from globalchat.ui.model.latency_stats import Line

_LOOK = {
    "path": "bold $text",
    "spark": "$text-accent",
    "value": "$text",
    "muted": "$text-muted",
}


class LatencyPanel(Widget):
    """Some lines above the status line, or one in a low window: `lines` gives them for a width."""

    # Not in the screen's style sheet: the first frame would have to wait for it to be read.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    LatencyPanel {
        height: auto;
        max-height: 40%;
        padding: 0 1;
        border: round $foreground 20%;
        border-title-color: $text-primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
    }

    .-too-narrow LatencyPanel, .-narrow LatencyPanel, .-medium LatencyPanel, .-low LatencyPanel {
        border: none;
        border-top: solid $foreground 20%;
    }

    .-flat LatencyPanel {
        height: 1;
        border: none;
    }
    """

    def __init__(self, lines: Callable[[int, bool], list[Line]]) -> None:
        """`lines` takes a width and whether there is room for one line only."""
        super().__init__(id="latency")
        self.border_title = "Latency"
        self.border_subtitle = "from own messages and paired arrivals"
        self._give_lines = lines
        self._shown: list[Line] = []

    def update(self) -> None:
        """Repaint if it says something else now."""
        lines = self._lines()
        if lines != self._shown:
            self.refresh(layout=len(lines) != len(self._shown))

    def render(self) -> Content:
        """A line a path."""
        self._shown = self._lines()
        return Content("\n").join(
            Content.assemble(*((text, _LOOK[role]) for text, role in line)) for line in self._shown
        )

    def _lines(self) -> list[Line]:
        return self._give_lines(self.size.width, self.screen.has_class("-flat"))
