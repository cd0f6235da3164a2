"""Writes what was published while the publishing goes on: a batch at a time, and not too far behind."""

import asyncio
from collections.abc import Callable

from globalchat.cli.console.streams import Output
from globalchat.core.errors import UserError

WAITING = 500
"""Lines that may wait to be written before whoever adds another waits too."""


class Results:
    """Lines on their way to standard output.

    Attributes:
        closed: No more can be written; the rest is dropped.
    """

    def __init__(self, output: Output, *, failed: Callable[[], None]) -> None:
        """`failed` hears that no more can be written."""
        self.closed = False
        self._output = output
        self._failed = failed
        self._lines: list[str] = []
        self._changed = asyncio.Condition()
        self._ended = False

    async def add(self, line: str) -> None:
        """Write a line soon."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._lines) < WAITING or self.closed)
            self._lines.append(line)
            self._changed.notify_all()

    async def end(self) -> None:
        """No line comes after this."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def run(self) -> None:
        """Write until the end, or until the reader is gone.

        Raises:
            UserError: no more can be written.
        """
        while (lines := await self._take()) and not self.closed:
            try:
                await self._output.write(lines)
            except BrokenPipeError:
                self.give_up()
            except UserError:
                self.give_up()
                raise

    def give_up(self) -> None:
        """Write nothing more."""
        if not self.closed:
            self.closed = True
            self._failed()

    async def _take(self) -> list[str]:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._lines) or self._ended)
            lines, self._lines = self._lines, []
            self._changed.notify_all()
        return lines
