"""A key that goes over a network unencrypted: who hears of it, and how often."""

import pytest

from globalchat.client.events import StateChanged
from globalchat.client.profiles import exposure
from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, running
from tests.core.helpers.loopback_proxy import LoopbackProxy

WARNING = "Plain HTTP to {}: anyone on the way can read the key and the messages."


@pytest.mark.parametrize(
    ("urls", "hosts"),
    [
        (["http://api.example/graphql", "ws://api.example/graphql"], "api.example"),
        (["https://api.example/graphql", "ws://api.example:8080/graphql"], "api.example:8080"),
        (["http://10.0.0.5:1/", "wss://10.0.0.5/"], "10.0.0.5:1"),
        (["http://one.example/", "http://two.example/"], "one.example, two.example"),
        (["http://localhost.example/"], "localhost.example"),
        (["http://[2001:db8::1]:80/"], "[2001:db8::1]:80"),
    ],
)
def test_what_leaves_this_machine_unencrypted_is_named(urls: list[str], hosts: str) -> None:
    found = exposure(urls)
    assert found is not None
    assert (found.message, found.remedy) == (
        WARNING.format(hosts),
        "Use https:// and wss:// in the profile.",
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example/graphql",
        "wss://api.example/graphql",
        "http://127.0.0.1:5000/graphql",
        "ws://127.9.9.9/graphql",
        "http://localhost:5000/graphql",
        "http://[::1]:5000/graphql",
    ],
)
def test_what_is_encrypted_or_stays_on_this_machine_is_not(url: str) -> None:
    assert exposure([url]) is None


@pytest.mark.usefixtures("unset_proxies")
async def test_a_session_says_it_once_in_each_region(monkeypatch: pytest.MonkeyPatch) -> None:
    oregon, sydney = FakeAppSync(), FakeAppSync("sydney", "ap-southeast-2")
    oregon.host, sydney.host = "oregon.example", "sydney.example"
    async with (
        oregon,
        sydney,
        LoopbackProxy({"oregon.example": oregon.port, "sydney.example": sydney.port}) as proxy,
    ):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        session = Session(profile_of(oregon, sydney), "oregon", options=QUICK)
        async with running(session) as chat:
            assert (await chat.phase(Phase.LIVE)).reason == WARNING.format("oregon.example")
            oregon.drop_all()
            await chat.phase(Phase.RETRYING)
            assert (await chat.phase(Phase.LIVE)).reason is None
            session.switch("sydney")
            there = await chat.next(
                StateChanged, lambda event: (event.state.region, event.state.phase) == ("sydney", Phase.LIVE)
            )
            assert there.state.reason == WARNING.format("sydney.example")


async def test_a_session_on_loopback_says_nothing(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        assert (await chat.phase(Phase.LIVE)).reason is None
