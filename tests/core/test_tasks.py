import asyncio
from typing import NoReturn

import pytest

from globalchat.core.errors import UserError
from globalchat.core.tasks import WakeEvent, run_unless_set, task_group


async def fail(error: Exception) -> NoReturn:
    raise error


async def wait_in_vain(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def test_a_group_without_an_error_waits_for_its_tasks() -> None:
    async with task_group() as group:
        task = group.create_task(asyncio.sleep(0, "done"))
    assert task.result() == "done"


async def test_the_error_of_a_task_is_raised_as_it_is_and_cancels_the_others_and_the_block() -> None:
    ended: list[str] = []

    async def work() -> None:
        async with task_group() as group:
            group.create_task(wait_in_vain(ended))
            group.create_task(fail(UserError("It failed.")))
            await wait_in_vain(ended)

    with pytest.raises(UserError, match=r"^It failed\.$"):
        await work()
    assert ended == ["cancelled", "cancelled"]


async def test_the_error_of_the_block_is_raised_as_it_is_and_cancels_the_tasks() -> None:
    ended: list[str] = []

    async def work() -> None:
        async with task_group() as group:
            group.create_task(wait_in_vain(ended))
            await asyncio.sleep(0)
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await work()
    assert ended == ["cancelled"]


async def test_of_several_errors_the_first_is_raised() -> None:
    async def work() -> None:
        async with task_group() as group:
            group.create_task(fail(UserError("first")))
            group.create_task(fail(UserError("second")))

    with pytest.raises(UserError, match="first"):
        await work()


async def test_a_cancelled_block_is_cancelled() -> None:
    ended: list[str] = []

    async def work() -> None:
        async with task_group() as group:
            group.create_task(wait_in_vain(ended))
            await wait_in_vain(ended)

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait({working})
    assert working.cancelled()
    assert ended == ["cancelled", "cancelled"]


async def test_work_that_ends_before_it_is_to_stop_returns_or_raises() -> None:
    assert await run_unless_set(asyncio.Event(), asyncio.sleep(0, "done")) == "done"
    with pytest.raises(UserError, match=r"^It failed\.$"):
        await run_unless_set(asyncio.Event(), fail(UserError("It failed.")))


async def test_work_is_cancelled_when_it_is_to_stop() -> None:
    stop, ended = asyncio.Event(), list[str]()

    async def never() -> str:
        await wait_in_vain(ended)
        return "done"

    working = asyncio.create_task(run_unless_set(stop, never()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stop.set()
    assert await working is None
    assert ended == ["cancelled"]


async def test_wake_event_remembers_one_nudge() -> None:
    event = WakeEvent()
    event.set()
    event.set()
    assert await event.race(timeout=60)
    assert not await event.race(timeout=0)


async def test_wake_event_wakes_the_waiter() -> None:
    event = WakeEvent()
    waiting = asyncio.create_task(event.race(timeout=60))
    await asyncio.sleep(0)
    event.set()
    assert await waiting


async def test_wake_event_yields_to_what_it_races() -> None:
    other_future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    other_future.set_result(None)
    assert not await WakeEvent().race(other_future, timeout=60)
