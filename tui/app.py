"""The chat as a Textual app."""

from collections.abc import Callable, Iterable
from datetime import tzinfo
from pathlib import PurePath
from time import time
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingsMap
from textual.command import Provider
from textual.screen import Screen

from tui.actions import ACTIONS
from tui.commands import ChatCommands
from tui.connection import Connection
from tui.keymap import Keymap, resolve
from tui.model.calendar import Calendar
from tui.model.chat import ChatModel
from tui.model.desk import Desk
from tui.ports import Clock, ProfileOpener, SessionFactory, WatchFactory
from tui.safe_app import SafeApp
from tui.screens.chat import ChatScreen
from tui.settings import FILE, Loaded, Settings

_WIDTHS = [(0, "-too-narrow"), (40, "-narrow"), (60, "-medium"), (100, "-wide")]
_HEIGHTS = [(0, "-too-low"), (10, "-low"), (28, "-high")]
"""Classes of every screen, by its least columns and rows."""

_UNWANTED = frozenset({"Keys", "Maximize", "Minimize"})
"""Textual's commands that the chat's own help and layout replace."""

_DEFAULTS = Loaded(Settings())
_PROBLEMS_SHOWN = 4
"""Problems with the settings that one notice names."""


class ChatApp(SafeApp):
    """Opens the chat screen; everything else happens there."""

    TITLE = "globalchat"
    # Textual loads no style sheet of a default screen, so the app names them all.
    CSS_PATH: ClassVar[list[str | PurePath]] = ["screens/chat.tcss", "screens/dialog.tcss"]
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {ChatCommands}

    def __init__(
        self,
        open_profile: ProfileOpener,
        *,
        region: str | None,
        channel: str | None,
        sender: str,
        profile_name: str,
        settings: Loaded = _DEFAULTS,
        session_factory: SessionFactory | None = None,
        watch_factory: WatchFactory | None = None,
        clock: Clock | None = None,
        tz: tzinfo | None = None,
    ) -> None:
        """Make the app; nothing is opened yet.

        Args:
            open_profile: Awaited in a worker after the first frame. A ClientError from it is shown; it may be
                called again.
            region: Alias or AWS name of the region to begin in; None for the profile's first.
            channel: The channel to begin in; None for the backend's first.
            sender: The name to write under.
            profile_name: Shown, so that nobody mistakes one backend for another.
            settings: What the person set, and what of it could not be followed.
            session_factory: Makes the session; None for the client's own, imported after the first frame.
            watch_factory: Makes the watch of all regions; likewise, when it is first wanted.
            clock: Now, in epoch ms.
            tz: The zone of the times shown; None for the machine's.
        """
        super().__init__()
        self.settings = settings.settings
        self.keymap, problems = resolve(self.settings.keys, ACTIONS)
        self._problems = settings.problems + problems
        self._bindings = BindingsMap(_own_bindings(self.keymap))
        now = clock or (lambda: int(time() * 1000))
        model = ChatModel(sender=sender, calendar=Calendar(tz), clock=now)
        self._desk = Desk(model, profile_name, channel)
        self._sender = sender
        self._watch_factory = watch_factory
        self._now = now
        self._connection = Connection(
            open_profile, region=region, sender=sender, session_factory=session_factory
        )

    def get_default_screen(self) -> Screen[None]:
        """The chat."""
        return ChatScreen(
            self._desk,
            self._connection,
            sender=self._sender,
            clock=self._now,
            keymap=self.keymap,
            watch_factory=self._watch_factory,
        )

    def on_mount(self) -> None:
        """Follow the settings; say which could not be followed."""
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


def _own_bindings(keymap: Keymap) -> list[Binding]:
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
