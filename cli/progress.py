"""One line on standard error that is written over and over, for a person who watches."""

import asyncio
import sys
from collections.abc import Callable

from cli.output import narrate

_CLEAR = "\r\x1b[K"


class Progress:
    """Says how far something is, every second; nothing at all unless standard error is a terminal."""

    def __init__(self, *, shown: bool) -> None:
        """`shown` is False where such a line would be in the way."""
        self.is_person = sys.stderr is not None and sys.stderr.isatty()
        self._shown = shown and self.is_person
        self._is_drawn = False

    async def run(self, tell: Callable[[], str]) -> None:
        """Draw what `tell` says, until cancelled."""
        while self._shown:
            await asyncio.sleep(1.0)
            sys.stderr.write(f"{_CLEAR}{tell()}")
            sys.stderr.flush()
            self._is_drawn = True

    def clear(self) -> None:
        """Make room for something else."""
        if self._is_drawn:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._is_drawn = False

    def narrate(self, text: str) -> None:
        """Say something in place of the line."""
        self.clear()
        narrate(text)
