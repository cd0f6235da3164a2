"""How soon the chat shows, beside a bare Textual app.

Each program starts in its own pseudo-terminal, in turn. The first frame is shown once a text that only that
frame holds was written; the chat is ready to type in once its channels are shown and the region is live.
A local cloud is started before the first measurement, and messages are published there: the last page of
history is shown once the newest of them is.
"""

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.chat import terminal
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from globalchat.measure.process import usage_of

RUNS = 11
SECONDS = 30.0
ROWS = 36
NAME = "nadja"

HELLO = """
from textual.app import App, ComposeResult
from textual.widgets import Static

class Hello(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("Hello, world")

Hello().run()
"""

Marks = Mapping[str, Sequence[bytes]]
"""The texts that must have been written, by the name of the moment."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Milliseconds since the start, and what the program had used by then: CPU ms and MB."""

    wall: float
    cpu: float
    memory: float


Found = dict[tuple[str, str], list[Moment]]
"""The moments of each run, by program and name."""

COMMAND = Path(sys.executable).with_name("globalchat")
FIRST_FRAME = "first frame"
READY = "ready to type"
LAST_PAGE = "last page of history shown"
NEWEST = "the newest of the page"


@dataclass(frozen=True, slots=True)
class TimedProgram:
    """Something to start, and the moments to wait for."""

    name: str
    arguments: Sequence[str]
    marks: Marks


PROGRAMS = (
    TimedProgram("hello, world", (sys.executable, "-c", HELLO), {FIRST_FRAME: (b"Hello, world",)}),
    TimedProgram(
        "globalchat",
        (str(COMMAND), "--name", NAME),
        {FIRST_FRAME: (f"{NAME} ›".encode(),), READY: (b"# media", b"live"), LAST_PAGE: (NEWEST.encode(),)},
    ),
)


def measure(program: TimedProgram, env: Mapping[str, str]) -> dict[str, Moment]:
    """Start a program, and return its moments."""
    started = time.perf_counter()
    process, keyboard = terminal.start(program.arguments, rows=ROWS, environment=env)
    try:
        return _moments(keyboard, started, program, process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(keyboard)


def _moments(keyboard: int, started: float, program: TimedProgram, pid: int) -> dict[str, Moment]:
    seen, waiting, moments = b"", dict(program.marks), dict[str, Moment]()
    while waiting:
        left = started + SECONDS - time.perf_counter()
        if left <= 0 or not select.select([keyboard], [], [], left)[0]:
            sys.exit(f"{program.name}: not shown within {SECONDS:.0f} s: {', '.join(waiting)}")
        # Colours may change within a text.
        seen += re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", os.read(keyboard, 65536))
        now = time.perf_counter() - started
        for name in [name for name, texts in waiting.items() if all(text in seen for text in texts)]:
            used = usage_of(pid)
            moments[name] = Moment(now * 1e3, used.cpu * 1e3, used.resident / 1024**2)
            del waiting[name]
    return moments


def environment(home: str) -> dict[str, str]:
    """Return the environment of the programs, without the user's own settings of the chat."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GLOBALCHAT_")}
    return {**kept, "GLOBALCHAT_HOME": home}


def run(runs: int, *, warm_up: bool = True) -> Found:
    """Measure the programs in turn, so that a busy moment of the machine affects all of them."""
    found: Found = {}
    with tempfile.TemporaryDirectory() as home:
        env = environment(home)
        local(env, "up")
        try:
            publish(env, [*(f"message {number}" for number in range(99)), NEWEST])
            for number in range(runs + warm_up):
                for program in PROGRAMS:
                    for name, moment in measure(program, env).items():
                        if number or not warm_up:  # the first run fills the caches
                            found.setdefault((program.name, name), []).append(moment)
        finally:
            local(env, "down")
    return found


def local(env: Mapping[str, str], what: str) -> None:
    """Run `globalchat local` with this argument."""
    command = [str(COMMAND), "local", what]
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def publish(env: Mapping[str, str], texts: Sequence[str]) -> None:
    """Publish texts in the channel that the chat opens."""
    command = [str(COMMAND), "publish", "cars", "-", "--profile", "local"]
    subprocess.run(command, env=env, check=True, input="\n".join(texts), text=True, stdout=subprocess.DEVNULL)


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Return the medians, and each as a multiple of the bare app's first frame."""
    found = run(1, warm_up=False) if quick else run(RUNS)
    medians = {what: _median(moments) for what, moments in found.items()}
    bare = medians[PROGRAMS[0].name, FIRST_FRAME]
    rows = [
        (
            name,
            moment,
            f"{middle.wall:.0f}",
            f"{min(each.wall for each in found[name, moment]):.0f}–"
            f"{max(each.wall for each in found[name, moment]):.0f}",
            f"{middle.cpu:.0f}",
            f"{middle.memory:.0f}",
            f"{middle.cpu / bare.cpu:.2f} ×",
        )
        for (name, moment), middle in medians.items()
    ]
    heads = ("program", "moment", "median ms", "range", "CPU ms", "MB", "CPU beside the bare app")
    return BenchmarkResult(markdown_table(heads, rows), _comparisons(medians, bare))


def _median(moments: Sequence[Moment]) -> Moment:
    return Moment(
        median(each.wall for each in moments),
        median(each.cpu for each in moments),
        median(each.memory for each in moments),
    )


def _comparisons(medians: Mapping[tuple[str, str], Moment], bare: Moment) -> list[ComparisonRow]:
    peer = "Textual, hello world"
    first, ready, page = (medians[PROGRAMS[1].name, what] for what in (FIRST_FRAME, READY, LAST_PAGE))
    return [
        ComparisonRow(f"chat: {FIRST_FRAME}, ms", first.wall, {peer: bare.wall}, 0),
        ComparisonRow(f"chat: {FIRST_FRAME}, CPU ms", first.cpu, {peer: bare.cpu}, 0),
        ComparisonRow(f"chat: {READY}, ms", ready.wall, {peer: bare.wall}, 0),
        ComparisonRow(f"chat: {READY}, CPU ms", ready.cpu, {peer: bare.cpu}, 0),
        ComparisonRow(f"chat: {LAST_PAGE}, ms", page.wall, {READY: ready.wall}, 0),
        ComparisonRow(f"chat: memory once {READY}, MB", ready.memory, {peer: bare.memory}, 0),
    ]
