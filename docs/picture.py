"""Draws `docs/chat.svg`: the running chat on a real local cloud, people talking across the ocean.

Run it with `make picture`.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

from textual.pilot import Pilot

import globalchat
from globalchat.cli.local_cloud import profile_of
from globalchat.client.chat import Chat
from globalchat.client.profiles import Profile
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.ui.app import ChatApp

SIZE = (110, 20)
FILE = Path(__file__).with_name("chat.svg")

SPOKEN = (
    ("tech", "ana", "sydney", "morning from Sydney, the new templates are up"),
    ("tech", "bo", "oregon", "evening here ☕ watching it from Oregon"),
    ("tech", "ana", "sydney", "one hop, no loop: your message came through Sydney's own bus"),
    ("robots", "kim", "oregon", "arm 3 is calibrated"),
    ("tech", "lee", "sydney", "@you can you see both of us?"),
    ("music", "ana", "sydney", "@you this one is for you 🎷"),
    ("robots", "kim", "oregon", "arm 4 too"),
)
ANSWER = "yes! Oregon at 2 ms, and nobody's browser holds a copied endpoint"


async def converse(profile: Profile) -> None:
    """Let everyone say their lines, each over the region they live in."""
    async with AsyncExitStack() as stack:
        chats: dict[str, Chat] = {}
        for _, person, region, _ in SPOKEN:
            if person not in chats:
                chat = globalchat.connect(profile, region, [], sender=person)
                chats[person] = await stack.enter_async_context(chat)
        for channel, person, _, text in SPOKEN:
            await chats[person].publish(channel, text)


async def shown(pilot: Pilot[None], text: str) -> None:
    """Wait until the screen shows a text."""
    async with asyncio.timeout(10):
        while text not in re.sub(r"&#160;|\s", " ", pilot.app.export_screenshot()):
            await pilot.pause(0.05)


async def draw() -> str:
    """Run the chat headless and take its picture."""
    async with LocalCloud.open() as cloud:
        profile = profile_of(cloud.regions)

        async def open_profile() -> Profile:
            return profile

        app = ChatApp(open_profile, region="oregon", channel="tech", sender="you", profile_name="local")
        async with app.run_test(size=SIZE) as pilot:
            await shown(pilot, "live")
            await converse(profile)
            await shown(pilot, "both of us")
            await pilot.press(*ANSWER)
            await pilot.press("enter")
            await shown(pilot, "✓✓")
            return app.export_screenshot(title="globalchat")


def main() -> None:
    """Write the picture, without the web fonts that Textual links: a README's viewer loads none."""
    svg = re.sub(r"@font-face\s*\{.*?\}", "", asyncio.run(draw()), flags=re.DOTALL)
    FILE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
