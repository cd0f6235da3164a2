"""Shows what the model says, at most thirty times a second."""

from collections.abc import Callable
from time import monotonic

from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer

from globalchat.core.clock import WallClock
from globalchat.ui.model.chat_model import ChannelDropped, Notice
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.notifier import Notifier
from globalchat.ui.screens.dual import BothRegions
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.header import Header
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.row_view import RowView
from globalchat.ui.widgets.status_line import StatusLine

_FLUSH_SECONDS = 1 / 30

_TICK_SECONDS = 1.0
"""How often what counts down is looked at, while something does."""


class Showing:
    """Brings the parts of the chat screen up to date; each repaints only if it says something else."""

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        both: BothRegions,
        notifier: Notifier,
        *,
        clock: WallClock,
        dropped: Callable[[str, str], None],
    ) -> None:
        """`dropped` is told which channel the backend does not know, and why."""
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._both = both
        self._notifier = notifier
        self._clock = clock
        self._dropped = dropped
        self._flushed_at = 0.0
        self._flush_timer: Timer | None = None
        self._tick: Timer | None = None

    @property
    def settled(self) -> bool:
        """Whether all that was told is shown."""
        return self._flush_timer is None

    @property
    def front(self) -> RowView:
        """What shows messages now."""
        return self._both.pane or self._pane

    def soon(self) -> None:
        """Show what changed now, or as soon as a thirtieth of a second has passed since the last time."""
        if self._flush_timer is not None:
            return
        wait = self._flushed_at + _FLUSH_SECONDS - monotonic()
        if wait <= 0:
            self._flush()
        else:
            self._flush_timer = self._screen.set_timer(wait, self._flush)

    def status(self) -> None:
        """Header, list, status line, title, and what calls for attention."""
        view_model, screen = self._view_model, self._screen
        frame = view_model.frame(self._clock())
        screen.query_one(Header).update()
        screen.query_one(ChannelList).show(frame.entries, frame.channel)
        hint = "" if screen.query_one("#list-box").display else frame.unread_hint
        screen.query_one(StatusLine).show(frame.banner, hint)
        self._pane.set_empty_text(frame.empty_text)
        self._both.show()
        self._notifier.show_title(frame.channel, frame.counting)
        self._call()
        self._tick_if_counting()

    def channel(self) -> None:
        """The open channel, from its end."""
        self._pane.show(self._view_model.conversation, self._view_model.names)
        name = self._view_model.channel
        title = f"# {shown_name(name)}" if name else "Messages"
        self._screen.query_one("#pane-box").border_title = Content(title)  # a string would be read as markup
        self.watch()
        self._both.show_channel()

    def watch(self) -> None:
        """Messages count as read while the open channel is at its end and the terminal has the focus."""
        looking = self._pane.following and self._screen.app.app_focus
        self._model.watch(self._view_model.channel if looking else None)
        self._pane.sync()
        self.status()

    def tell(self, text: str, *, error: bool = False) -> None:
        """Show a sentence for a while."""
        self._screen.app.notify(
            text, severity="error" if error else "information", timeout=8 if error else 4, markup=False
        )

    def _call(self) -> None:
        """Call somebody who looks elsewhere; whoever looks here needs no call."""
        focused = self._screen.app.app_focus
        if not focused and self._notifier.resting:
            return
        call = self._model.attention.take()
        if call is not None and not focused:
            self._notifier.call(call)

    def _tick_if_counting(self) -> None:
        """Look again in a second while what is shown changes with time; else a chat left alone sleeps."""
        calls_later = self._model.attention.is_pending and not self._screen.app.app_focus
        if not (calls_later or self._view_model.is_counting() or self._both.is_counting()):
            if self._tick is not None:
                self._tick.stop()
                self._tick = None
        elif self._tick is None:
            self._tick = self._screen.set_interval(_TICK_SECONDS, self.status)

    @property
    def _pane(self) -> MessagePane:
        return self._screen.query_one(MessagePane)

    def _flush(self) -> None:
        self._flush_timer = None
        self._flushed_at = monotonic()
        for effect in self._model.take_effects():
            match effect:
                case Notice(text, severity):
                    self.tell(text, error=severity == "error")
                case ChannelDropped(channel, reason):
                    self._dropped(channel, reason)
        self._pane.sync()
        self.status()
