"""The open tabs: each has a WebSocket, a folder for its state, and a chat of its own."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from globalchat.core.errors import UserError
from globalchat.core.logs import log_event
from globalchat.core.packets import DATA, FILE, META, BadPacket
from globalchat.web.chat_process import ChatProcess, environment
from globalchat.web.downloads import Downloads
from globalchat.web.slots import MOST_TABS, Slot, Slots

log = logging.getLogger("globalchat.web")

LARGEST_INPUT: Final = 4 * 1024 * 1024
"""The most bytes of a message of the page, which sends no larger ones."""
HEARTBEAT_SECONDS: Final = 20.0
"""Seconds between pings, so that a browser that is gone without a word is noticed."""
CLOSE_SECONDS: Final = 2.0
"""Seconds that a browser may take to answer that a connection is closed."""
INPUT_SECONDS: Final = 20.0
"""Seconds that a chat may take to read what was typed; one that takes longer hangs."""

ENDED, MOVED, FULL, BROKEN = 4000, 4001, 4002, 4003
"""The codes with which the server closes a WebSocket: the chat has ended, or was opened in another tab; too
many tabs; the chat could not start or failed. The page shows a sentence for each."""

_WIDTHS: Final = range(1, 1001)
_HEIGHTS: Final = range(1, 501)


@dataclass(frozen=True, slots=True)
class TabRequest:
    """What a page says about itself: its own id, the folder that it had, and its size in cells."""

    identity: str
    slot: int | None
    width: int
    height: int

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "TabRequest":
        """Read it from the query of the WebSocket's address.

        Raises:
            ValueError: something in it is not what a page of ours sends.
        """
        identity, slot = query.get("tab", ""), query.get("slot", "")
        if not (identity.isascii() and identity.isalnum() and 16 <= len(identity) <= 64):
            raise ValueError("no tab")
        width, height = _size(int(query.get("width", "80")), int(query.get("height", "24")))
        return cls(identity, int(slot) if slot else None, width, height)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the connection of a page is closed: the code, and a sentence that the page shows, if any."""

    code: int
    sentence: str | None = None


CommandFor = Callable[[Slot, bool], Sequence[str]]
"""Returns the command of a chat, by its folder, and True if its tab was open before."""


class Tabs:
    """Opens a chat for each WebSocket, at most `MOST_TABS`.

    Args:
        slots: Where the chats keep their state.
        command: Returns the command of a chat.
        base: The environment from which the chats get what they need.
        signs: Whether they sign with AWS's credentials, and so need AWS's variables.

    Attributes:
        downloads: What the chats offer.
        is_closing: True once the server ends: no further tab is opened.
    """

    def __init__(self, slots: Slots, command: CommandFor, base: Mapping[str, str], *, signs: bool) -> None:
        self.downloads = Downloads()
        self.is_closing = False
        self._slots = slots
        self._command = command
        self._base = base
        self._signs = signs
        self._open: dict[str, Tab] = {}

    async def serve(
        self, request: TabRequest, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        """Run a chat for a page until one of the two ends.

        A page that connects again takes the place of its own old connection, of which the server may not know
        yet that it is broken.
        """
        tab = Tab(socket, transport, self.downloads)
        # In a loop, since a third page with this id may have come meanwhile.
        while (before := self._open.get(request.identity)) is not None:
            await before.close(MOVED)
        if self.is_closing:
            await tab.hang_up(Ending(WSCloseCode.GOING_AWAY))
            return
        self._open[request.identity] = tab
        try:
            await self._run(request, tab)
        finally:
            del self._open[request.identity]
            tab.is_over.set()
            await tab.hang_up(Ending(WSCloseCode.OK))

    async def close(self) -> None:
        """Close all tabs, open no further ones, and wait until the chats have ended."""
        self.is_closing = True
        await asyncio.gather(*(tab.close(WSCloseCode.GOING_AWAY) for tab in list(self._open.values())))

    async def _run(self, request: TabRequest, tab: "Tab") -> None:
        try:
            slot = self._slots.take(request.slot)
        except UserError as error:
            await tab.hang_up(Ending(BROKEN, str(error)))
            return
        except OSError as error:
            sentence = f"The folder of this tab cannot be used: {error.strerror}."
            await tab.hang_up(Ending(BROKEN, sentence))
            return
        if slot is None:
            sentence = (
                f"{MOST_TABS} chats are open, and each is a process of its own: close another tab first."
            )
            await tab.hang_up(Ending(FULL, sentence))
            return
        try:
            await tab.say("slot", slot.number)
            command = self._command(slot, request.slot == slot.number)
            surroundings = environment(self._base, request.width, request.height, signs=self._signs)
            try:
                chat = await ChatProcess.start(command, surroundings)
            except OSError as error:
                await tab.hang_up(Ending(BROKEN, f"The chat cannot be started ({error.strerror})."))
                return
            log_event(log, logging.INFO, "tab opened", slot=slot.number, process=chat.pid)
            try:
                await tab.run(chat)
            finally:
                # Shielded: a cancelled request must not leave a process.
                code = await asyncio.shield(chat.stop())
                log_event(log, logging.INFO, "tab closed", slot=slot.number, process=chat.pid, code=code)
        finally:
            self.downloads.withdraw(tab)
            self._slots.release(slot)


class Tab:
    """One page and its chat.

    Attributes:
        is_over: Set when the chat has ended and its folder is free.
    """

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, downloads: Downloads
    ) -> None:
        self.socket = socket
        self.is_over = asyncio.Event()
        self._transport = transport
        self._downloads = downloads
        self._has_said_why = False
        self._ending = Ending(WSCloseCode.OK)
        self._is_to_end = asyncio.Event()

    async def close(self, code: int) -> None:
        """Close the page's connection, and wait until the chat has ended."""
        # `run` does it: no page that does not read, and no chat that hangs, is waited for.
        self._ending = Ending(code)
        self._is_to_end.set()
        await self.is_over.wait()

    async def hang_up(self, ending: Ending) -> None:
        """Close the page's connection, if it is open; drop what a page that does not answer has not read."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if ending.sentence is not None:
                    await self.say("ended", [ending.sentence])
                await self.socket.close(code=ending.code)
        except (ConnectionError, TimeoutError):
            pass
        except asyncio.CancelledError:
            # aiohttp raises it if what waited before for the page to read was cancelled.
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
        if self.socket.close_code in (None, WSCloseCode.ABNORMAL_CLOSURE) and self._transport is not None:
            self._transport.abort()

    async def say(self, kind: str, value: object) -> None:
        """Send the page something that is not drawn in the terminal; nothing if it is gone."""
        with suppress(ConnectionError):
            await self.socket.send_str(json.dumps([kind, value]))

    async def run(self, chat: ChatProcess) -> None:
        """Pass on input and output until the page or the chat ends, or `close` is called."""
        passing = (
            asyncio.ensure_future(self._pass_output(chat)),
            asyncio.ensure_future(self._pass_input(chat)),
        )
        running = {*passing, asyncio.ensure_future(self._is_to_end.wait())}
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            endings = [task.result() for task in passing if task.done() and not task.cancelled()]
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        # Only now: aiohttp cancels all that wait for a page to read when one of them is cancelled.
        await self.hang_up(next(filter(None, endings), self._ending))

    async def _pass_output(self, chat: ChatProcess) -> Ending | None:
        """Pass on what the chat sends until it ends. Return None if the page is gone."""
        try:
            async for kind, payload in chat.output():
                if kind == DATA:
                    await self.socket.send_bytes(payload)
                elif kind == FILE:
                    self._downloads.receive(payload)
                elif kind == META:
                    await self._pass_meta(chat, json.loads(payload))
        except BadPacket:
            log_event(log, logging.ERROR, "a chat sent no packet", process=chat.pid)
        except ConnectionError:
            return None
        return Ending(ENDED) if self._has_said_why else Ending(BROKEN, "The chat ended unexpectedly.")

    async def _pass_meta(self, chat: ChatProcess, document: dict[str, object]) -> None:
        match document.get("type"):
            case "title":
                await self.say("title", str(document.get("title", "")))
            case "open_url":
                url = str(document.get("url", ""))
                if url.startswith(("https://", "http://")):
                    await self.say("open", url)
            case "deliver_file_start":
                key = str(document.get("key", ""))
                self._downloads.offer(self, key, str(document.get("path", "")), chat_asker(chat))
                await self.say("download", key)
            case "ended":
                self._has_said_why = True
                lines = document.get("lines")
                await self.say("ended", lines if isinstance(lines, list) else [])

    async def _pass_input(self, chat: ChatProcess) -> Ending | None:
        """Pass on what the page sends until it is gone. Return how else it ends."""
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                try:
                    async with asyncio.timeout(INPUT_SECONDS):
                        await _pass_message(chat, message)
                except TimeoutError:
                    return Ending(BROKEN, "The chat no longer responded, and was ended.")
                except (ValueError, TypeError, LookupError, RecursionError):
                    # Nothing that our page sends.
                    return Ending(WSCloseCode.PROTOCOL_ERROR)
        return None


async def _pass_message(chat: ChatProcess, message: WSMessage) -> None:
    match json.loads(message.data):
        case ["stdin", str(text)]:
            await chat.send_input(text)
        case ["resize", {"width": int(width), "height": int(height)}]:
            width, height = _size(width, height)
            await chat.send_meta(type="resize", width=width, height=height)
        case [("focus" | "blur") as kind]:
            await chat.send_meta(type=kind)
        case ["ping", *_]:
            pass
        case _:
            raise ValueError("unknown message")


def chat_asker(chat: ChatProcess) -> Callable[[str, int], "asyncio.Future[None]"]:
    """Return what asks a chat for the next piece of a file."""

    def ask(key: str, size: int) -> "asyncio.Future[None]":
        return asyncio.ensure_future(
            chat.send_meta(type="deliver_chunk_request", key=key, size=size, name=None)
        )

    return ask


def _size(width: int, height: int) -> tuple[int, int]:
    """Return a size in cells that a chat can draw."""
    return min(max(width, _WIDTHS[0]), _WIDTHS[-1]), min(max(height, _HEIGHTS[0]), _HEIGHTS[-1])
