"""The chat in a real browser: two tabs in two regions, and a page of another origin."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.helpers.processes import Home, Running
from tests.web.helpers.chromium import ALT, CTRL, PROGRAM, Chromium, ChromiumTab, chromium

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium: the chat was not opened in a browser"),
]

TRIES = """(async (origin) => {
  const tried = {};
  const socket = new WebSocket(origin.replace("http", "ws") + "/ws?tab=" + "e".repeat(32), ["globalchat"]);
  tried.socket = await new Promise((resolve) => {
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  });
  const asked = fetch(origin + "/alive", { credentials: "include" });
  tried.fetched = await asked.then(() => "read", () => "refused");
  const frame = document.createElement("iframe");
  frame.src = origin + "/";
  document.body.append(frame);
  await new Promise((resolve) => { frame.onload = resolve; });
  tried.frame = frame.contentDocument === null ? "refused" : "shown";
  return tried;
})"""
"""What a page can try that runs on another port of this machine, to which browsers send the cookie."""


NOTE_COPIES = """(() => {
  const write = navigator.clipboard.writeText.bind(navigator.clipboard);
  navigator.clipboard.writeText = async (text) => { await write(text); window.copied = text; };
})()"""
"""Notes what is on the clipboard, which the page itself may not read."""


@asynccontextmanager
async def other_page() -> AsyncIterator[str]:
    """Serve an empty page on another port."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><body>other</body>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/", show)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def chats_of(home: Home) -> list[str]:
    """Return the processes of this user's tabs."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listed.splitlines() if "web_chat" in line and str(home.root) in line]


async def test_the_chat_in_a_browser(shared_home: Home, tmp_path: Path) -> None:
    shared_home.running_cloud()
    # A cursor that blinks is drawn again and again.
    config = shared_home.root / "config"
    config.mkdir(exist_ok=True)
    (config / "config.toml").write_text("motion = false\n")
    server = shared_home.start("web", "oregon", "--channel", "tech", "--name", "ana", "--port", "0")
    [link] = server.out.wait(lambda lines: len(lines) == 1)
    origin = link.partition("/?")[0]
    async with chromium(tmp_path, "960,480") as browser:
        await refuse_strangers(browser, origin)
        ana = await browser.open(link)
        await ana.shows("live")
        assert await ana.evaluate("location.href + document.cookie") == f"{origin}/"
        await refuse_another_page(browser, origin)
        bo = await browser.open(f"{origin}/")
        await bo.shows("live")
        await move_to_sydney(bo)
        await talk(ana, bo)
        await load_again(bo)
        await copy_and_paste(ana)
        await ana.resize(480, 400)
        await ana.until(lambda: "Channels" not in ana.text, "the small layout")
        assert [*ana.problems, *bo.problems] == []
        assert len(chats_of(shared_home)) == 2
        await end(server, ana, bo)
        assert chats_of(shared_home) == []


async def refuse_strangers(browser: Chromium, origin: str) -> None:
    """No page is shown without the link, nor with a wrong one."""
    tab = await browser.open(f"{origin}/")
    await tab.has("document.body.textContent.includes('not let in')")
    await tab.call("Page.navigate", url=f"{origin}/?token=guess")
    await tab.has("document.body.textContent.includes('no longer, valid')")
    await tab.close()


async def refuse_another_page(browser: Chromium, origin: str) -> None:
    """A page of another origin gets nothing, although the browser sends the cookie with what it asks for."""
    async with other_page() as elsewhere:
        tab = await browser.open(elsewhere)
        await tab.has("document.body?.textContent === 'other'")
        tried = await tab.evaluate(f"{TRIES}({origin!r})")
        assert tried == {"socket": "refused", "fetched": "refused", "frame": "refused"}
        await tab.close()


async def move_to_sydney(tab: ChromiumTab) -> None:
    """Switch the region, and take another name."""
    await tab.press("r", "KeyR", 82, modifiers=ALT)
    await tab.shows("● Sydney")
    await tab.shows("live")
    await tab.type("/nick bo\r")
    await tab.shows("bo ›")


async def talk(ana: ChromiumTab, bo: ChromiumTab) -> None:
    """A message crosses in each direction, and the title counts what is unread."""
    await ana.type("hello from Oregon\r")
    await bo.shows("hello from Oregon")
    await bo.type("and from Sydney\r")
    await ana.shows("and from Sydney")
    await ana.has("document.title.includes('# tech')")


async def load_again(tab: ChromiumTab) -> None:
    """A reload opens the tab as it was: region, name, channel, draft; history brings the messages."""
    await tab.type("half a thou")
    await tab.shows("half a thou")
    await tab.call("Page.reload")
    await tab.next_socket()
    for text in ("bo › half a thou", "● Sydney", "# tech ─", "hello from Oregon", "and from Sydney"):
        await tab.shows(text)


async def copy_and_paste(tab: ChromiumTab) -> None:
    """Copy the newest message with the chat's own key, and paste it with the browser's."""
    await tab.call("Page.bringToFront")
    await tab.has("document.hasFocus()")
    await tab.evaluate(NOTE_COPIES)
    await tab.press("y", "KeyY", 89, modifiers=ALT)
    await tab.shows("Copied")
    await tab.has("window.copied === 'and from Sydney'")
    await tab.press("v", "KeyV", 86, modifiers=CTRL, commands=["paste"])
    await tab.shows("ana › and from Sydney")


async def end(server: Running, *tabs: ChromiumTab) -> None:
    """Ctrl+C ends the server and all chats, and the tabs say so."""
    assert await asyncio.to_thread(server.interrupt) == 0
    for tab in tabs:
        await tab.has("document.getElementById('sentence').textContent.startsWith('The connection broke')")
