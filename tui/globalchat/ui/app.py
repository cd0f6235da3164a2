"""The chat as a Textual app.

Of the chat itself nothing is imported before the first frame, which has to be there at once.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingsMap
from textual.command import Provider
from textual.events import DescendantFocus
from textual.filter import LineFilter
from textual.screen import Screen

from globalchat.core.logs import log_event
from globalchat.core.text import sanitize, suggest
from globalchat.ui.legible_colours import legible
from globalchat.ui.model.startup import DRAFT, HEIGHTS, THEME, WIDTHS, classes
from globalchat.ui.safe_app import SafeApp, log
from globalchat.ui.screens.curtain import Curtain
from globalchat.ui.settings import FILE, Loaded, Settings
from globalchat.ui.stylesheet import ReadOnce

if TYPE_CHECKING:
    from globalchat.core.clock import WallClock
    from globalchat.ui.keymap import Keymap
    from globalchat.ui.ports import ProfileOpener, SessionFactory, WatchFactory
    from globalchat.ui.screens.chat import ChatScreen

_CHAT = "chat"
"""The mode that the first frame gives way to: Textual cannot switch from a default screen otherwise."""

_UNWANTED = frozenset({"Keys", "Maximize", "Minimize", "Quit", "Theme"})
"""Textual's commands that the chat's own actions replace."""

_DEFAULTS = Loaded(Settings())
_NO_TITLES = ("dumb", "linux")
"""Terminals that would print what they should obey, by TERM."""

_PROBLEMS_SHOWN = 4
"""Problems with the settings that one notice names."""


def _chat_commands() -> type[Provider]:
    from globalchat.ui.commands import ChatCommands

    return ChatCommands


class ChatApp(SafeApp):
    """Opens the chat screen; everything else happens there."""

    TITLE = "globalchat"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {_chat_commands}

    def __init__(
        self,
        open_profile: "ProfileOpener",
        *,
        region: str | None,
        channel: str | None,
        sender: str,
        profile_name: str,
        settings: Loaded = _DEFAULTS,
        state: Path | None = None,
        welcome: bool = False,
        session_factory: "SessionFactory | None" = None,
        reload_profile: "ProfileOpener | None" = None,
        watch_factory: "WatchFactory | None" = None,
        clock: "WallClock | None" = None,
        tz: tzinfo | None = None,
    ) -> None:
        """Make the app; nothing is opened yet.

        Args:
            open_profile: Awaited in a worker after the first frame. A UserError from it is shown; it may be
                called again.
            region: Alias or AWS name of the region to begin in; None for the profile's first.
            channel: The channel to begin in; None for the backend's first.
            sender: The name to write under.
            profile_name: Shown, so that nobody mistakes one backend for another.
            settings: What the person set, and what of it could not be followed.
            state: The folder for what the next run should know; None to forget it.
            welcome: Whether to greet, unless the greeting was put away in an earlier run.
            session_factory: Makes the session; None for the client's own, imported after the first frame.
            reload_profile: Awaited before the session tries again after a failure; starts nothing.
            watch_factory: Makes the watch of all regions; likewise, when it is first wanted.
            clock: Now, in epoch ms.
            tz: The zone of the times shown; None for the machine's.
        """
        super().__init__()
        self.stylesheet = ReadOnce(variables=self.stylesheet._variables)
        self.settings = settings.settings
        self.keymap: Keymap | None = None
        self._exit_message: Callable[[], list[str]] = list
        self._problems = settings.problems
        self._open_profile = open_profile
        self._reload_profile = reload_profile
        self._region = region
        self._channel = channel
        self._sender = sender
        self._profile_name = profile_name
        self._state = state
        self._welcome = welcome
        self._session_factory = session_factory
        self._watch_factory = watch_factory
        self._now = clock or (lambda: int(time() * 1000))
        self._tz = tz

    def get_default_screen(self) -> Screen[None]:
        """The first frame."""
        return Curtain(self._sender, self._profile_name, self._help_key(), self._keep_typed)

    def _help_key(self) -> str:
        """The key of the help as people write it; the registry is imported only for those who changed it."""
        if "help" not in self.settings.keys:
            return "F1"
        from globalchat.ui.actions import ACTIONS
        from globalchat.ui.keymap import resolve

        return resolve(self.settings.keys, ACTIONS)[0].title("help")

    def post_display_hook(self) -> None:
        """Load the chat after the first frame that reaches the terminal: at start Textual holds some back."""
        curtain = self.screen
        if not self._batch_count and isinstance(curtain, Curtain) and not curtain.drawn:
            curtain.drawn = True
            curtain.call_after_refresh(self._raise_curtain, curtain)

    def _raise_curtain(self, curtain: Curtain) -> None:
        """Load the chat and show it, unless it is to end; say which settings could not be followed."""
        if self.is_quitting:
            return
        from globalchat.ui.actions import ACTIONS
        from globalchat.ui.keymap import resolve

        self.keymap, problems = resolve(self.settings.keys, ACTIONS)
        self._problems += problems
        self._bindings = BindingsMap(_own_bindings(self.keymap))
        chat = self._make_chat(self.keymap, lambda: curtain.typed)
        chat.add_class(*classes(*self.size))  # Textual would lay it out once without them
        self.add_mode(_CHAT, lambda: chat)
        self.switch_mode(_CHAT)
        curtain.is_raised = True
        self._tell_problems()

    def _make_chat(self, keymap: "Keymap", typed: Callable[[], str]) -> "ChatScreen":
        from globalchat.ui.connection import Connection
        from globalchat.ui.memory import Memory
        from globalchat.ui.model.attention import Level, Levels
        from globalchat.ui.model.calendar import Calendar
        from globalchat.ui.model.chat_model import ChatModel
        from globalchat.ui.model.own_texts import History
        from globalchat.ui.model.view_model import ChatViewModel
        from globalchat.ui.screens.chat import ChatScreen

        model = ChatModel(
            sender=self._sender,
            calendar=Calendar(self._tz),
            clock=self._now,
            limit=self.settings.scrollback,
            levels=Levels(Level(self.settings.notify.level)),
        )
        view_model = ChatViewModel(model, self._profile_name, self._channel)
        view_model.welcome = self._welcome
        view_model.sent = History(keep=self.settings.history, run=os.urandom(3).hex(), clock=self._now)
        connection = Connection(
            self._open_profile,
            region=self._region,
            sender=lambda: model.sender,
            session_factory=self._session_factory,
            reload_profile=self._reload_profile,
        )
        chat = ChatScreen(
            view_model,
            connection,
            clock=self._now,
            keymap=keymap,
            settings=self.settings,
            memory=Memory(self._state, self._profile_name),
            write=self.write_terminal,
            watch_factory=self._watch_factory,
            typed=typed,
        )
        self._exit_message = chat.exit_message
        return chat

    def _keep_typed(self, text: str) -> None:
        """Keep what was typed before there was a chat as the channel's draft, as that would have done."""
        from globalchat.core.errors import UserError
        from globalchat.ui.memory import LONGEST, Memory, problem, rescue
        from globalchat.ui.model.view_model import NOWHERE

        memory, key = Memory(self._state, self._profile_name), DRAFT + (self._channel or NOWHERE)
        try:
            memory.claim(self._sender)
            if len(whole := memory.load().get(key, "") + text) > LONGEST:
                rescued = rescue(memory, text)
                self._exit_message = lambda: [rescued]
            else:
                memory.merge({key: whole})
        except (OSError, UserError) as error:
            said = problem(error)
            self._exit_message = lambda: [said]
        finally:
            memory.release()

    @property
    def exit_message(self) -> list[str]:
        """What to say once the terminal is the shell's again: which texts are lost, which messages wait."""
        return self._exit_message()

    def action_command_palette(self) -> None:
        """Open the command palette."""
        from globalchat.ui.screens.palette import ID, Palette

        if self.use_command_palette and self.screen.id != ID:
            self.push_screen(Palette(id=ID))

    def action_help_quit(self) -> None:
        """Answer Ctrl+C where there is nothing to copy: elsewhere it ends a program."""
        from globalchat.ui.actions import DEFAULT_KEYS

        quit_key = (self.keymap or DEFAULT_KEYS).title("app.quit")
        self.notify(f"Nothing is selected to be copied. {quit_key} quits.", timeout=4)

    def write_terminal(self, text: str) -> None:
        """Write to the terminal, past everything that is drawn, unless it would print what it should obey."""
        plain = os.environ.get("TERM", "") in _NO_TITLES and text.startswith("\x1b")
        if self._driver is not None and not (self.is_headless or self.is_web or plain):
            self._driver.write(text)

    def action_guide(self, topic: str) -> None:
        """Explain the way to a real cloud: `connect` or `deploy`."""
        from globalchat.core.files import user_folders
        from globalchat.ui.screens.guide import Guide

        self.push_screen(Guide(topic, str(user_folders().config)))

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, changed where text could not be read."""
        variables = legible(super().get_css_variables(), ansi=self.current_theme.ansi)
        self.theme_variables = variables
        return variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, and the one that leaves ASCII alone."""
        filters = super().get_line_filters()
        if not self.settings.ascii:
            return filters
        from globalchat.ui.ascii import AsciiFilter

        return [*filters, AsciiFilter()]

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Let nothing blink where nothing may move."""
        if self.animation_level != "none":
            return
        from textual.widgets import Input, TextArea

        if isinstance(event.widget, Input | TextArea):
            event.widget.cursor_blink = False

    def on_mount(self) -> None:
        """Follow the settings about how it looks."""
        self._end_on_signals()
        if not self.settings.motion:
            self.animation_level = "none"
        wanted = self.settings.theme or self._chosen_theme()
        if wanted in self.available_themes:
            self.theme = wanted
        elif self.settings.theme is not None:
            name = sanitize(self.settings.theme, multiline=False)[:50]
            sentence = f'There is no theme "{name}".'
            self._problems += (suggest(sentence, self.settings.theme, self.available_themes),)

    def _chosen_theme(self) -> str | None:
        """The theme that was chosen in an earlier run: known before the first frame, so nothing flashes."""
        if self._state is None:
            return None
        from globalchat.ui.memory import Memory

        return Memory(self._state, self._profile_name).load().get(THEME)

    def _end_on_signals(self) -> None:
        """End in order when told to from outside: the terminal has to be left as it was."""
        if self.is_headless or self.is_web:
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Behind the input that waits: what was typed before the window was closed is not lost.
            asyncio.get_running_loop().add_signal_handler(number, self._end_on, number)

    def _end_on(self, number: signal.Signals) -> None:
        log_event(log, logging.INFO, "chat ends on a signal", signal=number.name)
        self.call_later(self.exit, None, 128 + number)

    def _tell_problems(self) -> None:
        if self._problems:
            shown = "\n".join(self._problems[:_PROBLEMS_SHOWN])
            more = len(self._problems) - _PROBLEMS_SHOWN
            shown += f"\n… and {more} more" if more > 0 else ""
            self.notify(shown, title=FILE, severity="warning", timeout=15, markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's commands, without those that the chat has its own for."""
        for command in super().get_system_commands(screen):
            if command.title not in _UNWANTED:
                yield command


def _own_bindings(keymap: "Keymap") -> list[Binding]:
    """The bindings that Textual's own app has, on the keys that are wanted for them."""
    quit_keys, palette_keys = ",".join(keymap.keys("app.quit")), ",".join(keymap.keys("app.palette"))
    return [
        Binding(quit_keys, "quit", "Quit", show=False, priority=True),
        Binding("ctrl+c", "help_quit", show=False, system=True),
        Binding(
            palette_keys,
            "command_palette",
            "palette",
            show=False,
            key_display=keymap.title("app.palette"),
            priority=True,
        ),
    ]
