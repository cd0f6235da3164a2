"""The short form for scripts."""

import asyncio

import pytest

import globalchat
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick


async def test_ten_lines_are_enough(oregon: FakeAppSync) -> None:
    async with globalchat.connect(
        profile_of(oregon), "oregon", ["tech"], sender="ada", options=QUICK
    ) as chat:
        published = await chat.publish("tech", "hi")
        async for message in chat:
            assert message == published
            break
    assert chat.session.state.phase is Phase.CLOSED
    assert [message async for message in chat] == []


async def test_refused_and_unreachable_are_raised(oregon: FakeAppSync) -> None:
    async with globalchat.connect(profile_of(oregon), "oregon", ["tech"], options=QUICK) as chat:
        with pytest.raises(globalchat.Refused, match="no channel") as caught:
            await chat.publish("nosuch", "hi")
        assert caught.value.error_type == "UnknownChannel"
        await oregon.stop()
        with pytest.raises(globalchat.Unreachable):
            await chat.publish("tech", "hi")


async def test_bad_key_is_raised_and_leaves_nothing(oregon: FakeAppSync) -> None:
    oregon.key = "another"
    with pytest.raises(globalchat.UserError, match="key was not accepted") as caught:
        async with globalchat.connect(profile_of(oregon), "oregon", options=QUICK):
            pass
    assert caught.value.remedy
    assert oregon.opened == 0


async def test_unknown_region_is_raised(oregon: FakeAppSync) -> None:
    with pytest.raises(globalchat.ProfileError, match="no region"):
        globalchat.connect(profile_of(oregon), "mars")


async def test_cancelling_the_wait_leaves_nothing(oregon: FakeAppSync) -> None:
    oregon.on_init = "silent"
    chat = globalchat.connect(profile_of(oregon), "oregon", options=QUICK)
    entering = asyncio.create_task(chat.__aenter__())
    await oregon.until(lambda: oregon.open_now == 1)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    await oregon.until(lambda: oregon.open_now == 0)
    assert chat.session.state.phase is Phase.CLOSED


async def test_slow_reader_loses_the_oldest(oregon: FakeAppSync) -> None:
    options = quick(buffer=2)
    async with globalchat.connect(profile_of(oregon), "oregon", ["tech"], options=options) as chat:
        for number in range(5):
            await chat.publish("tech", str(number))
    texts = [message.text async for message in chat]
    assert texts[-1] == "4"
    assert len(texts) <= 2


async def test_slow_reader_of_large_messages_loses_the_oldest(oregon: FakeAppSync) -> None:
    options = quick(buffer_bytes=5_000)
    async with globalchat.connect(profile_of(oregon), "oregon", ["tech"], options=options) as chat:
        for number in range(5):
            await chat.publish("tech", f"{number} {'x' * 1_500}")
    texts = [message.text async for message in chat]
    assert texts[-1].startswith("4 ")
    assert len(texts) <= 2


async def test_publishing_after_the_end_raises_instead_of_waiting(oregon: FakeAppSync) -> None:
    async with globalchat.connect(profile_of(oregon), "oregon", ["tech"], options=QUICK) as chat:
        chat.session.close()
        assert [message async for message in chat] == []
        with pytest.raises(globalchat.Unreachable, match="closed"):
            await chat.publish("tech", "after the end")
        assert [message async for message in chat] == []
