"""A subscriber's socket, as far as a whole run on the local cloud does not show it: TLS."""

import asyncio
import ssl
from unittest.mock import Mock

import pytest

from globalchat.client.profiles import RegionEndpoint
from globalchat.core import tls
from globalchat.core.errors import Unreachable
from globalchat.measure.load.socket import SubscriberSocket, open_socket


async def test_thousands_of_sockets_load_the_authorities_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    made = Mock(wraps=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", made)
    tls.context.cache_clear()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"wss://127.0.0.1:{port}/graphql"
        endpoint = RegionEndpoint("oregon", "us-west-2", "https://api/graphql", url, "id", "bus", "da2-key")
        for _ in range(3):
            with pytest.raises(Unreachable):
                await open_socket(
                    endpoint,
                    lambda: SubscriberSocket(
                        endpoint, ["tech"], on_frame=lambda *_: None, on_lost=lambda: None
                    ),
                )
    assert made.call_count == 1
