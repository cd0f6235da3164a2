"""A backend that lists, or sends messages of, channels that nothing could hold."""

import pytest

from globalchat.client import documents
from globalchat.client.events import BackendDescribed, GapRecorded, MessageReceived
from globalchat.client.lifecycle.channels import SubscriptionSet
from globalchat.client.messages import MOST_CHANNELS
from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import CHANNELS, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, running

LIMITS: dict[str, object] = {"message": 2000, "sender": 32, "id": 64}
INVALID = ["", "Tech", "-tech", "te ch", "x" * 51, "tech\n", "\x1b[2J", "日本"]


def test_names_beyond_the_most_are_left_out_and_counted() -> None:
    names = [f"c{number}" for number in range(5_000)]
    backend = documents.read_backend({"channels": [*names, *names], "limits": LIMITS})
    assert backend.channels == tuple(names[:MOST_CHANNELS])
    assert backend.left_out == 4_000
    assert "4,000 names too many" in (backend.remark or "")


@pytest.mark.parametrize("name", INVALID)
def test_what_cannot_name_a_channel_is_left_out(name: str) -> None:
    backend = documents.read_backend({"channels": ["tech", name, "a_b-9", "x" * 50], "limits": LIMITS})
    assert backend.channels == ("tech", "a_b-9", "x" * 50)
    assert backend.left_out == 1
    assert "1 name too many" in (backend.remark or "")


def test_an_ordinary_backend_needs_no_remark() -> None:
    backend = documents.read_backend({"channels": [*CHANNELS], "limits": LIMITS})
    assert (backend.channels, backend.remark) == (CHANNELS, None)


def test_lists_that_change_with_every_connection_do_not_add_up() -> None:
    channels = SubscriptionSet(None)
    for number in range(10):
        channels.discover(f"c{number}-{each}" for each in range(MOST_CHANNELS // 2))
    assert len(channels.wanted) == MOST_CHANNELS
    channels.discover(["c0-0"])
    assert len(channels.wanted) == MOST_CHANNELS


async def test_a_session_takes_up_the_channels_alone(oregon: FakeAppSync) -> None:
    oregon.channels = ("tech", *INVALID, "cars")
    session = Session(profile_of(oregon), "oregon", options=QUICK)
    async with running(session) as chat:
        described = await chat.next(BackendDescribed)
        assert described.backend.left_out == len(INVALID)
        await chat.phase(Phase.LIVE)
        assert session.channels == ("tech", "cars")


async def test_a_message_of_another_channel_than_the_subscribed_one_is_not_taken(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed("tech")
        for number in range(3):
            raw = oregon.message(str(number), channel=f"other{number}")
            await socket.send(type="data", id=next(iter(socket.starts)), payload={"data": {"subscribe": raw}})
        assert (await chat.next(GapRecorded)).channels == ("tech",)
        await oregon.broadcast(oregon.message("9", text="right"))
        assert (await chat.next(MessageReceived)).message.text == "right"
