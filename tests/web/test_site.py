"""What the site answers, and to whom: over real sockets, with a small program in place of the chat."""

import asyncio
import logging
from importlib import resources
from pathlib import Path

import aiohttp
import pytest

from globalchat.web.site import TERMINAL, WEBGL
from tests.web.helpers.browser import Browser, small_site

EVERY = ("/", "/alive", "/ws", "/assets/page.js", "/download/0", "/assets/", "/nothing", "/static/")


async def refused(browser: Browser, path: str, **headers: str) -> bool:
    status, text, answered = await browser.get(path, **headers)
    assert browser.access.cookie not in text + str(answered)
    return status == 403


async def test_no_request_is_answered_without_the_link(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        for path in (*EVERY, "/?token=", "/?token=guess", "/?token", f"/?token={browser.access.cookie}"):
            assert await refused(browser, path), path
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await browser.open()
        token = browser.access.link.removeprefix(browser.access.origin)
        assert await refused(browser, token, Host="evil.example")
        assert await refused(browser, token, Origin="http://evil.example")
        # A link is opened, not sent.
        async with browser.session.post(browser.access.link) as answer:
            assert answer.status == 403


async def test_the_link_becomes_a_cookie_and_an_address_without_the_token(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        token = browser.access.link.removeprefix(browser.access.origin)
        status, _, headers = await browser.get(token, Sec_Fetch_Site="cross-site")
        assert status == 303
        assert headers["Location"] == browser.access.entrance
        assert token.partition("=")[2] not in str(headers)
        cookie = headers["Set-Cookie"]
        assert cookie.startswith(f"{browser.access.cookie_name}={browser.access.cookie}; ")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert (await browser.get("/alive"))[0] == 204
        # The browser is in, and yet no other page speaks for it.
        for headers_of_others in (
            {"Host": "localhost"},
            {"Origin": "http://evil.example"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
        ):
            for path in EVERY:
                assert await refused(browser, path, **headers_of_others), (path, headers_of_others)


async def test_a_request_that_is_none_is_not_written_to_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As outside of pytest, whose own handlers take everything.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    async with small_site(tmp_path) as browser:
        port = int(browser.access.origin.rpartition(":")[2])
        for request in (b"GET /?token=hidden HTTP/1.1\r\n\r\n", b"GET /?token=hidden%b\r\n" % (b"x" * 9_000)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            assert (await reader.read(12)).endswith(b" 400")
            writer.close()
    assert capsys.readouterr() == ("", "")


async def test_a_chat_needs_origin_and_key_besides_the_cookie(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        for wrong in (
            {"origin": "http://evil.example"},
            {"origin": None},
            {"protocols": ("globalchat",)},
            {"protocols": ("globalchat", f"key.{browser.access.cookie}")},
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.open(**wrong)
        for query in ({"tab": "short"}, {"tab": "../" * 10}, {"slot": "x"}):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
                await browser.open(**query)


async def test_the_page_loads_only_what_is_on_the_list(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        status, page, headers = await browser.get("/")
        policy = headers["Content-Security-Policy"]
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert policy.startswith("default-src 'none'; script-src 'nonce-")
        assert "unsafe" not in policy
        assert (await browser.get("/"))[2]["Content-Security-Policy"] != policy
        assert "http://" not in page
        assert "https://" not in page
        names = ("page.js", "page.css", "icon.svg", "textual.js", "xterm.css")
        fonts = ("RobotoMono-VariableFont_wght.ttf", "RobotoMono-Italic-VariableFont_wght.ttf")
        original = resources.files(TERMINAL) / "static" / "js" / "textual.js"
        assert original.read_bytes().count(WEBGL) == 1
        for name in (*names, *fonts):
            async with browser.session.get(f"{browser.access.origin}/assets/{name}") as answer:
                assert answer.status == 200, name
                assert WEBGL not in await answer.read()
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Content-Security-Policy"].endswith("sandbox")
        for name in (
            "",
            "index.html",
            "background.png",
            "../page.js",
            "..%2Fpage.js",
            "%2e%2e/serve.py",
            "js/textual.js",
        ):
            assert (await browser.get(f"/assets/{name}"))[0] == 404, name


async def test_a_file_is_downloaded_once_under_its_name_alone(tmp_path: Path) -> None:
    async with small_site(tmp_path) as browser:
        await browser.open_link()
        page = await browser.open()
        await page.started()
        await page.type('file|a "naïve" name.svg')
        kind, key = await page.said()
        assert kind == "download"
        status, text, headers = await browser.get(f"/download/{key}")
        assert (status, text) == (200, "first second")
        assert (
            headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20%22na%C3%AFve%22%20name.svg"
        )
        assert headers["Content-Type"] == "application/octet-stream"
        assert (await browser.get(f"/download/{key}"))[0] == 404


async def test_a_file_whose_chat_ends_is_not_taken_for_whole_nor_fetched_by_another(tmp_path: Path) -> None:
    async with small_site(tmp_path, "--breaks") as browser:
        await browser.open_link()
        page = await browser.open()
        await page.started()
        await page.type("file|a.md")
        _, key = await page.said()
        async with browser.session.get(f"{browser.access.origin}/download/{key}") as answer:
            assert answer.status == 200
            assert (await browser.get(f"/download/{key}"))[0] == 404
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
