"""The chat screen: composes the widgets, and routes messages, actions and keys to the controller."""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePath
from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from globalchat.core.clock import WallClock
from globalchat.ui.actions import bindings
from globalchat.ui.channel_controller import ChannelController
from globalchat.ui.controller import ChatController
from globalchat.ui.exporter import Exporter
from globalchat.ui.history_controller import HistoryController
from globalchat.ui.interfaces import WatchFactory
from globalchat.ui.keymap import Keymap
from globalchat.ui.message_controller import MessageController
from globalchat.ui.model.kept_choices import CHANNELS
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.notifier import Notifier, Write
from globalchat.ui.people_controller import PeopleController
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.screens.dialogs import SelectableScreen
from globalchat.ui.screens.side_by_side import SideBySideController
from globalchat.ui.settings import FILE, Settings
from globalchat.ui.state_persister import StatePersister
from globalchat.ui.state_store import StateStore
from globalchat.ui.widgets.bars import Footer, Header, StatusLine
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.channel_strip import ChannelStrip
from globalchat.ui.widgets.composer import Suggestions
from globalchat.ui.widgets.composer_bar import ComposerBar
from globalchat.ui.widgets.messages_panel import MessagesPanel
from globalchat.ui.widgets.people_list import PeoplePanel
from globalchat.ui.widgets.welcome import Welcome
from globalchat.ui.workers import SessionWorker
from globalchat.ui.writing_controller import WritingController

_Handler = Callable[["ChatScreen", Message], Awaitable[None]]


def _on_each(messages: Sequence[type[Message]]) -> Callable[[_Handler], _Handler]:
    """Return a decorator for the handler of several messages."""

    def decorate(handler: _Handler) -> _Handler:
        for message in messages:
            handler = on(message)(handler)
        return handler

    return decorate


class ChatScreen(SelectableScreen[None]):
    """Header, channel list, messages, status line, composer and footer.

    `write` writes to the terminal directly, bypassing what is drawn; `typed_early` is as in `ComposerBar`.

    Attributes:
        view_model: What the screen shows.
        controller: Handles messages and actions.
        messages: Handles selected text.
        updater: Brings the widgets up to date.
        side_by_side: The view of two regions and the latency panel.
        people: The list of people, and what is done with one of them.
    """

    CSS_PATH: ClassVar[list[str | PurePath]] = ["chat.tcss", "dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    AUTO_FOCUS = "#composer"

    def __init__(
        self,
        view_model: ChatViewModel,
        worker: SessionWorker,
        *,
        clock: WallClock,
        keymap: Keymap,
        settings: Settings,
        store: StateStore,
        write: Write,
        watch_factory: WatchFactory | None = None,
        typed_early: Callable[[], str] = str,
    ) -> None:
        super().__init__()
        self._is_styled = True  # Each widget is styled when it is mounted.
        copy = Binding("ctrl+c,super+c", "copy_text", "Copy what is selected", show=False)
        self._bindings = BindingsMap([copy, *bindings(keymap)])
        self._keymap = keymap
        self._clock = clock
        self._settings_theme = settings.theme
        self._is_left = False
        self._formatted = settings.formatting
        self.view_model = view_model
        self._persister = StatePersister(store, view_model, self)
        # Before the widgets are made, which show the restored draft and channel in their first frame.
        self._persister.load()
        self._notifier = Notifier(settings.notify, write, clock, is_in_tmux="TMUX" in os.environ)
        self.side_by_side = SideBySideController(
            self, view_model, clock=clock, factory=watch_factory, reload=worker.reload_profile
        )
        self.updater = ScreenUpdater(self, view_model, self.side_by_side, self._notifier, clock)
        self.people = PeopleController(
            self, view_model, self.updater, self.side_by_side, clock=clock, keymap=keymap
        )
        self.messages = MessageController(
            self, view_model, self.updater, Exporter(self, view_model, clock), self.people
        )
        history = HistoryController(self, view_model, self.updater)
        self._writing = WritingController(self, view_model, self.updater, self._persister)
        self.controller = ChatController(
            self,
            view_model,
            worker,
            self._persister,
            self.messages,
            ChannelController(self, view_model, history, self.updater, keymap),
            self._writing,
            history,
            self.side_by_side,
            self.updater,
            clock=clock,
            keymap=keymap,
        )
        self._composer_bar = ComposerBar(
            view_model,
            self.controller.submit,
            keymap,
            paste_lines=settings.paste_lines,
            typed_early=typed_early,
            id="composer-row",
        )

    def compose(self) -> ComposeResult:
        """Yield the widgets from top to bottom, and a sentence for a window that is too small for them."""
        now = self._clock()
        yield Header(self.view_model.frame(now).header, now, id="header")
        yield ChannelStrip(id="strip")
        with Horizontal(id="body"):
            with Vertical(id="list-box") as list_box:
                list_box.border_title = "Channels"
                yield ChannelList(id="channels")
            with Vertical(id="messages-column"):
                yield Welcome(self.view_model, self._keymap, id="welcome")
                yield MessagesPanel(self._keymap.title, formatted=self._formatted, id="pane-box")
                yield Suggestions(id="suggestions")  # Over the messages.
            yield PeoplePanel(id="people-box")
        yield StatusLine(id="status")
        yield self._composer_bar
        yield Footer()
        yield Static("Too small: 40 × 10 needed", id="too-small")

    def on_mount(self) -> None:
        """Draw first, then connect: the client's imports must not delay the first frame."""
        self.watch(self.app, "app_focus", self.updater.mark_read, init=False)
        self.watch(self.app, "theme", self._keep_theme, init=False)
        self.set_class(not self.view_model.choices.shows(CHANNELS, True), "-list-hidden")
        # Not in the constructor: its timer belongs to the mounted screen.
        self._persister.start()
        self.people.fit()
        self.updater.show_channel()
        self.call_after_refresh(self.controller.connect)

    def on_resize(self) -> None:
        """Update once the list is shown or hidden for the new size.

        The status line shows unread channels if hidden.
        """
        self.people.fit()
        self.call_after_refresh(self.updater.update)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Style widgets again only after a suspension, and once: Textual resumes a screen twice in a row."""
        event.refresh_styles &= not self._is_styled
        self._is_styled = True

    def on_screen_suspend(self) -> None:
        """Style everything at the next resumption: the theme may have changed."""
        self._is_styled = False

    def on_unmount(self) -> None:
        """Leave the chat, unless another profile was opened in its place."""
        self.leave()

    def leave(self) -> None:
        """Save unsent text, end the session, and restore the terminal; only the first call counts."""
        if self._is_left:
            return
        self._is_left = True
        # Before the controller writes the state for the last time.
        self._composer_bar.save_all(self._writing.held_paste)
        self.controller.close()
        self._notifier.restore()

    # -- messages and actions -------------------------------------------------------------------------------

    @_on_each(ChatController.MESSAGES)
    async def _route(self, message: Message) -> None:
        """Pass a message to the controller."""
        await self.controller.handle(message)

    async def action_perform(self, action: str) -> None:
        """Perform an action of the registry, by its id."""
        await self.controller.perform(action)

    def action_copy_text(self) -> None:
        """Copy the text selected with the mouse."""
        selected = self.get_selected_text()
        if selected is None:
            # Then Textual goes on to the app's binding of the same key, which explains how to quit.
            raise SkipAction
        self.messages.copy(selected)

    def show_notice(self, text: str, seconds: float) -> None:
        """Show a sentence in the status line for some seconds, or until the next one or Esc."""
        for line in self.query(StatusLine):  # The status line is gone while the chat ends.
            line.show_notice(text, seconds)

    def _keep_theme(self, theme: str) -> None:
        """Store a chosen theme for the next run, unless the settings name one."""
        if getattr(self.app, "is_following", False):
            return
        if self._settings_theme is None:
            self.view_model.theme = theme
        elif theme != self._settings_theme:
            self.notify(
                f"Until you quit: {FILE} sets the theme {self._settings_theme}.", timeout=4, markup=False
            )

    # -- keys -----------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Pass keys to the composer even if nothing has the focus, as at the start."""
        composer = self._composer_bar.composer
        if self.focused is None and composer.focusable:
            composer.focus()
            # Posted again, as the event itself is on its way up from the screen and would not reach the
            # composer.
            composer.post_message(events.Key(event.key, event.character))

    def _forward_event(self, event: events.Event) -> None:
        """Pass keys that are typed while nothing has the focus to the composer, before the next key.

        This happens before the composer exists, and after it was hidden.
        """
        unfocused = isinstance(event, events.Key | events.Paste) and self.focused is None
        if not (unfocused and self._composer_bar.forward(event)):
            super()._forward_event(event)

    def on_paste(self, event: events.Paste) -> None:
        """Pass pasted text to the composer while the focused widget accepts no text."""
        # A new event of the same type, since this one has been handled; an unbracketed paste stays one.
        self._composer_bar.forward(type(event)(event.text))
