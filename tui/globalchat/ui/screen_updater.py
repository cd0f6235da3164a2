"""Updates the chat screen from the view model, at most thirty times a second."""

from time import monotonic

from textual.content import Content
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from globalchat.core.clock import WallClock
from globalchat.ui.model.chat_model import ChannelDropped, Notice
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatFrame, ChatViewModel
from globalchat.ui.notifier import Notifier
from globalchat.ui.screens.side_by_side import SideBySideController
from globalchat.ui.widgets.bars import Header, StatusLine
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.channel_strip import ChannelStrip
from globalchat.ui.widgets.messages_panel import MessagesPanel
from globalchat.ui.widgets.people_list import PeoplePanel
from globalchat.ui.widgets.row_view import RowView
from globalchat.ui.widgets.welcome import Welcome

# Half of Textual's own rate: a flood of messages leaves time for keys.
_FRAME_SECONDS = 1 / 30

_TICK_SECONDS = 1.0
"""Seconds between updates of countdowns."""


_SHORT_SENTENCE = 60
"""The most characters of a sentence that is read in four seconds."""


class ChannelUnavailable(Message):
    """Posted when the backend has refused a channel. `reason` is a sentence."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__()
        self.channel = channel
        self.reason = reason


class ScreenUpdater:
    """Makes one frame of the view model for all widgets; each repaints only if its part differs.

    `clock` is now, in epoch ms.
    """

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        side_by_side: SideBySideController,
        notifier: Notifier,
        clock: WallClock,
    ) -> None:
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._side_by_side = side_by_side
        self._notifier = notifier
        self._clock = clock
        self._updated_at = 0.0
        self._update_timer: Timer | None = None
        self._tick: Timer | None = None

    @property
    def settled(self) -> bool:
        """True if no update is due."""
        return self._update_timer is None

    @property
    def front(self) -> RowView:
        """The view that shows messages now."""
        return self._side_by_side.pane or self._panel.pane

    def request(self) -> None:
        """Update now, or as soon as one frame time has passed since the last update."""
        if self._update_timer is not None:
            return  # An update is due, which will include this.
        wait = self._updated_at + _FRAME_SECONDS - monotonic()
        if wait <= 0:
            self.update()
        else:
            self._update_timer = self._screen.set_timer(wait, self.update)

    def update(self) -> None:
        """Show the current view model."""
        if self._update_timer is not None:
            self._update_timer.stop()
            self._update_timer = None
        self._updated_at = monotonic()
        # Before the frame is made, which they may change.
        for effect in self._model.take_effects():
            match effect:
                case Notice(text, severity):
                    self.report(text, error=severity == "error")
                case ChannelDropped(channel, reason):
                    self._screen.post_message(ChannelUnavailable(channel, reason))
        self._panel.pane.sync()
        now = self._clock()
        self._show(self._view_model.frame(now), now)

    def report(self, sentence: str, *, error: bool = False) -> None:
        """Show a sentence about what the user did, for as long as it takes to read."""
        severity: SeverityLevel = "error" if error else "information"
        seconds = 8 if error or len(sentence) > _SHORT_SENTENCE else 4
        self._screen.notify(sentence, severity=severity, timeout=seconds, markup=False)

    def show_channel(self) -> None:
        """Show the open channel where it was left, at first from its end."""
        view_model = self._view_model
        self._panel.pane.show(view_model.conversation, view_model.names)
        name = view_model.channel
        title = f"# {shown_name(name)}" if name else "Messages"
        self._panel.border_title = Content(title)  # A string would be interpreted as markup.
        self._side_by_side.show_channel()
        self.mark_read()

    def mark_read(self) -> None:
        """Mark the open channel as read if its end is visible and the terminal has focus, and show that."""
        is_all = self._view_model.only is None
        is_read = is_all and self._panel.pane.following and self._screen.app.app_focus
        self._model.watch(self._view_model.channel if is_read else None)
        self.update()

    def _show(self, frame: ChatFrame, now: int) -> None:
        screen = self._screen
        screen.query_one(Header).show(frame.header, now)
        screen.query_one(ChannelList).show(frame.entries, frame.channel)
        strip = screen.query_one(ChannelStrip)
        strip.show(frame.entries, frame.channel)
        # List, strip or header show what is unread, unless the user has hidden the list of a wide window.
        is_hidden = screen.has_class("-wide") and not screen.query_one("#list-box").display
        hint = frame.unread_hint if is_hidden else ""
        screen.query_one(StatusLine).show(frame.banner, hint)
        screen.query_one(Welcome).show()
        self._panel.pane.set_empty_text(frame.empty_text)
        self._panel.pane.set_head(*frame.head)
        self._panel.show_filter(frame.filter)
        if frame.people is not None:
            screen.query_one("#people-box", PeoplePanel).show(frame.people)
        self._side_by_side.show()
        self._notifier.show_title(frame.channel, frame.counting)
        self._call_for_attention()
        self._tick_if_counting(frame.is_counting_down)

    def _call_for_attention(self) -> None:
        """Notify a user who is looking at another window."""
        focused = self._screen.app.app_focus
        if not focused and self._notifier.is_cooling_down:
            return  # Messages meanwhile are combined to one alert afterwards.
        call = self._model.attention.take()
        if call is not None and not focused:
            self._notifier.send_alert(call)

    def _tick_if_counting(self, is_counting_down: bool) -> None:
        """Update again in a second while something shown changes with time; otherwise the app stays idle."""
        calls_later = self._model.attention.is_pending and not self._screen.app.app_focus
        if not (calls_later or is_counting_down or self._side_by_side.is_counting()):
            if self._tick is not None:
                self._tick.stop()
                self._tick = None
        elif self._tick is None:
            self._tick = self._screen.set_interval(_TICK_SECONDS, self.update)

    @property
    def _panel(self) -> MessagesPanel:
        return self._screen.query_one(MessagesPanel)
