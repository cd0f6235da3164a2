"""What becomes of a tab: its chat, its folder, its end."""

import asyncio
import errno
import os
import signal
from pathlib import Path

import pytest

from globalchat.web import chat_process, tabs
from globalchat.web.slots import MOST_TABS, Slots
from globalchat.web.tabs import BROKEN, ENDED, FULL, MOVED
from tests.web.helpers.browser import small_site

OTHER = "b" * 32


@pytest.fixture(autouse=True)
def _brief_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait briefly for pages that do not answer a close: those of these tests do not read."""
    monkeypatch.setattr(tabs, "CLOSE_SECONDS", 0.2)


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_chat_gets_what_it_needs_and_no_more(tmp_path: Path) -> None:
    async with small_site(tmp_path, "--word=; $(rm -rf /)") as browser:
        await browser.open_link()
        page = await browser.open()
        chat = await page.started()
        # No shell has read the words, and none of them is a secret.
        assert chat["words"] == ["--word=; $(rm -rf /)", "tab-1", "back=False"]
        environment = chat["env"]
        assert environment["HOME"] == str(tmp_path)
        assert environment["https_proxy"] == "http://p"
        assert (environment["COLUMNS"], environment["ROWS"]) == ("100", "30")
        assert not {"EDITOR", "AWS_SECRET_ACCESS_KEY", "PYTEST_CURRENT_TEST", "TEXTUAL"} & environment.keys()
        secrets = (browser.key, browser.access.cookie, browser.access.link.partition("=")[2])
        assert not any(secret in str(chat) for secret in secrets)
        assert await page.type("hello ❤️ \ud800") == "echo hello ❤️ ?"
        # What the chat prints is no packet.
        assert await page.type("print") == "echo print"
        await page.socket.send_json(["resize", {"width": 10**9, "height": -1}])
        assert await page.drawn() == 'meta {"type": "resize", "width": 1000, "height": 1}'
        await page.socket.send_json(["focus"])
        assert await page.drawn() == 'meta {"type": "focus"}'
        await page.type("url|javascript:alert(1)")
        await page.type("url|https://example.com/")
        assert await page.said() == ["open", "https://example.com/"]
        await page.type("title|(2) # tech")
        assert await page.said() == ["title", "(2) # tech"]
    # The server has ended, and with it the chat.
    assert is_gone(chat["pid"])
    assert sorted(each.name for each in (tmp_path / "web").rglob("*")) == ["tab-1", "tab.lock"]


async def test_credentials_go_to_a_chat_that_signs(tmp_path: Path) -> None:
    async with small_site(tmp_path, signs=True) as browser:
        await browser.open_link()
        assert (await (await browser.open()).started())["env"]["AWS_SECRET_ACCESS_KEY"] == "secret"


async def test_a_closed_tab_leaves_no_process_and_frees_its_folder(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        first, second = await browser.open(), await browser.open(OTHER)
        one, two = await first.started(), await second.started()
        assert (one["slot"], two["slot"]) == (1, 2)
        assert (tmp_path / "web").stat().st_mode & 0o777 == 0o700
        await first.socket.close()
        # It is loaded again at once.
        assert (await (await browser.open(slot=1)).started())["words"] == ["tab-1", "back=True"]
        assert is_gone(one["pid"])
        assert not is_gone(two["pid"])


async def test_a_page_that_connects_again_takes_the_place_of_its_own_connection(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        old = await browser.open()
        before = await old.started()
        closed = asyncio.ensure_future(old.closed())
        new = await (await browser.open(slot=1)).started()
        assert await closed == MOVED
        assert (new["slot"], new["words"]) == (1, ["tab-1", "back=True"])
        assert is_gone(before["pid"])


async def test_a_page_hears_why_its_chat_cannot_start(tmp_path: Path) -> None:
    locked = tmp_path / "web" / "tab-1" / "tab.lock"
    # More than the system takes for one word of a command.
    async with small_site(tmp_path, "x" * 10_000_000) as browser:
        await browser.open_link()
        page = await browser.open()
        assert await page.said() == ["slot", 1]
        assert await page.said() == ["ended", [f"The chat cannot be started ({os.strerror(errno.E2BIG)})."]]
        assert await page.closed() == BROKEN
        locked.unlink()
        locked.mkdir()
        page = await browser.open(slot=1)
        sentence = f"The folder of this tab cannot be used: {os.strerror(errno.EISDIR)}."
        assert await page.said() == ["ended", [sentence]]
        assert await page.closed() == BROKEN


async def test_only_so_many_tabs(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        pages = [await browser.open(f"{number:032}") for number in range(MOST_TABS)]
        assert {(await page.started())["slot"] for page in pages} == set(range(1, MOST_TABS + 1))
        surplus = await browser.open(OTHER)
        kind, [sentence] = await surplus.said()
        assert kind == "ended"
        assert sentence.startswith(f"{MOST_TABS} chats are open")
        assert await surplus.closed() == FULL


@pytest.mark.parametrize(
    ("typed", "said", "code"),
    [
        ("end|Bye.|Two.", ["Bye.", "Two."], ENDED),
        ("end", [], ENDED),
        ("crash", ["The chat ended unexpectedly."], BROKEN),
        ("garbage", ["The chat ended unexpectedly."], BROKEN),
    ],
)
async def test_the_page_hears_why_its_chat_ended(
    tmp_path: Path, typed: str, said: list[str], code: int
) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        page = await browser.open()
        await page.started()
        await page.type(typed)
        assert await page.said() == ["ended", said]
        assert await page.closed() == code


@pytest.mark.parametrize(
    "message", ["[", "[]", '["stdin", 1]', '["resize", {}]', '["resize", 1]', "[" * 99_999]
)
async def test_what_no_page_sends_ends_the_connection(tmp_path: Path, message: str) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        page = await browser.open()
        chat = await page.started()
        await page.socket.send_str(message)
        assert await page.closed() == 1002
    assert is_gone(chat["pid"])


async def test_a_chat_that_does_not_quit_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_process, "QUIT_SECONDS", 0.05)
    async with small_site(tmp_path, "--stubborn") as browser:
        await browser.open_link()
        chat = await (await browser.open()).started()
    assert is_gone(chat["pid"])


@pytest.mark.parametrize("trouble", ["hang", "flood"])
async def test_neither_a_chat_that_hangs_nor_a_page_that_does_not_read_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    for module, name in ((chat_process, "QUIT_SECONDS"), (chat_process, "TERMINATE_SECONDS")):
        monkeypatch.setattr(module, name, 0.05)
    async with asyncio.timeout(60), small_site(tmp_path) as browser:
        await browser.open_link()
        started = []
        for slot in ("", 1):
            # The second page takes the place of the first; the server ends with the second one open.
            page = await browser.open(slot=slot)
            started.append(await page.started())
            await page.type(trouble)
            if trouble == "hang":
                # More than the socket between the two takes, so that the server waits for the chat.
                await page.socket.send_json(["stdin", "x" * 1_000_000])
        assert [each["slot"] for each in started] == [1, 1]
        assert is_gone(started[0]["pid"])
    assert is_gone(started[1]["pid"])


async def test_a_chat_that_does_not_read_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (chat_process, "QUIT_SECONDS"),
        (chat_process, "TERMINATE_SECONDS"),
        (tabs, "INPUT_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 0.05)
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        page = await browser.open()
        await page.started()
        await page.type("hang")
        await page.socket.send_json(["stdin", "x" * 1_000_000])
        assert await page.said() == ["ended", ["The chat no longer responded, and was ended."]]
        assert await page.closed() == BROKEN


async def test_a_server_that_ends_opens_nothing_for_pages_that_ask_again(tmp_path: Path) -> None:
    opened = small_site(tmp_path, "--stubborn")
    browser = await opened.__aenter__()
    await browser.open_link()
    page = await browser.open()
    chat = await page.started()
    # The connection of this request stays open.
    assert (await browser.get("/alive"))[0] == 204
    ending = asyncio.ensure_future(opened.__aexit__(None, None, None))
    assert await page.closed() == 1001
    # The chat has not ended yet, and the server waits for it.
    assert (await browser.get("/alive"))[:2] == (503, "The server ends.\n")
    os.kill(chat["pid"], signal.SIGKILL)
    await ending


def test_a_new_tab_leaves_alone_what_a_tab_may_come_back_for(tmp_path: Path) -> None:
    now = 0.0
    slots = Slots(tmp_path / "web", 3, lambda: now)
    others = Slots(tmp_path / "web", 3, lambda: now)
    first = slots.take(None)
    assert first is not None
    assert first.number == 1
    slots.release(first)
    second = slots.take(None)
    assert second is not None
    assert second.number == 2
    # The folders of another server are locked, and not counted twice.
    third = others.take(2)
    assert third is not None
    assert third.number == 1
    last = slots.take(1)
    assert last is not None
    assert last.number == 3
    assert slots.take(1) is None
    assert slots.take(99) is None
    now = 100.0
    slots.release(second)
    assert slots.take(2) is not None
