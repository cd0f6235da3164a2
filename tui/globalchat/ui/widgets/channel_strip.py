"""The channels in one line, for windows without room for the channel list."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from globalchat.ui.model.text import clip_middle, shown_name
from globalchat.ui.model.view_model import ChannelEntry
from globalchat.ui.widgets.bars import Header
from globalchat.ui.widgets.channel_list import ChannelList

_NAME_CELLS = 20
"""The most cells of a channel's name."""

_LOOK = {
    "entry": "$text-muted",
    "here": "bold $text-primary on $primary-muted",
    "unread": "bold $foreground",
    "mention": "bold $text-accent",
    "mention-here": "bold $text-accent on $primary-muted",
    "ended": "$text-muted strike",
    "more": "$text-muted",
}
_ANSI = _LOOK | {"here": "bold reverse", "mention-here": "bold reverse"}
"""The same in the terminal's own colours, of which none is known to be legible on another."""


class StripPiece(NamedTuple):
    """A part of the line: its look, and the channel to go to on a click (None: to choose one)."""

    text: str
    role: str
    channel: str | None


class ChannelStrip(Widget):
    """Shows as many channels as fit: `@` marks mentions among the unread messages, `›` the open channel.

    A click goes to a channel; one with the right button opens its menu.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._entries: tuple[ChannelEntry, ...] = ()
        self._current: str | None = None

    def show(self, entries: Sequence[ChannelEntry], current: str | None) -> None:
        """Show entries; repaint only if they differ."""
        shown = (tuple(entries), current)
        if shown != (self._entries, self._current):
            self._entries, self._current = shown
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's)
        """Return the height of one line."""
        return 1

    def render(self) -> Content:
        """Return the channels that fit."""
        look = _ANSI if self.app.current_theme.ansi else _LOOK
        return Content.assemble(*((piece.text, look[piece.role]) for piece in self._pieces()))

    def on_click(self, event: events.Click) -> None:
        """Go to the channel under the mouse, open its menu, or offer all channels."""
        end = 0
        for piece in self._pieces():
            end += cell_len(piece.text)
            if event.x < end:
                break
        else:
            return
        if piece.channel is None or (event.button == 1 and piece.channel == self._current):
            self.post_message(Header.Clicked("channel.pick"))
        elif event.button == 1:
            self.post_message(ChannelList.Picked(piece.channel))
        else:
            self.post_message(ChannelList.MenuRequested(piece.channel, event.screen_offset))

    def _pieces(self) -> list[StripPiece]:
        return strip_pieces(self._entries, self._current, self.size.width)


def strip_pieces(entries: Sequence[ChannelEntry], current: str | None, width: int) -> list[StripPiece]:
    """Return the channels that fit into `width` cells, in their order, and the number of the others.

    If not all fit, the open channel, those with mentions and those with unread messages are kept.
    """
    parts = [_entry_pieces(each, is_open=each.channel == current) for each in entries]
    cells = [sum(cell_len(piece.text) for piece in each) for each in parts]

    def place(number: int) -> tuple[bool, bool, bool, int]:
        entry = entries[number]
        return (entry.channel != current, not (entry.mentions and entry.has_news), not entry.has_news, number)

    kept = sorted(range(len(parts)), key=place)
    while kept and sum(cells[number] for number in kept) + len(_more(len(parts) - len(kept))) > width:
        kept.pop()
    pieces = [piece for number in sorted(kept) for piece in parts[number]]
    hidden = len(parts) - len(kept)
    return [*pieces, StripPiece(_more(hidden), "more", None)] if hidden else pieces


def _more(hidden: int) -> str:
    return f" +{hidden} " if hidden else ""


def _entry_pieces(entry: ChannelEntry, *, is_open: bool) -> list[StripPiece]:
    """Return a channel with what is unread, a blank or the sign of the open channel before it."""
    role = "here" if is_open else "ended" if entry.revoked else "unread" if entry.has_news else "entry"
    name = clip_middle(shown_name(entry.channel), _NAME_CELLS)
    pieces = [(" ›"[is_open], "here" if is_open else "entry"), (name, role)]
    if entry.mentions and entry.has_news:
        pieces.append((f" @{entry.mentions}", "mention-here" if is_open else "mention"))
    if entry.has_news:
        pieces.append((f" {entry.unread:,}", role))
    pieces.append((f" {entry.sign} " if entry.sign else " ", "here" if is_open else "entry"))
    return [StripPiece(text, look, entry.channel) for text, look in pieces]
