"""The message pane: a channel's rows on Textual's Line API."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from tui.model.columns import columns
from tui.model.conversation import Conversation
from tui.model.copying import selected_text
from tui.model.regions import RegionNames
from tui.model.row_lines import ROLES, WRITTEN, Mark, Piece
from tui.model.rows import MessageRow, Row
from tui.model.search import Search
from tui.model.status import Keys, default_keys
from tui.model.text import centred_line
from tui.widgets.painter import Painter, highlight
from tui.widgets.role_styles import RoleStyles
from tui.widgets.row_view import RowView

_PREFIX = "message-pane--"
_OWN_ROLES = ("pill", "empty", "chosen")
"""Styles of the pane itself, beside those of the rows."""


class MessagePane(RowView, can_focus=True):
    """Shows one conversation and follows its end until somebody scrolls up.

    Call `show` to change the conversation, `sync` after it changed. With the focus (by key, never by a click:
    that would take it from the composer) its keys choose messages.
    """

    FOCUS_ON_CLICK = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(_PREFIX + role for role in (*ROLES, *_OWN_ROLES)),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Choose the message above", id="message.above"),
        Binding("down,j", "choose(1)", "Choose the message below", id="message.below"),
        Binding("y,c", "act('copy')", "Copy", id="message.copy"),
        Binding("enter", "act('details')", "Details", id="message.details"),
        Binding("r", "act('retry')", "Retry", id="message.retry"),
        Binding("o", "act('open')", "Open the link", id="message.open"),
        Binding("x", "screen.discard", "Discard", id="message.discard"),
    ]

    class PillClicked(Message):
        """Somebody wants to see the newest messages."""

    class Matched(Message):
        """Rows came or went, and the search found something else in them."""

    class ActionWanted(Message):
        """Something is to be done with a message: `copy`, `details`, `retry` or `open` (a link of it)."""

        def __init__(self, deed: str, row: MessageRow, url: str | None = None) -> None:
            super().__init__()
            self.deed = deed
            self.row = row
            self.url = url

    class MenuWanted(Message):
        """Somebody wants to do something with a message; `at` is where on the screen the mouse is."""

        def __init__(self, row: MessageRow, at: Offset) -> None:
            super().__init__()
            self.row = row
            self.at = at

    class Typed(Message):
        """Somebody typed while the pane had the focus: it belongs to the composer."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, keys: Keys = default_keys, *, id: str | None = None) -> None:  # noqa: A002 (Textual's)
        """`keys` names the keys of the registry's actions."""
        self._keys = keys
        self.search = Search()
        self.chosen: MessageRow | None = None
        self._names = RegionNames()
        self._empty_text = ""
        self._plain = False
        self._pill = 0
        self._searched_from: Row | None = None
        self._role_style = RoleStyles(self, _PREFIX, WRITTEN)
        super().__init__(id=id)
        self._painter = self._new_painter()

    @property
    def allow_select(self) -> bool:
        """Text can be selected with the mouse."""
        return True

    @property
    def names(self) -> RegionNames:
        """How the regions are called."""
        return self._names

    @property
    def plain(self) -> bool:
        """Whether the messages are shown without columns, over the whole width."""
        return self._plain

    def show(self, conversation: Conversation | None, names: RegionNames) -> None:
        """Show a conversation from its end."""
        self._names, self.chosen = names, None
        self._take_up(conversation)
        self._search_anew()
        self._painter = self._new_painter()
        self._start(None)
        self._refresh_pill()

    def sync(self) -> None:
        """Take in what changed in the conversation since the last call."""
        edits = self._replay()
        if edits and self.conversation is not None and self.search.replay(edits, self.conversation.rows):
            self._painter.forget()
            self.refresh()
            self.post_message(self.Matched())
        self._refresh_pill()

    def set_empty_text(self, text: str) -> None:
        """What to say while there are no rows."""
        if text != self._empty_text:
            self._empty_text = text
            self.refresh()

    def set_plain(self, plain: bool) -> None:
        """Show the messages without columns, or with them again."""
        self._plain = plain
        self._rewrap()

    def jump_to_tail(self) -> None:
        """Show the newest message and follow the end again."""
        super().jump_to_tail()
        self._refresh_pill()

    def look_for(self, query: str) -> None:
        """Search, mark what is found, and show the match nearest to where one was when the search began."""
        rows = self.conversation.rows if self.conversation is not None else ()
        if not self.search.query:
            self._searched_from = self._bottom_row()
        self.search.look_for(query, rows, self._searched_from)
        self._show_match()

    def step_match(self, offset: int) -> None:
        """Show a later (1) or earlier (-1) match."""
        self.search.step(offset)
        self._show_match()

    def _bottom_row(self) -> Row | None:
        """The last row in sight, None while following the end."""
        place = None if self.following else self._index.locate(self._top + self.size.height - 1)
        return self._index.row(place[0]) if place else None

    def choose(self, row: MessageRow | None) -> None:
        """Make a message the chosen one."""
        if row is not self.chosen:
            self.chosen = row
            self.refresh()
        if row is not None:
            self.reveal(row)

    def newest(self) -> MessageRow | None:
        """The last message of the channel."""
        rows = self.conversation.rows if self.conversation is not None else ()
        return next((row for row in reversed(rows) if isinstance(row, MessageRow)), None)

    def action_choose(self, step: int) -> None:
        """Choose the next message in a direction; first the newest."""
        rows: Sequence[Row] = self.conversation.rows if self.conversation is not None else ()
        here = self.conversation.index_of(self.chosen) if self.conversation and self.chosen else None
        if here is None:
            self.choose(self.newest())
            return
        order = range(here + 1, len(rows)) if step > 0 else range(here - 1, -1, -1)
        row = next((rows[place] for place in order if isinstance(rows[place], MessageRow)), None)
        if isinstance(row, MessageRow):
            self.choose(row)

    def action_act(self, deed: str) -> None:
        """Do something with the chosen message, or the newest."""
        row = self.chosen or self.newest()
        if row is not None:
            self.post_message(self.ActionWanted(deed, row))

    def row_height(self, row: Row) -> int:
        """How many lines a row takes at the present width."""
        return self._painter.height(row)

    # -- Textual --------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Wrap anew for the new width, keeping the place."""
        if self._width != self._painter.columns.width:
            self._rewrap()
        else:
            self._settle(self._anchor())

    def notify_style_update(self) -> None:
        """Forget what was painted with the old styles."""
        super().notify_style_update()
        self._role_style.forget()
        self._painter.forget()

    def render_line(self, y: int) -> Strip:
        """One line of the visible part; few rows stand at the bottom."""
        height, missing = self.size.height, self._missing
        if not len(self._index):
            return self._empty_line(y)
        line = self._top + y - missing
        strip = self._line(line) if y >= missing else self._painter.blank()
        if y == height - 1 and self._pill:
            strip = self._with_pill(strip)
        return strip.apply_offsets(0, line)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text: that of the messages alone, unless the selection begins before it."""
        first, last = (self._index.base, 0), (self._index.base + self._index.total - 1, 1 << 30)
        start = first if selection.start is None else (selection.start.y, selection.start.x)
        end = last if selection.end is None else (selection.end.y, selection.end.x)
        return selected_text(self._index, self._painter.lines, max(start, first), min(end, last)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 (Textual's name)
        """Show the selection."""
        self.refresh()

    def on_blur(self) -> None:
        """Nothing is chosen while the composer has the focus."""
        self.choose(None)

    def on_key(self, event: events.Key) -> None:
        """What is typed belongs to the composer, but for the pane's own keys."""
        if event.is_printable and event.character and event.key not in self._bindings.key_to_bindings:
            event.stop()
            self.post_message(self.Typed(event.character))

    def on_click(self, event: events.Click) -> None:
        """A click on the pill, a link or a failed tick acts; two clicks on a message tell all about it.

        One with the right button asks what to do with it.
        """
        if event.chain > 1:
            event.prevent_default()  # Textual would select the whole history
        if self._pill and event.y == self.size.height - 1 and event.x >= self._pill_start():
            self.post_message(self.PillClicked())
            return
        row, piece = self._piece_at(event.x, event.y)
        if not isinstance(row, MessageRow) or self.text_selection is not None:
            return
        if event.button == 3:
            self.post_message(self.MenuWanted(row, event.screen_offset))
        elif piece is not None and piece.link:
            self.post_message(self.ActionWanted("open", row, piece.link))
        elif piece is not None and piece.role == "failure":
            self.post_message(self.ActionWanted("retry", row))
        elif event.chain == 2:
            self.post_message(self.ActionWanted("details", row))

    # -- layout ---------------------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        """The columns for text: without the scroll bar, which `size` includes."""
        return self.scrollable_content_region.width

    def _new_painter(self) -> Painter:
        widths = [
            max(map(len, codes.values()), default=size)
            for codes, size in ((self._names.codes, 3), (self._names.letters, 1))
        ]
        shape = columns(self._width, code=widths[0], letter=widths[1], plain=self._plain)
        return Painter(shape, self._names, self._role_style, self._marks, self._keys)

    def _rewrap(self) -> None:
        """Show the same at another width."""
        anchor = self._anchor()
        self._painter = self._new_painter()
        if self.text_selection is not None:
            self.screen.clear_selection()  # its lines are others now
        self._restart(anchor)

    def _search_anew(self) -> None:
        """Another channel: search there what was searched here."""
        if self.search.query:
            rows = self.conversation.rows if self.conversation is not None else ()
            self.search.restart(rows, None)
            self.post_message(self.Matched())

    def _show_match(self) -> None:
        self._painter.forget()
        if self.search.current is not None:
            self.reveal(self.search.current)
        self.refresh()

    # -- painting -------------------------------------------------------------------------------------------

    def _marks(self, row: Row) -> Sequence[Mark]:
        role = "match-current" if row is self.search.current else "match"
        return [(start, end, role) for start, end in self.search.spans(row)]

    def _line(self, line: int) -> Strip:
        place = self._index.locate(line)
        if place is None:
            return self._painter.blank()
        row = self._index.row(place[0])
        strips = self._painter.paint(row)
        # A row may have changed a moment ago, without a `sync` since.
        strip = strips[place[1]] if place[1] < len(strips) else self._painter.blank()
        if row is self.chosen:
            strip = strip.apply_style(self._role_style("chosen"))
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        if span is None:
            return strip
        end = None if span[1] == -1 else span[1]
        return highlight(strip, span[0], end, self.screen.get_component_rich_style("screen--selection"))

    def _piece_at(self, x: int, y: int) -> tuple[Row | None, Piece | None]:
        """The row and the piece of it that stand at a place of the view."""
        place = self._index.locate(self._top + y - self._missing) if y >= self._missing else None
        if place is None:
            return None, None
        row = self._index.row(place[0])
        position = 0
        for piece in self._painter.lines(row)[place[1]]:
            position += cell_len(piece.text)
            if x < position:
                return row, piece
        return row, None

    def _empty_line(self, y: int) -> Strip:
        text = centred_line(self._empty_text, y, self._painter.columns.width, self.size.height)
        return self._painter.line([Piece(text, "empty")])

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
        pill = Strip.blank(0).join([self._painter.line([Piece(self._pill_text(), "pill")])])
        end = start + cell_len(self._pill_text())
        return Strip.join([strip.crop(0, start), pill.crop(0, end - start), strip.crop(end)])
