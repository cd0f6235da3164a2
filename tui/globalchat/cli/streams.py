"""Standard input and output for an event loop, and Ctrl-C as a request to end.

Only pipes, sockets and terminals are waited for, since files are always ready. No flag of a descriptor is
changed, as other programs share them.
"""

import asyncio
import os
import select
import signal
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

from globalchat.cli.output import cannot_be_written, printable
from globalchat.core.errors import UserError

# The capacity of a pipe on Linux: one read empties it.
CHUNK = 65_536
"""Bytes read at once."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Input:
    """Reads bytes as they arrive."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_awaited = _can_be_awaited(descriptor)

    @property
    def is_terminal(self) -> bool:
        """True if a user types it."""
        return os.isatty(self._descriptor)

    async def read(self) -> bytes:
        """Return the next bytes, none at the end. A cancelled read has consumed nothing.

        Raises:
            UserError: it cannot be read.
        """
        if self._is_awaited:
            loop = asyncio.get_running_loop()
            await _once(loop.add_reader, loop.remove_reader, self._descriptor)
        else:
            await asyncio.sleep(0)  # A long file must not keep other tasks from running.
        try:
            return os.read(self._descriptor, CHUNK)
        except OSError as error:
            raise UserError(f"Standard input cannot be read: {error.strerror}.") from None


class Output:
    """Writes lines, waiting while the reader is slow; knows when the reader is gone."""

    def __init__(self, descriptor: int, *, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._is_awaited = _can_be_awaited(descriptor)

    @classmethod
    def standard(cls) -> Self:
        """Return standard output; nothing is written if the shell closed it."""
        if sys.stdout is None:
            return cls(os.open(os.devnull, os.O_WRONLY))
        return cls(sys.stdout.fileno(), encoding=sys.stdout.encoding)

    @property
    def is_terminal(self) -> bool:
        """True if a user sees it."""
        return os.isatty(self._descriptor)

    def watch(self, on_closed: Callable[[], None]) -> Callable[[], None]:
        """Call `on_closed` once the reader of a pipe is gone, also while nothing is written.

        Returns:
            A function that ends the watching.
        """
        loop = asyncio.get_running_loop()
        if not self._is_awaited or self.is_terminal:
            return lambda: None

        # A write end never becomes readable, but a pipe without a reader wakes those who wait for it.
        def check() -> None:
            loop.remove_reader(self._descriptor)
            if _has_no_reader(self._descriptor):
                on_closed()

        loop.add_reader(self._descriptor, check)
        return lambda: _discard(loop.remove_reader(self._descriptor))

    async def write(self, lines: Iterable[str], *, exactly: bool = False) -> None:
        """Write lines, each made `printable` unless it is to go out `exactly` as it is.

        Raises:
            BrokenPipeError: the reader is gone.
            UserError: it cannot be written.
        """
        if not exactly:
            lines = map(printable, lines)
        # Characters that the encoding lacks are escaped.
        data = "".join(f"{line}\n" for line in lines).encode(self._encoding, "backslashreplace")
        left = memoryview(data)
        while left:
            if self._is_awaited and not _is_writable(self._descriptor):
                loop = asyncio.get_running_loop()
                await _once(loop.add_writer, loop.remove_writer, self._descriptor)
            left = left[self._write(left) :]

    def _write(self, data: memoryview) -> int:
        # A ready pipe accepts that many bytes without blocking.
        size = select.PIPE_BUF if self._is_awaited else CHUNK
        try:
            return os.write(self._descriptor, data[:size])
        # Another program that shares the descriptor may have made it non-blocking.
        except BlockingIOError:
            return 0
        except ConnectionError as error:
            raise BrokenPipeError(*error.args) from None
        except OSError as error:
            raise cannot_be_written(error) from None


@contextmanager
def on_signals(stop: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `stop` with the first SIGINT or SIGTERM, in the running loop; a second one acts as usual."""
    loop = asyncio.get_running_loop()

    def restore() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def handle(number: signal.Signals) -> None:
        restore()
        stop(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        restore()


def _can_be_awaited(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


def _is_writable(descriptor: int) -> bool:
    return bool(select.select([], [descriptor], [], 0)[1])


def _has_no_reader(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLHUP)  # Linux reports it unrequested, macOS does not.
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


async def _once(
    add: Callable[[int, Callable[[], None]], object], remove: Callable[[int], bool], descriptor: int
) -> None:
    """Wait until the descriptor is ready."""
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    add(descriptor, wake)
    try:
        await ready
    finally:
        with suppress(ValueError):
            remove(descriptor)


def _discard(_: bool) -> None:
    return None
