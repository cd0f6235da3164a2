"""Textual's driver for terminals, which also ends well when the terminal is gone.

A terminal that hangs up (its window closed, its tmux ended) sends SIGHUP and SIGCONT. Textual takes the
second for the return from a suspension, and its writer's thread ends at the first write: what is written
then would wait for ever for room in the writer's queue.

Where only the shell that started the chat is gone, that shell's parent takes the terminal: reading fails.
"""

import os
import sys
import termios
from io import TextIOWrapper
from queue import Full

from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

PATIENCE = 0.5
"""Seconds after which to look whether the writer still lives, while its queue is full."""
NO_BROWSER = "Here is no browser with a window. The link is copied, if your terminal allows it."
HUNG_UP = 129
"""The exit code of what SIGHUP ended."""


class TerminalDriver(LinuxDriver):
    """A driver that never waits for a terminal which is gone, and then ends the app."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        """As Textual's, which draws on standard error wherever that leads."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = canvas(sys.__stderr__, sys.__stdout__)

    def write(self, data: str) -> None:
        """Write to the terminal, as long as there is one."""
        if self._writer_thread is not None and not _hand(self._writer_thread, data):
            self._app.exit(None, HUNG_UP)

    def close(self) -> None:
        """Let the writer end, if it has not yet."""
        if self._writer_thread is None:
            return
        if _hand(self._writer_thread, None):
            self._writer_thread.join()
        if self._file is not None and not self._is_there():
            # Python's last flush would fail, and say so instead of the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())

    def run_input_thread(self) -> None:
        """Read keys, as long as the terminal gives us any."""
        try:
            super().run_input_thread()
        except OSError:
            self._app.call_later(self._app.exit, None, HUNG_UP)

    def open_url(self, url: str, new_tab: bool = True) -> None:  # noqa: ARG002 (Textual's)
        """Open a page in a browser; without one with a window, put its address on the clipboard."""
        self._app.run_worker(self._open(url), group="browser", exit_on_error=False)

    async def _open(self, url: str) -> None:
        from globalchat.ui.browser import open_page

        if not await open_page(url):
            self._app.copy_to_clipboard(url)
            self._app.notify(NO_BROWSER, timeout=8, markup=False)

    def _sigcont_application(self, *args: object) -> None:
        if self._is_there():
            super()._sigcont_application(*args)

    def _is_there(self) -> bool:
        try:
            termios.tcgetattr(self.fileno)
        except termios.error:
            return False
        return True


def canvas(*streams: TextIOWrapper | None) -> TextIOWrapper | None:
    """The first stream that leads to a terminal, so that `2> log` is no black screen; written in UTF-8.

    A locale that says otherwise is older than the terminals that are in use; Python would write escapes.
    """
    found = next((each for each in streams if each is not None and each.isatty()), None)
    if found is not None:
        found.reconfigure(encoding="utf-8")
    return found


def _hand(writer: WriterThread, data: str | None) -> bool:
    """Queue data for the writer, or None to end it; False if it has ended, as when it cannot write."""
    while writer.is_alive():
        try:
            writer._queue.put(data, timeout=PATIENCE)
        except Full:
            continue
        return True
    return False
