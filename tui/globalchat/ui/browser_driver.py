"""The driver of a chat in a browser: packets instead of a terminal, with the same care about input.

Textual's own (`WebDriver`) passes input to its parser as it comes, which raises on some of it and takes some
for text. It draws and sends files from two threads without a lock, so that packets may mix; ignores the end
of its input; and sends the browser the folder on this machine in which a file would be.
"""

import asyncio
import json
import logging
import os
import select
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic
from typing import BinaryIO, Literal, Protocol, TextIO, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver
from textual.geometry import Size

from globalchat.core.logs import log_event
from globalchat.core.packets import DATA, FILE, KEY, META, encode
from globalchat.ui.terminal_driver import HUNG_UP, messages_for, pinned
from globalchat.ui.terminal_input import TerminalInput, Token

log = logging.getLogger("globalchat.ui")

_SILENCE = 0.1
"""Seconds without input after which an unfinished sequence is interpreted as it is."""


class PacketApp(Protocol):
    """The app of this driver, which has the descriptor of the socket to the server."""

    socket: int


class BrowserDriver(WebDriver):
    """A driver that reads and writes packets, and ends the app when the server is gone."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        given = os.environ.get("COLUMNS", ""), os.environ.get("ROWS", "")
        if size is None and all(each.isdecimal() for each in given):
            size = int(given[0]), int(given[1])
        # Not WebDriver's: it takes the process's standard input and output for its packets.
        Driver.__init__(self, app, debug=debug, mouse=mouse, size=size)
        self._socket = cast("PacketApp", app).socket
        self._lock = Lock()
        self._ending = os.pipe()
        self.exit_event = Event()
        self._key_thread = Thread(target=self.run_input_thread, name="textual-input", daemon=True)
        self._deliveries: dict[str, BinaryIO | TextIO] = {}

    # -- output ---------------------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        """Draw something."""
        self._send(DATA, pinned(data).encode(errors="replace"))

    def write_meta(self, data: dict[str, object]) -> None:
        """Send an object to the server."""
        self._send(META, json.dumps(data).encode())

    def write_binary_encoded(self, data: tuple[str | bytes, ...]) -> None:
        """Send a piece of a file, which Textual packs as (name of the packet, key, content)."""
        _, key, content = data
        piece = content.encode(errors="replace") if isinstance(content, str) else content
        self._send(FILE, str(key)[:KEY].encode() + piece)

    def _send(self, kind: bytes, payload: bytes) -> None:
        packet = memoryview(encode(kind, payload))
        try:
            # Two threads send: the app draws, and files are read where input is.
            with self._lock:
                while packet:
                    packet = packet[os.write(self._socket, packet) :]
        except ConnectionError:
            self._app.call_later(self._app.exit, None, HUNG_UP)

    # -- input ----------------------------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Prepare the terminal of the page, and read its input."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._app.call_later, self._app.exit)
        self.write("\x1b[?1049h\x1b[?25l")  # The other screen, without a cursor.
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        size = Size(*(self._size or (80, 24)))
        self._app.post_message(events.Resize(size, size))
        self._key_thread.start()

    def stop_application_mode(self) -> None:
        """End the input thread."""
        if not self.exit_event.is_set():
            self.exit_event.set()
            os.write(self._ending[1], b"\0")
            self._key_thread.join()
            for descriptor in self._ending:
                os.close(descriptor)

    def run_input_thread(self) -> None:
        """Read input in a separate thread; its failure ends the app."""
        try:
            self._read_input()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def _read_input(self) -> None:
        sorting, parser, packets = TerminalInput(), XTermParser(self._debug), ByteStream()
        while not self.exit_event.is_set():
            # An idle chat should not wake up.
            timeout = _SILENCE if sorting.is_waiting else None
            readable = select.select([self._socket, self._ending[0]], [], [], timeout)[0]
            if self._ending[0] in readable:
                return
            if not readable:
                self._pass_on(sorting.tick(monotonic()), parser)
            for kind, payload in self._packets(packets) if readable else ():
                if kind.encode() == DATA:
                    self._pass_on(sorting.feed(payload, monotonic()), parser)
                else:
                    self._on_meta(kind, payload)

    def _pass_on(self, tokens: Iterable[Token], parser: XTermParser) -> None:
        for token in tokens:
            for message in messages_for(token, parser):
                self.process_message(message)

    def _packets(self, packets: ByteStream) -> Iterator[tuple[str, bytes]]:
        """Yield the packets that are complete now; end the app at the end of the input."""
        try:
            data = os.read(self._socket, 65_536)
        except ConnectionError:  # It was killed before it had read all that was drawn.
            data = b""
        if data:
            yield from packets.feed(data)
        else:
            log_event(log, logging.INFO, "the server of the chat is gone")
            self._end(HUNG_UP)
            self.exit_event.wait()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Handle an object from the server; quitting stores the draft first, as in a terminal."""
        if packet_type == "quit":
            self._end(0)
        elif packet_type in ("resize", "focus", "blur", "deliver_chunk_request"):
            super().on_meta(packet_type, payload)

    def _end(self, code: int) -> None:
        """Quit behind the input that has come before, which the app gets in the same way."""

        async def end() -> None:
            self._app.call_later(self._app.exit, None, code)

        asyncio.run_coroutine_threadsafe(end(), self._loop)

    # -- files and pages ------------------------------------------------------------------------------------

    def deliver_binary(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,
        open_method: Literal["browser", "download"] = "download",  # noqa: ARG002 (Textual's)
        encoding: str | None = None,  # noqa: ARG002
        mime_type: str | None = None,  # noqa: ARG002
        name: str | None = None,  # noqa: ARG002
    ) -> None:
        """Offer a file for download, by its name without a folder."""
        binary.seek(0)
        self._deliveries[delivery_key] = binary
        self.write_meta({"type": "deliver_file_start", "key": delivery_key, "path": save_path.name})
