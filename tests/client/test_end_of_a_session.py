"""A session ends whenever it is closed, leaves nothing behind, and stays ended."""

import asyncio

import pytest

from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import CHANNELS, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, Driver, quick, running


@pytest.mark.parametrize("cancel", [False, True], ids=["close", "cancel"])
@pytest.mark.parametrize("stage", ["describing", "handshake", "starting", "retrying", "failed", "switching"])
async def test_ends_from_every_stage(oregon: FakeAppSync, stage: str, cancel: bool) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        session = Session(
            profile_of(oregon, sydney),
            "oregon",
            options=quick(backoff_base=60.0, backoff_cap=60.0, publish_anyway_after=60.0),
        )
        run = await enter(stage, session, oregon, sydney)
        if cancel:
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(run, 15)
        else:
            session.close()
            await asyncio.wait_for(run, 15)
        assert session.state.phase is Phase.CLOSED
        for server in (oregon, sydney):
            server.start_gate.set()
            await server.until(lambda server=server: server.open_now == 0)  # type: ignore[misc]
        while await session.next_events():
            pass


async def enter(
    stage: str, session: Session, oregon: FakeAppSync, sydney: FakeAppSync
) -> "asyncio.Task[None]":
    """Start a session and bring it to a stage."""
    oregon.on_init = {"handshake": "silent", "retrying": "close", "failed": "unauthorized"}.get(stage, "ack")
    if stage == "starting":
        oregon.start_gate.clear()
    run = asyncio.create_task(session.run())
    driver = Driver(session)
    pump = asyncio.create_task(driver.pump())
    if stage in ("handshake", "starting"):
        await oregon.until(lambda: oregon.open_now == 1)
    elif stage == "retrying":
        await driver.phase(Phase.RETRYING)
    elif stage == "failed":
        await driver.phase(Phase.FAILED)
    elif stage == "switching":
        sydney.on_init = "silent"
        await driver.phase(Phase.LIVE)
        session.switch("sydney")
        await sydney.until(lambda: sydney.open_now == 1)
    else:
        await driver.phase(Phase.CONNECTING)
    pump.cancel()
    return run


async def test_cancelling_run_closes_everything(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=QUICK)
    run = asyncio.create_task(session.run())
    await oregon.subscribed(*CHANNELS)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert session.state.phase is Phase.CLOSED
    await oregon.until(lambda: oregon.open_now == 0)
    while await session.next_events():
        pass


async def test_cancelling_again_while_it_ends_closes_everything_too(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=QUICK)
    run = asyncio.create_task(session.run())
    await oregon.subscribed(*CHANNELS)
    for _ in range(3):
        run.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await run
    assert session.state.phase is Phase.CLOSED
    await oregon.until(lambda: oregon.open_now == 0)
    while await session.next_events():
        pass


async def test_closing_before_running_ends_the_events(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=QUICK)
    session.close()
    assert session.state.phase is Phase.CLOSED
    while await session.next_events():
        pass
    await session.run()
    assert oregon.opened == 0


async def test_commands_after_the_end_change_nothing(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    session = Session(profile_of(oregon, sydney), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
    session.join("cars")
    session.leave("tech")
    session.switch("sydney")
    session.retry_now()
    session.send("tech", "too late")
    assert session.state.phase is Phase.CLOSED
    assert (oregon.opened, sydney.opened) == (1, 0)
