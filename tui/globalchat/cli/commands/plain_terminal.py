"""`globalchat --plain`: the plain chat on a terminal, with its prompt, or on pipes."""

import asyncio
import os
import signal
import sys
import termios
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Protocol

try:
    import readline
except ImportError:  # Some builds of Python lack it: the terminal's own line editing is left.
    readline = None  # type: ignore[assignment]

from rich.cells import cell_len

from globalchat.cli.output import echo_err, is_terminal, printable
from globalchat.cli.streams import Input, Output, on_signals
from globalchat.client.state import Phase
from globalchat.core.clock import now_ms
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.tasks import task_group
from globalchat.core.terminal import can_draw, window_size
from globalchat.ui.interfaces import ChatSession, ProfileOpener, load_session_factory
from globalchat.ui.model.kept_choices import first_region
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.plain_chat import PlainChat
from globalchat.ui.state_store import StateStore, changes, storage_problem

LAST_SECONDS = 30.0
"""Seconds that messages may take to be accepted after the end of the input."""
SAVE_AFTER = 5.0
"""Seconds after which a change is written, such as how far a channel is read."""
LONGEST_LINE = 1_000_000
"""The most bytes of one line of a pipe."""
WAITING = 100
"""The messages from a pipe that may wait to be sent: above that, no more is read."""


class LineSource(Protocol):
    """Yields entered lines, and prints others beside what is being typed."""

    def lines(self) -> AsyncIterator[str]:
        """Yield the entered lines until the end of the input."""
        ...

    async def print(self, lines: Iterable[str]) -> None:
        """Print lines."""
        ...


class Prompt:
    """A prompt with the line editing of readline, which reads in a thread.

    What is printed meanwhile goes above the prompt, and what is typed stays.
    """

    def __init__(self, chat: PlainChat) -> None:
        self._chat = chat
        self._words: tuple[str, ...] = ()
        self._shown = ""
        self._is_reading = False
        self._is_hooked = False
        if isinstance(sys.stdin, TextIOWrapper):
            # Bytes that are not in the terminal's encoding must not end the reading.
            sys.stdin.reconfigure(errors="replace")
        if readline is not None:
            self._prepare_readline()

    async def lines(self) -> AsyncIterator[str]:
        """Yield the entered lines until Ctrl+D."""
        loop = asyncio.get_running_loop()
        while True:
            self._shown = self._chat.prompt
            self._words = self._chat.words()
            entered: asyncio.Future[str | None] = loop.create_future()
            self._is_reading = not self._is_hooked
            # A thread that blocks in `input` cannot be cancelled: it must not keep the process alive.
            threading.Thread(target=_read_line, args=(loop, entered, self._shown), daemon=True).start()
            line = await entered
            self._is_reading = False
            if line is None:
                return
            yield line

    async def print(self, lines: Iterable[str]) -> None:
        """Print lines above the prompt."""
        text = "".join(f"{printable(line)}\n" for line in lines)
        if not text:
            return
        if self._is_reading:
            typed = readline.get_line_buffer() if readline is not None else ""
            text = f"{self._over(typed, text)}{self._shown}{typed}"
        sys.stdout.write(text)
        sys.stdout.flush()

    def _over(self, typed: str, text: str) -> str:
        """Return what writes a text over the prompt and the typed text."""
        cells, columns = cell_len(self._shown + typed), max(1, window_size(sys.stdout)[0])
        if can_draw(os.environ):
            rows = cells // columns
            return "\r" + (f"\x1b[{rows}A" if rows else "") + f"\x1b[J{text}"
        if cells >= columns:
            return f"\n{text}"
        first, _, rest = text.partition("\n")
        return f"\r{first}{' ' * (cells - cell_len(first))}\n{rest}"

    def _prepare_readline(self) -> None:
        assert readline is not None
        # The user's own ~/.inputrc is read by readline itself.
        for text in self._chat.sent_texts():
            readline.add_history(text)
        if hasattr(readline, "set_pre_input_hook"):
            self._is_hooked = True
            # Before that the prompt is not printed yet, and must not be printed twice.
            readline.set_pre_input_hook(self._begin_reading)
        readline.set_completer_delims(" ")
        readline.set_completer(self._complete)
        is_libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")

    def _begin_reading(self) -> None:
        self._is_reading = True

    def _complete(self, typed: str, number: int) -> str | None:
        """Return a completion of a word by its number; called in the thread that reads."""
        found = [word for word in self._words if word.startswith(typed)]
        return found[number] if number < len(found) else None


class Pipe:
    """Lines from `input` and to `output`, which are no terminal."""

    def __init__(self, input: Input, output: Output) -> None:  # noqa: A002 (as of the command)
        self._input = input
        self._output = output
        # Events and commands print at the same time, and only one of them can wait for a slow reader.
        self._printing = asyncio.Lock()

    async def lines(self) -> AsyncIterator[str]:
        """Yield the lines of the input until its end.

        Raises:
            UserError: it cannot be read, or a line is longer than any message.
        """
        rest = b""
        while data := await self._input.read():
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace").removesuffix("\r")
            if len(rest) > LONGEST_LINE:
                raise UserError("A line of the input is too long for a message.")
        if rest:
            yield rest.decode("utf-8", "replace")

    async def print(self, lines: Iterable[str]) -> None:
        """Print lines.

        Raises:
            BrokenPipeError: the reader is gone.
            UserError: they cannot be written.
        """
        async with self._printing:
            await self._output.write(lines)


class PlainRun:
    """One run of the plain chat: a session, a source of lines, and the state that is kept for later runs.

    At the end of the input, or at `/quit`, it waits up to `last_seconds` until everything is sent. With
    `most_waiting` it reads no further while that many messages wait, since a program writes faster than they
    can be sent.
    """

    def __init__(
        self,
        chat: PlainChat,
        session: ChatSession,
        source: LineSource,
        state: "KeptState",
        *,
        open_profile: ProfileOpener,
        last_seconds: float,
        most_waiting: int | None = None,
    ) -> None:
        self._chat = chat
        self._open_profile = open_profile
        self._last_seconds = last_seconds
        self._most_waiting = most_waiting
        self._fed = asyncio.Event()
        self._session = session
        self._source = source
        self._state = state
        self._over = asyncio.Event()
        self._code = ExitCode.DONE

    async def run(self) -> ExitCode:
        """Run until the user quits, the input ends, the reader of the output is gone, or a signal comes.

        Raises:
            UserError: standard input cannot be read, or standard output cannot be written.
        """
        try:
            with on_signals(self._interrupt):
                await self._run()
        except BrokenPipeError:
            pass  # As in `| head`: not a failure.
        finally:
            self._state.save()
        return self._code

    async def _run(self) -> None:
        async with task_group() as tasks:
            tasks.create_task(self._session.run(), name="session")
            listening = tasks.create_task(self._listen(), name="session events")
            others = [
                tasks.create_task(self._enter(), name="input"),
                tasks.create_task(self._state.save_changes(), name="state"),
            ]
            await self._over.wait()
            for task in others:
                task.cancel()
            self._session.close()
            # The last events: what became of the messages on their way.
            await asyncio.wait({listening}, timeout=1.0)
            listening.cancel()

    def _interrupt(self, number: signal.Signals) -> None:
        self._code = ExitCode.INTERRUPTED if number is signal.SIGINT else ExitCode.DONE
        self._over.set()

    async def _listen(self) -> None:
        while events := await self._session.next_events():
            await self._source.print(self._chat.feed(events))
            self._fed.set()

    async def _enter(self) -> None:
        async for line in self._source.lines():
            await self._source.print(self._chat.submit(line))
            if self._chat.wants_profile:
                self._chat.wants_profile = False
                await self._reopen()
            if self._chat.is_over:
                break
            await self._until(self._has_room)
        with suppress(TimeoutError):  # The outbox keeps what waits, which is reported at the end.
            async with asyncio.timeout(self._last_seconds):
                await self._until(lambda: not self._chat.waiting)
        self._over.set()

    async def _reopen(self) -> None:
        """Open the profile again, which starts a local cloud that has ended, and retry at once."""
        try:
            await self._open_profile()
        except UserError as error:
            await self._source.print([f"{error} {error.remedy or ''}".strip()])
        self._session.retry_now()

    def _has_room(self) -> bool:
        """Return True if more input can be taken: it is held back only while messages may still be sent."""
        is_lost = self._session.state.phase is Phase.FAILED
        return self._most_waiting is None or is_lost or self._chat.waiting < self._most_waiting

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait for events that make a condition true."""
        while not is_so():
            self._fed.clear()
            await self._fed.wait()


class KeptState:
    """Reads what earlier runs have kept in a store, and writes the changes of this one."""

    def __init__(self, store: StateStore, view_model: ChatViewModel) -> None:
        self._store = store
        self._view_model = view_model
        view_model.restore(store.load())
        self._stored = view_model.kept()
        self._has_failed = False
        self._changed = asyncio.Event()
        view_model.on_change(self._changed.set)
        view_model.model.read_marks.changed = self._changed.set

    async def save_changes(self) -> None:
        """Write changes, a few seconds after the first of them, until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(SAVE_AFTER)
            self._changed.clear()
            self.save()

    def save(self) -> None:
        """Write what has changed; a failure is reported once."""
        now = self._view_model.kept()
        try:
            self._store.merge(changes(self._stored, now))
        except (OSError, UserError) as error:
            if not self._has_failed:
                echo_err(storage_problem(error))
            self._has_failed = True
        else:
            self._stored = now


async def run_plain(
    open_profile: ProfileOpener,
    view_model: ChatViewModel,
    store: StateStore,
    *,
    region: str | None,
    last_region: str | None = None,
    reload_profile: ProfileOpener,
) -> ExitCode:
    """Run the plain chat, on the terminal if standard input and output are one, else on pipes.

    Raises:
        UserError: the profile cannot be opened, or standard input or output fails.
    """
    profile = await open_profile()
    alias, remark = first_region(profile, region, last_region)
    if remark is not None:
        echo_err(remark)
    state = KeptState(store, view_model)
    view_model.begin_session(profile, alias, now_ms())
    session = load_session_factory(reload_profile)(profile, alias, view_model.model.sender)
    has_terminal = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    chat = PlainChat(view_model, session, prints_own=not has_terminal)
    with _kept_terminal():
        source = Prompt(chat) if has_terminal else Pipe(Input(sys.stdin.fileno()), Output.standard())
        run = PlainRun(
            chat,
            session,
            source,
            state,
            open_profile=open_profile,
            # A user sees what is not sent yet, and has ended the chat on purpose.
            last_seconds=0.0 if has_terminal else LAST_SECONDS,
            most_waiting=None if has_terminal else WAITING,
        )
        code = await run.run()
    for line in chat.exit_lines():
        echo_err(f"globalchat: {line}")
    return ExitCode.FAILED if chat.lost and code is ExitCode.DONE else code


def _read_line(loop: asyncio.AbstractEventLoop, entered: "asyncio.Future[str | None]", prompt: str) -> None:
    """Read a line with its prompt in a thread; None at the end of the input."""
    line: str | None = None
    with suppress(EOFError, OSError):  # Ctrl+D, or a terminal that is gone.
        line = input(prompt)

    def deliver() -> None:
        if not entered.done():
            entered.set_result(line)

    with suppress(RuntimeError):  # The chat has ended meanwhile, and the loop with it.
        loop.call_soon_threadsafe(deliver)


@contextmanager
def _kept_terminal() -> Iterator[None]:
    """Restore the modes of the terminal at the end: a line that is being read keeps them changed."""
    try:
        modes = termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, modes)
