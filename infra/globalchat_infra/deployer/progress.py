"""Reads the progress of a deployment from the output of the CDK command line, and shows it.

`cdk deploy` has no machine-readable output: its structured messages reach only programs that embed the CDK,
and no option prints them. With `--progress events` it prints a row for each CloudFormation event.
Those rows are parsed by CloudFormation's own types and statuses; symbols do not matter.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from globalchat.core.clock import stopwatch
from globalchat.core.terminal import window_size
from globalchat.core.text import sanitize

# globalchat-oregon-api |  3/28 | 4:04:35 PM | CREATE_IN_PROGRESS   | AWS::IAM::Role | Logs/Role (…) reason
_EVENT = re.compile(
    r"^(?P<stack>[A-Za-z][\w-]*) *\| *(?P<done>\d+)(?:/(?P<total>\d+))? *\| *[^|]+\| *(?P<status>[A-Z_]+) *"
    r"\| *(?P<type>[\w:]+) *\| *(?P<rest>.*)$"
)
_UNCHANGED = re.compile(r"^\W*(?P<stack>[A-Za-z][\w-]*) \(no changes\)$")
_STARTED = re.compile(r"^(?P<stack>[A-Za-z][\w-]*): (?:creating CloudFormation changeset|deploying|start)")
_FAILED = re.compile(r"^\W*(?P<stack>[A-Za-z][\w-]*) failed(?: to deploy)?(?:: (?P<reason>.*))?$")
_CAUSE = re.compile(r"^\W*(?P<reason>[A-Za-z]\w*: .+)$")
_STACK_TYPE = "AWS::CloudFormation::Stack"
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_FAILURE = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")
_LONGEST = 400
"""The most characters of a reason or a line."""
_UP_AND_CLEAR = "\x1b[{}A\x1b[J"


@dataclass(slots=True)
class StackProgress:
    """One stack: `done` of `total` resources (0 while unknown), its latest status, and its failure."""

    name: str
    done: int = 0
    total: int = 0
    started: bool = False
    finished: bool = False
    unchanged: bool = False
    failure: str | None = None

    @property
    def running(self) -> bool:
        """True if AWS is working on it."""
        return self.started and not self.finished and self.failure is None

    @property
    def summary(self) -> str:
        """Its state in a few words."""
        if self.failure is not None:
            return f"failed: {self.failure}"
        if self.finished:
            return "unchanged" if self.unchanged else "done"
        if not self.started:
            return "waits"
        return f"{min(self.done, self.total)}/{self.total} resources" if self.total else "preparing"


@dataclass(slots=True)
class Progress:
    """All stacks of a deployment, in the order of creation."""

    stacks: dict[str, StackProgress]
    errors: list[str] = field(default_factory=list)
    _blamed: StackProgress | None = None

    @classmethod
    def of(cls, names: list[str]) -> "Progress":
        """Return the progress of stacks that have not begun."""
        return cls({name: StackProgress(name) for name in names})

    def feed(self, line: str) -> StackProgress | None:
        """Parse a line, and return the stack that it changed, if any."""
        line = line.strip()
        if match := _EVENT.match(line):
            return self._event(match)
        if (match := _UNCHANGED.match(line)) and (stack := self.stacks.get(match["stack"])):
            stack.started = stack.finished = stack.unchanged = True
            return stack
        if (match := _FAILED.match(line)) and (stack := self.stacks.get(match["stack"])):
            self._blamed = stack
            return self._fail(stack, match["reason"]) if match["reason"] else None
        if (stack := self._blamed) is not None and (match := _CAUSE.match(line)):
            # The line after a bare "failed to deploy" is its cause.
            self._blamed = None
            return self._fail(stack, match["reason"])
        if (match := _STARTED.match(line)) and (stack := self.stacks.get(match["stack"])):
            changed = not stack.started
            stack.started = True
            return stack if changed else None
        return None

    def complain(self, line: str) -> None:
        """Keep a line of standard error, in case something fails."""
        if line.strip():
            # Bounded in length and number, as a stack trace of Node.js may hold whole files.
            self.errors.append(line.strip()[:_LONGEST])
            del self.errors[:-200]

    def _event(self, match: re.Match[str]) -> StackProgress | None:
        stack = self.stacks.get(match["stack"])
        if stack is None:
            return None
        stack.started = True
        stack.done, stack.total = int(match["done"]), int(match["total"] or stack.total)
        if match["type"] == _STACK_TYPE:
            # Its own event comes last: until then CloudFormation may still roll it back or clean up.
            stack.finished = match["status"] in _COMPLETE
        # CloudFormation cancels the other resources once one has failed; they are not the cause.
        elif match["status"] in _FAILURE and "cancelled" not in match["rest"]:
            return self._fail(stack, f"{match['type']} {match['rest']}")
        return stack

    def _fail(self, stack: StackProgress, reason: str) -> StackProgress:
        # The first failure is the cause; what follows are its effects.
        if stack.failure is None:
            stack.failure = reason.strip()[:_LONGEST]
        return stack


class View(Protocol):
    """Shows the progress of a deployment."""

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:
        """Show that a stack changed, or with None that time has passed; `seconds` is since the start."""

    def close(self) -> None:
        """End the view."""


class PlainView:
    """Prints a line when a stack begins or ends, or another quarter of its resources is done."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown: dict[str, str] = {}

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:  # noqa: ARG002
        """Write the stack's line if it has changed."""
        if stack is None:
            return
        counting = stack.running and stack.total > 0
        state = f"running {4 * stack.done // stack.total}" if counting else stack.summary
        if self._shown.get(stack.name) != state:
            self._shown[stack.name] = state
            self._write(f"[{stopwatch(seconds)}] {stack.name}: {stack.summary}")

    def close(self) -> None:
        """Do nothing: every line is written."""


class LiveView:
    """Shows one line per stack and one for all, on a terminal."""

    def __init__(self, stream: TextIO, width: Callable[[], int]) -> None:
        self._stream = stream
        self._width = width
        self._height = 0

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:  # noqa: ARG002
        """Draw everything again."""
        stacks = progress.stacks.values()
        broad = max((len(each.name) for each in stacks), default=0)
        ready = sum(each.finished for each in stacks)
        lines = [f"{each.name:<{broad}}  {_bar(each)}  {each.summary}" for each in stacks]
        lines.append(f"{ready} of {len(lines)} stacks, {stopwatch(seconds)}")
        # One less than the terminal: a wrapped line would make the count of lines to erase wrong.
        width = max(20, self._width() - 1)
        clear = _UP_AND_CLEAR.format(self._height) if self._height else ""
        shown = (sanitize(line, multiline=False)[:width] + "\n" for line in lines)
        self._stream.write(clear + "".join(shown))
        self._stream.flush()
        self._height = len(lines)

    def close(self) -> None:
        """Leave the lines on the screen."""
        self._height = 0


def _bar(stack: StackProgress, length: int = 12) -> str:
    full = length if stack.finished else (length * stack.done // stack.total if stack.total else 0)
    return "█" * min(full, length) + "░" * (length - min(full, length))


def view_for(stream: TextIO, write: Callable[[str], None]) -> View:
    """Return the view that fits a stream; `write` prints one plain line."""
    if not stream.isatty():
        return PlainView(write)
    return LiveView(stream, lambda: window_size(stream)[0])
