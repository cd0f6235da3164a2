"""The chat as a Textual app.

Nothing of the chat itself is imported before the first frame, which has to appear at once.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from inspect import isawaitable
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingsMap
from textual.events import DescendantFocus
from textual.filter import LineFilter
from textual.screen import Screen

from globalchat.core.logs import log_event
from globalchat.core.text import sanitize, suggest
from globalchat.ui import strip_caches
from globalchat.ui.model.background import ANSWER_WITHIN, AUTO, QUERY, is_dark_by_variable, theme_for
from globalchat.ui.model.kept_choices import KeptChoices
from globalchat.ui.model.startup import DRAFT, HEIGHTS, THEME, WIDTHS, classes
from globalchat.ui.safe_app import BackgroundReported, SafeApp, log
from globalchat.ui.screens.splash import SplashScreen
from globalchat.ui.settings import FILE, Loaded, Settings
from globalchat.ui.stylesheet import ReadOnce, legible

if TYPE_CHECKING:
    from globalchat.core.clock import WallClock
    from globalchat.ui.interfaces import ProfileCatalog, ProfileOpener, SessionFactory, WatchFactory
    from globalchat.ui.keymap import Keymap
    from globalchat.ui.screens.chat_screen import ChatScreen
    from globalchat.ui.screens.palette import PickerEntry

_CHAT, _SPLASH = "chat", "splash"
"""The modes, each with a number: Textual cannot replace a default screen otherwise."""

_DEFAULTS = Loaded(Settings())
_NO_TITLES = ("dumb", "linux")
"""Terminals that would print the control sequence of a title, by TERM."""

_PROBLEMS_SHOWN = 4
"""The most problems with the settings in one notice."""


class ChatApp(SafeApp):
    """The app, which opens the chat screen; everything else happens there.

    Args:
        open_profile: Awaited in a worker after the first frame. A UserError from it is shown; it may be
            called again.
        region: Alias or AWS name of the region to begin in; None for that of the last run.
        channel: The channel to begin in; None for that of the last run.
        sender: The name to write under.
        is_sender_given: False if a name that was chosen in an earlier run takes its place.
        is_nearest_first: True to begin in the profile's first region, whatever the last run was in.
        profile_name: Shown, so that no user mistakes one backend for another.
        settings: The user's settings, and the problems with them.
        state: The folder of the state store; None to store nothing.
        catalog: The profiles that can be opened in the chat; None for no other ones.
        welcome: Whether to show the welcome, unless it was closed in an earlier run.
        session_factory: Makes the session; None for the client's own, imported after the first frame.
        reload_profile: Awaited before the session tries again after a failure; starts nothing.
        watch_factory: Makes the watch of all regions; None for the client's own, imported on first use.
        is_read_only: Whether nothing can be sent.
        clock: Now, in epoch ms.
        tz: The zone of the times shown; None for the machine's.

    Attributes:
        is_following: True while the theme changes because of the terminal's background, not of the user.
    """

    TITLE = "globalchat"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        open_profile: "ProfileOpener",
        *,
        region: str | None,
        channel: str | None,
        sender: str,
        profile_name: str,
        is_sender_given: bool = True,
        is_nearest_first: bool = False,
        settings: Loaded = _DEFAULTS,
        state: Path | None = None,
        catalog: "ProfileCatalog | None" = None,
        welcome: bool = False,
        session_factory: "SessionFactory | None" = None,
        reload_profile: "ProfileOpener | None" = None,
        watch_factory: "WatchFactory | None" = None,
        clock: "WallClock | None" = None,
        tz: tzinfo | None = None,
        is_read_only: bool = False,
    ) -> None:
        super().__init__()
        strip_caches.create_on_demand()
        # Replaced before anything is parsed: Textual has no parameter for the class.
        self.stylesheet = ReadOnce(variables=self.stylesheet._variables)
        self.settings = settings.settings
        self.keymap: Keymap | None = None
        self.is_following = False
        self._is_dark: bool | None = None
        self._asked_at: float | None = None
        self._exit_message: Callable[[], list[str]] = list
        self._problems = settings.problems
        self._open_profile = open_profile
        self._reload_profile = reload_profile
        self._region = region
        self._is_nearest_first = is_nearest_first
        self._profile_name = profile_name
        self._state = state
        self._catalog = catalog
        self._given_sender = sender if is_sender_given else None
        self._default_sender = sender
        self._chats = 0
        self._left_behind: list[str] = []
        self._remember(channel)
        self._welcome = welcome
        self._session_factory = session_factory
        self._watch_factory = watch_factory
        self._now = clock or (lambda: int(time() * 1000))
        self._tz = tz
        self._is_read_only = is_read_only

    def _remember(self, channel: str | None = None) -> None:
        """Read what earlier runs stored for the profile, some of which is in the first frame.

        A `channel` takes precedence, and so does a name that was given.
        """
        self._stored: Mapping[str, str] = {}
        if self._state is not None:
            from globalchat.ui.state_store import StateStore

            self._stored = StateStore(self._state, self._profile_name).load()
        choices = KeptChoices()
        choices.restore(self._stored)
        self._channel = channel or choices.channel
        self._sender = self._given_sender or choices.nick or self._default_sender

    def get_default_screen(self) -> Screen[None]:
        """Return the splash screen, the first frame."""
        return SplashScreen(self._sender, self._profile_name, self._help_key(), self._keep_typed)

    def _help_key(self) -> str:
        """Return the key of the help; the registry is imported only if the settings change it."""
        # The registry would delay the first frame by its import.
        if "help" not in self.settings.keys.by_action:
            return "F1"
        from globalchat.ui.actions import ACTIONS
        from globalchat.ui.keymap import resolve

        return resolve(self.settings.keys.by_action, ACTIONS, self.settings.keys.preset)[0].title("help")

    def post_display_hook(self) -> None:
        """Load the chat after the first frame that reaches the terminal.

        At start Textual holds back some frames.
        """
        splash = self.screen
        if not self._batch_count and isinstance(splash, SplashScreen) and not splash.drawn:
            splash.drawn = True
            splash.call_after_refresh(self._show_chat, splash)

    def _show_chat(self, splash: SplashScreen) -> None:
        """Load the chat and show it, unless the app is quitting; report problems with the settings."""
        if self.is_quitting:
            return
        self.keymap, problems = self.make_keymap()
        self._problems += problems
        self._bindings = BindingsMap(_own_bindings(self.keymap))
        # For Textual's footer, which shows the palette by its key.
        self.COMMAND_PALETTE_BINDING = next(iter(self.keymap.keys("app.palette")))  # type: ignore[misc]
        chat = self._make_chat(self.keymap, lambda: splash.typed)
        chat.add_class(*classes(*self.size))  # Otherwise Textual would lay it out once without them.
        self.add_mode(self._mode(_CHAT), lambda: chat)
        self.switch_mode(self._mode(_CHAT))
        # Only after the switch: if the chat could not be made, the splash still owns the typed text.
        splash.is_over = True
        self._show_problems()

    def make_keymap(self) -> "tuple[Keymap, tuple[str, ...]]":
        """Return the keymap of the settings, and sentences about what is wrong with them."""
        from globalchat.ui.actions import ACTIONS
        from globalchat.ui.keymap import resolve

        return resolve(self.settings.keys.by_action, ACTIONS, self.settings.keys.preset)

    def _make_chat(self, keymap: "Keymap", typed_early: Callable[[], str]) -> "ChatScreen":
        from globalchat.ui.model.attention import Level, Levels
        from globalchat.ui.model.calendar import Calendar
        from globalchat.ui.model.chat_model import ChatModel
        from globalchat.ui.model.own_texts import SentTexts
        from globalchat.ui.model.own_words import OwnWords
        from globalchat.ui.model.view_model import ChatViewModel
        from globalchat.ui.screens.chat_screen import ChatScreen
        from globalchat.ui.state_store import StateStore
        from globalchat.ui.workers import SessionWorker

        notify = self.settings.notify
        model = ChatModel(
            sender=self._sender,
            calendar=Calendar(self._tz, self.settings.time),
            clock=self._now,
            limit=self.settings.scrollback,
            levels=Levels(Level(notify.level)),
            words=OwnWords(notify.words, notify.nick),
        )
        view_model = ChatViewModel(model, self._profile_name, self._channel, keymap.title)
        view_model.welcome = self._welcome
        view_model.is_read_only = self._is_read_only
        # Random, since several chats may start at the same moment and write to the same store.
        view_model.sent = SentTexts(keep=self.settings.history, run=os.urandom(3).hex(), clock=self._now)
        worker = SessionWorker(
            self._open_profile,
            region=self._region,
            last_region=lambda: None if self._is_nearest_first else view_model.choices.region,
            sender=lambda: model.sender,
            session_factory=self._session_factory,
            reload_profile=self._reload_profile,
            is_read_only=self._is_read_only,
        )
        chat = ChatScreen(
            view_model,
            worker,
            clock=self._now,
            keymap=keymap,
            settings=self.settings,
            store=StateStore(self._state, self._profile_name),
            write=self.write_terminal,
            watch_factory=self._watch_factory,
            typed_early=typed_early,
        )
        if self._catalog is not None:
            view_model.profiles = self._catalog.names
        self._exit_message = chat.controller.exit_message
        return chat

    def _keep_typed(self, text: str) -> None:
        """Store text that was typed before the chat was loaded as the channel's draft, as the chat does."""
        from globalchat.core.errors import UserError
        from globalchat.ui.model.view_model import NOWHERE
        from globalchat.ui.state_store import LONGEST, StateStore, rescue, storage_problem

        store, key = StateStore(self._state, self._profile_name), DRAFT + (self._channel or NOWHERE)
        try:
            # As the chat does it: another one of the same name may be running, with a draft of its own.
            store.claim(self._sender)
            if len(whole := store.load().get(key, "") + text) > LONGEST:
                rescued = rescue(store, text)
                self._exit_message = lambda: [rescued]
            else:
                store.merge({key: whole})
        except (OSError, UserError) as error:
            problem = storage_problem(error)
            self._exit_message = lambda: [problem]
        finally:
            store.release()

    @property
    def exit_message(self) -> list[str]:
        """The lines to print after the chat: about lost texts and waiting messages."""
        return [*self._left_behind, *self._exit_message()]

    # -- profiles -------------------------------------------------------------------------------------------

    def action_pick_profile(self) -> None:
        """Offer the profiles of this machine."""
        from globalchat.ui.screens.switchers import ProfileSwitcher

        entries = [] if self._catalog is None else self._catalog.entries()
        if any(each.name != self._profile_name for each in entries):
            self.push_screen(ProfileSwitcher(entries, self._profile_name), self._open_chosen)
        else:
            self.notify("There is no other profile. `globalchat deploy` makes one.", timeout=4)

    def action_open_profile(self, name: str) -> None:
        """Open another profile in place of this one, unless it is damaged."""
        entries = [] if self._catalog is None else self._catalog.entries()
        entry = next((each for each in entries if each.name == name), None)
        if entry is not None and entry.problem is not None:
            self.notify(entry.problem, severity="error", timeout=8)
        elif entry is not None:
            self._open_chosen(name)

    def _open_chosen(self, name: str | None) -> None:
        """Leave the chat, whose state is written, and open another profile as at a start."""
        from globalchat.ui.screens.chat_screen import ChatScreen

        chat, catalog = self.screen_stack[0], self._catalog
        if name is None or name == self._profile_name or catalog is None or self.is_quitting:
            return
        if not isinstance(chat, ChatScreen):
            return  # Another profile is just being opened.
        chat.leave()
        leaving = self._end_chat(chat, self._profile_name, [self._mode(_CHAT), self._mode(_SPLASH)])
        self._chats += 1
        self._profile_name = name
        self._open_profile, self._reload_profile = catalog.openers(name)
        # What the command line says of region, channel and welcome is about the first profile.
        self._region, self._is_nearest_first, self._welcome = None, False, False
        self._remember()
        self._apply_theme()
        self._exit_message = list
        splash = self.get_default_screen()
        self.add_mode(self._mode(_SPLASH), lambda: splash)
        self.switch_mode(self._mode(_SPLASH))
        self.run_worker(leaving, name="leaving", group="leaving")

    async def _end_chat(self, chat: "ChatScreen", profile: str, modes: Sequence[str]) -> None:
        """Remove a chat that was left, once its session has ended; report what waits in its profile."""
        try:
            await chat.controller.ended()
        except asyncio.CancelledError:  # The app ends, too.
            self._left_behind += [f"{profile}: {each}" for each in chat.controller.exit_message()]
            raise
        # Said at the end once more: where texts are that were too long to be kept.
        self._left_behind += chat.controller.rescued
        for sentence in chat.controller.exit_message():
            self.notify(f"{profile}: {sentence}", severity="warning", timeout=15)
        for mode in modes:
            if mode in self._screen_stacks and mode != self.current_mode:
                await self.remove_mode(mode)

    def _mode(self, kind: str) -> str:
        """Return the mode of the chat, or of the splash screen before it."""
        return f"{kind}-{self._chats}"

    # -- the terminal ---------------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        """Open the command palette, or close it."""
        from globalchat.ui.screens.chat_screen import ChatScreen
        from globalchat.ui.screens.palette import ID, PickerEntry, palette

        chat, top = self.screen_stack[0], self.screen
        if top.id == ID:
            top.dismiss()
        elif isinstance(chat, ChatScreen) and self.keymap is not None:
            # Later, when the palette itself is no longer on the screen.
            picture = PickerEntry(
                "Save a picture of the screen (SVG)", lambda: self.set_timer(0.1, self.deliver_screenshot)
            )
            self.push_screen(palette(chat, self.keymap, [picture]), self._choose)

    def search_themes(self) -> None:
        """Offer the themes."""
        from globalchat.ui.screens.chat_screen import ChatScreen
        from globalchat.ui.screens.palette import themes

        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen):
            self.push_screen(themes(chat, self.follow_background), self._choose)

    def action_use_theme(self, name: str) -> None:
        """Use a theme of `available_themes`, or `AUTO`."""
        from globalchat.ui.screens.chat_screen import ChatScreen

        chat = self.screen_stack[0]
        if name != AUTO:
            self.theme = name
        elif isinstance(chat, ChatScreen):
            chat.view_model.theme = None
            self.follow_background()

    def _choose(self, entry: "PickerEntry | None") -> None:
        """Do what was chosen from a list, in the chat."""
        if entry is not None:
            self.call_later(self._run_entry, entry)

    async def _run_entry(self, entry: "PickerEntry") -> None:
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        result = entry.run()
        if isawaitable(result):
            await result

    def action_help_quit(self) -> None:
        """Explain which key quits on Ctrl+C without a selection, since elsewhere Ctrl+C ends a program."""
        from globalchat.ui.actions import DEFAULT_KEYS

        quit_key = (self.keymap or DEFAULT_KEYS).title("app.quit")
        self.notify(f"Nothing is selected to be copied. {quit_key} quits.", timeout=4)

    def write_terminal(self, text: str) -> None:
        """Write to the terminal directly, unless it would print the control sequence as text."""
        plain = os.environ.get("TERM", "") in _NO_TITLES and text.startswith("\x1b")
        if self._driver is not None and not (self.is_headless or self.is_web or plain):
            self._driver.write(text)

    def action_guide(self, topic: str) -> None:
        """Open the guide to a real cloud: `connect` or `deploy`."""
        from globalchat.core.files import user_folders
        from globalchat.ui.screens.help import Guide

        self.push_screen(Guide(topic, str(user_folders().config)))

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's colours, adjusted where text would be unreadable."""
        variables = legible(super().get_css_variables(), ansi=self.current_theme.ansi)
        self.theme_variables = variables
        return variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters, with the ASCII one if the settings ask for it."""
        filters = super().get_line_filters()
        if not self.settings.ascii:
            return filters
        from globalchat.ui.ascii import AsciiFilter

        return [*filters, AsciiFilter()]

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Stop cursors from blinking if the settings forbid motion."""
        if self.animation_level != "none":
            return
        from textual.widgets import Input, TextArea

        if isinstance(event.widget, Input | TextArea):
            event.widget.cursor_blink = False

    def on_mount(self) -> None:
        """Apply the settings of theme and motion."""
        self._end_on_signals()
        if not self.settings.motion:
            self.animation_level = "none"
        self._apply_theme()

    def _apply_theme(self) -> None:
        """Apply the theme of the settings, or that of an earlier run, before a frame is drawn."""
        wanted = self.settings.theme or self._stored.get(THEME) or os.environ.get("TEXTUAL_THEME") or AUTO
        if wanted in self.available_themes:
            self.theme = wanted
            return
        if self.settings.theme not in (None, AUTO):
            name = sanitize(wanted, multiline=False)[:50]
            sentence = f'Unknown theme: "{name}".'
            self._problems += (suggest(sentence, wanted, (*self.available_themes, AUTO)),)
        self.follow_background()

    def follow_background(self) -> None:
        """Use a dark or a light theme, as the terminal's background is; ask the terminal if necessary.

        Nothing waits for the answer, which usually comes before the first frame.
        """
        if self._is_dark is None:
            self._is_dark = is_dark_by_variable(os.environ.get("COLORFGBG", ""))
        if self._asked_at is None:
            self._asked_at = monotonic()
            self.write_terminal(QUERY)
        self._apply_background()

    def action_show_settings(self) -> None:
        """Show the settings and their file."""
        from globalchat.core.files import user_folders
        from globalchat.ui.screens.help import SettingsList

        self.push_screen(SettingsList(self.settings, str(user_folders().config / FILE)))

    def on_background_reported(self, message: BackgroundReported) -> None:
        """Follow the terminal's answer, unless a theme was chosen meanwhile or the user has begun to read."""
        is_in_time = self._asked_at is not None and monotonic() - self._asked_at <= ANSWER_WITHIN
        if is_in_time and self.theme == theme_for(self._is_dark):
            self._is_dark = message.is_dark
            self._apply_background()

    def _apply_background(self) -> None:
        self.is_following = True
        self.theme = theme_for(self._is_dark)
        self.is_following = False

    def _end_on_signals(self) -> None:
        """End cleanly on a signal, so that the terminal is restored."""
        if self.is_headless or self.is_web:
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Queued behind waiting input, so that text typed before the window was closed is not lost.
            asyncio.get_running_loop().add_signal_handler(number, self._end_on, number)

    def _end_on(self, number: signal.Signals) -> None:
        # Ctrl+C in an editor that has the terminal reaches all its programs.
        if number is signal.SIGINT and getattr(self._driver, "is_handed_over", False):
            return
        log_event(log, logging.INFO, "chat ends on a signal", signal=number.name)
        # The exit code with which a shell reports a signal.
        self.call_later(self.exit, None, 128 + number)

    def _show_problems(self) -> None:
        if self._problems:
            shown = "\n".join(self._problems[:_PROBLEMS_SHOWN])
            more = len(self._problems) - _PROBLEMS_SHOWN
            shown += f"\n… and {more} more" if more > 0 else ""
            self.notify(shown, title=FILE, severity="warning", timeout=15, markup=False)
            self._problems = ()


def _own_bindings(keymap: "Keymap") -> list[Binding]:
    """Return the bindings of Textual's app, with the keys of the keymap."""
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
