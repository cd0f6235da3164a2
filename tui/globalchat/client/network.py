"""Opens connections to a host: directly or through a proxy, and to which of its addresses."""

import asyncio
import os
from typing import TypedDict

from globalchat.client.connect_errors import ProxyAnswered
from globalchat.core import redaction, tls
from globalchat.core.net import Proxy, host_and_port, is_loopback, proxy_for

HAPPY_EYEBALLS_DELAY = 0.25
"""Seconds until the next address is tried besides one that has not answered (RFC 8305, section 5)."""
_LARGEST_HEAD = 65_536


class ConnectOptions(TypedDict, total=False):
    """Arguments of `create_connection`."""

    happy_eyeballs_delay: float


def proxy_of(url: str) -> Proxy | None:
    """Return the proxy of a URL, None for a direct connection; mask its password in logs from now on.

    Raises:
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    proxy = proxy_for(url, os.environ)
    if proxy is not None:
        for secret in proxy.secrets:
            redaction.register_secret(secret)
    return proxy


def connect_options(url: str, proxy: Proxy | None) -> ConnectOptions:
    """Return the arguments with which `create_connection` of the running loop tries addresses side by side.

    Without them, an address that drops packets (broken IPv6) uses up the time limit before the next one is
    tried. Loopback addresses do not need them. Loops other than asyncio's (uvloop) do not know the argument.
    """
    standard = isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop)
    if not standard or is_loopback(url if proxy is None else str(proxy)):
        return {}
    return {"happy_eyeballs_delay": HAPPY_EYEBALLS_DELAY}


async def open_tls(url: str, proxy: Proxy | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection over TLS to the host of an https or wss URL.

    Raises:
        OSError: the host cannot be reached, or TLS fails (ssl.SSLError).
        ProxyAnswered: the proxy opens no tunnel.
    """
    host, port = host_and_port(url)
    context = tls.context()
    options = connect_options(url, proxy)
    if proxy is None:
        return await asyncio.open_connection(host, port, ssl=context, **options)
    outer = context if proxy.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        proxy.host, proxy.port, ssl=outer, limit=_LARGEST_HEAD, **options
    )
    try:
        await _open_tunnel(url, proxy, reader, writer)
        await writer.start_tls(context, server_hostname=host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


async def _open_tunnel(
    url: str, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(proxy.tunnel_request(url))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        version, status, *_ = head.split(None, 2)
        answered = int(status) if version.startswith(b"HTTP/") else None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        answered = None
    if answered is None or not 200 <= answered < 300:
        raise ProxyAnswered(answered)
