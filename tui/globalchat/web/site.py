"""The web application: the page, its files, the WebSocket, downloads; nothing of it without `Access`."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Final
from urllib.parse import quote

from aiohttp import web

from globalchat.web.access import HOST, PROTOCOL, Access, AccessRefused
from globalchat.web.downloads import NotOffered
from globalchat.web.tabs import CLOSE_SECONDS, HEARTBEAT_SECONDS, LARGEST_INPUT, TabRequest, Tabs

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TERMINAL: Final = "textual_serve"
"""The package whose terminal the page uses."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page."""

    content_type: str
    body: bytes


_OURS: Final = {"page.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml"}
_THEIRS: Final = {
    "textual.js": ("js", "text/javascript"),
    "xterm.css": ("css", "text/css"),
    "RobotoMono-VariableFont_wght.ttf": ("fonts", "font/ttf"),
    "RobotoMono-Italic-VariableFont_wght.ttf": ("fonts", "font/ttf"),
}

WEBGL: Final = b"this.terminal.loadAddon(this.webglAddon),"
"""What makes the terminal draw with WebGL: it throws where there is none, and the canvas that is loaded after
it replaces it at once."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "clipboard-read=(), camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The headers of every answer, besides `Content-Security-Policy`."""

NOTHING: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
"""The policy of every answer but the page."""


def page_policy(nonce: str, port: int) -> str:
    """Return the policy of the page: files of this server alone, and no style that is not ours.

    xterm.js writes style elements, to which the page gives the nonce.
    """
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; "
        f"img-src 'self'; connect-src 'self' ws://{HOST}:{port}; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def load_assets() -> Mapping[str, Asset]:
    """Read the files of the page; there are no others.

    Raises:
        ModuleNotFoundError: textual-serve is not installed.
    """
    ours = resources.files("globalchat.web") / "page"
    theirs = resources.files(TERMINAL) / "static"
    return {name: Asset(kind, (ours / name).read_bytes()) for name, kind in _OURS.items()} | {
        name: Asset(kind, (theirs / folder / name).read_bytes().replace(WEBGL, b""))
        for name, (folder, kind) in _THEIRS.items()
    }


class Site:
    """Answers requests.

    Args:
        access: Decides about requests.
        tabs: Opens the chats.
        port: The port on loopback, which is in the page's policy.
    """

    def __init__(self, access: Access, tabs: Tabs, port: int) -> None:
        self._access = access
        self._tabs = tabs
        self._port = port
        self._assets = load_assets()
        page = resources.files("globalchat.web") / "page" / "index.html"
        self._page = Template(page.read_text(encoding="utf-8"))

    def application(self) -> web.Application:
        """Return the application for aiohttp."""
        application = web.Application(middlewares=[self._guard])
        application.on_response_prepare.append(_add_headers)
        application.add_routes(
            [
                web.get("/", self._show_page, allow_head=False),
                web.get("/alive", self._answer, allow_head=False),
                web.get("/ws", self._open_tab, allow_head=False),
                web.get("/assets/{name}", self._send_asset, allow_head=False),
                web.get("/download/{key}", self._send_file, allow_head=False),
            ]
        )
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check every request, even one for what does not exist, before anything else is done with it."""
        try:
            self._access.check_address(request.headers)
            if request.method == "GET" and request.path == "/" and "token" in request.query:
                self._access.check_token(request.query["token"])
                return self._let_in()
            self._access.check(request.headers, request.cookies.get(self._access.cookie_name))
            if request.path == "/ws":
                self._access.check_socket(request.headers)
        except AccessRefused as error:
            return web.Response(status=403, text=f"{error}\n")
        if self._tabs.is_closing:
            return web.Response(status=503, text="The server ends.\n")
        return await handler(request)

    def _let_in(self) -> web.Response:
        """Give the browser its cookie, and lead it to an address without the token."""
        response = web.Response(status=303, headers={"Location": self._access.entrance})
        response.set_cookie(
            self._access.cookie_name, self._access.cookie, path="/", httponly=True, samesite="Strict"
        )
        return response

    async def _show_page(self, _: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        text = self._page.substitute(nonce=nonce, socket=f"ws://{HOST}:{self._port}/ws")
        headers = {"Content-Security-Policy": page_policy(nonce, self._port)}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _answer(self, _: web.Request) -> web.Response:
        """Answer that the server runs, and still knows this browser."""
        return web.Response(status=204)

    async def _send_asset(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return web.Response(body=asset.body, content_type=asset.content_type)

    async def _send_file(self, request: web.Request) -> web.StreamResponse:
        key, downloads = request.match_info["key"], self._tabs.downloads
        try:
            name = quote(downloads.take(key), safe="")
        except NotOffered:
            raise web.HTTPNotFound from None
        # Never shown: a picture of the screen is SVG, which could run scripts of this origin.
        response = web.StreamResponse(headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})
        response.content_type = "application/octet-stream"
        pieces = downloads.fetch(key)
        await response.prepare(request)
        try:
            async for piece in pieces:
                await response.write(piece)
        except (NotOffered, TimeoutError):
            # Without its end, so that the browser does not take the file for whole.
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write_eof()
        return response

    async def _open_tab(self, request: web.Request) -> web.StreamResponse:
        try:
            wanted = TabRequest.parse(request.query)
        except ValueError:
            raise web.HTTPBadRequest from None
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=LARGEST_INPUT,
            timeout=CLOSE_SECONDS,
            protocols=(PROTOCOL,),
        )
        await socket.prepare(request)
        await self._tabs.serve(wanted, socket, request.transport)
        return socket


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", NOTHING)
    for name, value in HEADERS.items():
        response.headers[name] = value
