"""A real Chromium without a window, driven over the DevTools protocol."""

import asyncio
import base64
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pyte

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Where Chromium is; None if there is none."""

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--remote-debugging-port=0"),
)
ALT, CTRL = 1, 2
"""Modifiers of a key."""
_LISTENING = re.compile(rb"DevTools listening on (ws://\S+)")


class Chromium:
    """The browser's connection: sends commands, and passes events to the tab of their session."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, ChromiumTab] = {}

    async def call(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        """Send a command, and return its result."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        document = {"id": number, "method": method, "params": params}
        await self._socket.send_json(document if session is None else document | {"sessionId": session})
        result: dict[str, Any] = await answer
        return result

    async def read(self) -> None:
        """Take answers and events until the browser ends."""
        async for message in self._socket:
            document = json.loads(message.data)
            if "id" in document:
                answer = self._answers.pop(document["id"])
                if "error" in document:
                    answer.set_exception(AssertionError(document["error"]["message"]))
                else:
                    answer.set_result(document["result"])
            elif (tab := self._tabs.get(document.get("sessionId", ""))) is not None:
                tab.take(document["method"], document["params"])

    async def open(self, url: str) -> "ChromiumTab":
        """Open a tab, in front of the others."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        tab = self._tabs[session] = ChromiumTab(self, session, target)
        for domain in ("Network", "Page", "Runtime", "Log"):
            await tab.call(f"{domain}.enable")
        await tab.call("Page.navigate", url=url)
        return tab


class ChromiumTab:
    """A tab: what its page draws, and what it complains about.

    Attributes:
        problems: What the page logged: violations of its policy, errors of scripts.
        sockets: How many WebSockets the page has opened.
    """

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self.sockets = 0
        self._session = session
        self._target = target
        self._changed = asyncio.Event()
        self._blank()

    def _blank(self) -> None:
        self._screen = pyte.Screen(200, 60)
        self._stream = pyte.ByteStream(self._screen)

    def take(self, event: str, params: Mapping[str, Any]) -> None:
        """Take an event of the page."""
        self._changed.set()
        match event:
            case "Network.webSocketCreated":
                self.sockets += 1
                self._blank()
            case "Network.webSocketFrameReceived" if params["response"]["opcode"] == 2:
                self._stream.feed(base64.b64decode(params["response"]["payloadData"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.problems.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.problems.append(params["exceptionDetails"]["exception"].get("description", "?"))

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command about this tab."""
        return await self._browser.call(method, self._session, **params)

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - JavaScript's
        """Return the value of an expression in the page, awaited if it is a promise."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        return found["result"].get("value")

    async def type(self, text: str) -> None:
        """Type a text, as the keyboard does."""
        for character in text:
            key = {"text": "\r", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
            key = key if character == "\r" else {"text": character, "key": character}
            await self.call("Input.dispatchKeyEvent", type="keyDown", **key)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    async def press(
        self, key: str, code: str, number: int, *, modifiers: int = 0, commands: Sequence[str] = ()
    ) -> None:
        """Press a key with modifiers; `commands` are what an editable element does with it by itself."""
        about = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        await self.call("Input.dispatchKeyEvent", type="rawKeyDown", commands=list(commands), **about)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    @property
    def text(self) -> str:
        """The screen of the terminal in the page."""
        return "\n".join(self._screen.display)

    async def shows(self, text: str) -> None:
        """Wait until the terminal shows a text."""
        await self.until(lambda: text in self.text, repr(text))

    async def next_socket(self) -> None:
        """Wait until the page has opened another WebSocket than the first."""
        await self.until(lambda: self.sockets > 1, "another WebSocket")

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so, which an event of the page makes so."""
        try:
            async with asyncio.timeout(60):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what} did not come:\n{self.text}\n{self.problems}") from None

    async def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def has(self, expression: str) -> None:
        """Wait until an expression is true in the page, also across loads of it."""
        async with asyncio.timeout(60):
            while True:
                # The page may be left meanwhile, and the answer with it.
                with suppress(AssertionError, TimeoutError):
                    async with asyncio.timeout(2):
                        if await self.evaluate(expression):
                            return
                await asyncio.sleep(0.03)

    async def picture(self) -> bytes:
        """Return the page as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        """Close the tab."""
        await self._browser.call("Target.closeTarget", targetId=self._target)


@asynccontextmanager
async def chromium(folder: Path, size: str = "1100,700") -> AsyncIterator[Chromium]:
    """Run Chromium with a profile of its own."""
    assert PROGRAM is not None, "there is no Chromium"
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *FLAGS,
        f"--user-data-dir={folder}",
        f"--window-size={size}",
        "about:blank",
        stdin=nothing,
        stdout=nothing,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while (found := _LISTENING.search(await process.stderr.readline())) is None:
                assert process.returncode is None, "Chromium has ended"
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(found[1].decode(), max_msg_size=0) as socket,
        ):
            reports = asyncio.ensure_future(process.stderr.read())
            browser = Chromium(socket)
            reading = asyncio.ensure_future(browser.read())
            try:
                yield browser
            finally:
                for task in (reading, reports):
                    task.cancel()
                await asyncio.wait({reading, reports})
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
