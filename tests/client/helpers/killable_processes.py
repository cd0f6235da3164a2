"""Starts, commands and kills the processes of the fault suite."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from globalchat.client.profiles import Profile, RegionEndpoint
from tests.paths import CHILD_PATH

HERE = Path(__file__).parent
WAIT_LIMIT = 60.0


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

    async def start(self) -> None:
        arguments = [
            str(HERE / "cloud_process.py"),
            str(self._seed),
            str(self._state),
            *map(str, self._ports),
        ]
        self._process = await start(*arguments)
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

    async def _do(self, **command: object) -> dict[str, int]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, int] = json.loads(await line(self._process))
        return answer
