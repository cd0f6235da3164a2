"""What is seen of a channel's messages: rows on Textual's Line API, to be searched and selected."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import selected_text
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_lines import ROLES, WRITTEN, Mark, Piece, columns, is_folded
from globalchat.ui.model.rows import MessageRow, Row
from globalchat.ui.model.search import Search
from globalchat.ui.model.status import Keys, default_keys
from globalchat.ui.model.text import centred_line
from globalchat.ui.widgets.painter import Painter, highlight
from globalchat.ui.widgets.role_styles import RoleStyles
from globalchat.ui.widgets.row_view import RowView

_PREFIX = "message-pane--"
_OWN_ROLES = ("pill", "empty", "chosen")
"""Styles of the pane itself, beside those of the rows."""


class MessageView(RowView):
    """Shows one conversation and follows its end until somebody scrolls up.

    Call `show` to change the conversation, `sync` after it changed.

    Attributes:
        search: What is searched, and found.
        chosen: The message that something is to be done with; it stands out.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(_PREFIX + role for role in (*ROLES, *_OWN_ROLES)),
    }

    class Matched(Message):
        """Rows came or went, and the search found something else in them."""

    def __init__(self, keys: Keys = default_keys, *, id: str | None = None) -> None:  # noqa: A002 (Textual's)
        """`keys` names the keys of the registry's actions."""
        self._keys = keys
        self.search = Search()
        self.chosen: MessageRow | None = None
        self._names = RegionNames()
        self._empty_text = ""
        self._plain = False
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
        """Show a conversation where it was left, at first from its end."""
        self._names = names
        anchor = self._take_up(conversation)
        self._search_anew()
        self._painter = self._new_painter()
        self._start(anchor)

    def sync(self) -> None:
        """Take in what changed in the conversation since the last call."""
        edits = self._replay()
        if edits and self.conversation is not None and self.search.replay(edits, self.conversation.rows):
            self._painter.forget()
            self.refresh()
            self.post_message(self.Matched())

    def set_empty_text(self, text: str) -> None:
        """What to say while there are no rows."""
        if text != self._empty_text:
            self._empty_text = text
            self.refresh()

    def set_plain(self, plain: bool) -> None:
        """Show the messages without columns, or with them again."""
        self._plain = plain
        self._rewrap()

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

    def row_height(self, row: Row) -> int:
        """How many lines a row takes at the present width."""
        return self._painter.height(row)

    def is_folded(self, row: Row) -> bool:
        """Whether a part of a row's text is not shown."""
        return is_folded(row, self._painter.columns)

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
        missing = self._missing
        if not len(self._index):
            return self._empty_line(y)
        line = self._top + y - missing
        strip = self._line(line) if y >= missing else self._painter.blank()
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
        row = self.search.current
        if row is not None and self.conversation is not None:
            if self._match_line(row) is None:
                self.conversation.fold(row, whole=True)
                self.sync()
            self.reveal(row, line=self._match_line(row))
        self.refresh()

    def _match_line(self, row: Row) -> int | None:
        """Return the line of a row in which its first match begins; None if that is folded."""
        for number, line in enumerate(self._painter.lines(row)):
            if any(piece.role == "match-current" for piece in line):
                return number
        return None

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
        if row is self.chosen and place[1] >= row.above:
            strip = highlight(strip, 0, None, _ground(self._role_style("chosen")))
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        if span is None:
            return strip
        return highlight(strip, span[0], None if span[1] == -1 else span[1], self._selection_style())

    def _selection_style(self) -> Style:
        """How selected text looks: most themes leave its colour as it is, by one that is transparent."""
        look = self.screen.get_component_styles("screen--selection").color
        style = self.screen.get_component_rich_style("screen--selection")
        return style if look.a else _ground(style)

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


def _ground(style: Style) -> Style:
    """Return what a style does behind text: its background, or that both are exchanged."""
    return Style(bgcolor=style.bgcolor, reverse=style.reverse or None)
