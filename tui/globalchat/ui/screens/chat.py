"""The chat screen: reduces what the session tells, and shows it at most thirty times a second."""

from collections.abc import Callable
from pathlib import PurePath
from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from globalchat.client.events import BackendDescribed, DraftHeld, DraftQueued
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.ui.actions import Action, bindings, textual_action
from globalchat.ui.connection import Connection
from globalchat.ui.keeping import Keeping
from globalchat.ui.keymap import Keymap
from globalchat.ui.memory import Memory
from globalchat.ui.messages import (
    EventsArrived,
    ProfileOpeningFailed,
    ProfileOpeningStarted,
    SessionOpened,
    WatchTold,
)
from globalchat.ui.model.header import SWITCH
from globalchat.ui.model.own_texts import exit_message
from globalchat.ui.model.status import AGAIN, OpeningFailed, dismiss_warning
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.notifier import Notifier, Write
from globalchat.ui.ports import ChatSession, WatchFactory
from globalchat.ui.screens.again import DOWN, again, discard
from globalchat.ui.screens.channel_box import ChannelBox
from globalchat.ui.screens.channels import Channels
from globalchat.ui.screens.dual import BothRegions
from globalchat.ui.screens.help import Help
from globalchat.ui.screens.quick_switcher import QuickSwitcher
from globalchat.ui.screens.reading import Reading
from globalchat.ui.screens.region_switcher import RegionSwitcher
from globalchat.ui.screens.selecting import Selecting
from globalchat.ui.screens.showing import Showing
from globalchat.ui.screens.writing import Writing
from globalchat.ui.settings import FILE, Settings
from globalchat.ui.slash_commands import Command
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.widgets.footer import Footer
from globalchat.ui.widgets.header import Header
from globalchat.ui.widgets.message_area import MessageArea
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.status_line import StatusLine


class ChatScreen(Selecting[None]):
    """Channel list, messages, status line, composer."""

    CSS_PATH: ClassVar[list[str | PurePath]] = ["chat.tcss", "dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    AUTO_FOCUS = "#composer"

    def __init__(
        self,
        view_model: ChatViewModel,
        connection: Connection,
        *,
        clock: WallClock,
        keymap: Keymap,
        settings: Settings,
        memory: Memory,
        write: Write,
        watch_factory: WatchFactory | None = None,
        typed: Callable[[], str] = str,
    ) -> None:
        """`write` writes to the terminal, past all that is drawn; `typed` gives what was typed before."""
        super().__init__()
        self.keymap = keymap
        copying = Binding("ctrl+c,super+c", "copy_text", "Copy what is selected", show=False)
        self._bindings = BindingsMap([copying, *bindings(keymap)])
        self._view_model, self._model = view_model, view_model.model
        view_model.keys = keymap.title
        self._settings_theme = settings.theme
        self._connection = connection
        self._clock = clock
        self._keeping = Keeping(memory, view_model, lambda text: self._showing.tell(text), self.set_timer)
        self._keeping.load()
        self._notifier = Notifier(settings.notify, write, clock)
        self._writing = Writing(
            view_model, self, keymap, paste_lines=settings.paste_lines, typed=typed, id="composer-row"
        )
        self.session: ChatSession | None = None
        self._both = BothRegions(
            self, view_model, clock=clock, factory=watch_factory, reload=connection.reload_profile
        )
        self._showing = Showing(
            self,
            view_model,
            self._both,
            self._notifier,
            clock=clock,
            dropped=lambda channel, reason: self._channels.drop(channel, reason),
        )
        self._channels = Channels(self, view_model, self._writing, self._showing)

    # -- structure ------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The zones, and a sentence for a window that is too small for them."""
        yield Header(self._view_model.header, self._clock, id="header")
        with Horizontal(id="body"):
            yield ChannelBox(self._view_model, id="list-box")
            yield Reading(self._view_model, self._writing, self._clock, keymap=self.keymap, id="reading")
        yield StatusLine(id="status")
        yield self._writing
        yield Footer(compact=True, show_command_palette=True)
        yield Static("Too small: 40 × 10 needed", id="too-small")

    def on_mount(self) -> None:
        """Draw first, connect afterwards: the client's imports must not delay what is seen."""
        self.watch(self.app, "app_focus", self._update_watching, init=False)
        self.watch(self.app, "theme", self._remember_theme, init=False)
        self._keeping.start()
        self._showing.channel()
        self.call_after_refresh(self._connect)

    def on_resize(self) -> None:
        """Say in the status line what the channel list says, once it is known whether that is hidden."""
        self.call_after_refresh(self._showing.status)

    def _remember_theme(self, theme: str) -> None:
        """Look like this in the next run, too, unless the settings say how."""
        if self._settings_theme is None:
            self._view_model.theme = theme
        elif theme != self._settings_theme:
            self._showing.tell(f"Until you quit: {FILE} sets the theme {self._settings_theme}.")

    def on_key(self, event: events.Key) -> None:
        """Keys are the composer's even if nothing has the focus, as at first."""
        composer = self.query_one(Composer)
        if self.focused is None and composer.focusable:
            composer.focus()
            composer.post_message(events.Key(event.key, event.character))

    def _forward_event(self, event: events.Event) -> None:
        """Give what is typed while nothing has the focus to the composer, before the next key.

        So it is before the composer is there, and after it was hidden.
        """
        unfocused = isinstance(event, events.Key | events.Paste) and self.focused is None
        if not (unfocused and self._writing.forward(event)):
            super()._forward_event(event)

    def on_paste(self, event: events.Paste) -> None:
        """Give the composer what is pasted while something has the focus that takes no text."""
        self._writing.forward(type(event)(event.text))

    def exit_message(self) -> list[str]:
        """What to say once the chat has ended: which texts are lost, which messages wait."""
        said = [*self._keeping.rescued, self._keeping.problem]
        if self.session is not None:
            session = self.session
            said += exit_message(session.waiting, session.unsent, session.in_doubt)
        return [sentence for sentence in said if sentence is not None]

    def on_unmount(self) -> None:
        """Keep what is unsent; end the session; leave the terminal as it was."""
        self._writing.lay_aside()
        self._keeping.close()
        self._notifier.restore()
        if self.session is not None:
            self.session.close()
        self._both.close()

    def _connect(self) -> None:
        self.run_worker(
            self._connection.run(self.post_message), name="connection", group="connection", exclusive=True
        )

    # -- what the background work tells ---------------------------------------------------------------------

    @on(ProfileOpeningStarted)
    def _opening_started(self) -> None:
        self._view_model.start_opening()
        self._showing.status()

    @on(ProfileOpeningFailed)
    def _opening_failed(self, message: ProfileOpeningFailed) -> None:
        self._view_model.fail_opening(message.reason, message.remedy)
        self._showing.status()

    @on(SessionOpened)
    def _session_opened(self, message: SessionOpened) -> None:
        self.session = self._channels.session = message.session
        self._both.profile = message.profile
        self._view_model.begin_session(message.profile, message.region, self._clock())
        self._showing.channel()
        self._showing.soon()

    @on(EventsArrived)
    def _events_arrived(self, message: EventsArrived) -> None:
        for event in message.events:
            self._model.reduce(event)
            if isinstance(event, DraftQueued | DraftHeld) and self._writing.is_left_over(event.draft):
                self._writing.forget_draft_of(event.draft)
                self._keeping.forget_sent(event.draft.channel, event.draft.text)
            elif isinstance(event, BackendDescribed):
                self._channels.describe(event)
        message.consumed.set()
        self._showing.soon()

    @on(WatchTold)
    def _watch_told(self, message: WatchTold) -> None:
        self._both.take(message)
        self._showing.soon()

    @on(ChannelBox.LevelChanged)
    def _level_changed(self) -> None:
        self._showing.status()

    @on(MessagePane.FollowChanged)
    def _update_watching(self, *_: object) -> None:
        self._showing.watch()

    # -- channels -------------------------------------------------------------------------------------------

    def enter(self, channel: str | None) -> None:
        """Go to a channel that somebody chose or typed, joining it if need be."""
        self._channels.enter(channel)

    def action_command(self, text: str) -> None:
        """Carry out a command."""
        self._writing.command(text)

    @on(ChannelBox.CommandChosen)
    def _command_chosen(self, message: ChannelBox.CommandChosen) -> None:
        self._writing.command(message.text)

    def action_level(self, level: str) -> None:
        """Choose what counts in the open channel: a level's name, or `next`."""
        self.query_one(ChannelBox).choose(level)

    @on(ChannelList.Picked)
    def _channel_picked(self, message: ChannelList.Picked) -> None:
        self._channels.open(message.channel)

    def action_pick_channel(self) -> None:
        """Open the quick switcher."""
        self.app.push_screen(
            QuickSwitcher(self._view_model.switcher(), self.keymap.keys("channel.pick")), self.enter
        )

    def action_move_channel(self, offset: int) -> None:
        """Open a neighbour in the list."""
        self._channels.open(self._view_model.step(offset))

    def action_next_unread(self) -> None:
        """Open the next channel with something unread."""
        found = self._view_model.next_unread()
        if found is None:
            self._showing.tell("Nothing is unread.")
        self._channels.open(found)

    def action_toggle_list(self) -> None:
        """Show or hide the channel list; in a small window it lies over the messages."""
        self.toggle_class("-list-hidden" if self.has_class("-wide") else "-list-open")
        self._showing.status()

    # -- messages -------------------------------------------------------------------------------------------

    @on(MessagePane.PillClicked)
    @on(Composer.TailWanted)
    def action_jump_to_tail(self) -> None:
        """Show the newest message."""
        self._showing.front.jump_to_tail()

    def action_page(self, direction: int) -> None:
        """Scroll by a page."""
        self._showing.front.page(direction)

    def action_toggle_fold(self) -> None:
        """Show long messages whole, or fold them again, in whatever shows messages now."""
        if not self._showing.front.toggle_fold():
            self._showing.tell("No message in sight is folded.")

    async def action_read(self, action: str) -> None:
        """Do something with the messages, which must be in sight for it."""
        await self._both.close_dual()
        self.query_one(MessageArea).do(action)

    def action_copy_text(self) -> None:
        """Copy what is selected with the mouse."""
        selected = self.get_selected_text()
        if selected is None:
            raise SkipAction
        self.query_one(MessageArea).copy(selected)

    def say(self, text: str, seconds: float) -> None:
        """Show a sentence in the status line for a while, or until the next one or Esc."""
        for line in self.query(StatusLine):  # there is none any more while the chat ends
            line.say(text, seconds)

    async def action_back(self) -> None:
        """Close notices, or else what is open; but before both regions are, show their newest message."""
        self.query_one(StatusLine).unsay()
        if len(self.app._notifications):
            self.app.clear_notifications()
            return
        if self.has_class("-list-open"):
            self.remove_class("-list-open")
        elif dismiss_warning(self._model):
            self._showing.status()
        elif self.query_one(Reading).close():
            pass
        elif not self._showing.front.following or not await self._both.close_dual():
            self.action_jump_to_tail()
        self.query_one(Composer).focus()

    # -- writing --------------------------------------------------------------------------------------------

    def action_write(self, action: str) -> None:
        """Do something with what is being written."""
        self._writing.composer.do(action)

    def sent(self, channel: str) -> None:
        """Keep that a text is no draft any more, before it can be delivered; show the end of its channel."""
        self._keeping.save()
        self._model.conversation(channel).place_divider(None)
        self.action_jump_to_tail()

    @on(Composer.EnteredEmpty)
    def _entered_empty(self) -> None:
        banner = self._view_model.banner(self._clock())
        if banner is not None and any(hint.target == AGAIN for hint in banner.hints):
            self.action_again()

    # -- connection -----------------------------------------------------------------------------------------

    @on(Header.Chosen)
    @on(StatusLine.Chosen)
    async def _hint_chosen(self, message: Header.Chosen | StatusLine.Chosen) -> None:
        """Do what somebody clicked on: a switch to a region, or an action of the registry."""
        if message.target.startswith(SWITCH):
            self.switch(message.target.removeprefix(SWITCH))
        elif (action := textual_action(message.target)) is not None:
            await self.run_action(action)

    def action_again(self) -> None:
        """Try again whatever did not work: the connection, the channel, the messages."""
        if isinstance(self._view_model.status, OpeningFailed):
            self._connect()
        elif self.session is not None and self._view_model.is_local and self.session.state.phase in DOWN:
            self.run_worker(self._start_again(self.session), name="start", group="start", exclusive=True)
        elif self.session is not None:
            beside = self._both.retry_now()
            if not again(self._view_model, self.session) and not beside:
                self._showing.tell("There is nothing to try again.")

    async def _start_again(self, session: ChatSession) -> None:
        """Start the local cloud if it ended, then try at once."""
        try:
            await self._connection.open_again()
        except UserError as error:
            self._showing.tell(f"{error} {error.remedy or ''}".strip(), error=True)
        self._both.retry_now()
        session.retry_now()

    def action_discard(self) -> None:
        """Give up what was not sent; its text can be brought back."""
        if self.session is not None:
            self._writing.keep(discard(self._view_model, self.session, self.query_one(MessagePane).chosen))
            self._showing.soon()

    def action_next_region(self) -> None:
        """Switch to the region that is offered, else to the next one of the profile."""
        self.switch(self._view_model.next_region())

    async def action_toggle_dual(self) -> None:
        """Show the channel in both regions side by side, or the messages again."""
        await self._both.toggle_dual()

    async def action_toggle_latency(self) -> None:
        """Show or hide how long messages take."""
        await self._both.toggle_latency()

    def action_pick_region(self) -> None:
        """Open the choice of regions."""
        keys = self.keymap.keys("region.pick")
        self.app.push_screen(
            RegionSwitcher(self._view_model.names, self._view_model.region, keys), self.switch
        )

    def switch(self, alias: str | None) -> None:
        """Move to another region."""
        if alias is not None and alias != self._view_model.region and self.session is not None:
            self.session.switch(alias)

    def action_help(self) -> None:
        """Open the help; it may end with something to do."""
        self.app.push_screen(Help(self.keymap), self._do_chosen)

    def _do_chosen(self, chosen: Action | Command | None) -> None:
        match chosen:
            case Action(action=action):
                self.call_next(self.run_action, action)
            case Command():
                self._writing.composer.put(f"/{chosen.name} ")
