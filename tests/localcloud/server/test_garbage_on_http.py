"""Bytes that no HTTP client sends, on the real port: never a status of 500, and the port goes on serving."""

# One case a line, whatever its length.
# ruff: noqa: E501

import asyncio
from urllib.parse import urlsplit

import pytest

from globalchat.localcloud.server.cloud import LocalCloud

HEAD = b"Host: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"meow\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /graphql?query=%ff%fe&variables=%00 HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /graphql?%%%&=&&query HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /%2e%2e/graphql HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"get /graphql HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"Content-Length: 4\r\n\r\nm\xff\x00w",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nmeow\r\n0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nmeow",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"X-Api-Key: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"Authorization: AWS4-HMAC-SHA256 \xc3\xa9=,;/\r\nContent-Length: 0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n" + HEAD + b"Content-Type: application/graphql\r\nContent-Length: 2\r\n\r\n\xff{",
    ],
)  # fmt: skip
async def test_garbage_is_refused(local_cloud: LocalCloud, sent: bytes) -> None:
    url = urlsplit(local_cloud.region("oregon").graphql_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(sent)
        writer.write_eof()
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    assert answer == b"" or int(answer.split()[1]) in (400, 401, 404, 405, 413)


async def test_a_body_that_turns_out_to_be_garbage_is_refused(local_cloud: LocalCloud) -> None:
    url = urlsplit(local_cloud.region("oregon").graphql_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(b"POST /graphql HTTP/1.1\r\n" + HEAD)
    writer.write(b"Expect: 100-continue\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"meow")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"MalformedHttpRequestException" in answer
