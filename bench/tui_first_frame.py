"""How soon the chat shows, beside a bare Textual app: `python -m bench.tui_first_frame [RUNS]`.

Each program starts in a pseudo-terminal of its own, in turn. The first frame is there once a text that only
that frame holds has come out; the chat can be written in once its channels are shown and the region is live.
A local cloud runs before the first measurement.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.table import table

RUNS = 15
SECONDS = 30.0
COLUMNS, ROWS = 120, 36
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
"""What is measured: the texts that must have come out, by the name of the moment."""

COMMAND = Path(sys.executable).with_name("globalchat")
FIRST_FRAME = "first frame"
READY = "ready to type"


@dataclass(frozen=True, slots=True)
class Program:
    """Something to start, and the moments to wait for."""

    name: str
    arguments: Sequence[str]
    marks: Marks


PROGRAMS = (
    Program("hello, world", (sys.executable, "-c", HELLO), {FIRST_FRAME: (b"Hello, world",)}),
    Program(
        "globalchat",
        (str(COMMAND), "--name", NAME),
        {FIRST_FRAME: (f"{NAME} ›".encode(),), READY: (b"# media", b"live")},
    ),
)


def measure(program: Program, env: Mapping[str, str]) -> dict[str, float]:
    """Seconds from the start to each moment."""
    keyboard, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    started = time.perf_counter()
    process = subprocess.Popen(
        program.arguments, env=env, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    try:
        return _moments(keyboard, started, program)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(keyboard)


def _moments(keyboard: int, started: float, program: Program) -> dict[str, float]:
    seen, waiting, moments = b"", dict(program.marks), dict[str, float]()
    while waiting:
        left = started + SECONDS - time.perf_counter()
        if left <= 0 or not select.select([keyboard], [], [], left)[0]:
            sys.exit(f"{program.name}: not seen in {SECONDS:.0f} s: {', '.join(waiting)}")
        # Colours may change within a text.
        seen += re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", os.read(keyboard, 65536))
        now = time.perf_counter() - started
        for name in [name for name, texts in waiting.items() if all(text in seen for text in texts)]:
            moments[name] = now
            del waiting[name]
    return moments


def environment(home: str) -> dict[str, str]:
    """The environment of the programs: nothing of the tester's own chat or terminal settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GLOBALCHAT_") and name not in ("COLUMNS", "LINES")
    }
    return {**kept, "GLOBALCHAT_HOME": home, "TERM": "xterm-256color"}


def main() -> None:
    """Measure in turn, so that a busy moment of the machine hits all alike."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        env = environment(home)
        subprocess.run([COMMAND, "local", "up"], env=env, check=True, stdout=subprocess.DEVNULL)
        try:
            for number in range(runs + 1):
                for program in PROGRAMS:
                    for moment, seconds in measure(program, env).items():
                        if number:  # the first run fills the caches
                            found.setdefault((program.name, moment), []).append(seconds * 1000)
        finally:
            subprocess.run([COMMAND, "local", "down"], env=env, check=True, stdout=subprocess.DEVNULL)
    print(report(found))


def report(found: Mapping[tuple[str, str], Sequence[float]]) -> str:
    """The medians, and each as a multiple of the bare app's first frame."""
    floor = median(next(iter(found.values())))
    rows = [
        (
            name,
            moment,
            f"{median(each):.0f} ms",
            f"{min(each):.0f}–{max(each):.0f}",
            f"{median(each) / floor:.2f}",
        )
        for (name, moment), each in found.items()
    ]
    return table(("program", "moment", "median", "range", "ratio"), rows)


if __name__ == "__main__":
    main()
