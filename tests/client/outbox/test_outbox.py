"""Sending with an outbox: when drafts are tried, and when they wait."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.client.events import (
    DraftAccepted,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
)
from globalchat.client.messages import Draft, Message
from globalchat.client.state import Phase
from globalchat.core.errors import Refused, Unauthorized
from tests.client.helpers.sending_driver import (
    QUICK,
    SLOW,
    Script,
    Sending,
    gone,
    running,
    settled,
    throttled,
)


async def test_nothing_goes_before_the_session_is_live(tmp_path: Path) -> None:
    sending = Sending(tmp_path, Script())
    sending.send("early")
    async with running(sending, phase=None):
        await settled()
        sending.phase(Phase.CONNECTING)
        sending.send("later")
        await settled()
        assert not sending.script.tried
        sending.phase(Phase.LIVE)
        await sending.emitted(DraftAccepted, 2)
        assert sending.script.tried == ["early", "later"]


async def test_an_outage_is_waited_out_and_its_reason_emitted_once(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script()), Phase.CONNECTING) as sending:
        draft = sending.send("hi")
        for _ in range(3):
            sending.phase(Phase.RETRYING, reason="No network.")
            await settled()
            sending.phase(Phase.CONNECTING)
            await settled()
        sending.phase(Phase.SUSPENDED, reason="Still no network.")
        await settled()
        reasons = ["No network.", "Still no network."]
        assert sending.of(DraftWaiting) == [
            DraftWaiting(draft, reason, "Do something.") for reason in reasons
        ]
        assert not sending.script.tried
        sending.phase(Phase.LIVE)
        await sending.emitted(DraftAccepted)


async def test_a_blocked_socket_does_not_keep_http_from_trying_for_ever(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(), QUICK), Phase.FAILED) as sending:
        sending.send("hi")
        loop = asyncio.get_running_loop()
        passed = loop.create_future()
        loop.call_later(0.01, passed.set_result, None)  # far beyond the time that it waits
        await passed
        assert not sending.script.tried
        sending.phase(Phase.RETRYING)
        await sending.emitted(DraftAccepted)


async def test_how_long_a_draft_waits_for_a_live_session_does_not_follow_the_backoff(tmp_path: Path) -> None:
    options = replace(SLOW, publish_anyway_after=0.001)
    async with running(Sending(tmp_path, Script(), options), Phase.RETRYING) as sending:
        sending.send("hi")
        await sending.emitted(DraftAccepted)


async def test_what_cannot_be_reached_is_tried_as_long_as_it_takes(tmp_path: Path) -> None:
    script = Script(*(gone() for _ in range(50)))
    async with running(Sending(tmp_path, script, QUICK)) as sending:
        for text in "abc":
            sending.send(text)
        await sending.emitted(DraftAccepted, 3)
        assert script.tried == ["a"] * 51 + ["b", "c"]
        waiting = sending.of(DraftWaiting)
        assert [event.attempt for event in waiting] == list(range(1, 51))
        assert (waiting[0].reason, waiting[0].remedy) == ("Nothing listens there.", "Start it.")
        assert not sending.of(DraftUnsent)
        assert not sending.drafts.waiting


@pytest.mark.parametrize("how", ["live again", "another region", "a person"])
async def test_waiting_ends_at_once_when_something_changes(tmp_path: Path, how: str) -> None:
    async with running(Sending(tmp_path, Script(gone()))) as sending:
        sending.send("hi")
        assert (await sending.emitted(DraftWaiting)).next_try_at is not None
        sending.phase(Phase.LIVE)  # as before: no change
        await settled()
        assert not sending.of(DraftAccepted)
        if how == "live again":
            sending.phase(Phase.RETRYING)
            sending.phase(Phase.CONNECTING)
            await settled()
            assert not sending.of(DraftAccepted)
            sending.phase(Phase.LIVE)
        elif how == "another region":
            sending.phase(Phase.LIVE, "sydney")
        else:
            sending.outbox.wake()
        await sending.emitted(DraftAccepted)


async def test_a_change_during_a_try_is_not_missed(tmp_path: Path) -> None:
    class Slow(Script):
        async def publish(self, draft: Draft) -> Message:
            if not self.tried:
                self.tried.append(draft.text)
                self.changed.set()
                await leave.wait()
                raise gone()
            return await super().publish(draft)

    leave = asyncio.Event()
    async with running(Sending(tmp_path, Slow())) as sending:
        sending.send("hi")
        await sending.until(lambda: bool(sending.script.tried))
        sending.phase(Phase.RETRYING)
        sending.phase(Phase.LIVE)
        leave.set()
        await sending.emitted(DraftAccepted)


async def test_a_throttle_is_honoured_by_all_channels_and_by_no_wake_cut_short(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(throttled(100.0)), QUICK)) as sending:
        sending.send("a", "tech")
        waiting = await sending.emitted(DraftWaiting)
        assert waiting.next_try_at is not None
        assert waiting.next_try_at - sending.now >= 100_000
        sending.send("b", "cars")
        sending.outbox.wake()
        sending.phase(Phase.LIVE, "sydney")
        await settled()
        assert sending.script.tried == ["a"]


async def test_a_throttle_that_names_no_time_is_not_cut_short_either(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(throttled(None)))) as sending:
        sending.send("a")
        await sending.emitted(DraftWaiting)
        sending.outbox.wake()
        await settled()
        assert sending.script.tried == ["a"]
        sending.send("b", "cars")
        await sending.emitted(DraftAccepted)


async def test_a_throttle_passes(tmp_path: Path) -> None:
    script = Script(throttled(0.01), throttled(None), gone())
    async with running(Sending(tmp_path, script, QUICK)) as sending:
        sending.send("a")
        await sending.emitted(DraftAccepted)
        assert script.tried == ["a"] * 4


async def test_a_key_that_is_not_accepted_is_waited_for(tmp_path: Path) -> None:
    refused = Unauthorized("The key has expired.", error_type="UnauthorizedException", remedy="Renew it.")
    async with running(Sending(tmp_path, Script(refused))) as sending:
        draft = sending.send("hi")
        waiting = await sending.emitted(DraftWaiting)
        assert (waiting.draft, waiting.reason, waiting.remedy) == (draft, "The key has expired.", "Renew it.")
        sending.phase(Phase.FAILED, reason="The key has expired.")
        sending.outbox.wake()
        await sending.emitted(DraftWaiting, 2)
        await settled()
        assert len(sending.script.tried) == 1
        sending.phase(Phase.CONNECTING)
        sending.phase(Phase.LIVE)
        await sending.emitted(DraftAccepted)


async def test_a_refusal_is_final_and_holds_nothing_up(tmp_path: Path) -> None:
    script = Script(Refused("It is too long.", error_type="MessageTooLong"))
    async with running(Sending(tmp_path, script)) as sending:
        refused, _ = sending.send("long"), sending.send("short")
        await sending.emitted(DraftAccepted)
        assert sending.of(DraftRefused) == [DraftRefused(refused, "MessageTooLong", "It is too long.")]
        assert not sending.outbox.resend(refused.id)
    again = Sending(tmp_path, Script())
    again.drafts.open()
    assert not again.events
    again.outbox.close()


async def test_one_of_a_channel_is_in_flight(tmp_path: Path) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    script = Script(*gates)
    async with running(Sending(tmp_path, script)) as sending:
        for text, channel in (("a", "tech"), ("b", "tech"), ("c", "tech"), ("x", "cars")):
            sending.send(text, channel)
        await settled()
        assert sorted(script.tried) == ["a", "x"]
        for gate in gates:
            gate.set()
        await sending.emitted(DraftAccepted, 4)
        assert sorted(script.accepted) == ["a", "b", "c", "x"]
