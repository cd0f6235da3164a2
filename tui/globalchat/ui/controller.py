"""The controller of the chat: handles events of the session, entered texts, and chosen actions."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import ClassVar

from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from globalchat.client.events import BackendDescribed, DraftHeld, DraftQueued
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.ui import command_arguments as arguments
from globalchat.ui.actions import Action, textual_action
from globalchat.ui.channel_controller import ChannelController
from globalchat.ui.history_controller import HistoryController
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.keymap import Keymap
from globalchat.ui.message_controller import MessageController
from globalchat.ui.model.background import AUTO
from globalchat.ui.model.header import SWITCH
from globalchat.ui.model.own_texts import exit_message
from globalchat.ui.model.status import AGAIN, OpeningFailed, dismiss_warning
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.people_controller import PeopleController
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.screens.help import Help
from globalchat.ui.screens.side_by_side import SideBySideController
from globalchat.ui.screens.switchers import MomentPrompt, RegionSwitcher
from globalchat.ui.slash_commands import Command, CommandCall, ParseError, PlainText, parse
from globalchat.ui.state_persister import StatePersister
from globalchat.ui.widgets.bars import Header, StatusLine
from globalchat.ui.widgets.composer import Composer, Suggestions
from globalchat.ui.widgets.composer_bar import ComposerBar
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.messages_panel import MessagesPanel
from globalchat.ui.widgets.row_view import RowView
from globalchat.ui.widgets.welcome import Welcome
from globalchat.ui.workers import (
    ProfileOpeningFailed,
    ProfileOpeningStarted,
    SessionEvents,
    SessionOpened,
    SessionWorker,
    WatchEvents,
)
from globalchat.ui.writing_controller import WritingController

ENDS_WITHIN = 5.0
"""Seconds within which a closed session ends: more than what its drafts in flight have to be answered."""

DOWN = (Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED)
"""The phases in which no attempt is running."""


class ChatController:
    """Owns the session, and updates view model and widgets.

    The screen passes it the messages of workers and widgets (`handle`) and the registry's actions
    (`perform`); the composer passes it what is entered (`submit`). `clock` is now, in epoch ms.

    Attributes:
        session: The session; None before it was opened.
        channels: Opens channels.
    """

    MESSAGES: ClassVar[tuple[type[Message], ...]] = (
        ProfileOpeningStarted,
        ProfileOpeningFailed,
        SessionOpened,
        SessionEvents,
        WatchEvents,
        Header.Clicked,
        StatusLine.Clicked,
        RowView.FollowChanged,
        MessagePane.PillClicked,
        MessagePane.ActionRequested,
        MessagePane.MenuRequested,
        MessagesPanel.Left,
        Composer.EnteredEmpty,
        Composer.TailRequested,
        Composer.EditorRequested,
        Composer.PasteHeld,
        Composer.CompletionsChanged,
        Suggestions.Clicked,
        *ChannelController.MESSAGES,
        *PeopleController.MESSAGES,
        *HistoryController.MESSAGES,
    )
    """The messages that `handle` accepts."""

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        worker: SessionWorker,
        persister: StatePersister,
        messages: MessageController,
        channels: ChannelController,
        writing: WritingController,
        history: HistoryController,
        side_by_side: SideBySideController,
        updater: ScreenUpdater,
        *,
        clock: WallClock,
        keymap: Keymap,
    ) -> None:
        self.session: ChatSession | None = None
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._worker = worker
        self._persister = persister
        self._messages = messages
        self.channels = channels
        self._writing = writing
        self._history = history
        self._side_by_side = side_by_side
        self._updater = updater
        self._clock = clock
        self._keymap = keymap
        self._connection: Worker[None] | None = None
        self._is_closed = False

    # -- start and end --------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the profile and run its session."""
        work = self._worker.run(self._screen.post_message)
        self._connection = self._screen.run_worker(
            work, name="connection", group="connection", exclusive=True
        )

    def close(self) -> None:
        """Write the state, and end the session and the watch; only the first call counts."""
        if self._is_closed:
            return
        self._is_closed = True
        # First, since it writes what the user has typed; whatever fails afterwards, that is safe.
        self._persister.close()
        if self.session is not None:
            self.session.close()
        self._side_by_side.close()

    async def ended(self) -> None:
        """Wait, after `close`, until the session has ended: drafts that are being sent may be answered."""
        connection = self._connection
        if connection is None:
            return
        if self.session is None:
            connection.cancel()  # The profile is still being opened.
        with suppress(WorkerCancelled, WorkerFailed, TimeoutError):
            await asyncio.wait_for(connection.wait(), ENDS_WITHIN)

    @property
    def rescued(self) -> list[str]:
        """The sentences on texts that were too long to be kept as drafts, after `close`."""
        return self._persister.rescued

    def exit_message(self) -> list[str]:
        """Return the lines to print after the chat: about lost texts and waiting messages."""
        sentences = [*self._persister.rescued, self._persister.problem]
        if self.session is not None:
            session = self.session
            sentences += exit_message(session.waiting, session.unsent, session.in_doubt)
        return [sentence for sentence in sentences if sentence is not None]

    # -- messages -------------------------------------------------------------------------------------------

    async def handle(self, message: Message) -> None:
        """Handle one of `MESSAGES`."""
        if self._is_closed:
            # The session has to get rid of its last events before it ends.
            if isinstance(message, SessionEvents | WatchEvents):
                message.consumed.set()
            return
        match message:
            case ProfileOpeningStarted():
                self._view_model.start_opening()
                self._updater.update()
            case ProfileOpeningFailed(reason=reason, remedy=remedy):
                self._view_model.fail_opening(reason, remedy)
                self._updater.update()
            case SessionOpened():
                self._start_session(message)
            case SessionEvents():
                self._reduce(message)
            case WatchEvents():
                self._side_by_side.handle_events(message)
                self._updater.request()
            case Header.Clicked(target=target) | StatusLine.Clicked(target=target):
                await self._follow_target(target)
            case _:
                self._handle_widget(message)

    def _handle_widget(self, message: Message) -> None:
        match message:
            case RowView.FollowChanged():
                self._updater.mark_read()
            case MessagePane.PillClicked() | Composer.TailRequested():
                self._updater.front.jump_to_tail()
            case MessagePane.ActionRequested(row=row, action=action, url=url):
                self._messages.act(row, action, url)
            case MessagePane.MenuRequested():
                self._messages.open_menu(message)
            case MessagesPanel.Left():
                self._bar.focus_composer()
            case Composer.EnteredEmpty():
                self._retry_if_offered()
            case Composer.EditorRequested():
                self._writing.open_editor()
            case Composer.PasteHeld(text=text):
                self._writing.ask_about_paste(text)
            case Composer.CompletionsChanged(completions=completions, chosen=chosen):
                self._screen.query_one(Suggestions).show(completions, chosen)
            case Suggestions.Clicked(number=number):
                self._bar.composer.complete(number)
            case _ if isinstance(message, ChannelController.MESSAGES):
                self.channels.handle(message)
            case _ if isinstance(message, PeopleController.MESSAGES):
                self._messages.people.handle(message)
            case _:
                self._history.handle(message)

    def _start_session(self, message: SessionOpened) -> None:
        self.session = self._messages.session = self._history.session = message.session
        self.channels.session = message.session
        self._writing.session = message.session
        self._side_by_side.profile = self._messages.exporter.profile = message.profile
        self._view_model.begin_session(message.profile, message.region, self._clock())
        if message.remark is not None:
            self._view_model.choices.region = message.region
            self._updater.report(message.remark, error=True)
        self._updater.show_channel()
        self._history.open()
        # Not awaited here: the events of the session come meanwhile.
        self._screen.call_next(self._side_by_side.restore)

    def _reduce(self, message: SessionEvents) -> None:
        for event in message.events:
            self._model.reduce(event)
            # After the model: it decides by the state that the event has led to.
            self._history.react(event)
            if isinstance(event, DraftQueued | DraftHeld) and event.draft.id not in self._writing.sent_ids:
                # An earlier run left it in the outbox, perhaps before it could discard the draft.
                self._bar.forget_restored(event.draft)
                self._persister.forget_sent(event.draft.channel, event.draft.text)
            elif isinstance(event, BackendDescribed):
                self.channels.choose_first(event.backend.channels)
        # Only now the worker posts more, so that a flood waits in the session's bounded buffer, not in this
        # queue.
        message.consumed.set()
        self._updater.request()

    async def _follow_target(self, target: str) -> None:
        """Switch to the region of a target, or run the action that it is the id of."""
        if target.startswith(SWITCH):
            self._switch_region(target.removeprefix(SWITCH))
        elif (action := textual_action(target)) is not None:
            await self._screen.run_action(action)

    # -- actions --------------------------------------------------------------------------------------------

    async def perform(self, action: str) -> None:
        """Perform an action of the registry, by its id."""
        front, composer = self._updater.front, self._bar.composer
        if action != "pane.copy" and not action.startswith("edit."):
            composer.interrupt()
        match action.split("."):
            case ["channel", *rest]:
                self.channels.perform(".".join(rest))
            case ["write", "search"]:
                self._writing.search_sent(self._keymap.keys(action))
            case ["write", "editor"]:
                self._writing.open_editor()
            case ["write" | "edit", *_] | ["pane", "tail", "typing"]:
                composer.perform(action)
            case ["pane", "copy"] if composer.paste_earlier():
                pass
            case ["pane", "up" | "down" as way]:
                front.page(-1 if way == "up" else 1)
            case ["pane", "tail"]:
                front.jump_to_tail()
            case ["pane", "top"]:
                front.jump_to_top()
            case ["pane", "unfold"]:
                if not front.toggle_fold():
                    self._updater.report("No visible message is folded.")
            case ["pane", "goto"]:
                read = partial(arguments.moment, calendar=self._model.calendar, now=self._clock())
                self._screen.app.push_screen(MomentPrompt(read), self._go_to)
            case ["pane", *rest]:
                await self._side_by_side.close_view()
                self._messages.perform(".".join(rest))
            case ["region", "next"]:
                self._switch_region(self._view_model.next_region())
            case ["region", "pick"]:
                names, region = self._view_model.names, self._view_model.region
                switcher = RegionSwitcher(names, region, self._keymap.keys(action))
                self._screen.app.push_screen(switcher, self._switch_region)
            case ["dual"]:
                await self._side_by_side.toggle_view()
            case ["latency"]:
                await self._side_by_side.toggle_latency()
            case ["people"]:
                self._messages.people.toggle()
            case ["again"]:
                self._retry()
            case ["discard"]:
                self._messages.discard(self._panel.pane.chosen)
            case ["app", "redraw"]:
                self._screen.app.refresh(layout=True)
            case ["help"]:
                self._screen.app.push_screen(Help(self._keymap), self.run_chosen)
            case ["back"]:
                await self._close_top()

    def run_chosen(self, chosen: Action | Command | None) -> None:
        """Run an entry that was chosen in the help or the palette; a command is put into the composer."""
        match chosen:
            case Action(textual_action=action):
                self._screen.call_next(self._screen.run_action, action)
            case Command():
                self._bar.composer.put(f"/{chosen.name} ")

    async def _close_top(self) -> None:
        """Close notices, else whatever is open; the side-by-side view only if it shows its newest message."""
        screen, app = self._screen, self._screen.app
        if self._messages.exporter.cancel() or self._history.cancel():
            return
        screen.query_one(StatusLine).close_notice()
        if len(app._notifications):
            app.clear_notifications()
            return
        if screen.has_class("-list-open"):
            screen.remove_class("-list-open")
        elif dismiss_warning(self._model):
            self._updater.update()
        elif self._panel.close() or self._messages.people.end_filter() or screen.query_one(Welcome).close():
            pass
        elif not self._updater.front.following or not await self._side_by_side.close_view():
            self._updater.front.jump_to_tail()
        self._bar.composer.focus()

    # -- writing --------------------------------------------------------------------------------------------

    def submit(self, text: str) -> None:
        """Send an entered text, or execute it if it is a command."""
        try:
            parsed = parse(text, keys=self._keymap.title)
        except ParseError as error:
            self._updater.report(str(error), error=True)
            return
        if isinstance(parsed, PlainText):
            self._writing.send(parsed.text)
            return
        if parsed.command.name == "me":
            self._writing.send(f"* {self._model.sender} {parsed.argument}")
            return
        # First, since a command may put another channel's draft into the composer, or quit.
        self._bar.clear()
        try:
            self._run(parsed)
        except UserError as error:
            # The composer was cleared for the command; a mistyped one should not have to be typed again.
            self._bar.composer.put(text)
            self._updater.report(str(error), error=True)

    # -- commands -------------------------------------------------------------------------------------------

    def _run(self, call: CommandCall) -> None:
        """Execute a command.

        Raises:
            UserError: it cannot be executed.
        """
        if (action := textual_action(call.command.action)) is not None and not call.argument:
            self._screen.call_next(self._screen.run_action, action)
            return
        argument, view_model = call.argument, self._view_model
        match call.command.name:
            case name if name in ChannelController.COMMANDS:
                self.channels.run(call)
            case "region":
                self._switch_region(arguments.other_region(argument, view_model))
            case "help":
                self._updater.report(arguments.command(argument))
            case "nick":
                self._rename(arguments.sender_name(argument, view_model))
            case name if name in PeopleController.COMMANDS:
                self._messages.people.run(call)
            case "clear":
                self._messages.perform("clear")
            case "export":
                file, since = arguments.export(argument, self._model.calendar, self._clock())
                self._messages.exporter.export(file, since)
            case "search":
                self._panel.search(argument)
            case "profile":
                profile = arguments.other_profile(argument, view_model)
                action = "app.pick_profile" if profile is None else f"app.open_profile('{profile}')"
                self._screen.call_next(self._screen.run_action, action)
            case "reply":
                self._bar.composer.put(argument)
                self._messages.perform("reply")
            case "theme":
                name = arguments.theme(argument, (AUTO, *self._screen.app.available_themes))
                self._screen.call_next(self._screen.run_action, f"app.use_theme('{name}')")
            case "goto" if argument:
                self._go_to(arguments.moment(argument, self._model.calendar, self._clock()))
            case "goto":
                self._screen.call_next(self.perform, "pane.goto")

    def _go_to(self, at: int | None) -> None:
        """Show the first message since a moment (epoch ms) in the pane; None changes nothing."""

        async def go_to(at: int) -> None:
            await self._side_by_side.close_view()
            self._history.go_to(at)

        if at is not None:
            self._screen.call_next(go_to, at)

    def _rename(self, name: str) -> None:
        """Sign further messages with another name."""
        self._model.rename(name)
        self._view_model.choices.nick = name
        self._persister.rename(name)
        if self.session is not None:
            self.session.rename(name)
        self._bar.show_sender()

    # -- connection -----------------------------------------------------------------------------------------

    def _switch_region(self, alias: str | None) -> None:
        if alias is not None and alias != self._view_model.region and self.session is not None:
            self._view_model.choices.region = alias
            self.session.switch(alias)

    def _retry(self) -> None:
        """Retry what failed: the opening, the connection, the channel, or its messages."""
        session = self.session
        if isinstance(self._view_model.status, OpeningFailed):
            self.connect()
        # A local cloud ends when it is idle, and only this can start it; a real region is only asked again.
        elif session is not None and self._view_model.is_local and session.state.phase in DOWN:
            self._screen.run_worker(self._start_cloud(session), name="start", group="start", exclusive=True)
        elif session is not None:
            # `|` and not `or`: all of them are to try again.
            others = self._side_by_side.retry_now() | self._history.retry()
            if not retry_session(self._view_model, session) and not others:
                self._updater.report("There is nothing to try again.")

    def _retry_if_offered(self) -> None:
        """Retry for Enter without a text, while the banner offers it."""
        banner = self._view_model.banner(self._clock())
        if banner is not None and any(hint.target == AGAIN for hint in banner.hints):
            self._retry()

    async def _start_cloud(self, session: ChatSession) -> None:
        """Start the local cloud if it ended, then retry at once."""
        try:
            await self._worker.reopen_profile()
        except UserError as error:
            self._updater.report(f"{error} {error.remedy or ''}".strip(), error=True)
        self._side_by_side.retry_now()
        session.retry_now()

    # -- widgets --------------------------------------------------------------------------------------------

    @property
    def _bar(self) -> ComposerBar:
        return self._screen.query_one(ComposerBar)

    @property
    def _panel(self) -> MessagesPanel:
        return self._screen.query_one(MessagesPanel)


def retry_session(view_model: ChatViewModel, session: ChatSession) -> bool:
    """Retry the connection, else the ended channel, else its unsent messages and what a warning is about.

    Returns:
        False if there was nothing to retry.
    """
    channel, status = view_model.channel, view_model.status
    if isinstance(status, SessionState) and status.phase is not Phase.LIVE:
        if status.phase in DOWN:
            session.retry_now()
        return True  # Or an attempt is running right now.
    if channel is None:
        return False
    if channel in view_model.model.revoked:
        session.join(channel)
        return True
    outbox = view_model.model.outgoing
    unsent, waits = outbox.unsent(channel), outbox.waiting(channel) is not None
    silent = outbox.awaiting_echo(channel, view_model.model.now()) is not None
    warned = isinstance(status, SessionState) and status.remedy is not None  # Perhaps the user did it.
    for draft in unsent:
        session.resend(draft.id)
    if waits or warned:
        session.retry_now()
    # Accepted but without an echo: the socket is the suspect, and resending would not help.
    if silent:
        session.reconnect()
    return bool(unsent) or waits or silent or warned
