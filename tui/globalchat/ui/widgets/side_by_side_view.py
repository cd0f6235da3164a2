"""One channel in two regions side by side, the same message on the same line; and the latency panel."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from globalchat.client.state import SessionState
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.latency_stats import LatencyStats, latency_line, latency_lines
from globalchat.ui.model.latency_stats import Line as LatencyLine
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_lines import Line
from globalchat.ui.model.rows import Row
from globalchat.ui.model.side_by_side import (
    ROLES,
    SideBySideLayout,
    empty_text,
)
from globalchat.ui.widgets.row_view import RowView

_PREFIX = "side-by-side-pane--"
_WRITTEN = frozenset({"text", "sender"})
"""The roles of texts that users wrote."""

_LATENCY_LOOK = {
    "path": "bold $text",
    "spark": "$text-accent",
    "value": "$text",
    "muted": "$text-muted",
}


class SideBySideHead(Widget):
    """Shows the names of the two regions and the states of their sessions."""

    DEFAULT_CSS = """
    SideBySideHead {
        height: 1;
    }
    """

    def __init__(self, layout: SideBySideLayout) -> None:
        super().__init__(id="side-by-side-head")
        self._columns = layout
        self._states: Mapping[str, SessionState] = {}
        self._now = 0
        self._shown: Line = []

    def show(self, states: Mapping[str, SessionState], now: int) -> None:
        """Show the states at a time (epoch ms), repainting only a changed line."""
        self._states, self._now = states, now
        if self._line() != self._shown:
            self.refresh()

    def render(self) -> Content:
        """Return the head of each column."""
        self._shown = self._line()
        looks = {"region": "bold $text-primary", "success": "$text-success", "warning": "$text-warning"}
        looks |= {"missing": "$text-error", "notice": "$text-muted"}
        return Content.assemble(*((piece.text, looks.get(piece.role, "")) for piece in self._shown))

    def _line(self) -> Line:
        # As wide as the pane below, whose scroll bar takes a cell.
        return replace(self._columns, width=max(1, self.size.width - 1)).head(self._states, self._now)


class SideBySidePane(RowView, can_focus=False):
    """Shows the rows of both regions; follows its end until the user scrolls up."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {_PREFIX + role for role in ROLES}
    DEFAULT_CSS = """
    SideBySidePane {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size: 1 1;
        scrollbar-color: $foreground 20%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
    }

    SideBySidePane > .side-by-side-pane--time { color: $text-muted; }
    SideBySidePane > .side-by-side-pane--sender { color: $text-primary; text-style: bold; }
    SideBySidePane > .side-by-side-pane--text { color: $foreground; }
    SideBySidePane > .side-by-side-pane--verified { color: $text-success; text-style: bold; }
    SideBySidePane > .side-by-side-pane--machine { color: $text-secondary; text-style: bold; }
    SideBySidePane > .side-by-side-pane--imitation { color: $text-error; text-style: bold; }
    SideBySidePane > .side-by-side-pane--waiting { color: $text-muted; }
    SideBySidePane > .side-by-side-pane--missing { color: $text-error; }
    SideBySidePane > .side-by-side-pane--difference { color: $text-secondary; text-style: bold; }
    SideBySidePane > .side-by-side-pane--notice { color: $text-warning; text-style: italic; }
    SideBySidePane > .side-by-side-pane--fold { color: $text-muted; text-style: italic; }
    SideBySidePane > .side-by-side-pane--region { color: $text-accent; }
    SideBySidePane > .side-by-side-pane--success { color: $text-success; }
    SideBySidePane > .side-by-side-pane--warning { color: $text-warning; }
    SideBySidePane > .side-by-side-pane--rule { color: $foreground 25%; }
    SideBySidePane > .side-by-side-pane--day { color: $text-muted; }
    """

    STYLE_PREFIX = _PREFIX
    VERBATIM_ROLES = _WRITTEN
    EMPTY_ROLE = "notice"

    def __init__(self, layout: SideBySideLayout) -> None:
        self._columns = layout
        super().__init__(id="side-by-side-pane")

    def reshape(self) -> None:
        """Lay the columns out for the width."""
        self._columns = replace(self._columns, width=max(1, self.text_width))

    def row_lines(self, row: Row) -> list[Line]:
        """Return the lines of a row, as pieces."""
        return self._columns.lines(row)

    def row_height(self, row: Row) -> int:
        """Return the number of lines of a row."""
        return self._columns.height(row)

    def is_folded(self, row: Row) -> bool:
        """Return True if a part of a row's text is not shown."""
        return self._columns.is_folded(row)

    def show(self, feed: Conversation | None) -> None:
        """Show the rows of a channel where it was left, at first from its end."""
        self.set_empty_text(empty_text(feed.channel if feed is not None else None))
        self._show_rows(self._replace_conversation(feed))

    def on_click(self, event: events.Click) -> None:
        """Unfold a message on a click on its remark about hidden lines."""
        found = self.row_at(event.y)
        if found is not None and any(piece.role == "fold" for piece in self.row_lines(found[0])[found[1]]):
            self.fold([found[0]], whole=True)


class SideBySideView(Vertical):
    """Composes head and pane."""

    # Not in the screen's style sheet, which would delay the first frame.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    SideBySideView {
        width: 1fr;
        border: round $foreground 20%;
        border-title-color: $text-primary;
        border-title-style: bold;
    }

    .-too-narrow SideBySideView, .-narrow SideBySideView, .-medium SideBySideView {
        border: none;
    }
    """

    def __init__(self, layout: SideBySideLayout) -> None:
        super().__init__(id="side-by-side-box")
        self.head = SideBySideHead(layout)
        self.pane = SideBySidePane(layout)

    def compose(self) -> ComposeResult:
        """Yield the head above the pane."""
        yield self.head
        yield self.pane


class LatencyPanel(Widget):
    """Shows the latency of each path above the status line, or a summary in a low window.

    `region` is the alias of the session's region.
    """

    # Not in the screen's style sheet, which would delay the first frame.
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

    def __init__(self, stats: LatencyStats, names: RegionNames, region: str | None) -> None:
        super().__init__(id="latency")
        self.border_title = "Latency"
        self.border_subtitle = "from own messages and paired arrivals"
        self._stats = stats
        self._names = names
        self._region = region
        self._shown: list[LatencyLine] = []

    def show(self, region: str | None) -> None:
        """Show the current statistics, repainting only if they differ."""
        self._region = region
        lines = self._lines()
        if lines != self._shown:
            self.refresh(layout=len(lines) != len(self._shown))

    def render(self) -> Content:
        """Return a line for each path."""
        self._shown = self._lines()
        return Content("\n").join(
            Content.assemble(*((text, _LATENCY_LOOK[role]) for text, role in line)) for line in self._shown
        )

    def _lines(self) -> list[LatencyLine]:
        width = self.size.width
        if self.screen.has_class("-flat"):
            return [latency_line(self._stats, self._names, width)]
        return latency_lines(self._stats, self._names, width, self._region)
