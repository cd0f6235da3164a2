"""A safer base class than Textual's app: sanitises output that bypasses the chat's widgets, and ends cleanly.

Imports nothing that the first frame does not need.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from rich.console import RenderableType
from textual import events, messages, on
from textual._context import message_hook
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.keys import _character_to_key
from textual.message import Message
from textual.notifications import Notification, Notifications, SeverityLevel
from textual.widgets._toast import ToastHolder, ToastRack
from textual.worker import WorkerFailed

from globalchat.core.errors import ExitCode
from globalchat.core.interpreter import as_typed_here
from globalchat.core.terminal import wants_no_colour
from globalchat.core.text import sanitize

log = logging.getLogger("globalchat.ui")

ROUNDS = 3
"""How often all widgets are waited for before the app ends: a key changes a text, which is reported to
the widget itself and then to its parent, which stores it."""

SETTLE_SECONDS = 1.0
"""Seconds after which the app ends even if a widget has not handled all its messages."""

_TOASTS = 2
"""The most toasts at a time, as more would cover the messages."""
_TOAST_LINES = 10
"""The most lines of a toast's text."""

_ENDING = (
    messages.CloseMessages,
    messages.ExitApp,
    messages.InvokeLater,
    messages.Prune,
    events.Callback,
    events.Unmount,
)
"""Messages with which Textual ends an app.

Callbacks are among them because they may be waited for; without a screen Textual skips them itself.
"""


class UnbracketedPaste(events.Paste):
    """Lines that came faster than they can be typed.

    They are treated as a paste, and never sent without confirmation.
    """


class BackgroundReported(Message):
    """Posted when the terminal has answered which background it has."""

    def __init__(self, *, is_dark: bool) -> None:
        super().__init__()
        self.is_dark = is_dark


# Textual derives the name from the class, and no widget has a handler for this one.
UnbracketedPaste.handler_name = events.Paste.handler_name


def _cause(error: Exception | None) -> Exception | None:
    """Return the error of a worker, or the error itself."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    return cause if isinstance(cause, Exception) else error


class _Toasts(Notifications):
    """The visible toasts: the latest `_TOASTS`, and each text once."""

    def add(self, notification: Notification) -> Self:
        """Add a toast, replacing surplus ones and those with the same text."""
        shown = list(self)
        others = [each for each in shown if each.message != notification.message]
        kept = others[max(0, len(others) - _TOASTS + 1) :]
        for each in shown:
            if each not in kept:
                del self[each]
        return super().add(notification)


class SafeApp(App[None]):
    """An app that passes on nothing that a terminal (or a browser) would interpret instead of showing.

    It also handles no input once quitting has begun. Textual's `exit` queues the end behind what waits: a key
    that came in the same read as Ctrl+Q opened a dialog in an app that no longer mounts anything, and the
    keys before it were dropped half-way to the text they belonged to.
    """

    def __init__(self) -> None:
        if not wants_no_colour(os.environ):
            os.environ.pop("NO_COLOR", None)  # Textual treats an empty value as set.
        super().__init__()
        self._notifications = _Toasts()
        self._is_quitting = False

    async def run_async(self, **options: Any) -> None:  # noqa: ANN401 - Textual's own
        """Run until the end. Errors before and after Textual's own handling end the app like any other."""
        try:
            return await super().run_async(**options)
        except Exception as error:
            self._handle_exception(error)

    @property
    def failure(self) -> Exception | None:
        """The error that ended the app, None if the user or a signal did."""
        return _cause(self._exception)

    def _handle_exception(self, error: Exception) -> None:
        """End because of an error in a handler, a timer, a worker, drawing, or reading keys.

        It is logged, and the command that ran the app reports it: Textual would print pages with values of
        variables. Once the app ends, Textual mounts nothing more, and a handler that looks for its widgets
        finds none: that is no failure.
        """
        if self._exit and isinstance(error, NoMatches):
            return
        log.error("chat crashed", exc_info=_cause(error))
        self._return_code = ExitCode.FAILED
        if self._exception is None:
            # The first error is the cause; later ones mostly follow from it.
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _log_stray_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error that no task awaits; asyncio would write it over the screen."""
        log.error("background work failed", exc_info=context.get("exception"))

    @property
    def is_quitting(self) -> bool:
        """True once quitting has begun, by a command, a signal or a failure."""
        return self._is_quitting or self._has_ended

    @property
    def _has_ended(self) -> bool:
        """True once the widgets are being closed, or are about to be."""
        return self._exit or self._exception is not None or not self._running

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Quit: ignore further input, let the widgets handle earlier messages, then end.

        Only the first call counts.
        """
        if self._is_quitting:
            return
        self._is_quitting = True
        end = partial(super().exit, result, return_code, message)
        if self._running:
            # A widget that never answers must not keep the app from ending.
            asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._end, end)
            self._settle(ROUNDS, partial(self._end, end))
        else:
            end()

    def _settle(self, rounds: int, then: Callable[[], object]) -> None:
        """Call `then` after every widget has handled its messages, `rounds` times."""
        waiting = 0

        def handled() -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                self._settle(rounds - 1, then)

        if rounds:
            # `call_later` is queued behind a widget's messages, so its call means that they have been
            # handled.
            waiting = sum(node.call_later(handled) for node in (self, *self._registry))
        if not waiting:
            then()

    def _end(self, end: Callable[[], None]) -> None:
        if not self._has_ended:
            end()

    def on_load(self) -> None:
        """Install a hook that sees every message before it is handled, in the app and all widgets."""
        # A context variable: tasks that start from now on, those of all widgets, inherit it.
        message_hook.set(self._drop_after_the_end)
        if not self.is_headless:
            asyncio.get_running_loop().set_exception_handler(self._log_stray_error)

    def _drop_after_the_end(self, message: Message) -> None:
        if self._has_ended and not isinstance(message, _ENDING):
            message.prevent_default().stop()

    def on_exit_app(self, event: messages.ExitApp) -> None:
        """Quit like `exit` if a driver requests the end, as the driver for browsers does."""
        if not self._exit:
            event.prevent_default()
            self.exit()

    def get_driver_class(self) -> type[Driver]:
        """Return our driver for a terminal; any other (a browser's, Windows') is left as it is."""
        chosen = super().get_driver_class()
        # By its name, since importing Textual's driver fails on Windows.
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from globalchat.ui.terminal_driver import TerminalDriver

        return TerminalDriver

    @on(Driver.SignalResume)
    def _redraw(self) -> None:
        """Redraw everything after a suspension (SIGTSTP, then `fg`): the terminal showed other things."""
        self.refresh(layout=True)

    async def on_event(self, event: events.Event) -> None:
        """Drop input once quitting has begun; sanitise what is pasted into an Input.

        The composer keeps the original text, and shows it safely. Forwarded input has been handled before.
        """
        if isinstance(event, events.InputEvent | events.Paste) and (
            self._has_ended or (self._is_quitting and not event.is_forwarded)
        ):
            return
        if isinstance(event, events.Key) and event.key == "alt+backspace":
            from textual.widgets import Input

            if isinstance(self.focused, Input):
                event.key = "ctrl+w"  # Textual's Input would delete the word after the cursor.
        if isinstance(event, events.Paste):
            # Imported here, as the first frame has no input.
            from textual.widgets import Input

            if isinstance(self.focused, Input):
                event.text = sanitize(event.text)
        if isinstance(event, UnbracketedPaste) and not event.is_forwarded and self._is_answering():
            await self._type_lines(event.text)
            return
        await super().on_event(event)

    def _is_answering(self) -> bool:
        """Return True if Enter currently sends no message: in a single-line field, and in dialogs."""
        from textual.screen import ModalScreen
        from textual.widgets import Input

        takes_pastes = "on_paste" in vars(type(self.screen))
        return isinstance(self.focused, Input) or (isinstance(self.screen, ModalScreen) and not takes_pastes)

    async def _type_lines(self, text: str) -> None:
        """Type the first of several lines that came at once.

        The others go to the widget that then has the focus.
        """
        line, enter, others = text.partition("\n")
        for character in line:
            # Textual's parser is bypassed here, and names the other keys ("space", "full_stop").
            name = character if character.isalnum() else _character_to_key(character)
            await super().on_event(events.Key(name, character))
        if enter:
            await super().on_event(events.Key("enter", "\r"))
        if others:
            rest = UnbracketedPaste(others).set_sender(self)
            self._settle(ROUNDS, partial(self.post_message, rest))

    def copy_to_clipboard(self, text: str) -> None:
        """Put the sanitised text on the clipboard: pasted into a shell, it must not run unintentionally."""
        super().copy_to_clipboard(sanitize(text))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice, sanitised and shortened; its text is markup only if the caller says so.

        Information goes to the screen's status line, if it has one (`show_notice`). Others are toasts: at
        most `_TOASTS` at a time, and each text once.
        """
        from globalchat.ui.model.text import brief

        message = as_typed_here(message)
        text = "\n".join(map(brief, message.split("\n", _TOAST_LINES)[:_TOAST_LINES]))
        show_notice = getattr(self.screen, "show_notice", None) if self._screen_stack else None
        if severity == "information" and not title and callable(show_notice):
            show_notice(" ".join(text.split("\n")), self.NOTIFICATION_TIMEOUT if timeout is None else timeout)
            return
        super().notify(
            text,
            title=sanitize(title, multiline=False),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def _refresh_notifications(self) -> None:
        super()._refresh_notifications()
        self.call_later(self._remove_toast_holders)

    def _remove_toast_holders(self) -> None:
        """Remove what held the toasts that were closed.

        Textual removes only the toast. What held it stays as a blank line, until new toasts are out of sight.
        """
        shown = {ToastRack._toast_id(notification) for notification in self._notifications}
        holders = self.screen.query(ToastHolder) if self._screen_stack else ()
        for holder in holders:
            if holder.id not in shown:
                holder.remove()

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """Open a web page; anything else than http and https is not opened."""
        from globalchat.ui.model.links import is_web

        if is_web(url):
            super().open_url(url, new_tab=new_tab)
