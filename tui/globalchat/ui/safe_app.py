"""What reaches the terminal past the chat's own widgets: clipboard, toasts, links, pasted text.

Imports nothing that the first frame does not need.
"""

from textual import events, on
from textual.app import App
from textual.driver import Driver
from textual.notifications import SeverityLevel

from globalchat.core.text import sanitize


class SafeApp(App[None]):
    """An app that hands on nothing which a terminal (or a browser) would obey instead of show."""

    def get_driver_class(self) -> type[Driver]:
        """The driver for a terminal is ours; any other (a browser's, Windows') is left as it is."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from globalchat.ui.terminal_driver import TerminalDriver

        return TerminalDriver

    @on(Driver.SignalResume)
    def _draw_anew(self) -> None:
        """Draw everything after a stop (SIGTSTP, then `fg`): the terminal showed something else meanwhile."""
        self.refresh(layout=True)

    async def on_event(self, event: events.Event) -> None:
        """Sanitise what is pasted into an Input; the composer keeps what it gets, and shows it safely."""
        if isinstance(event, events.Paste):
            from textual.widgets import Input

            if isinstance(self.focused, Input):
                event.text = sanitize(event.text)
        await super().on_event(event)

    def copy_to_clipboard(self, text: str) -> None:
        """Put the sanitised text on the clipboard: what is pasted in a shell must not run by itself."""
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
        """Show a toast, sanitised; its text is no markup unless the caller says so."""
        super().notify(
            sanitize(message),
            title=sanitize(title, multiline=False),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """Open a web page; anything else than http and https is not opened."""
        from globalchat.ui.model.links import is_web

        if is_web(url):
            super().open_url(url, new_tab=new_tab)
