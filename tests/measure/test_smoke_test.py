"""The smoke test retries until a message has arrived: new rules of EventBridge lose the first ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import Refused, Unreachable, UserError
from globalchat.measure.smoke_test import smoke_test


@dataclass
class Sent:
    """What publishing returns."""

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


NOT_YET = Refused("The role cannot be assumed.", error_type="UnauthorizedException")


async def run_smoke_test(
    lossy: Lossy,
    monkeypatch: pytest.MonkeyPatch,
    *,
    seconds: float = 60.0,
    unknown: int = 0,
) -> list[str]:
    """Test a deployment of one region, which does not know the key in its first `unknown` connections."""
    left = iter([NOT_YET] * unknown)

    @asynccontextmanager
    async def connect(*_: object, **__: object) -> AsyncIterator[Lossy]:
        if (error := next(left, None)) is not None:
            raise error
        yield lossy

    monkeypatch.setattr("globalchat.measure.smoke_test.connect", connect)
    printed: list[str] = []
    profile = Profile("default", {"oregon": ENDPOINT})
    await smoke_test(profile, "tech", printed.append, timeout=seconds, retry_after=0.01)
    return printed


async def test_what_is_lost_or_refused_at_first_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles and policies that are seconds old are not known everywhere, so no refusal is final at first."""
    busy = Refused("Not yet.", error_type="NotAccepted", retryable=True)
    lossy = Lossy(["lost", busy, NOT_YET, Unreachable("No answer."), "lost", "delivered"])
    (printed,) = await run_smoke_test(lossy, monkeypatch, unknown=2)
    assert printed.startswith("oregon → oregon: a message arrived in ")
    assert lossy.published == 6


async def test_what_can_never_pass_ends_it_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Refused("No.", error_type="MessageTooLong", remedy="Ask.")
    with pytest.raises(UserError, match=r"^No\.$") as failed:
        await run_smoke_test(Lossy([refused]), monkeypatch)
    assert failed.value.remedy == "Ask."


@pytest.mark.parametrize("unknown", [0, 1000])
async def test_when_the_time_is_up_the_last_answer_is_named(
    unknown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as failed:
        await run_smoke_test(Lossy([NOT_YET] * 1000), monkeypatch, seconds=0.1, unknown=unknown)
    assert str(failed.value) == (
        "The deployment is complete, but a message did not pass through every region within 0 s; "
        "the last answer was: The role cannot be assumed."
    )


async def test_if_accepted_messages_arrive_nowhere_the_guard_of_the_broadcast_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Unreachable) as failed:
        await run_smoke_test(Lossy(["lost"] * 1000), monkeypatch, seconds=0.1)
    assert "Not Authorized to access publishFromBus" in (failed.value.remedy or "")


async def test_without_an_accepted_message_the_guard_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable) as failed:
        await run_smoke_test(Lossy([NOT_YET] * 1000), monkeypatch, seconds=0.1)
    assert "publishFromBus" not in (failed.value.remedy or "")
