"""Textual's driver for terminals: it ends with the terminal, keeps columns aligned, and opens browsers.

A terminal that hangs up (its window closed, its tmux ended) sends SIGHUP and SIGCONT. Textual mistakes the
second for the return from a suspension, and its writer thread ends at the first write: later writes would
wait for ever for room in the writer's queue. If only the shell that started the chat is gone, that shell's
parent takes the terminal, and reading fails.

Terminals disagree about the width of an emoji. A terminal that treats `❤️` as one cell wide (tmux 3.3 and
others) draws what follows one cell too far to the left, and the end of the row keeps old content. Therefore
the cursor is moved back to the start of the emoji and forwards by the counted cells, however wide the
terminal drew it. A terminal that draws the parts of an emoji separately then shows its beginning.

Python's `webbrowser` falls back to text browsers (lynx, w3m), which would take the terminal from the chat,
and lets other browsers write warnings to it. Therefore it runs in a process without a terminal.
"""

import asyncio
import errno
import os
import re
import select
import signal
import sys
import termios
from collections.abc import Iterable
from functools import cache
from io import TextIOWrapper
from queue import Full
from time import monotonic

from rich.cells import cell_len
from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import KITTY_REPORT_ALTERNATE_KEYS, LinuxDriver
from textual.events import Paste
from textual.message import Message

from globalchat.core.characters import PICTOGRAPHIC
from globalchat.core.terminal import window_size
from globalchat.ui.safe_app import BackgroundReported, UnbracketedPaste
from globalchat.ui.terminal_input import (
    MAX_PASTE,
    TYPEABLE,
    Background,
    Burst,
    Pasted,
    TerminalInput,
    Token,
    Typed,
)

WRITER_CHECK = 0.5
"""Seconds between checks that the writer is alive while its queue is full."""

NO_BROWSER = "No graphical browser found. The link is copied, if your terminal allows it."
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_BROWSER_TIMEOUT = 10.0
"""Seconds after which a browser that does not return is considered open."""

HUNG_UP = 129
"""The exit code of a process ended by SIGHUP."""

ESC, ENTER = b"\x1b", b"\r"

_SILENCE = 0.1
"""Seconds without input after which an unfinished sequence is interpreted as it is."""

_TYPING_PAUSE = 0.01
"""The least seconds between two keys that a user presses; a held key repeats every 30 ms."""

_PASTE_PAUSE = 0.1
"""Seconds without input after which lines that came at once are considered complete."""

_DOUBTFUL_WIDTH = re.compile("[\ufe0f\u200d\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]")
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_STRING = "\x1b]"
"""Starts a string for the terminal itself, such as its title, which is not drawn."""


class TerminalDriver(LinuxDriver):
    """A driver that never waits for a terminal that is gone, but ends the app."""

    _ending: tuple[int, int] | None = None
    """The pipe that ends the input thread: (read end, write end)."""

    is_handed_over: bool = False
    """True while another program, such as an editor, has the terminal."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        # Textual draws on standard error alone, which may be a file.
        self._file = canvas(sys.__stderr__, sys.__stdout__)
        if self._size is None:
            self._size = self._get_terminal_size()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size of the window itself; Textual uses COLUMNS and LINES instead."""
        return window_size(self._file, sys.__stdin__)

    def write(self, data: str) -> None:
        """Write to the terminal while there is one; nothing while another program has it."""
        if self.is_handed_over:
            return
        if self._writer_thread is not None and not _hand(self._writer_thread, pinned(data)):
            self._app.exit(None, HUNG_UP)

    def close(self) -> None:
        """Let the writer end, if it has not ended yet."""
        if self._writer_thread is None:
            return
        if _hand(self._writer_thread, None):
            self._writer_thread.join()
        if self._file is not None and not self._is_there():
            # Otherwise Python's last flush would fail and replace the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())

    def start_application_mode(self) -> None:
        """Take over the terminal, and also request each key's position on a Latin keyboard.

        Textual returns without a writer if the terminal may not be changed: in the background, until the
        shell continues the chat, and for ever if the shell is gone.
        """
        if self._ending is None:
            self._ending = os.pipe()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is None:
            if not self._can_be_changed():
                self._app.exit(None, HUNG_UP)
        elif not constants.DISABLE_KITTY_KEY:
            self.write(f"\x1b[={KITTY_REPORT_ALTERNATE_KEYS};2u")

    def suspend_application_mode(self) -> None:
        """Hand the terminal over to another program, or to the shell."""
        super().suspend_application_mode()
        self.is_handed_over = True

    def resume_application_mode(self) -> None:
        """Take the terminal back."""
        self.is_handed_over = False
        super().resume_application_mode()

    def disable_input(self) -> None:
        """End the input thread, which waits for input without a timeout: a pipe wakes it."""
        if self._ending is not None:
            # Textual joins the thread after this, and would wait until the next key.
            os.write(self._ending[1], b"\0")
        super().disable_input()
        if self._ending is not None:
            if self._key_thread is not None:
                # Before the pipe is closed: its number could be that of another file while the thread still
                # waits on it.
                self._key_thread.join()
            for descriptor in self._ending:
                os.close(descriptor)
            self._ending = None

    def _run_input_thread(self) -> None:
        """Read keys in a separate thread; its failure ends the app."""
        try:
            self.run_input_thread()
        except Exception as error:
            # This is another thread; `call_later` only queues, which is safe from here.
            self._app.call_later(self._app._handle_exception, error)

    def run_input_thread(self) -> None:
        """Read keys while the terminal delivers them."""
        try:
            self._read_input()
        except OSError:
            self._app.call_later(self._app.exit, None, HUNG_UP)

    def _read_input(self) -> None:
        """Pass on input until the app ends.

        Raises:
            OSError: the terminal is gone.
        """
        sorting, parser = TerminalInput(), XTermParser(self._debug)
        assert self._ending is not None, "the terminal is taken over first"
        ending = self._ending[0]
        while not self.exit_event.is_set():
            # Without unfinished input there is nothing to time out, and an idle chat should not wake up.
            timeout = _SILENCE if sorting.is_waiting else None
            readable = select.select([self.fileno, ending], [], [], timeout)[0]
            if ending in readable:
                return
            data = self._read_burst() if readable else b""
            tokens = sorting.feed(data, monotonic()) if data else sorting.tick(monotonic())
            for token in tokens:
                for message in messages_for(token, parser):
                    self.process_message(message)

    def _read_burst(self) -> bytes:
        """Read available input; after an Enter or much text also what follows at once: it may be a paste."""
        data = self._read()
        # A sequence is complete in itself, and may be the start of a bracketed paste, which needs no guess.
        if ESC in data or not (ENTER in data or len(data) > TYPEABLE):
            return data
        burst = bytearray(data)
        while len(burst) < MAX_PASTE:
            pause = _PASTE_PAUSE if burst.count(ENTER) > 1 else _TYPING_PAUSE
            if ESC in data or not self._is_readable(pause):
                break
            data = self._read()
            burst += data
        return bytes(burst)

    def _read(self) -> bytes:
        data = os.read(self.fileno, 4096)
        if not data:
            raise OSError(errno.EIO, "the terminal is gone")
        return data

    def _is_readable(self, seconds: float) -> bool:
        return bool(select.select([self.fileno], [], [], seconds)[0])

    def open_url(self, url: str, new_tab: bool = True) -> None:  # noqa: ARG002 (Textual's)
        """Open a page in a graphical browser; without one, put its address on the clipboard."""
        self._app.run_worker(self._open(url), group="browser", exit_on_error=False)

    async def _open(self, url: str) -> None:
        if not await open_page(url):
            self._app.copy_to_clipboard(url)
            self._app.notify(NO_BROWSER, timeout=8, markup=False)

    def _sigtstp_application(self, *arguments: object) -> None:
        if not self.is_handed_over:
            super()._sigtstp_application(*arguments)
            return
        # Ctrl+Z in the editor stops all programs in the terminal, unless no shell could continue them: a
        # chat that stopped itself as Textual does it would then wait for ever.
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._sigtstp_application)

    def _sigcont_application(self, *args: object) -> None:
        if self._is_there():
            super()._sigcont_application(*args)

    def _can_be_changed(self) -> bool:
        """Return False if the terminal is gone, or no shell is left that could return it to the chat."""
        try:
            termios.tcsetattr(self.fileno, termios.TCSANOW, termios.tcgetattr(self.fileno))
        except termios.error as error:
            return bool(error.args[0] == errno.EINTR)
        return True

    def _is_there(self) -> bool:
        try:
            termios.tcgetattr(self.fileno)
        except termios.error:
            return False
        return True


def canvas(*streams: TextIOWrapper | None) -> TextIOWrapper | None:
    """Return the first stream that is a terminal, so that the chat works with `2> log`; written in UTF-8.

    A locale with another encoding is older than present terminals, and Python would write escapes.
    """
    found = next((each for each in streams if each is not None and each.isatty()), None)
    if found is not None:
        found.reconfigure(encoding="utf-8", errors="replace")
    return found


def messages_for(token: Token, parser: XTermParser) -> Iterable[Message]:
    """Return the messages for the app: keys, clicks, pastes, the answer about the background."""
    match token:
        case Typed(text):
            return parser.feed(text)
        case Pasted(text):
            return [Paste(text)]
        case Burst(text):
            return [UnbracketedPaste(text)]
        case Background(is_dark):
            return [BackgroundReported(is_dark=is_dark)]


def _hand(writer: WriterThread, data: str | None) -> bool:
    """Queue data for the writer, or None to end it; return False if it has ended, as after a failed write."""
    while writer.is_alive():
        try:
            writer._queue.put(data, timeout=WRITER_CHECK)
        except Full:
            continue
        return True
    return False


def pinned(data: str) -> str:
    """Return the output with cursor movements around each emoji of uncertain width."""
    if data.isascii() or data.startswith(_STRING) or not _DOUBTFUL_WIDTH.search(data):
        return data
    return _doubtful_emoji().sub(_pin, data)


def _pin(match: re.Match[str]) -> str:
    cells = cell_len(match[0])
    if not cells:
        return match[0]
    # Blanks first: a terminal that draws it narrower than counted would leave the old cell beside it.
    return f"{_SAVE}{' ' * cells}{_RESTORE}{_SAVE}{match[0]}{_RESTORE}\x1b[{cells}C"


@cache
def _doubtful_emoji() -> re.Pattern[str]:
    """Return a pattern of emoji of several characters: with selectors, modifiers, joiners; keycaps, flags."""
    element = f"[{PICTOGRAPHIC}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
    return re.compile(
        f"[{PICTOGRAPHIC}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])(?:\u200d{element})*"
        f"|[{PICTOGRAPHIC}](?:\u200d{element})+"
        "|[0-9#*]\ufe0f\u20e3?"
        "|[\U0001f1e6-\U0001f1ff]{2}"
    )


async def open_page(url: str) -> bool:
    """Open a page; False if there is no browser for it."""
    # Without TERM `webbrowser` offers no text browser.
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    none = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",  # Not a webbrowser.py in the current folder.
        "-c",
        _OPEN,
        url,
        env=environment,
        stdin=none,
        stdout=none,
        stderr=none,
        start_new_session=True,
    )
    try:
        return await asyncio.wait_for(process.wait(), _BROWSER_TIMEOUT) == 0
    except TimeoutError:
        return True
