"""A chat in a process of its own that prints what it receives, to be killed at any moment.

Run as `python reader_process.py CONFIG HISTORY [CHANNEL...]`; prints `live` once it is, and each text of the
channels (tech, if none is named), with `+` before those that were filled.
"""

import asyncio
import sys
from pathlib import Path

from globalchat.client import history_worker, profiles
from globalchat.client.events import MessageReceived, StateChanged
from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.session_driver import quick


async def read(config: Path, history: Path, channels: list[str]) -> None:
    history_worker.SAVE_INTERVAL = 0.05
    profile = profiles.load("faults", config)
    options = quick(page_size=7, ping_interval=1.0, history_interval=2.0)
    session = Session(
        profile, "oregon", channels=channels or ["tech"], sender="ana", history=history, options=options
    )
    running = asyncio.create_task(session.run())
    while events := await session.next_events():
        for event in events:
            if isinstance(event, MessageReceived):
                show(f"{'+' * event.filled}{event.message.text}")
            elif isinstance(event, StateChanged) and event.state.phase is Phase.LIVE:
                show("live")
    await running


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(read(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
