"""The channel list: names on the left, unread counts on the right."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from globalchat.ui.model.names import Names
from globalchat.ui.model.text import pad
from globalchat.ui.model.view_model import ChannelEntry

_PREFIX = "channel-list--"


class ChannelList(ScrollView, can_focus=False):
    """Shows the channels: `@` marks mentions among the unread messages, `›` the open channel.

    A click goes to a channel; one with the right button opens its menu.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        _PREFIX + role
        for role in ("entry", "current", "unread", "mention", "count", "hover", "revoked", "muted")
    }

    class Picked(Message):
        """Posted to open a channel."""

        def __init__(self, channel: str) -> None:
            super().__init__()
            self.channel = channel

    class MenuRequested(Message):
        """Posted to open the menu of a channel; `at` is the mouse's position on the screen."""

        def __init__(self, channel: str, at: Offset) -> None:
            super().__init__()
            self.channel = channel
            self.at = at

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._entries: tuple[ChannelEntry, ...] = ()
        self._names = Names()
        self._current: str | None = None
        self._hover: int | None = None

    def show(self, entries: Sequence[ChannelEntry], current: str | None) -> None:
        """Show entries; repaint only if they differ."""
        shown = (tuple(entries), current)
        if shown == (self._entries, self._current):
            return
        for entry in entries:
            self._names.name(entry.channel)
        moved = current != self._current
        self._entries, self._current = shown
        self.virtual_size = Size(self.size.width, len(self._entries))
        if moved:
            self._scroll_to_current()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the line of an entry."""
        width = self.scrollable_content_region.width
        number = y + self.scroll_offset.y
        if number >= len(self._entries):
            return Strip.blank(width, self.rich_style)
        return self._paint(self._entries[number], hover=number == self._hover, width=width)

    def on_click(self, event: events.Click) -> None:
        """Pick the channel under the mouse, or open its menu."""
        number = self._entry_at(event)
        if number is None:
            return
        channel = self._entries[number].channel
        if event.button == 1:
            self.post_message(self.Picked(channel))
        else:
            self.post_message(self.MenuRequested(channel, event.screen_offset))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Highlight the channel that a click would pick."""
        self._set_hover(self._entry_at(event))

    def on_leave(self) -> None:
        """Highlight no channel."""
        self._set_hover(None)

    def _paint(self, entry: ChannelEntry, *, hover: bool, width: int) -> Strip:
        current = entry.channel == self._current
        look = "current" if current else "hover" if hover else "entry"
        base = self.get_component_rich_style(_PREFIX + look)
        mention = f"@{entry.mentions} " if entry.mentions else ""
        count = "ended" if entry.revoked else f"{entry.unread:,}" if entry.unread else ""
        sign = f"{entry.sign} " if entry.sign else ""
        room = width - 4 - cell_len(sign) - cell_len(mention) - cell_len(count)
        name = pad(f"# {self._names.name(entry.channel).drawn(max(0, room - 2))}", max(0, room))
        gone = "revoked" if entry.revoked else "muted" if entry.muted else ""
        strong = gone or ("unread" if entry.unread else look)
        # Only the foreground of the inner pieces: the background is the entry's.
        pieces = [
            ("›" if current else " ", base),
            (name + " ", base + self._foreground(strong)),
            (sign, base + self._foreground("muted")),
            (mention, base + self._foreground("muted" if entry.muted else "mention")),
            (count, base + self._foreground(gone or "count")),
            ("  ", base),
        ]
        return Strip([Segment(*piece) for piece in pieces if piece[0]]).adjust_cell_length(width, base)

    def _foreground(self, role: str) -> Style:
        style = self.get_component_rich_style(_PREFIX + role)
        return Style(color=style.color, bold=style.bold, strike=style.strike)

    def _entry_at(self, event: events.MouseEvent) -> int | None:
        number = event.y + self.scroll_offset.y
        return number if number < len(self._entries) else None

    def _set_hover(self, number: int | None) -> None:
        if number != self._hover:
            self._hover = number
            self.refresh()

    def _scroll_to_current(self) -> None:
        for number, entry in enumerate(self._entries):
            if entry.channel == self._current and not (
                self.scroll_offset.y <= number < self.scroll_offset.y + self.size.height
            ):
                self.scroll_to(y=number, animate=False)
