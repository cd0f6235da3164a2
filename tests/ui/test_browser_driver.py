"""The chat in a browser's tab: packets in and out, and what is left to the chat in a terminal."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from threading import Event
from typing import Any

import pyte
import pytest
from textual.drivers._byte_stream import ByteStream

from globalchat.client.profiles import Profile
from globalchat.core.packets import DATA, FILE, HEADER, KEY, META, BadPacket, encode, payload_size
from globalchat.ui.browser_app import ONLY_IN_A_TERMINAL, BrowserChat
from globalchat.ui.browser_driver import BrowserDriver
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.terminal_driver import HUNG_UP
from globalchat.ui.writing_controller import NO_EDITOR, READ_ONLY
from tests.ui.helpers.fake_session import NOON, FakeSession, open_profile

SECONDS = 60.0
WIDTH, HEIGHT = 110, 32


class Server:
    """The server's end of a chat: what the chat draws and sends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.sent: list[dict[str, Any]] = []
        self.files: dict[str, list[bytes]] = {}
        self.over = asyncio.Event()
        self._reader = reader
        self._changed = asyncio.Event()
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)

    async def read(self) -> None:
        """Take packets until the chat ends."""
        while header := await self._reader.read(1):
            header += await self._reader.readexactly(HEADER - 1)
            payload = await self._reader.readexactly(payload_size(header))
            if header[:1] == DATA:
                self._stream.feed(payload)
            elif header[:1] == META:
                self.sent.append(json.loads(payload))
            else:
                self.files.setdefault(payload[:KEY].decode(), []).append(payload[KEY:])
            self._changed.set()

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def type(self, data: str | bytes) -> None:
        self.writer.write(encode(DATA, data.encode() if isinstance(data, str) else data))

    def send(self, **document: object) -> None:
        self.writer.write(encode(META, json.dumps(document).encode()))

    async def shows(self, text: str) -> None:
        await self.until(lambda: text in self.text, text)

    async def until(self, is_so: Any, what: str) -> None:  # noqa: ANN401 - a condition
        try:
            async with asyncio.timeout(SECONDS):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what!r} did not come:\n{self.text}\n{self.sent}") from None


@asynccontextmanager
async def browser_chat(session: FakeSession, **options: Any) -> AsyncIterator[tuple[Server, BrowserChat]]:  # noqa: ANN401
    """Run a chat with its real driver until its end."""

    def factory(_: Profile, __: str, ___: str) -> ChatSession:
        return session

    ours, theirs = socket.socketpair()
    with theirs:
        app = BrowserChat(
            open_profile,
            socket=theirs.fileno(),
            region="oregon",
            channel="tech",
            sender=session.sender,
            profile_name="local",
            session_factory=factory,
            clock=lambda: NOON,
            tz=UTC,
            **options,
        )
        app.driver_class = BrowserDriver
        server = Server(*await asyncio.open_connection(sock=ours))
        running, reading = asyncio.ensure_future(app.run_async()), asyncio.ensure_future(server.read())
        running.add_done_callback(lambda _: server.over.set())
        try:
            yield server, app
        finally:
            server.writer.close()
            async with asyncio.timeout(SECONDS):
                await running
            theirs.shutdown(socket.SHUT_RDWR)
            await reading
    if app.failure is not None:
        raise app.failure


async def test_a_chat_in_a_tab_reaches_neither_the_terminal_nor_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("ROWS", str(HEIGHT))
    monkeypatch.setenv("EDITOR", "touch")
    monkeypatch.chdir(tmp_path)
    session = FakeSession()
    async with browser_chat(session, is_read_only=True) as (server, app):
        await server.shows("Ctrl+P palette")
        session.go_live()
        await server.shows("Only read # tech")
        await server.shows("7 days. Press Ctrl+K")
        await server.until(lambda: {"type": "title", "title": "# tech"} in server.sent, "the title")
        session.receive("tech", "seen", sender="kim", at=NOON)
        await server.shows("seen")
        # As in a terminal, late answers, unknown keys and broken characters are not taken for text.
        server.type(b"\x1b[?2026;2$y\x1b]11;rgb:0/0/0\x07\x1b[999~\x1b[<35;5;5Mh\xc3")
        server.type(b"\xa9llo\x1b[200~ pasted\x1b[201~")
        await server.shows("héllo pasted")
        server.type("\r")
        await server.shows(READ_ONLY[:20])
        assert session.drafts == []
        server.type("\x18\x05")
        await server.shows(NO_EDITOR[:20])
        server.type("\x15/profile\r")
        await server.shows(ONLY_IN_A_TERMINAL[:20])
        server.type("/export ../../the report.txt\r")
        await server.until(
            lambda: any(each["type"] == "deliver_file_start" for each in server.sent), "a file"
        )
        offer = next(each for each in server.sent if each["type"] == "deliver_file_start")
        assert offer["path"] == "the report.txt"
        await server.shows("Your browser downloads the report.txt")
        for _ in range(2):
            server.send(type="deliver_chunk_request", key=offer["key"], size=65_536, name=None)
        await server.until(lambda: server.files.get(offer["key"], [])[-1:] == [b""], "the end of the file")
        assert b"seen" in b"".join(server.files[offer["key"]])
        server.send(type="resize", width=60, height=20)
        await server.until(lambda: app.size.width == 60, "the new size")
    assert app.return_code == HUNG_UP
    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")


async def test_the_server_ends_a_chat_which_keeps_its_draft(tmp_path: Path) -> None:
    session = FakeSession()
    async with browser_chat(session, state=tmp_path) as (server, app):
        await server.shows("Ctrl+P palette")
        session.go_live()
        await server.shows("Message # tech")
        server.type("half a sen")
        server.send(type="quit")
        await server.over.wait()
    assert app.return_code == 0
    assert "half a sen" in (tmp_path / "local.json").read_text()


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_server_that_is_gone_ends_the_chat(is_reset: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    ours, theirs = socket.socketpair()
    driver = object.__new__(BrowserDriver)
    monkeypatch.setattr(driver, "_end", ended.append)
    driver._socket, driver.exit_event = theirs.fileno(), Event()
    driver.exit_event.set()
    with theirs:
        if is_reset:  # What it has not read is lost.
            theirs.send(b"drawn")
        ours.close()
        assert list(driver._packets(ByteStream())) == []
    assert ended == [HUNG_UP]


@pytest.mark.parametrize("header", [b"X\0\0\0\1", b"D\xff\0\0\0", b"\0\0\0\0\0"])
def test_what_is_no_packet_is_refused(header: bytes) -> None:
    with pytest.raises(BadPacket):
        payload_size(header)
    assert payload_size(encode(FILE, b"abc")[:HEADER]) == 3
