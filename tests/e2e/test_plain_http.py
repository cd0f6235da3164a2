"""Commands whose profile leads to another machine over plain HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from globalchat.client import profiles
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.core.helpers.loopback_proxy import LoopbackProxy
from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal

pytestmark = pytest.mark.e2e

HOST = "api.example"
QUIT = "\x11"  # Ctrl+Q
WARNING = f"Plain HTTP to {HOST}: anyone on the way can read the key and the messages."


@asynccontextmanager
async def away(home: Home) -> AsyncIterator[Home]:
    """The user, with a profile of a region at http://api.example, which a proxy on loopback leads to."""
    server = FakeAppSync()
    server.host = HOST
    async with server, LoopbackProxy({HOST: server.port}) as proxy:
        profiles.save(replace(profile_of(server), name="away"), home.root / "config")
        surroundings = {
            "http_proxy": f"http://127.0.0.1:{proxy.port}",
            "GLOBALCHAT_PROFILE": "away",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        yield replace(home, environment=surroundings)


@pytest.mark.parametrize(
    ("command", "times"),
    [
        ("publish tech hi", 1),
        ("publish tech hi --retry-for 5s", 1),
        ("subscribe tech --for 1s", 1),
        ("latency --count 1 --warmup 0 --timeout 1s", 1),
        ("bench --subscribers 1 --yes", 1),
        ("outputs", 0),
        ("doctor --no-publish", 1),
    ],
)
async def test_a_command_that_sends_its_key_says_so_once(home: Home, command: str, times: int) -> None:
    async with away(home) as user:
        done = await asyncio.to_thread(user.run, *command.split())
    assert (done.stdout + done.stderr).count(WARNING) == times, done


async def test_the_chat_says_so_until_it_is_put_away(home: Home) -> None:
    async with away(home) as user:
        await asyncio.to_thread(put_away, user)


def put_away(user: Home) -> None:
    chat = Terminal(user)
    chat.wait_for("Plain HTTP to Oregon")
    chat.press("\x1b")
    chat.wait(lambda screen: "Plain HTTP" not in screen, "the screen without the warning")
    chat.press(QUIT)
    assert chat.end() == 0
