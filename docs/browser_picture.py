"""Draws the picture of the chat in a browser: a scripted chat behind the real server, in a real Chromium.

`make picture` runs it. The server starts the chat as `python -m docs.browser_picture DESCRIPTOR`.
"""

import asyncio
import os
import sys
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

from textual.pilot import Pilot

from docs.picture import busy
from docs.scripted_chat import ScriptedChat, StoppedClock
from globalchat.client.profiles import Profile
from globalchat.ui.browser_app import BrowserChat
from globalchat.ui.browser_driver import BrowserDriver
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.settings import Loaded, Settings
from globalchat.web.serve import listen, serving
from tests.paths import ROOT
from tests.ui.helpers.chat_driver import Chat
from tests.ui.helpers.fake_session import FakeSession, open_profile
from tests.ui.helpers.fake_watch import FakeWatch
from tests.web.helpers.chromium import PROGRAM, chromium

FILE = Path(__file__).parent / "pictures" / "web.png"
SIZE = "1000,560"
DRAFT = "and this is a browser"


async def chat(descriptor: int) -> None:
    """Run the scripted chat for the server, until that ends it."""
    session, clock = FakeSession(), StoppedClock()

    def factory(_: Profile, __: str, ___: str) -> ChatSession:
        return session

    app = BrowserChat(
        open_profile,
        socket=descriptor,
        region="oregon",
        channel="tech",
        sender=session.sender,
        profile_name="local",
        settings=Loaded(Settings(motion=False)),
        session_factory=factory,
        clock=clock,
        tz=UTC,
    )
    app.driver_class = BrowserDriver

    async def play(pilot: Pilot[None]) -> None:
        scripted = ScriptedChat(Chat(app, pilot, session), clock, FakeWatch())
        await scripted.chat.there()
        await busy(scripted)
        await scripted.chat.settle()
        await scripted.chat.type(DRAFT)

    await app.run_async(auto_pilot=play)


async def draw() -> bytes:
    """Return the picture, once nothing changes any more."""

    def command(*_: object) -> list[str]:
        return [sys.executable, "-m", "docs.browser_picture"]

    base = {**os.environ, "PYTHONPATH": str(ROOT)}
    with TemporaryDirectory() as folder, listen(0) as listening:
        state, profile = Path(folder) / "state", Path(folder) / "browser"
        async with (
            serving(listening, state=state, command=command, base=base, signs=False) as access,
            chromium(profile, SIZE) as browser,
        ):
            tab = await browser.open(access.link)
            await tab.shows(DRAFT)
            before = b""
            while (picture := await tab.picture()) != before:
                before = picture
            return picture


def main() -> None:
    """Draw the picture; without a Chromium, say that it stays as it is."""
    if len(sys.argv) > 1:
        asyncio.run(chat(int(sys.argv[1])))
    elif PROGRAM is None:
        print("There is no Chromium: docs/pictures/web.png stays as it is.")  # noqa: T201 - a script
    else:
        FILE.write_bytes(asyncio.run(draw()))


if __name__ == "__main__":
    main()
