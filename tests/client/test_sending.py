"""Sending with an outbox: when drafts go, wait, and end. A scripted backend, no socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from client.errors import ClientError, Refused, Unauthorized, Unreachable
from client.events import (
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    OutboxUnavailable,
    SessionEvent,
)
from client.messages import Draft, Message
from client.options import SessionOptions
from client.outbox.drafts import Drafts
from client.outbox.keeper import Keeper
from client.outgoing import Outgoing
from client.state import Phase, SessionState

E = TypeVar("E")

SLOW = SessionOptions(backoff_base=600.0, backoff_cap=600.0, drain_timeout=5.0, draft_max_age=900.0)
"""Nothing is tried again by itself while a test runs."""
QUICK = replace(SLOW, backoff_base=0.001, backoff_cap=0.001)


class Script:
    """A backend: each publish takes the next step of the script, and is accepted when that is at its end."""

    def __init__(self, *steps: ClientError | asyncio.Event) -> None:
        self.steps = list(steps)
        self.tried: list[str] = []
        self.accepted: list[str] = []
        self.changed = asyncio.Event()

    async def publish(self, draft: Draft) -> Message:
        self.tried.append(draft.text)
        self.changed.set()
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, asyncio.Event):
            await step.wait()
        elif step is not None:
            raise step
        self.accepted.append(draft.text)
        return echo_of(draft)


def echo_of(draft: Draft) -> Message:
    return Message(draft.id, draft.channel, draft.text, draft.sender, "us-west-2", 7)


@dataclass(eq=False)
class Sending:
    """An `Outgoing` with an outbox, and what it told."""

    folder: Path | None
    script: Script
    options: SessionOptions = SLOW
    now: int = 1_000
    events: list[SessionEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.folder, "local", self.tell)
        self.grew = asyncio.Event()
        self.drafts = Drafts(keeper=self.keeper, tell=self.tell, clock=lambda: self.now, options=self.options)
        self.reached = 0
        self.outgoing = Outgoing(
            publish=self.script.publish,
            reached=self.note_reached,
            drafts=self.drafts,
            tell=self.tell,
            clock=lambda: self.now,
            options=self.options,
            rng=Random(1),
        )

    def tell(self, event: SessionEvent) -> None:
        self.events.append(event)
        self.grew.set()

    def note_reached(self) -> None:
        self.reached += 1

    def send(self, text: str, channel: str = "tech") -> Draft:
        draft = Draft(f"id {text}", channel, text, "ada", self.now)
        self.outgoing.submit(draft)
        return draft

    def phase(self, phase: Phase, region: str = "oregon", reason: str | None = None) -> None:
        self.outgoing.note(SessionState(phase, region, reason=reason, remedy=reason and "Do something."))

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                self.grew.clear()
                self.script.changed.clear()
                waits = [asyncio.ensure_future(each.wait()) for each in (self.grew, self.script.changed)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()

    async def told(self, kind: type[E], count: int = 1) -> E:
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


async def settled() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(sending: Sending, phase: Phase | None = Phase.LIVE) -> AsyncIterator[Sending]:
    """The sending runs inside the block, and is closed at its end."""
    task = asyncio.create_task(sending.outgoing.run())
    if phase is not None:
        sending.phase(phase)
    try:
        yield sending
    finally:
        sending.outgoing.close()
        await asyncio.wait_for(task, 15)


def gone() -> Unreachable:
    return Unreachable("Nothing listens there.", remedy="Start it.")


def throttled(after: float | None) -> Refused:
    return Refused("Too often.", error_type="ThrottlingException", retryable=True, retry_after=after)


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
        await sending.told(DraftAccepted, 2)
        assert sending.script.tried == ["early", "later"]


async def test_an_outage_is_waited_out_and_its_reason_told_once(tmp_path: Path) -> None:
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
        await sending.told(DraftAccepted)
        assert not sending.reached


async def test_a_blocked_socket_does_not_keep_http_from_trying_for_ever(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(), QUICK), Phase.FAILED) as sending:
        sending.send("hi")
        loop = asyncio.get_running_loop()
        passed = loop.create_future()
        loop.call_later(0.01, passed.set_result, None)  # far beyond its patience
        await passed
        assert not sending.script.tried
        sending.phase(Phase.RETRYING)
        await sending.told(DraftAccepted)
        assert sending.reached == 1


async def test_what_cannot_be_reached_is_tried_as_long_as_it_takes(tmp_path: Path) -> None:
    script = Script(*(gone() for _ in range(50)))
    async with running(Sending(tmp_path, script, QUICK)) as sending:
        for text in "abc":
            sending.send(text)
        await sending.told(DraftAccepted, 3)
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
        assert (await sending.told(DraftWaiting)).next_try_at is not None
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
            sending.outgoing.wake()
        await sending.told(DraftAccepted)


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
        await sending.told(DraftAccepted)


async def test_a_throttle_is_honoured_by_all_channels_and_by_no_wake_cut_short(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(throttled(100.0)), QUICK)) as sending:
        sending.send("a", "tech")
        waiting = await sending.told(DraftWaiting)
        assert waiting.next_try_at is not None
        assert waiting.next_try_at - sending.now >= 100_000
        sending.send("b", "cars")
        sending.outgoing.wake()
        sending.phase(Phase.LIVE, "sydney")
        await settled()
        assert sending.script.tried == ["a"]


async def test_a_throttle_passes(tmp_path: Path) -> None:
    script = Script(throttled(0.01), throttled(None), gone())
    async with running(Sending(tmp_path, script, QUICK)) as sending:
        sending.send("a")
        await sending.told(DraftAccepted)
        assert script.tried == ["a"] * 4


async def test_a_key_that_is_not_accepted_is_waited_for(tmp_path: Path) -> None:
    refused = Unauthorized("The key has expired.", error_type="UnauthorizedException", remedy="Renew it.")
    async with running(Sending(tmp_path, Script(refused))) as sending:
        draft = sending.send("hi")
        waiting = await sending.told(DraftWaiting)
        assert (waiting.draft, waiting.reason, waiting.remedy) == (draft, "The key has expired.", "Renew it.")
        sending.phase(Phase.FAILED, reason="The key has expired.")
        sending.outgoing.wake()
        await sending.told(DraftWaiting, 2)
        await settled()
        assert len(sending.script.tried) == 1
        sending.phase(Phase.CONNECTING)
        sending.phase(Phase.LIVE)
        await sending.told(DraftAccepted)


async def test_a_refusal_is_final_and_holds_nothing_up(tmp_path: Path) -> None:
    script = Script(Refused("It is too long.", error_type="MessageTooLong"))
    async with running(Sending(tmp_path, script)) as sending:
        refused, _ = sending.send("long"), sending.send("short")
        await sending.told(DraftAccepted)
        assert sending.of(DraftRefused) == [DraftRefused(refused, "MessageTooLong", "It is too long.")]
        assert not sending.outgoing.resend(refused.id)
    again = Sending(tmp_path, Script())
    again.drafts.open()
    assert not again.events
    again.outgoing.close()


async def test_one_of_a_channel_is_in_flight_unless_order_is_given_up(tmp_path: Path) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    for window, expected in ((1, ["a", "x"]), (2, ["a", "b", "x"])):
        script = Script(*gates)
        folder = tmp_path / str(window)
        async with running(Sending(folder, script, replace(SLOW, window=window))) as sending:
            for text, channel in (("a", "tech"), ("b", "tech"), ("c", "tech"), ("x", "cars")):
                sending.send(text, channel)
            await settled()
            assert sorted(script.tried) == expected
            for gate in gates:
                gate.set()
            await sending.told(DraftAccepted, 4)
            assert sorted(script.accepted) == ["a", "b", "c", "x"]
        for gate in gates:
            gate.clear()


async def test_what_waits_too_long_is_held_and_offered(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(gone()))) as sending:
        old, discarded = sending.send("old"), sending.send("discarded")
        await sending.told(DraftWaiting)
        sending.now += 800_000
        new = sending.send("new")
        sending.now += 100_001
        sending.phase(Phase.LIVE, "sydney")
        await sending.told(DraftAccepted)
        assert sending.of(DraftHeld) == [DraftHeld(old), DraftHeld(discarded)]
        assert sending.drafts.held == (old, discarded)
        assert sending.script.accepted == ["new"]
        sending.now += 10_000_000
        assert sending.drafts.discard(discarded.id)
        assert not sending.outgoing.resend(new.id)
        assert sending.outgoing.resend(old.id)
        await sending.told(DraftAccepted, 2)
        assert sending.script.accepted == ["new", "old"]
    assert not await left(tmp_path)


async def test_it_is_held_also_if_nothing_else_happens(tmp_path: Path) -> None:
    script = Script(*(gone() for _ in range(1000)))
    async with running(Sending(tmp_path, script, replace(SLOW, draft_max_age=0.05))) as sending:
        old = sending.send("old")
        await sending.told(DraftWaiting)
        sending.now += 60
        assert (await sending.told(DraftHeld)).draft == old


async def left(folder: Path) -> list[Draft]:
    """What the next start of the same profile finds."""
    sending = Sending(folder, Script())
    sending.drafts.open()
    found = [*sending.drafts.waiting, *sending.drafts.held]
    sending.outgoing.close()
    return found


@pytest.mark.parametrize("stage", ["connecting", "backoff", "throttled", "in flight", "failed"])
@pytest.mark.parametrize("cancel", [False, True], ids=["close", "cancel"])
async def test_what_is_not_accepted_outlives_the_session(tmp_path: Path, stage: str, cancel: bool) -> None:
    never = asyncio.Event()
    steps: dict[str, list[ClientError | asyncio.Event]] = {
        "backoff": [gone()],
        "throttled": [throttled(1000.0)],
        "in flight": [never],
    }
    phase = {"connecting": Phase.CONNECTING, "failed": Phase.FAILED}.get(stage, Phase.LIVE)
    sending = Sending(tmp_path, Script(*steps.get(stage, [])), replace(SLOW, drain_timeout=0.05))
    task = asyncio.create_task(sending.outgoing.run())
    sending.phase(phase)
    wanted = [sending.send("first"), sending.send("second"), sending.send("other", "cars")]
    await settled()
    if cancel:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        sending.outgoing.close()
        await asyncio.wait_for(task, 15)
    kept = [draft for draft in wanted if draft.text not in sending.script.accepted]
    assert [each.draft for each in sending.of(DraftWaiting) if "opened again" in each.reason] == kept
    assert not sending.of(DraftUnsent)
    assert await left(tmp_path) == kept
    unsent = sending.send("too late")
    assert sending.of(DraftUnsent)[0].draft == unsent


async def test_the_next_session_takes_up_what_was_left_before_its_own(tmp_path: Path) -> None:
    first = Sending(tmp_path, Script())
    old = [first.send("one"), first.send("two"), first.send("other", "cars")]
    first.outgoing.close()
    second = Sending(tmp_path, Script())
    new = second.send("three")
    async with running(second):
        await second.told(DraftAccepted, 4)
        assert [event.draft for event in second.of(DraftQueued)] == [*old, new]
        assert [text for text in second.script.tried if text != "other"] == ["one", "two", "three"]
    assert not await left(tmp_path)


async def test_an_old_draft_of_an_earlier_session_is_offered_only(tmp_path: Path) -> None:
    first = Sending(tmp_path, Script())
    old = first.send("old")
    first.outgoing.close()
    later = Sending(tmp_path, Script(), now=first.now + 900_001)
    async with running(later):
        await settled()
        assert later.events == [DraftHeld(old)]
    assert await left(tmp_path) == [old]
    yet_later = Sending(tmp_path, Script(), now=first.now)  # the clock was set back: it stays held
    async with running(yet_later):
        await settled()
        assert yet_later.events == [DraftHeld(old)]
        assert yet_later.outgoing.resend(old.id)
        await yet_later.told(DraftAccepted)


async def test_a_resent_draft_stays_kept_and_is_young_again(tmp_path: Path) -> None:
    first = Sending(tmp_path, Script())
    old = first.send("old")
    first.outgoing.close()
    second = Sending(tmp_path, Script(gone()), now=first.now + 900_001)
    async with running(second):
        assert await second.told(DraftHeld) == DraftHeld(old)
        assert second.outgoing.resend(old.id)
        await second.told(DraftWaiting)
    third = Sending(tmp_path, Script(), now=second.now + 800_000)
    async with running(third):
        assert (await third.told(DraftAccepted)).draft == old


@pytest.mark.parametrize("when", ["in flight", "backoff", "held", "waiting"])
async def test_an_echo_settles_a_draft_whose_answer_is_lost(tmp_path: Path, when: str) -> None:
    answer = asyncio.Event()
    script = Script(*([answer] if when in ("in flight", "waiting") else [gone()]))
    async with running(Sending(tmp_path, script)) as sending:
        first, second = sending.send("first"), sending.send("second")
        await sending.until(lambda: bool(script.tried))
        settled_one = second if when == "waiting" else first
        if when != "in flight" and when != "waiting":
            await sending.told(DraftWaiting)
        if when == "held":
            sending.now += 900_001
            sending.phase(Phase.LIVE, "sydney")
            await sending.told(DraftHeld, 2)
        assert not sending.outgoing.echo(replace(echo_of(settled_one), text="forged"))
        assert not sending.of(DraftAccepted)
        assert sending.outgoing.echo(echo_of(settled_one))
        assert sending.of(DraftAccepted) == [DraftAccepted(settled_one, "us-west-2", 7)]
        assert settled_one not in (*sending.drafts.waiting, *sending.drafts.held)
        answer.set()
        if when == "held":
            assert sending.outgoing.resend(second.id)
        await sending.told(DraftAccepted, 2)
        await settled()
        assert len(sending.of(DraftAccepted)) == 2
        assert script.tried == (["first"] if when == "waiting" else ["first", "second"])
        assert sending.outgoing.echo(echo_of(settled_one))
    assert not await left(tmp_path)


async def test_full_lanes_refuse_and_leave_the_text_with_the_person(tmp_path: Path) -> None:
    options = replace(SLOW, outgoing=2, outgoing_total=3, drain_timeout=0.01)
    never = asyncio.Event()
    async with running(
        Sending(tmp_path, Script(never, never), replace(options, drain_timeout=0.01))
    ) as sending:
        kept = [sending.send("a"), sending.send("b")]
        lane = sending.send("c")
        kept.append(sending.send("d", "cars"))
        total = sending.send("e", "cars")
        assert [event.draft for event in sending.of(DraftUnsent)] == [lane, total]
        assert "this channel" in sending.of(DraftUnsent)[0].reason
        assert not sending.keeper.keeps(lane.id)
        assert sending.outgoing.resend(total.id)
        assert len(sending.of(DraftUnsent)) == 3
    assert await left(tmp_path) == kept


async def test_a_failing_disk_leaves_the_chat_working_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sending = Sending(tmp_path / "file", Script(gone()))
    async with running(sending):
        assert (await sending.told(OutboxUnavailable)).remedy
        first, second = sending.send("first"), sending.send("second")
        await sending.told(DraftWaiting)
        assert sending.drafts.waiting == (first, second)
        sending.outgoing.wake()
        await sending.told(DraftAccepted, 2)
        sending.script.steps = [gone()]
        lost = sending.send("lost")
        await sending.told(DraftWaiting, 2)
    assert [event.draft for event in sending.of(DraftUnsent)] == [lost]


async def test_a_draft_is_stored_before_it_is_shown(tmp_path: Path) -> None:
    sending = Sending(tmp_path, Script())
    seen: list[bool] = []

    def tell(event: SessionEvent) -> None:
        if isinstance(event, DraftQueued):
            seen.append(sending.keeper.keeps(event.draft.id))
        elif isinstance(event, DraftAccepted):
            seen.append(not sending.keeper.keeps(event.draft.id))

    sending.drafts._tell = tell
    async with running(sending):
        sending.send("hi")
        await sending.until(lambda: len(seen) == 2)
    assert seen == [True, True]
