"""The message pane: a channel's rows on Textual's Line API, which can be chosen, searched and selected."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import selected_text
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_lines import (
    ROLES,
    WRITTEN,
    Columns,
    Line,
    Mark,
    Piece,
    columns,
    is_folded,
    row_height,
    row_lines,
)
from globalchat.ui.model.rows import FAILED, Delivery, MessageRow, NoticeRow, Row
from globalchat.ui.model.search import Search
from globalchat.ui.model.status import Keys
from globalchat.ui.widgets.composer_bar import ForwardsTyping
from globalchat.ui.widgets.row_view import RowView

_PREFIX = "message-pane--"
_NEAR_TOP = 10
"""Choosing upwards asks for older messages from this row on."""

_OWN_ROLES = ("pill", "empty", "chosen")
"""Styles of the pane itself, in addition to those of the rows."""


class MessagePane(ForwardsTyping, RowView, can_focus=True):
    """Shows one conversation.

    Messages can be chosen, and a pill shows the number of unread ones below. Call `show` to change the
    conversation, `sync` after it has changed. With the focus (by key, never by a click, which would take it
    from the composer) its keys choose messages, and what else is typed goes to the composer. `keys` names the
    keys of the registry's actions.

    Attributes:
        search: The search and its matches.
        chosen: The highlighted message, to which the next action applies.
        names: The names of the regions.
        plain: True if messages are shown without columns, over the whole width.
        formatted: True if code and emphasis have their looks.
    """

    # A click selects text; the focus, and with it what is typed next, stays in the composer.
    FOCUS_ON_CLICK = False
    STYLE_PREFIX = _PREFIX
    VERBATIM_ROLES = WRITTEN
    EMPTY_ROLE = "empty"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(_PREFIX + role for role in (*ROLES, *_OWN_ROLES)),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        # Not in the footer, whose room is for what can be done with the message.
        Binding("up,k", "choose(-1)", "Choose the message above", id="message.above", show=False),
        Binding("down,j", "choose(1)", "Choose the message below", id="message.below", show=False),
        Binding("y,c", "act('copy')", "Copy", id="message.copy"),
        Binding("enter", "act('details')", "Details", id="message.details"),
        Binding("r", "act('reply')", "Reply", id="message.reply"),
        Binding("s", "act('retry')", "Again", id="message.retry"),
        Binding("o", "act('open')", "Link", id="message.open"),
        Binding("x", "act('discard')", "Discard", id="message.discard"),
        Binding("escape", "screen.perform('back')", "Back"),
    ]

    class Matched(Message):
        """Posted when changed rows have changed the matches of the search."""

    class PillClicked(Message):
        """Posted to go to the newest message."""

    class ActionRequested(Message):
        """Posted to act on a message: `copy`, `details`, `reply`, `retry`, `discard`, `open` (a link)."""

        def __init__(self, action: str, row: MessageRow, url: str | None = None) -> None:
            super().__init__()
            self.action = action
            self.row = row
            self.url = url

    class NoticeClicked(Message):
        """Posted when a notice is clicked, perhaps to read the messages of a gap."""

        def __init__(self, row: NoticeRow) -> None:
            super().__init__()
            self.row = row

    class MenuRequested(Message):
        """Posted to open the menu of a message; `at` is the mouse's position on the screen."""

        def __init__(self, row: MessageRow, at: Offset) -> None:
            super().__init__()
            self.row = row
            self.at = at

    def __init__(self, keys: Keys, *, id: str | None = None) -> None:  # noqa: A002 (Textual's)
        self._keys = keys
        self.search = Search()
        self.chosen: MessageRow | None = None
        self.names = RegionNames()
        self.plain = False
        self.formatted = True
        self._searched_from: Row | None = None
        self._pill = 0
        super().__init__(id=id)

    @property
    def allow_select(self) -> bool:
        """True: text can be selected with the mouse."""
        return True

    def reshape(self) -> None:
        """Lay out the columns for the width and for the names of regions and senders."""
        self._columns = self._lay_out()

    def _lay_out(self) -> Columns:
        names = self.names
        conversation = self.conversation
        sized = (
            {}
            if conversation is None
            else {"name": conversation.name_cells, "time": conversation.calendar.time_cells}
        )
        laid_out = columns(
            self.text_width, code=names.code_cells, title=names.title_cells, plain=self.plain, **sized
        )
        return laid_out if self.formatted else replace(laid_out, formatted=False)

    def row_lines(self, row: Row) -> list[Line]:
        """Return the lines of a row, as pieces."""
        return row_lines(row, self._columns, self.names, self._keys, self._marks(row))

    def row_height(self, row: Row) -> int:
        """Return the number of lines of a row."""
        return row_height(row, self._columns, self._keys)

    def is_folded(self, row: Row) -> bool:
        """Return True if a part of a row's text is not shown."""
        return is_folded(row, self._columns)

    def show(self, conversation: Conversation | None, names: RegionNames) -> None:
        """Show a conversation where it was left, at first from its end, with nothing chosen."""
        self.chosen = None
        self.names = names
        anchor = self._replace_conversation(conversation)
        if self.search.query:
            self.search.restart(self._rows, None)
            self.post_message(self.Matched())
        self._show_rows(anchor)
        self._refresh_pill()

    def sync(self) -> None:
        """Show the changes in the conversation since the last call."""
        edits = self._replay()
        if edits and self.conversation is not None and self.search.replay(edits, self.conversation.rows):
            self.forget_strips()
            self.refresh()
            self.post_message(self.Matched())
        if self.chosen is not None and self.conversation is not None:
            # The chosen row may have been removed, or moved by an older message before it.
            self.choose(self.conversation.nearest_message(self.chosen))
        if edits and self._lay_out() != self._columns:
            self.rewrap()  # A longer name came: its column becomes wider.
        self._refresh_pill()

    def set_plain(self, plain: bool) -> None:
        """Show the messages without columns, or with them again."""
        self.plain = plain
        self.rewrap()

    def set_formatted(self, formatted: bool) -> None:
        """Show code and emphasis with their looks, or the texts as they were written."""
        self.formatted = formatted
        self.rewrap()

    def jump_to_tail(self) -> None:
        """Show the newest message and follow the end again."""
        super().jump_to_tail()
        self._refresh_pill()

    @property
    def _rows(self) -> Sequence[Row]:
        return self.conversation.rows if self.conversation is not None else ()

    # -- choosing -------------------------------------------------------------------------------------------

    def choose(self, row: MessageRow | None) -> None:
        """Highlight a message for the next action; None for none."""
        if row is self.chosen:
            return
        self.chosen = row
        self.refresh()
        self.refresh_bindings()
        if row is not None:
            self.reveal(row)

    def foldable_rows(self) -> list[Row]:
        """Return the chosen message, else the visible rows."""
        return super().foldable_rows() if self.chosen is None else [self.chosen]

    def newest(self) -> MessageRow | None:
        """Return the last message of the channel."""
        return next((row for row in reversed(self._rows) if isinstance(row, MessageRow)), None)

    def newest_of_others(self) -> MessageRow | None:
        """Return the last message of the channel that another person wrote."""
        return next(
            (row for row in reversed(self._rows) if isinstance(row, MessageRow) and not row.own), None
        )

    def action_choose(self, step: int) -> None:
        """Choose the next message in a direction; first the newest."""
        rows = self._rows
        here = self.conversation.index_of(self.chosen) if self.conversation and self.chosen else None
        if here is None:
            self.choose(self.newest())
            return
        order = range(here + 1, len(rows)) if step > 0 else range(here - 1, -1, -1)
        row = next((rows[place] for place in order if isinstance(rows[place], MessageRow)), None)
        if step < 0 and here < _NEAR_TOP:
            # Before the first row is reached, so that older messages are there when it is.
            self.post_message(self.TopReached())
        if isinstance(row, MessageRow):
            self.choose(row)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for what cannot be done with the chosen message, so that no key is shown for it."""
        row = self.chosen
        match action, parameters:
            case "act", ("retry",) if row is not None:
                return row.delivery in FAILED
            case "act", ("discard",) if row is not None:
                return row.delivery in (*FAILED, Delivery.SENDING)
            case "act", ("open",) if row is not None:
                return bool(row.links)
        return True

    def action_act(self, action: str) -> None:
        """Act on the chosen message, or the newest."""
        row = self.chosen or (self.newest_of_others() if action == "reply" else None) or self.newest()
        if row is not None:
            self.post_message(self.ActionRequested(action, row))

    # -- searching ------------------------------------------------------------------------------------------

    def look_for(self, query: str) -> None:
        """Search, mark the matches, and show the one nearest to the view at the start of the search."""
        # Each further letter searches from the same place: the view must not drift while the user types.
        if not self.search.query:
            self._searched_from = self._bottom_row()
        self.search.look_for(query, self._rows, self._searched_from)
        self._show_match()

    def step_match(self, offset: int) -> None:
        """Show a later (1) or earlier (-1) match."""
        self.search.step(offset)
        self._show_match()

    def show_match(self, row: MessageRow) -> None:
        """Make a match the current one and show it."""
        self.search.current = row
        self._show_match()

    def _bottom_row(self) -> Row | None:
        """Return the last visible row, None while following the end."""
        place = None if self.following else self._index.locate(self._top + self.size.height - 1)
        return self._index.row(place[0]) if place else None

    def _show_match(self) -> None:
        self.forget_strips()
        row = self.search.current
        if row is not None and self.conversation is not None:
            if self._match_line(row) is None:
                self.conversation.fold(row, whole=True)
                self.sync()
            self.reveal(row, line=self._match_line(row))
        self.refresh()

    def _match_line(self, row: Row) -> int | None:
        """Return the line of a row in which its first match begins; None if that is folded."""
        for number, line in enumerate(self.row_lines(row)):
            if any(piece.role == "match-current" for piece in line):
                return number
        return None

    def _marks(self, row: Row) -> Sequence[Mark]:
        role = "match-current" if row is self.search.current else "match"
        return [(start, end, role) for start, end in self.search.spans(row)]

    # -- painting and selecting -----------------------------------------------------------------------------

    def decorate(self, strip: Strip, y: int, line: int, row: Row | None, row_line: int) -> Strip:
        """Return a painted line with choice and selection, and with the pill on the last line."""
        chosen = self.chosen
        if chosen is not None and row is chosen and row_line >= chosen.above:
            strip = _highlight(strip, 0, None, _ground(self.style_of("chosen")))
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None and row is not None else None
        if span is not None:
            # -1 is Textual's mark for the end of the line.
            end = None if span[1] == -1 else span[1]
            strip = _highlight(strip, span[0], end, self._selection_style())
        if row is not None or self._rows:
            # Textual finds the selected text by these offsets, which count lines of the index, not of the
            # view.
            strip = strip.apply_offsets(0, line)
        return self._with_pill(strip) if self._pill and y == self.size.height - 1 else strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text: only of the messages, unless the selection begins before a text."""
        # Textual's "select all" has neither start nor end, and older rows may have come above since.
        first, last = (self._index.base, 0), (self._index.base + self._index.total - 1, 1 << 30)
        start = first if selection.start is None else (selection.start.y, selection.start.x)
        end = last if selection.end is None else (selection.end.y, selection.end.x)
        return selected_text(self._index, self.row_lines, max(start, first), min(end, last)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 (Textual's name)
        """Show the selection."""
        self.refresh()

    def _selection_style(self) -> Style:
        """Return the style of selected text; most themes keep its colour by a transparent one."""
        look = self.screen.get_component_styles("screen--selection").color
        style = self.screen.get_component_rich_style("screen--selection")
        return style if look.a else _ground(style)

    # -- input ----------------------------------------------------------------------------------------------

    def on_blur(self) -> None:
        """Clear the choice when the composer gets the focus."""
        self.choose(None)

    def on_click(self, event: events.Click) -> None:
        """Handle a click on the pill, a link or a failed tick; a double click on a message shows its details.

        A right click opens the message's menu.
        """
        if event.chain > 1:
            event.prevent_default()  # Otherwise Textual would select the whole history.
        if self._pill and event.y == self.size.height - 1 and event.x >= self._pill_start():
            self.post_message(self.PillClicked())
            return
        row, piece = self._piece_at(event.x, event.y)
        if isinstance(row, NoticeRow) and piece is not None and piece.role == row.role:
            self.post_message(self.NoticeClicked(row))
        # The click that ends a selection is not meant for the message under it.
        if not isinstance(row, MessageRow) or self.text_selection is not None:
            return
        if event.button == 3:
            self.post_message(self.MenuRequested(row, event.screen_offset))
        elif piece is not None and piece.link:
            self.post_message(self.ActionRequested("open", row, piece.link))
        elif piece is not None and piece.role == "failure":
            self.post_message(self.ActionRequested("retry", row))
        elif piece is not None and piece.role == "fold":
            self.fold([row], whole=True)
        elif event.chain == 2:
            self.post_message(self.ActionRequested("details", row))

    def _piece_at(self, x: int, y: int) -> tuple[Row | None, Piece | None]:
        """Return the row and the piece of it at a place of the view."""
        found = self.row_at(y)
        if found is None:
            return None, None
        row, line = found
        position = 0
        for piece in self.row_lines(row)[line]:
            position += cell_len(piece.text)
            if x < position:
                return row, piece
        return row, None

    # -- the pill -------------------------------------------------------------------------------------------

    def _refresh_pill(self) -> None:
        unread = self.conversation.mark.unread if self.conversation is not None and not self.following else 0
        if unread != self._pill:
            self._pill = unread
            self.refresh(Region(0, self.size.height - 1, self.text_width, 1))

    def _pill_text(self) -> str:
        return f" {self._pill:,} new ↓ "

    def _pill_start(self) -> int:
        return max(0, self._columns.width - cell_len(self._pill_text()) - 1)

    def _with_pill(self, strip: Strip) -> Strip:
        start = self._pill_start()
        pill = Strip.blank(0).join([self.paint_pieces([Piece(self._pill_text(), "pill")])])
        end = start + cell_len(self._pill_text())
        return Strip.join([strip.crop(0, start), pill.crop(0, end - start), strip.crop(end)])


def _ground(style: Style) -> Style:
    """Return the part of a style behind text: its background, or reverse."""
    # None instead of False: False would remove the reverse of the style below.
    return Style(bgcolor=style.bgcolor, reverse=style.reverse or None)


def _highlight(strip: Strip, start: int, end: int | None, style: Style) -> Strip:
    """Return `strip` with the characters from `start` to `end` (None: to the end) shown as selected."""
    # By characters and not by cells, so that a wide character is never cut in half.
    segments: list[Segment] = []
    position = 0
    for text, own, _ in strip:
        stop = position + len(text)
        a = min(max(start, position), stop) - position
        b = (stop if end is None else min(max(end, position), stop)) - position
        b = max(a, b)
        selected = (own or Style()) + style
        pieces = ((text[:a], own), (text[a:b], selected), (text[b:], own))
        segments += [Segment(piece, look) for piece, look in pieces if piece]
        position = stop
    return Strip(segments, strip.cell_length)
