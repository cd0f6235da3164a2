"""Starts, commands and kills the processes of the fault suite."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

from globalchat.client.profiles import Profile, RegionEndpoint
from tests.paths import CHILD_PATH

HERE = Path(__file__).parent
WAIT_LIMIT = 60.0
TABLES_FILE = "tables.sqlite3"
"""The name of the file of tables in a cloud's state."""


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """Start a Python process that can be talked to."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": CHILD_PATH},
    )


@asynccontextmanager
async def python(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process that does not outlive the block."""
    process = await start(*arguments)
    try:
        yield process
    finally:
        await kill(process)


async def kill(process: asyncio.subprocess.Process) -> None:
    """End a process with SIGKILL, and its pipes with it."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_LIMIT):
        return (await process.stdout.readline()).decode().strip()


class Cloud:
    """The local cloud of the suite; survives `kill` by `start`, at the same ports and with the same keys.

    What it has stored or accepted lies in `state`.
    """

    def __init__(self, seed: int, state: Path) -> None:
        self._seed = seed
        self._state = state
        self._ports: list[int] = []
        self._process: asyncio.subprocess.Process | None = None
        self.profile = Profile("faults", {})

    async def start(self, backoff: float = 0.05) -> None:
        """Start it; `backoff` is the longest wait between two attempts to deliver (s)."""
        arguments = HERE / "cloud_process.py", self._seed, backoff, self._state, *self._ports
        self._process = await start(*map(str, arguments))
        regions = [RegionEndpoint(**each) for each in json.loads(await line(self._process))]
        profile = Profile("faults", {each.alias: each for each in regions})
        assert self.profile.regions in ({}, profile.regions), (
            "it came back somewhere else, or with other keys"
        )
        self.profile = profile
        self._ports = [urlsplit(each.graphql_url).port or 0 for each in regions]

    async def kill(self) -> None:
        if self._process is not None:
            await kill(self._process)
            self._process = None

    async def set(self, *faults: str, region: str | None = None) -> None:
        await self._do(do="set", faults=faults, region=region)

    async def clear(self) -> None:
        await self._do(do="clear")

    async def settle(self) -> int:
        """Wait until no delivery is under way; how many ended as dead letters."""
        return (await self._do(do="settle"))["dead_letters"]

    async def redrive(self) -> int:
        """Deliver the dead letters again; how many are left."""
        return (await self._do(do="redrive"))["dead_letters"]

    def stored(self, message_id: str) -> list[tuple[str, str]]:
        """Return the tables' items of a message: the table, and the item as JSON."""
        with closing(sqlite3.connect(self._state / TABLES_FILE)) as database:
            rows = database.execute(
                "SELECT table_id, item FROM items WHERE instr(item, ?) > 0", (message_id,)
            )
            return rows.fetchall()

    async def _do(self, **command: object) -> dict[str, int]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, int] = json.loads(await line(self._process))
        return answer


class Reader:
    """A reader in a process of its own, killed and started again, and the texts that each life received."""

    def __init__(self, config: Path, history: Path, channels: Sequence[str]) -> None:
        self._command = [str(each) for each in (HERE / "reader_process.py", config, history, *channels)]
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._grew = asyncio.Event()
        self.lives: list[Counter[str]] = []
        self.filled = 0

    async def start(self) -> None:
        """Start a life; it is live at the end."""
        self._process = await start(*self._command)
        self.lives.append(Counter())
        assert await line(self._process) == "live"
        self._pump = asyncio.create_task(self._read(self._process, self.lives[-1]))

    async def kill(self) -> None:
        """End its life with SIGKILL; what it printed counts."""
        if self._process is not None and self._pump is not None:
            self._process.kill()
            await self._pump
            await kill(self._process)
            self._process = None

    def stop(self) -> None:
        """Stop it with SIGSTOP, until `go_on`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def received(self) -> Counter[str]:
        """The number of times that each text was received, in all lives."""
        return sum(self.lives, Counter())

    async def has_received(self, texts: set[str]) -> None:
        """Wait until every text was received in some life."""
        async with asyncio.timeout(WAIT_LIMIT):
            while not texts <= set(self.received):
                self._grew.clear()
                await self._grew.wait()

    async def _read(self, process: asyncio.subprocess.Process, life: Counter[str]) -> None:
        assert process.stdout is not None
        while raw := await process.stdout.readline():
            text = raw.decode().strip()
            if text != "live":
                self.filled += text.startswith("+")
                life[text.removeprefix("+")] += 1
                self._grew.set()
