"""The proof sends again until a message has come through: new rules of EventBridge lose the first ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import Refused, UserError
from globalchat.measure import proof


@dataclass
class Sent:
    """What a chat tells of a message."""

    id: str


@dataclass
class Lossy:
    """A chat whose backend answers as `fates` say: lost, delivered, or refused by an error."""

    fates: list[str | Exception]
    arrived: asyncio.Queue[Sent] = field(default_factory=asyncio.Queue)
    published: int = 0

    async def publish(self, channel: str, text: str) -> Sent:
        fate = self.fates[self.published]
        self.published += 1
        message = Sent(f"m{self.published}")
        if isinstance(fate, Exception):
            raise fate
        if fate == "delivered":
            self.arrived.put_nowait(message)
        return message

    async def __aiter__(self) -> AsyncIterator[Sent]:
        while True:
            yield await self.arrived.get()


ENDPOINT = RegionEndpoint("oregon", "us-west-2", "https://a/b", "wss://a/b", "id", "bus", "key")


async def prove(lossy: Lossy, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    @asynccontextmanager
    async def connect(*_: object, **__: object) -> AsyncIterator[Lossy]:
        yield lossy

    monkeypatch.setattr("globalchat.measure.proof.connect", connect)
    told: list[str] = []
    await proof.prove(Profile("default", {"oregon": ENDPOINT}), "tech", told.append, again=0.01)
    return told


async def test_what_is_lost_or_refused_for_the_moment_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Refused("Not yet.", error_type="NotAccepted", retryable=True)
    lossy = Lossy(["lost", busy, "lost", "delivered"])
    (told,) = await prove(lossy, monkeypatch)
    assert told.startswith("oregon → oregon: a message arrived in ")
    assert lossy.published == 4


async def test_what_is_refused_for_good_ends_it_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Refused("No.", error_type="UnknownChannel", remedy="Ask.")
    with pytest.raises(UserError, match=r"^No\.$") as failed:
        await prove(Lossy([refused]), monkeypatch)
    assert failed.value.remedy == "Ask."
