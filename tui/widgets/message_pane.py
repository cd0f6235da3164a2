"""The message pane: a channel's rows on Textual's Line API."""

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.model.columns import columns
from tui.model.conversation import Conversation
from tui.model.regions import RegionNames
from tui.model.row_index import RowIndex
from tui.model.row_lines import ROLES, row_height
from tui.model.rows import Row
from tui.model.text import wrap
from tui.widgets.painter import Painter, highlight

_PREFIX = "message-pane--"


class MessagePane(ScrollView, can_focus=False):
    """Shows one conversation and follows its end until somebody scrolls up.

    Call `show` to change the conversation, `sync` after it changed.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(_PREFIX + role for role in ROLES),
        _PREFIX + "pill",
        _PREFIX + "empty",
    }

    class FollowChanged(Message):
        """The pane began or ceased to follow the end."""

    class PillClicked(Message):
        """Somebody wants to see the newest messages."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.following = True
        self.conversation: Conversation | None = None
        self._names = RegionNames()
        self._empty_text = ""
        self._styles: dict[str, Style] = {}
        self._painter = self._new_painter()
        self._index = RowIndex((), self._row_height)
        self._syncing = False
        self._pill = 0

    @property
    def allow_select(self) -> bool:
        """Text can be selected with the mouse."""
        return True

    def show(self, conversation: Conversation | None, names: RegionNames) -> None:
        """Show a conversation from its end."""
        if self.conversation is not None:
            self.conversation.ignore_edits()
        self.conversation, self._names = conversation, names
        if conversation is not None:
            conversation.follow_edits()
        self._set_following(True)
        self._rebuild()

    def sync(self) -> None:
        """Take in what changed in the conversation since the last call, in one repaint."""
        if self.conversation is None:
            return
        edits = self.conversation.take_edits()
        anchor = self._anchor()
        repaint: set[int] = set()
        moved = False
        for edit in edits:
            index = self._index.apply(edit)
            if index is None:
                moved = True
            elif not moved:
                repaint.add(index)
        if moved:
            self._settle(anchor)
        else:
            for index in repaint:
                self._repaint_row(index)
        self._refresh_pill()

    def set_empty_text(self, text: str) -> None:
        """What to say while there are no rows."""
        if text != self._empty_text:
            self._empty_text = text
            self.refresh()

    def page(self, direction: int) -> None:
        """Scroll by a page, keeping two lines in sight."""
        step = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + direction * step, animate=False)

    def jump_to_tail(self) -> None:
        """Show the newest message and follow the end again."""
        self._set_following(True)
        self._settle(None)
        self._refresh_pill()

    # -- Textual --------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Wrap anew for the new width, keeping the place."""
        if self._width != self._painter.columns.width:
            self._rebuild()
        else:
            self._settle(self._anchor())

    def notify_style_update(self) -> None:
        """Forget what was painted with the old styles."""
        super().notify_style_update()
        self._styles.clear()
        self._painter.forget()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end exactly when somebody scrolled there."""
        super().watch_scroll_y(old_value, new_value)
        if not self._syncing:
            self._set_following(new_value >= self.max_scroll_y)

    def render_line(self, y: int) -> Strip:
        """One line of the visible part; few rows stand at the bottom."""
        height = self.size.height
        if not len(self._index):
            return self._empty_line(y, height)
        missing = max(0, height - self._index.total)
        line = self._index.base + self.scroll_offset.y + y - missing
        strip = self._line(line) if y >= missing else self._painter.blank()
        if y == height - 1 and self._pill:
            strip = self._with_pill(strip)
        return strip.apply_offsets(0, line)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, as it stands on the screen."""
        first = self._index.base if selection.start is None else selection.start.y
        last = self._index.base + self._index.total - 1 if selection.end is None else selection.end.y
        lines = []
        for line in range(first, last + 1):
            text = self._plain_line(line)
            span = selection.get_span(line)
            if text is not None and span is not None:
                lines.append(text[span[0] : None if span[1] == -1 else span[1]].rstrip())
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 (Textual's name)
        """Show the selection."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Jump to the end by a click on the pill."""
        if self._pill and event.y == self.size.height - 1 and event.x >= self._pill_start():
            self.post_message(self.PillClicked())

    @property
    def _width(self) -> int:
        """The columns for text: without the scroll bar, which `size` includes."""
        return self.scrollable_content_region.width

    # -- layout ---------------------------------------------------------------------------------------------

    def _row_height(self, row: Row) -> int:
        return row_height(row, self._painter.columns)

    def _new_painter(self) -> Painter:
        widths = [max(map(len, codes.values()), default=size) for codes, size in self._code_sizes()]
        shape = columns(self._width, code=widths[0], letter=widths[1])
        return Painter(shape, self._names, self._role_style)

    def _code_sizes(self) -> tuple[tuple[dict[str, str], int], tuple[dict[str, str], int]]:
        return (dict(self._names.codes), 3), (dict(self._names.letters), 1)

    def _rebuild(self) -> None:
        anchor = self._anchor()
        self._painter = self._new_painter()
        rows: list[Row] = []
        if self.conversation is not None:
            self.conversation.take_edits()
            rows = self.conversation.rows
        self._index = RowIndex(rows, self._row_height)
        self._settle(anchor)
        self._refresh_pill()

    def _anchor(self) -> tuple[Row, int] | None:
        """The row at the top and how far it is scrolled into; None while following the end."""
        if self.following:
            return None
        place = self._index.locate(self._index.base + self.scroll_offset.y)
        return (self._index.rows[place[0]], place[1]) if place else None

    def _settle(self, anchor: tuple[Row, int] | None) -> None:
        """Announce the new height, and scroll to the end or back to the anchor."""
        self._syncing = True
        try:
            self.virtual_size = Size(self._width, self._index.total)
            goal = self._scroll_goal(anchor)
            # Following also ends an animation that is still under way to elsewhere; otherwise it may go on.
            if goal != self.scroll_offset.y or (anchor is None and goal != self.scroll_target_y):
                self.scroll_to(y=goal, animate=False, force=True)
        finally:
            self._syncing = False
        self.refresh()

    def _scroll_goal(self, anchor: tuple[Row, int] | None) -> int:
        if anchor is None or self.conversation is None:
            return self.max_scroll_y
        row, offset = anchor
        index = self.conversation.index_of(row)
        if index is None:
            return 0
        offset = min(offset, self._index.height(index) - 1)
        return self._index.top(index) - self._index.base + offset

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.post_message(self.FollowChanged())

    # -- painting -------------------------------------------------------------------------------------------

    def _role_style(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self.get_component_rich_style(_PREFIX + role)
        return style

    def _line(self, line: int) -> Strip:
        place = self._index.locate(line)
        if place is None:
            return self._painter.blank()
        strip = self._painter.paint(self._index.rows[place[0]])[place[1]]
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        if span is None:
            return strip
        end = None if span[1] == -1 else span[1]
        return highlight(strip, span[0], end, self.screen.get_component_rich_style("screen--selection"))

    def _plain_line(self, line: int) -> str | None:
        place = self._index.locate(line)
        return self._painter.paint(self._index.rows[place[0]])[place[1]].text if place else None

    def _empty_line(self, y: int, height: int) -> Strip:
        text, width = self._empty_text, self._painter.columns.width
        spans = wrap(text, max(2, width - 4)) if text else []
        number = y - (height - len(spans)) // 2
        if not 0 <= number < len(spans):
            return self._painter.blank()
        content = text[slice(*spans[number])]
        return self._painter.line([(" " * ((width - cell_len(content)) // 2), "text"), (content, "empty")])

    def _repaint_row(self, index: int) -> None:
        top = self._index.top(index) - self._index.base - self.scroll_offset.y
        missing = max(0, self.size.height - self._index.total)
        self.refresh(Region(0, top + missing, self._width, self._index.height(index)))

    def _refresh_pill(self) -> None:
        unread = self.conversation.unread if self.conversation is not None and not self.following else 0
        if unread != self._pill:
            self._pill = unread
            self.refresh(Region(0, self.size.height - 1, self._width, 1))

    def _pill_text(self) -> str:
        return f" {self._pill:,} new ↓ "

    def _pill_start(self) -> int:
        return max(0, self._painter.columns.width - cell_len(self._pill_text()) - 1)

    def _with_pill(self, strip: Strip) -> Strip:
        start = self._pill_start()
        pill = Strip.blank(0).join([self._painter.line([(self._pill_text(), "pill")])])
        end = start + cell_len(self._pill_text())
        return Strip.join([strip.crop(0, start), pill.crop(0, end - start), strip.crop(end)])
