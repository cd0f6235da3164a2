"""The chat of a tab: a child process, to which the browser's input goes, and which sends what is drawn.

It is started without a shell, with the environment that it needs and no more. It ends with its tab: first it
is asked to, so that drafts are stored; then it and all of its group are signalled, at last killed. If this
process is killed, the chat's input ends, and the chat with it.

The two speak over a socket of their own and not over standard input and output: whatever prints in the chat's
process (a library, a warning, a `.pth` file of this Python) cannot be taken for a packet.
"""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Self

from globalchat.core import packets
from globalchat.core.packets import DATA, META

QUIT_SECONDS: Final = 5.0
"""Seconds that a chat may take to end when it is asked to."""
TERMINATE_SECONDS: Final = 2.0
"""Seconds that it may take after SIGTERM."""

DRIVER: Final = "globalchat.ui.browser_driver:BrowserDriver"
"""The driver of the chat, by which Textual finds it."""

_USER: Final = ("HOME", "USER", "LOGNAME", "PATH", "TMPDIR")
_LOOKS: Final = ("LANG", "LANGUAGE", "TZ", "NO_COLOR", "TEXTUAL_ANIMATIONS", "TEXTUAL_THEME")
_PYTHON: Final = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH")
_NETWORK: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PASSED: Final = frozenset((*_USER, *_LOOKS, *_PYTHON, *_NETWORK))
"""The variables that a chat gets; those of the network also in lower case."""
_PASSED_PREFIX: Final = re.compile("GLOBALCHAT_|LC_|XDG_")
_AWS_PREFIX: Final = "AWS_"


class ChatOutput(NamedTuple):
    """A packet of the chat."""

    kind: bytes
    payload: bytes


def environment(base: Mapping[str, str], width: int, height: int, *, signs: bool) -> dict[str, str]:
    """Return the environment of a chat: what it needs of ours, and what its driver reads.

    AWS's variables, some of which are credentials, are only passed to a chat that signs its requests with
    them.
    """
    passed = {
        name: value
        for name, value in base.items()
        if name.upper() in _PASSED or _PASSED_PREFIX.match(name) or (signs and name.startswith(_AWS_PREFIX))
    }
    return passed | {
        "TEXTUAL_DRIVER": DRIVER,
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TERM": "xterm-256color",
        "COLUMNS": str(width),
        "ROWS": str(height),
    }


class ChatProcess:
    """A running chat. `start` makes one; `stop` has to be awaited at the end, whatever happened before."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start a chat, whose command gets the descriptor of its socket as the last word.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        nothing = asyncio.subprocess.DEVNULL
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    str(theirs.fileno()),
                    stdin=nothing,
                    stdout=nothing,
                    stderr=nothing,
                    env=environment,
                    cwd="/",
                    pass_fds=[theirs.fileno()],
                    # Not reached by a Ctrl+C in our terminal, and one group with its own children.
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group."""
        return self._process.pid

    async def output(self) -> AsyncIterator[ChatOutput]:
        """Yield what the chat sends until it ends.

        Raises:
            packets.BadPacket: it sends something else.
        """
        read = self._reader.readexactly
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await read(packets.HEADER)
                yield ChatOutput(header[:1], await read(packets.payload_size(header)))

    async def send_input(self, text: str) -> None:
        """Pass on what was typed or pasted."""
        await self._send(DATA, text.encode(errors="replace"))

    async def send_meta(self, **fields: object) -> None:
        """Send an object, whose `type` is one that Textual's driver knows."""
        await self._send(META, json.dumps(fields).encode())

    async def _send(self, kind: bytes, payload: bytes) -> None:
        # The chat may have ended, which `output` reports.
        with suppress(ConnectionError):
            self._writer.write(packets.encode(kind, payload))
            await self._writer.drain()

    async def stop(self) -> int:
        """End the chat and everything that it started, and return its exit code."""
        # What it still draws is read and dropped: a chat that cannot write could not end.
        draining = asyncio.ensure_future(self._drain())
        try:
            await self._end()
        finally:
            self._signal(signal.SIGKILL)
            code = await self._process.wait()
            draining.cancel()
            await asyncio.wait({draining})
            self._writer.close()
        return code

    async def _end(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIT_SECONDS):
                await self.send_meta(type="quit")
                await self._process.wait()
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(TERMINATE_SECONDS):
                    await self._process.wait()

    async def _drain(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(65_536):
                pass

    def _signal(self, number: signal.Signals) -> None:
        """Signal the chat and what it started, unless it has ended: its number may then be another's."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
