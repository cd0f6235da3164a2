"""A chat without a screen, to be killed: publishes numbered texts and says what was accepted."""

import asyncio
import sys

from globalchat.client.events import DraftAccepted, DraftQueued, StateChanged
from globalchat.client.profiles import load
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.files import user_folders


async def main(prefix: str, count: int) -> None:
    profile = load("fake", user_folders().config)
    session = Session(profile, "oregon", sender=prefix, outbox=user_folders().state / "outbox")
    run = asyncio.create_task(session.run())
    while events := await session.next_events():
        for event in events:
            if isinstance(event, StateChanged) and event.state.phase in (Phase.LIVE, Phase.RETRYING):
                for number in range(count):
                    session.send(("tech", "cars")[number % 2], f"{prefix} {number}")
                count = 0
            elif isinstance(event, DraftQueued | DraftAccepted):
                sys.stdout.write(f"{type(event).__name__} {event.draft.text}\n")
                sys.stdout.flush()
    await run


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
