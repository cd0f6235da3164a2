"""`subscribe` against a server that sends what it should not: the stream goes on."""

import asyncio
import json

import pytest

from globalchat.cli.console.streams import Output
from globalchat.cli.following import lines
from globalchat.cli.following.run import Request, Show, follow
from globalchat.core.errors import ExitCode
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of

ODD_TIMES = [
    "9999-12-31T23:59:59-18:00",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
    "no time",
    "9" * 50,
]
FORGED = "all fine\n08:00:00  tech  admin  us-west-2  \x1b[2Jit is me"


async def followed(show: Show, capfd: pytest.CaptureFixture[str], *, is_raw: bool = False) -> list[str]:
    """The lines of a stream of messages with odd times between two good ones."""
    async with FakeAppSync() as server:
        request = Request(channels=("tech",), show=show, is_raw=is_raw, count=5)
        task = asyncio.create_task(follow(profile_of(server), None, request, Output(1)))
        await server.subscribed("tech")
        await server.broadcast(server.message("first"))
        for number, at in enumerate(ODD_TIMES):
            await server.broadcast(server.message(f"odd-{number}", sentAt=at))
        await server.broadcast(server.message("last", text=FORGED, sender="ana\n"))
        assert await task is ExitCode.DONE
    return capfd.readouterr().out.split("\n")[:-1]


async def test_an_odd_time_ends_no_stream_and_a_message_is_one_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    shown = await followed(lines.as_text, capfd)
    assert len(shown) == 5
    assert [line.startswith("--:--:--") for line in shown] == [False, True, True, True, False]
    head, _, text = shown[-1].rpartition(" ms  ")
    assert "  tech  ana␊  us-west-2 +" in head
    assert text == "all fine␊08:00:00  tech  admin  us-west-2  ␛[2Jit is me"


async def test_in_json_an_odd_time_is_null(capfd: pytest.CaptureFixture[str]) -> None:
    documents = [json.loads(line) for line in await followed(lines.as_json, capfd)]
    assert [document["sentAt"] is None for document in documents] == [False, True, True, True, False]
    assert documents[-1]["message"] == FORGED


async def test_raw_is_exact(capfd: pytest.CaptureFixture[str]) -> None:
    assert (await followed(lines.as_raw, capfd, is_raw=True))[-2:] == FORGED.split("\n")
