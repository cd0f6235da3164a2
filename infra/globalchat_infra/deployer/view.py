"""Shows the progress of a deployment: plain lines, or on a terminal a block that is drawn anew."""

from collections.abc import Callable
from typing import Protocol, TextIO

from globalchat.core.clock import stopwatch
from globalchat.core.terminal import window_size
from globalchat.core.text import sanitize
from globalchat_infra.deployer.progress import Progress, StackProgress

_UP_AND_CLEAR = "\x1b[{}A\x1b[J"


class View(Protocol):
    """What watches a deployment."""

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:
        """A stack changed, or (None) time has passed; `seconds` since the beginning."""

    def close(self) -> None:
        """Nothing more will come."""


class PlainView:
    """A line whenever a stack begins or ends, or another quarter of its resources is done."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown: dict[str, str] = {}

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:  # noqa: ARG002
        """Write the stack's line if it says something new."""
        if stack is None:
            return
        counting = stack.running and stack.total > 0
        state = f"running {4 * stack.done // stack.total}" if counting else stack.summary
        if self._shown.get(stack.name) != state:
            self._shown[stack.name] = state
            self._write(f"[{stopwatch(seconds)}] {stack.name}: {stack.summary}")

    def close(self) -> None:
        """Nothing is left to do."""


class LiveView:
    """One line per stack and one for the whole, on a terminal."""

    def __init__(self, stream: TextIO, width: Callable[[], int]) -> None:
        self._stream = stream
        self._width = width
        self._height = 0

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:  # noqa: ARG002
        """Draw everything anew."""
        stacks = progress.stacks.values()
        broad = max((len(each.name) for each in stacks), default=0)
        ready = sum(each.finished for each in stacks)
        lines = [f"{each.name:<{broad}}  {_bar(each)}  {each.summary}" for each in stacks]
        lines.append(f"{ready} of {len(lines)} stacks, {stopwatch(seconds)}")
        width = max(20, self._width() - 1)
        clear = _UP_AND_CLEAR.format(self._height) if self._height else ""
        shown = (sanitize(line, multiline=False)[:width] + "\n" for line in lines)
        self._stream.write(clear + "".join(shown))
        self._stream.flush()
        self._height = len(lines)

    def close(self) -> None:
        """Leave what is drawn."""
        self._height = 0


def _bar(stack: StackProgress, length: int = 12) -> str:
    full = length if stack.finished else (length * stack.done // stack.total if stack.total else 0)
    return "█" * min(full, length) + "░" * (length - min(full, length))


def view_for(stream: TextIO, write: Callable[[str], None]) -> View:
    """Return the view that fits a stream; `write` prints one plain line."""
    if not stream.isatty():
        return PlainView(write)
    return LiveView(stream, lambda: window_size(stream)[0])
