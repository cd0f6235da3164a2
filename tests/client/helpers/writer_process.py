"""A client in a process of its own, to be killed: sends its messages, then reports an empty outbox.

Run as `python writer_process.py PROFILE_FOLDER OUTBOX COUNT PREFIX`: with COUNT 0 it only sends what is left.
"""

import asyncio
import sys
from pathlib import Path

from globalchat.client import profiles
from globalchat.client.events import DraftAccepted
from globalchat.client.session import Session
from tests.client.helpers.session_driver import quick


async def write(folder: Path, outbox: Path, count: int, prefix: str) -> None:
    profile = profiles.load("faults", folder)
    session = Session(
        profile, "oregon", channels=["tech"], sender="writer", options=quick(drain_timeout=5.0), outbox=outbox
    )
    for number in range(count):
        session.send("tech", f"{prefix}{number}")
    tell("queued")
    running = asyncio.create_task(session.run())
    while events := await session.next_events():
        accepted = [event for event in events if isinstance(event, DraftAccepted)]
        if accepted:
            tell("accepted")
        if not session.waiting and (accepted or not count):
            tell("empty")
            session.close()
    await running


def tell(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
