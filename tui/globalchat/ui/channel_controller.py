"""Opens, joins and leaves channels, and sets what counts in them."""

from functools import partial
from typing import ClassVar

from textual.message import Message
from textual.screen import Screen

from globalchat.core.errors import UserError
from globalchat.ui import command_arguments as arguments
from globalchat.ui.history_controller import HistoryController
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.attention import Level
from globalchat.ui.model.kept_choices import CHANNELS
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screen_updater import ChannelUnavailable, ScreenUpdater
from globalchat.ui.screens.dialogs import Choice, Menu
from globalchat.ui.screens.switchers import QuickSwitcher
from globalchat.ui.slash_commands import CommandCall
from globalchat.ui.widgets.channel_list import ChannelList
from globalchat.ui.widgets.composer_bar import ComposerBar

_LEAVE = "leave"
"""The choice of a channel's menu that is not a level."""


class ChannelController:
    """Performs the registry's actions on channels, and the slash commands about them.

    Attributes:
        session: Subscribes to channels; None before it was opened.
    """

    MESSAGES: ClassVar[tuple[type[Message], ...]] = (
        ChannelUnavailable,
        ChannelList.Picked,
        ChannelList.MenuRequested,
    )
    """The messages that `handle` takes."""

    COMMANDS: ClassVar[frozenset[str]] = frozenset({"join", "leave", "win", "notify", "mute"})
    """The commands that `run` takes."""

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        history: HistoryController,
        updater: ScreenUpdater,
        keymap: Keymap,
    ) -> None:
        self.session: ChatSession | None = None
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._history = history
        self._updater = updater
        self._keymap = keymap

    def handle(self, message: Message) -> None:
        """Handle one of `MESSAGES`."""
        match message:
            case ChannelUnavailable(channel=channel, reason=reason):
                self._close_unavailable(channel, reason)
            case ChannelList.Picked(channel=channel):
                self.open(channel)
            case ChannelList.MenuRequested():
                self._open_menu(message)

    def perform(self, action: str) -> None:
        """Perform an action of the registry, by what follows `channel.` in its id."""
        channel = self._view_model.channel
        match action.split("."):
            case ["pick"]:
                view_model, keys = self._view_model, self._keymap.keys("channel.pick")
                switcher = QuickSwitcher(view_model.switcher, view_model.why_not, keys)
                self._screen.app.push_screen(switcher, self.join)
                if self.session is not None:
                    self.session.refresh()  # An administrator may have added one since the last connect.
            case ["next"]:
                self.open(self._view_model.step(1))
            case ["previous"]:
                self.open(self._view_model.step(-1))
            case ["number"]:
                self._bar.composer.put("/win ")
            case ["number", number]:
                self.open(self._view_model.nth(int(number)))
            case ["unread"]:
                found = self._view_model.next_unread()
                if found is None:
                    self._updater.report("Nothing is unread.")
                self.open(found)
            case ["level"] if channel is not None:
                self._set_level(channel, self._model.levels.of(channel).following)
            case ["level", level]:
                self._set_level(channel, Level(level))
            case ["leave"]:
                self._leave_if_possible(channel or "")
            case ["list"]:
                # In a small window, the list covers the messages.
                screen = self._screen
                if screen.has_class("-wide"):
                    screen.toggle_class("-list-hidden")
                    self._view_model.choices.show(CHANNELS, not screen.has_class("-list-hidden"))
                else:
                    screen.toggle_class("-list-open")
                self._updater.update()

    def run(self, call: CommandCall) -> None:
        """Execute one of `COMMANDS`.

        Raises:
            UserError: it cannot be executed.
        """
        argument, view_model = call.argument, self._view_model
        match call.command.name:
            case "join":
                self.join(arguments.channel_name(argument))
            case "win":
                self.open(arguments.place(argument, view_model))
            case "leave":
                self._leave(arguments.known_channel(argument, view_model))
            case "notify":
                self._set_level(view_model.channel, arguments.level(argument))
            case "mute":
                self._toggle_mute(arguments.known_channel(argument, view_model))

    # -- opening and leaving --------------------------------------------------------------------------------

    def open(self, channel: str | None) -> None:
        """Show a channel, also at the next start, with its draft in the composer; None changes nothing."""
        if channel is not None:
            self._view_model.choices.channel = channel
            self._show(channel)

    def _show(self, channel: str) -> None:
        self._screen.remove_class("-list-open")
        if channel != self._view_model.channel:
            self._bar.change_channel(channel)
            self._view_model.open(channel)
            self._updater.show_channel()
            self._history.open()

    def join(self, channel: str | None) -> None:
        """Open a channel, and subscribe to it if necessary; None changes nothing."""
        if channel is not None:
            self.open(channel)
            self._subscribe(channel)
            self._updater.update()

    def choose_first(self, listed: tuple[str, ...]) -> None:
        """Open the first listed channel, or subscribe to an open one that is not listed."""
        if isinstance(switcher := self._screen.app.screen, QuickSwitcher):
            switcher.show_matches()
        if self._view_model.channel is None and listed:
            self._show(listed[0])
            return
        channel, revoked = self._view_model.channel, self._view_model.model.revoked
        # One that an administrator ended, or removed, is joined again by the user alone.
        if channel is not None and channel not in listed and channel not in revoked:
            self._subscribe(channel)

    def _subscribe(self, channel: str) -> None:
        # The backend answers for channels that it did not list, with the reason for a refusal.
        if self.session is not None and channel not in self.session.channels:
            self.session.join(channel)

    def _leave(self, channel: str) -> None:
        if len(self._model.conversations) == 1:
            raise UserError("This is the only channel; join another one first.")
        if channel == self._view_model.channel:
            # Before it is left: without an open channel the composer would have nowhere to keep its draft.
            self.join(self._view_model.instead_of(channel))
        if self.session is not None:
            self.session.leave(channel)
        self._view_model.leave(channel)
        self.join(self._view_model.channel)

    def _leave_if_possible(self, channel: str) -> None:
        """Leave a channel that was chosen instead of typed."""
        try:
            self._leave(arguments.known_channel(channel, self._view_model))
        except UserError as error:
            self._updater.report(str(error), error=True)

    def _close_unavailable(self, channel: str, reason: str) -> None:
        """Return from a refused channel to the previous one; text typed meanwhile is kept."""
        self._updater.report(reason, error=True)
        instead = self._view_model.instead_of(channel)
        if channel == self._view_model.channel and instead is not None:
            if self._view_model.choices.channel == channel:
                self._view_model.choices.channel = instead
            self._show(instead)
            # Opening another channel would keep this one in the list, although it does not exist.
            self._model.conversations.pop(channel, None)
            self._bar.bring_back(self._view_model.drafts.take(channel))
            self._updater.update()

    # -- levels ---------------------------------------------------------------------------------------------

    def _toggle_mute(self, channel: str) -> None:
        self._model.levels.toggle_mute(channel)
        self._set_level(channel, self._model.levels.of(channel))

    def _set_level(self, channel: str | None, level: Level) -> None:
        if channel is None:
            return
        self._model.levels.set(channel, level)
        self._updater.report(f"# {shown_name(channel)}: {level.title}")
        self._updater.update()

    def _open_menu(self, message: ChannelList.MenuRequested) -> None:
        now = self._model.levels.of(message.channel)
        levels = [Choice(each.value, f"{'●' if each is now else '○'} {each.title}") for each in Level]
        choices = [Choice("join", "Go there"), *levels, Choice(_LEAVE, "Leave it", "/leave")]
        menu = Menu(f"# {shown_name(message.channel)}", choices, message.at)
        self._screen.app.push_screen(menu, partial(self._run_menu_choice, message.channel))

    def _run_menu_choice(self, channel: str, choice: str | None) -> None:
        """Do what was chosen from a channel's menu."""
        if choice == "join":
            self.join(channel)
        elif choice == _LEAVE:
            self._leave_if_possible(channel)
        elif choice is not None:
            self._set_level(channel, Level(choice))

    # -- widgets --------------------------------------------------------------------------------------------

    @property
    def _bar(self) -> ComposerBar:
        return self._screen.query_one(ComposerBar)
