"""A browser without a screen: a client of the site that keeps its cookie and its key, and the site itself."""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from globalchat.web.access import Access
from globalchat.web.serve import listen, serving
from globalchat.web.slots import Slot

SMALL_CHAT = Path(__file__).with_name("small_chat.py")
TAB = "a" * 32


@dataclass
class Page:
    """The WebSocket of a page."""

    socket: aiohttp.ClientWebSocketResponse

    async def drawn(self) -> str:
        """Return what is drawn next."""
        return (await self.socket.receive(30)).data.decode()  # type: ignore[no-any-return]

    async def started(self) -> dict[str, Any]:
        """Return what the small chat says of itself, with the slot of the tab."""
        kind, slot = await self.said()
        assert kind == "slot"
        return {"slot": slot, **json.loads(await self.drawn())}

    async def said(self) -> list[Any]:
        """Return the next message that is not drawn."""
        return json.loads((await self.socket.receive(30)).data)  # type: ignore[no-any-return]

    async def type(self, text: str) -> str:
        """Type a text, and return what the small chat draws for it."""
        await self.socket.send_json(["stdin", text])
        return await self.drawn()

    async def closed(self) -> int | None:
        """Wait until the server closes the connection, and return the code."""
        while (await self.socket.receive(30)).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            pass
        return self.socket.close_code


class Browser:
    """A client with the cookie and the key, once it has opened the link."""

    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        self.access = access
        self.session = session
        self.key = ""
        self.pages: list[Page] = []

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        """Return status, text and headers of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        address = self.access.origin + path
        async with self.session.get(address, headers=named, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers

    async def open_link(self) -> None:
        """Open the link, and keep cookie and key."""
        _, _, headers = await self.get(self.access.link.removeprefix(self.access.origin))
        self.key = headers["Location"].removeprefix("/#")

    async def open(self, tab: str = TAB, slot: int | str = "", **changed: Any) -> Page:  # noqa: ANN401
        """Open the WebSocket of a page."""
        query = f"tab={tab}&slot={slot}&width=100&height=30"
        options = {"origin": self.access.origin, "protocols": ("globalchat", f"key.{self.key}")} | changed
        address = f"{self.access.origin.replace('http', 'ws')}/ws?{query}"
        socket = await self.session.ws_connect(
            address, timeout=aiohttp.ClientWSTimeout(ws_close=30), **options
        )
        self.pages.append(Page(socket))
        return self.pages[-1]


@asynccontextmanager
async def small_site(folder: Path, *words: str, signs: bool = False) -> AsyncIterator[Browser]:
    """Serve the small chat."""

    def command(slot: Slot, is_back: bool) -> list[str]:
        return [sys.executable, "-I", "-S", str(SMALL_CHAT), *words, slot.folder.name, f"back={is_back}"]

    base = dict(
        os.environ, AWS_SECRET_ACCESS_KEY="secret", EDITOR="vi", HOME=str(folder), https_proxy="http://p"
    )
    jar = aiohttp.CookieJar(unsafe=True)
    with listen(0) as listening:
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with serving(
                listening, state=folder / "web", command=command, base=base, signs=signs
            ) as access:
                browser = Browser(access, session)
                yield browser
            for page in browser.pages:
                await page.socket.close()
