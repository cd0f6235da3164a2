"""The message pane: what people do with the messages that they see."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip

from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_lines import Piece
from globalchat.ui.model.rows import MessageRow, Row
from globalchat.ui.model.status import Keys, default_keys
from globalchat.ui.widgets.message_view import MessageView


class MessagePane(MessageView, can_focus=True):
    """Messages that can be chosen, by key or mouse, and a pill with the number of those below.

    With the focus (by key, never by a click: that would take it from the composer) its keys choose messages.
    """

    FOCUS_ON_CLICK = False
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

    class ActionWanted(Message):
        """Something is to be done with a message: `copy`, `details`, `retry` or `open` (a link of it)."""

        def __init__(self, action: str, row: MessageRow, url: str | None = None) -> None:
            super().__init__()
            self.action = action
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
        super().__init__(keys, id=id)
        self._pill = 0

    def show(self, conversation: Conversation | None, names: RegionNames) -> None:
        """Show a conversation where it was left, at first from its end; nothing of it is chosen."""
        self.chosen = None
        super().show(conversation, names)
        self._refresh_pill()

    def sync(self) -> None:
        """Take in what changed in the conversation since the last call."""
        super().sync()
        if self.chosen is not None and self.conversation is not None:
            self.choose(self.conversation.nearest_message(self.chosen))
        self._refresh_pill()

    def jump_to_tail(self) -> None:
        """Show the newest message and follow the end again."""
        super().jump_to_tail()
        self._refresh_pill()

    def choose(self, row: MessageRow | None) -> None:
        """Make a message the chosen one."""
        if row is self.chosen:
            return
        self.chosen = row
        self.refresh()
        if row is not None:
            self.reveal(row)

    def _concerned(self) -> list[Row]:
        """Return the chosen message, else the rows in sight."""
        return super()._concerned() if self.chosen is None else [self.chosen]

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

    def action_act(self, action: str) -> None:
        """Do something with the chosen message, or the newest."""
        row = self.chosen or self.newest()
        if row is not None:
            self.post_message(self.ActionWanted(action, row))

    # -- Textual --------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the visible part, with the pill on the last one."""
        strip = super().render_line(y)
        return self._with_pill(strip) if self._pill and y == self.size.height - 1 else strip

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
        elif piece is not None and piece.role == "fold":
            self.fold([row], whole=True)
        elif event.chain == 2:
            self.post_message(self.ActionWanted("details", row))

    # -- the pill -------------------------------------------------------------------------------------------

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
