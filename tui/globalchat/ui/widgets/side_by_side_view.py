"""The dual view: one channel in two regions, the same message on the same line."""

from collections.abc import Mapping
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.cache import LRUCache
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from globalchat.client.state import SessionState
from globalchat.core.clock import WallClock
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_lines import Line, Piece
from globalchat.ui.model.rows import Row
from globalchat.ui.model.side_by_side import (
    ROLES,
    SideBySideLayout,
    empty_text,
    head_line,
    side_by_side_height,
    side_by_side_is_folded,
    side_by_side_lines,
)
from globalchat.ui.model.status import Keys, default_keys
from globalchat.ui.model.text import centred_line
from globalchat.ui.widgets.role_styles import RoleStyles
from globalchat.ui.widgets.row_view import RowView

_PREFIX = "dual-pane--"
_KEPT_ROWS = 256
"""Several screens of rows."""

_SAID = frozenset({"text", "sender"})
"""Roles of what people wrote."""

Regions = tuple[str, str]
"""Aliases of the left and the right column."""


class DualHead(Widget):
    """The names of the two regions and how their sessions stand."""

    DEFAULT_CSS = """
    DualHead {
        height: 1;
    }
    """

    def __init__(self, regions: Regions, names: RegionNames, clock: WallClock) -> None:
        super().__init__(id="dual-head")
        self._regions = regions
        self._names = names
        self._clock = clock
        self._states: Mapping[str, SessionState] = {}
        self._shown: Line = []

    def show(self, states: Mapping[str, SessionState]) -> None:
        """Show these states, if they say something else now."""
        self._states = states
        if self._line() != self._shown:
            self.refresh()

    def render(self) -> Content:
        """The head of each column."""
        self._shown = self._line()
        looks = {"region": "bold $text-primary", "success": "$text-success", "warning": "$text-warning"}
        looks |= {"missing": "$text-error", "notice": "$text-muted"}
        return Content.assemble(*((piece.text, looks.get(piece.role, "")) for piece in self._shown))

    def _line(self) -> Line:
        # As wide as the pane below, whose scroll bar takes a cell.
        shape = SideBySideLayout(max(1, self.size.width - 1), self._regions)
        return head_line(shape, self._names, self._states, self._clock())


class DualPane(RowView, can_focus=False):
    """The rows of both regions; follows its end until somebody scrolls up."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {_PREFIX + role for role in ROLES}
    DEFAULT_CSS = """
    DualPane {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size: 1 1;
        scrollbar-color: $foreground 20%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
    }

    DualPane > .dual-pane--time { color: $text-muted; }
    DualPane > .dual-pane--sender { color: $text-primary; text-style: bold; }
    DualPane > .dual-pane--text { color: $foreground; }
    DualPane > .dual-pane--waiting { color: $text-muted; }
    DualPane > .dual-pane--missing { color: $text-error; }
    DualPane > .dual-pane--difference { color: $text-secondary; text-style: bold; }
    DualPane > .dual-pane--notice { color: $text-warning; text-style: italic; }
    DualPane > .dual-pane--fold { color: $text-muted; text-style: italic; }
    DualPane > .dual-pane--region { color: $text-accent; }
    DualPane > .dual-pane--success { color: $text-success; }
    DualPane > .dual-pane--warning { color: $text-warning; }
    DualPane > .dual-pane--rule { color: $foreground 25%; }
    DualPane > .dual-pane--day { color: $text-muted; }
    """

    def __init__(
        self,
        regions: Regions,
        names: RegionNames,
        calendar: Calendar,
        within: float,
        keys: Keys = default_keys,
    ) -> None:
        self._keys = keys
        self._regions = regions
        self._names = names
        self._calendar = calendar
        self._within = within
        self._shape = SideBySideLayout(1, regions)
        self._style = RoleStyles(self, _PREFIX, _SAID)
        self._strips: LRUCache[tuple[int, int], list[Strip]] = LRUCache(_KEPT_ROWS)
        self._empty = ""
        super().__init__(id="dual-pane")

    def show(self, feed: Conversation | None) -> None:
        """Show the rows of a channel from their end."""
        self._empty = empty_text(feed.channel if feed is not None else None)
        self._take_up(feed)
        self._rebuild()

    def sync(self) -> None:
        """Take in what changed since the last call."""
        self._replay()

    def row_height(self, row: Row) -> int:
        """How many lines a row takes at the present width."""
        return side_by_side_height(row, self._shape)

    def is_folded(self, row: Row) -> bool:
        """Whether a part of a row's text is not shown."""
        return side_by_side_is_folded(row, self._shape)

    def on_click(self, event: events.Click) -> None:
        """Show all of a message of which somebody clicks on what stands for the rest."""
        place = self._index.locate(self._top + event.y - self._missing) if event.y >= self._missing else None
        row = self._index.row(place[0]) if place is not None else None
        if place is None or row is None:
            return
        lines = side_by_side_lines(row, self._shape, self._names, self._calendar, self._within, self._keys)
        if any(piece.role == "fold" for piece in lines[place[1]]):
            self.fold([row], whole=True)

    def on_resize(self) -> None:
        """Wrap anew for the new width, keeping the place."""
        if self.scrollable_content_region.width != self._shape.width:
            self._rebuild()
        else:
            self._settle(self._anchor())

    def notify_style_update(self) -> None:
        """Forget what was painted with the old styles."""
        super().notify_style_update()
        self._style.forget()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the visible part; few rows stand at the bottom."""
        missing = self._missing
        if not len(self._index):
            return self._empty_line(y)
        place = self._index.locate(self._top + y - missing) if y >= missing else None
        if place is None:
            return self._paint([])
        strips = self._row_strips(self._index.row(place[0]))
        return strips[place[1]] if place[1] < len(strips) else self._paint([])

    def _rebuild(self) -> None:
        anchor = self._anchor()
        self._shape = SideBySideLayout(max(1, self.scrollable_content_region.width), self._regions)
        self._strips.clear()
        self._start(anchor)
        self.refresh(Region(0, 0, *self.size))

    def _row_strips(self, row: Row) -> list[Strip]:
        key = (row.uid, row.revision)
        strips = self._strips.get(key)
        if strips is None:
            lines = side_by_side_lines(
                row, self._shape, self._names, self._calendar, self._within, self._keys
            )
            strips = self._strips[key] = [self._paint(line) for line in lines]
        return strips

    def _empty_line(self, y: int) -> Strip:
        return self._paint(
            [Piece(centred_line(self._empty, y, self._shape.width, self.size.height), "notice")]
        )

    def _paint(self, line: Line) -> Strip:
        segments = [Segment(piece.text, self._style(piece.role)) for piece in line]
        return Strip(segments).adjust_cell_length(self._shape.width, self._style("text"))


class DualView(Vertical):
    """Head and pane."""

    # Not in the screen's style sheet: the first frame would have to wait for it to be read.
    SCOPED_CSS = False
    DEFAULT_CSS = """
    DualView {
        width: 1fr;
        border: round $foreground 20%;
        border-title-color: $text-primary;
        border-title-style: bold;
    }

    .-too-narrow DualView, .-narrow DualView, .-medium DualView {
        border: none;
    }
    """

    def __init__(
        self,
        regions: Regions,
        names: RegionNames,
        *,
        calendar: Calendar,
        clock: WallClock,
        within: float,
        keys: Keys = default_keys,
    ) -> None:
        super().__init__(id="dual-box")
        self.head = DualHead(regions, names, clock)
        self.pane = DualPane(regions, names, calendar, within, keys)

    def compose(self) -> ComposeResult:
        """One below the other."""
        yield self.head
        yield self.pane
